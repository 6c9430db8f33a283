"""Asks the panels of a dashboard: the same statements as Grafana's, over the same range, for the same choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from watchkeeper.dashboards.console.boards import Board, Panel, Variable
from watchkeeper.dashboards.console.drawing import Drawn, Span, drawn
from watchkeeper.dashboards.console.errors import AskedWrongError
from watchkeeper.dashboards.console.rows import Row
from watchkeeper.dashboards.console.visit import Visit
from watchkeeper.dashboards.grafana.macros import ALL, Range, expand
from watchkeeper.schemas.errors import TransientError, WatchkeeperError

SPANS: Final[Mapping[str, timedelta]] = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
FIRST_SPAN: Final = "24h"
_POINTS: Final = 120
_AT_ONCE: Final = 4
_POOL: Final = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="panels")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen above a dashboard: a variable, what can be chosen, and what is."""

    variable: Variable
    options: Sequence[str]
    chosen: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A range of time and values of variables."""

    name: str
    range: Range
    values: Mapping[str, Sequence[str]]


def span_of(visit: Visit) -> str:
    """The range that the address names.

    Raises:
        AskedWrongError: there is no such range.
    """
    name = visit.query("range") or FIRST_SPAN
    if name not in SPANS:
        raise AskedWrongError(f"range is {name!r}: give one of {', '.join(SPANS)}")
    return name


def range_of(name: str, now: datetime) -> Range:
    """The range that ends now, with as many points as a page has room for."""
    length = SPANS[name]
    step = max(60, round(length.total_seconds() / _POINTS / 60) * 60)
    return Range(now - length, now, step * 1000)


def asked_for(visit: Visit, board: Board) -> Asked:
    """What the address asks of a dashboard."""
    name = span_of(visit)
    values = {variable.name: _values(visit, variable) for variable in board.variables}
    return Asked(name, range_of(name, visit.now), values)


def _values(visit: Visit, variable: Variable) -> Sequence[str]:
    given = visit.queries(f"var-{variable.name}")
    # Macros are expanded after variables, as Grafana does: a value that is one could take its quotes apart.
    strange = next((value for value in given if "$" in value and value != ALL), None)
    if strange is not None:
        raise AskedWrongError(f"{variable.label} is {strange!r}: a value with a $ in it cannot be chosen here")
    if variable.text:
        return given[:1] or list(variable.first) or [""]
    return given or list(variable.first) or [ALL]


def choices(visit: Visit, board: Board, asked: Asked) -> list[Choice]:
    """The variables with what can be chosen, asked of the store."""
    found = []
    for variable in board.variables:
        options: Sequence[str] = variable.options
        if variable.statement:
            rows = visit.sources.store.rows(expand(variable.statement, asked.range, asked.values))
            options = [str(value) for row in rows for value in list(row.values())[:1]]
        chosen = frozenset(asked.values[variable.name])
        if variable.text:
            found.append(Choice(variable, (), chosen))
            continue
        missing = sorted(chosen - set(options) - {ALL})
        found.append(Choice(variable, [*missing, *options], chosen))
    return found


def ask(visit: Visit, panels: Sequence[Panel], asked: Asked) -> dict[int, Drawn]:
    """Panels by their number, drawn.

    Raises:
        StoreUnavailableError: the store is away. What else goes wrong with one panel is told in its place.
    """
    answers = [(panel, _POOL.submit(_rows, visit, panel, asked)) for panel in panels]
    span = Span(asked.range.since, asked.range.until)
    done: dict[int, Drawn] = {}
    for panel, answer in answers:
        try:
            done[panel.number] = drawn(panel, answer.result(), span, visit.sources.formats)
        except TransientError:
            raise
        except WatchkeeperError as error:
            done[panel.number] = Drawn(panel, problem=str(error))
    return done


def _rows(visit: Visit, panel: Panel, asked: Asked) -> list[Row]:
    return [
        row
        for statement in panel.statements
        for row in visit.sources.store.rows(expand(statement, asked.range, asked.values))
    ]
