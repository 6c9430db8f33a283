"""The page of graders shows the figures that were published, and all of them."""

from __future__ import annotations

import json

from graders_page import PAGE, RESULTS, filled


def test_the_page_shows_the_published_figures() -> None:
    figures = json.loads(RESULTS.read_text())["figures"]
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page, figures) == page
    assert all(f"`{figure['name']}`" in page for figure in figures)


def test_another_figure_makes_another_page() -> None:
    page = "<!-- figures: tau2 -->\n\nold\n\n<!-- end -->"
    figure = {"name": "tau2_auc", "value": 0.5, "unit": "", "n": 9, "interval": [0.4, 0.6]}
    other = {**figure, "name": "trail_auc"}
    assert "| `tau2_auc` | 0.500 | 0.400 to 0.600 | 9 |" in filled(page, [figure, other])
    assert "trail" not in filled(page, [figure, other])
