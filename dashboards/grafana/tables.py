"""Rows, and what their cells show: units, links, bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from watchkeeper.dashboards.grafana import links as cell_links
from watchkeeper.dashboards.grafana.palette import BLUE, RED, SEVERITY_COLOURS
from watchkeeper.dashboards.grafana.query import DATASOURCE, Query

NOTHING: Final = "no data"
"""Shown where there is nothing: undefined is not zero."""

WHOLE: Final = 24

_WIDTHS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("at", "told_at", "began"), 170),
    "mode": 190,
    "agent": 130,
    "session": 130,
    "status": 80,
    "finding": 110,
}
"""Of the columns that tables of findings share: the summary has what is left."""

_Value = DynamicConfigValue


def table(
    title: str,
    description: str,
    statement: str,
    *,
    units: Mapping[str, str] | None = None,
    decimals: Mapping[str, int] | None = None,
    links: Mapping[str, str] | None = None,
    gauges: Mapping[str, float] | None = None,
    widths: Mapping[str, int] | None = None,
    hidden: Sequence[str] = (),
    width: int = WHOLE,
    height: int = 10,
) -> Table:
    """Rows. A column `severity` is coloured by its words.

    Args:
        title: what is shown.
        description: what it means, of what it is made, and what to do about it.
        statement: the file of its SQL.
        units: of columns by name.
        decimals: of columns by name: how many are shown.
        links: of columns by name: where a click on a cell leads.
        gauges: of columns by name: drawn as a bar from 0, with the value from which on it is bad.
        widths: of columns by name, in pixels; the others share what is left.
        hidden: columns that only links read.
        width: of 24.
        height: in Grafana's rows.
    """
    panel = (
        Table()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .with_target(Query(statement))
        .span(width)
        .height(height)
        .no_value(NOTHING)
        .filterable(True)
    )
    plain = {"unit": units, "decimals": decimals, "custom.width": widths}
    made = _plain(plain, hidden)
    for column, url in (links or {}).items():
        made.setdefault(column, []).append(_value("links", [{"title": "Look closer", "url": url}]))
    for column, limit in (gauges or {}).items():
        made.setdefault(column, []).extend(_gauge(limit))
    for name, values in made.items():
        panel = panel.override_by_name(name, values)
    return panel


def found(
    title: str, description: str, statement: str, *, units: Mapping[str, str] | None = None, width: int = WHOLE,
    height: int = 10, decimals: Mapping[str, int] | None = None,
) -> Table:  # fmt: skip
    """A table of findings: its columns `session`, `agent` and `mode` lead on; see `table`."""
    return table(
        title,
        description,
        statement,
        units=units,
        decimals=decimals,
        links=cell_links.OF_FINDINGS,
        hidden=cell_links.HIDDEN,
        widths=_WIDTHS,
        width=width,
        height=height,
    )


def _plain(settings: Mapping[str, Mapping[str, object] | None], hidden: Sequence[str]) -> dict[str, list[_Value]]:
    made = {"severity": _severity()}
    for name, columns in settings.items():
        for column, value in (columns or {}).items():
            made.setdefault(column, []).append(_value(name, value))
    for column in hidden:
        made.setdefault(column, []).append(_value("custom.hidden", value=True))
    return made


def _value(name: str, value: object) -> _Value:
    return DynamicConfigValue(id_val=name, value=value)


def _severity() -> list[_Value]:
    options = {
        word: {"color": colour, "index": place, "text": word}
        for place, (word, colour) in enumerate(SEVERITY_COLOURS.items())
    }
    return [
        _value("mappings", [{"type": "value", "options": options}]),
        _value("custom.cellOptions", {"type": "color-text"}),
        _value("custom.width", 90),
    ]


def _gauge(limit: float) -> list[_Value]:
    steps = [{"value": None, "color": BLUE}, {"value": limit, "color": RED}]
    return [
        _value("custom.cellOptions", {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}),
        _value("min", 0),
        _value("max", limit),
        _value("color", {"mode": "thresholds"}),
        _value("thresholds", {"mode": "absolute", "steps": steps}),
    ]
