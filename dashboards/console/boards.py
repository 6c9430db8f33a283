"""Grafana's dashboards as the console reads them: the committed JSON, so that both show the same by the same SQL."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from watchkeeper.dashboards.console.errors import NotThereError
from watchkeeper.dashboards.grafana import macros
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.model import from_us

FOLDER: Final = Path(macros.__file__).parent / "json"
_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")
_PREFIX: Final = "watchkeeper-"
_PROBE: Final = "?probe?"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        kind: `stat`, `timeseries`, `barchart`, `table`, …; what cannot be drawn is shown as a table.
        wide: whether it takes the page's whole width.
        unit: Grafana's name of the unit; `units` those of single columns.
        decimals: how many are shown; None for as many as it takes.
        limit: from where on a figure is bad; None where nothing is.
        stacked: whether the series add up.
        statements: with macros and variables in them.
        colours: of series by name.
        hidden: columns that only Grafana's links read.
    """

    number: int
    title: str
    description: str
    kind: str
    wide: bool
    unit: str
    decimals: int | None
    limit: float | None
    stacked: bool
    statements: tuple[str, ...]
    colours: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Variable:
    """What can be chosen above a dashboard.

    Attributes:
        statement: lists the values; empty where `options` are all there are, or where a text is given.
        text: whether a text is given, and nothing chosen.
        everything: whether "all" can be chosen.
        several: whether more than one can.
        first: what is chosen before anybody chooses.
    """

    name: str
    label: str
    description: str
    statement: str
    options: tuple[str, ...]
    everything: bool
    several: bool
    first: tuple[str, ...]
    text: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard; `sections` are headings with their panels."""

    name: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    sections: tuple[tuple[str, tuple[Panel, ...]], ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, from top to bottom."""
        return tuple(panel for _, panels in self.sections for panel in panels)


@cache
def boards() -> Mapping[str, Board]:
    """All dashboards by name, the overview first.

    Raises:
        ConfigurationError: a statement holds a variable that is not quoted: addresses could say what is asked.
    """
    found = [_board(json.loads(file.read_text())) for file in sorted(FOLDER.glob("*.json"))]
    ordered = sorted(found, key=lambda board: (board.name != "overview", board.name))
    # One of texts alone is for Grafana: the console shows runbooks on pages of their own.
    return {board.name: board for board in ordered if board.panels}


def board_of(name: str) -> Board:
    """The dashboard of that name.

    Raises:
        NotThereError: there is none.
    """
    if name not in boards():
        raise NotThereError(f"there is no dashboard {name}: there are {', '.join(boards())}")
    return boards()[name]


def _board(told: Mapping[str, Any]) -> Board:
    variables = tuple(_variable(one) for one in told["templating"]["list"])
    sections: list[tuple[str, list[Panel]]] = []
    for one in told["panels"]:
        if one["type"] == "row":
            sections.append((one["title"], []))
        elif one.get("targets"):
            if not sections:
                sections.append(("", []))
            sections[-1][1].append(_panel(one, variables))
    return Board(
        name=told["uid"].removeprefix(_PREFIX),
        title=told["title"].removeprefix("Watchkeeper: "),
        description=told.get("description", ""),
        variables=variables,
        sections=tuple((title, tuple(panels)) for title, panels in sections if panels),
    )


def _panel(told: Mapping[str, Any], variables: tuple[Variable, ...]) -> Panel:
    defaults = told.get("fieldConfig", {}).get("defaults", {})
    statements = tuple(target["rawSql"] for target in told["targets"])
    for statement in statements:
        _check_quoted(statement, variables, told["title"])
    return Panel(
        number=told["id"],
        title=told["title"],
        description=told.get("description", ""),
        kind=told["type"],
        wide=told["gridPos"]["w"] > 12,
        unit=defaults.get("unit", "short"),
        decimals=defaults.get("decimals"),
        limit=_limit(defaults),
        stacked=_is_stacked(told, defaults),
        statements=statements,
        colours=_of_columns(told, "color", _fixed),
        units=_of_columns(told, "unit", str),
        hidden=frozenset(_of_columns(told, "custom.hidden", lambda hidden: "hidden" if hidden else "")),
    )


def _check_quoted(statement: str, variables: tuple[Variable, ...], title: str) -> None:
    """What stands in an address is a value in quotes, and never a part of the statement."""
    day = macros.Range(from_us(0), from_us(86_400_000_000))
    text = macros.expand(statement, day, {variable.name: [_PROBE] for variable in variables})
    if text.count(_PROBE) != text.count(f"'{_PROBE}'"):
        raise ConfigurationError(f"the panel {title!r} holds a variable without quotes: write ${{name:singlequote}}")


def _limit(defaults: Mapping[str, Any]) -> float | None:
    steps = defaults.get("thresholds", {}).get("steps", [])
    values = [step["value"] for step in steps if step.get("value") is not None]
    return float(values[0]) if values else None


def _is_stacked(told: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    custom = defaults.get("custom", {}).get("stacking", {}).get("mode", "none")
    return (told.get("options", {}).get("stacking") or custom) in {"normal", "percent"}


def _of_columns(told: Mapping[str, Any], name: str, read: Any) -> dict[str, str]:
    found = {}
    for override in told.get("fieldConfig", {}).get("overrides", []):
        for wanted in override["properties"]:
            if override["matcher"]["id"] == "byName" and wanted["id"] == name and (value := read(wanted["value"])):
                found[override["matcher"]["options"]] = value
    return found


def _fixed(value: Mapping[str, Any]) -> str:
    colour = str(value.get("fixedColor", ""))
    return colour if _COLOUR.fullmatch(colour) else ""


def _variable(told: Mapping[str, Any]) -> Variable:
    query = told["query"] if isinstance(told.get("query"), str) else ""
    kind = told["type"]
    chosen = told.get("current", {}).get("value", query if kind == "textbox" else [])
    return Variable(
        name=told["name"],
        label=told.get("label") or told["name"],
        description=told.get("description") or "",
        statement=query if kind == "query" else "",
        options=tuple(one.strip() for one in query.split(",")) if kind == "custom" else (),
        everything=bool(told.get("includeAll")),
        several=bool(told.get("multi")),
        first=tuple([chosen] if isinstance(chosen, str) else chosen),
        text=kind not in {"query", "custom"},
    )
