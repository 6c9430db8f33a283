"""Every dashboard is one as Grafana's published schema describes them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from board_schema import faults_of_board

FOLDER = Path(__file__).resolve().parents[2] / "dashboards/grafana/json"
FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dashboard_is_as_grafana_describes_it(file: Path) -> None:
    assert faults_of_board(json.loads(file.read_text())) == []


def panel(document: Any, kind: str) -> Any:
    return next(one for one in document["panels"] if one["type"] == kind)


def with_unknown_field(document: Any) -> None:
    document["refreshes"] = "30s"


def with_unknown_panel_field(document: Any) -> None:
    panel(document, "stat")["unit"] = "short"


def with_wrong_type(document: Any) -> None:
    panel(document, "stat")["title"] = 7


def with_unknown_word(document: Any) -> None:
    panel(document, "timeseries")["fieldConfig"]["defaults"]["custom"]["showPoints"] = "sometimes"


def with_unknown_option(document: Any) -> None:
    panel(document, "stat")["options"]["graph"] = "area"


def with_option_of_another_type(document: Any) -> None:
    panel(document, "timeseries")["options"]["legend"]["showLegend"] = "yes"


def with_unknown_override(document: Any) -> None:
    panel(document, "table")["fieldConfig"]["overrides"][0]["properties"] = [{"id": "custom.breadth", "value": 90}]


def with_override_of_another_type(document: Any) -> None:
    panel(document, "table")["fieldConfig"]["overrides"][0]["properties"] = [{"id": "unit", "value": 90}]


@pytest.mark.parametrize(
    "spoil",
    [
        with_unknown_field,
        with_unknown_panel_field,
        with_wrong_type,
        with_unknown_word,
        with_unknown_option,
        with_option_of_another_type,
        with_unknown_override,
        with_override_of_another_type,
    ],
)
def test_what_is_wrong_is_seen(spoil: Callable[[Any], None]) -> None:
    document = json.loads((FOLDER / "watchkeeper-overview.json").read_text())
    assert faults_of_board(document) == []
    spoilt = copy.deepcopy(document)
    spoil(spoilt)
    assert faults_of_board(spoilt) != []
