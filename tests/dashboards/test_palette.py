"""Colours: enough contrast on light and dark, and apart to every eye. Computed here, from the published formulas."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from watchkeeper.dashboards.grafana import palette
from watchkeeper.dashboards.grafana.build import texts

PANELS = {"dark": "#181B1F", "light": "#FFFFFF"}
"""The background of a panel in Grafana's two themes."""

NEEDED_CONTRAST = 3.0
"""WCAG 2.2, 1.4.11: of graphics that one needs in order to understand."""

NEEDED_DISTANCE = 0.09
"""In OKLab, where 0.02 is just noticed side by side."""

SIGHTS = {
    "all receptors": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""Machado, Oliveira, Fernandes 2009, severity 1: on linear RGB."""

COLOURS = {name: getattr(palette, name) for name in ("RED", "ORANGE", "YELLOW", "SKY", "GREY", "BLUE", "GREEN", "PINK")}
TOGETHER = [
    list(palette.SEVERITY_COLOURS.values()),
    list(palette.STATUS_COLOURS.values()),
    list(dict.fromkeys(palette.QUANTILE_COLOURS.values())),
]
"""What stands in one panel."""

Triple = tuple[float, float, float]


def linear(colour: str) -> Triple:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lights = sorted((luminance(one), luminance(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def times(matrix: tuple[Triple, Triple, Triple], vector: Triple) -> Triple:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def oklab(rgb: Triple) -> Triple:
    red, green, blue = (min(1.0, max(0.0, part)) for part in rgb)
    to_receptors = (
        (0.4122214708, 0.5363325363, 0.0514459929),
        (0.2119034982, 0.6806995451, 0.1073969566),
        (0.0883024619, 0.2817188376, 0.6299787005),
    )
    to_lab = (
        (0.2104542553, 0.7936177850, -0.0040720468),
        (1.9779984951, -2.4285922050, 0.4505937099),
        (0.0259040371, 0.7827717662, -0.8086757660),
    )
    one, two, three = times(to_receptors, (red, green, blue))
    return times(to_lab, (one ** (1 / 3), two ** (1 / 3), three ** (1 / 3)))


def distance(one: str, other: str, sight: str) -> float:
    seen = [oklab(times(SIGHTS[sight], linear(colour))) for colour in (one, other)]
    return float(sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5)


def test_the_formulas_agree_with_known_values() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert oklab((1, 1, 1)) == pytest.approx((1, 0, 0), abs=1e-4)
    # Pure red and a dark green are hard to tell apart without green receptors, and easy with them.
    assert distance("#CC0000", "#6B6B00", "no green") < 0.05
    assert distance("#CC0000", "#6B6B00", "all receptors") > 0.2


@pytest.mark.parametrize("theme", PANELS)
@pytest.mark.parametrize("name", COLOURS)
def test_colours_stand_out_from_panels(name: str, theme: str) -> None:
    assert contrast(COLOURS[name], PANELS[theme]) >= NEEDED_CONTRAST


@pytest.mark.parametrize("sight", SIGHTS)
def test_colours_of_one_panel_are_apart(sight: str) -> None:
    for colours in TOGETHER:
        for one, other in combinations(colours, 2):
            assert distance(one, other, sight) >= NEEDED_DISTANCE, (one, other)


def test_panels_have_no_other_colours() -> None:
    used = {colour for text in texts().values() for colour in re.findall(r'"(#[0-9a-fA-F]{3,8})"', text)}
    assert used <= set(COLOURS.values())
