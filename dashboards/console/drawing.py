"""Charts as numbers that a template writes as SVG: no text of anybody's data ever becomes markup here.

A chart's inside is a box of 1000 by 300, stretched to whatever width the page has; its labels are the page's own text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from watchkeeper.dashboards.console.boards import Panel
from watchkeeper.dashboards.console.rows import Row
from watchkeeper.dashboards.console.sources import Formats
from watchkeeper.dashboards.console.units import NOTHING, number_of, written

WIDTH: Final = 1000
HEIGHT: Final = 300
MAX_SERIES: Final = 10
MAX_ROWS: Final = 200
_DAY: Final = timedelta(days=1)

Below = Mapping[datetime, float] | None
"""Where the series below ends; None where series do not add up."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart.

    Attributes:
        colour: `#rrggbb`; empty for the page's palette.
        last: its last value, with the unit.
        most: its greatest.
        path: of SVG: the line.
        area: of SVG: from the series below to this one; empty where nothing is filled.
        dots: points that stand alone.
    """

    name: str
    colour: str
    last: str
    most: str
    path: str
    area: str
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as text; `numeric` says which columns are figures."""

    names: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Lines:
    """A chart over time.

    Attributes:
        scale: labels from the top to the bottom; `times` from the left to the right.
        limit: how far down the line stands from which on it is bad; None for none.
        more: series that are left out; the table has them.
    """

    series: tuple[Series, ...]
    scale: tuple[str, ...]
    times: tuple[str, ...]
    table: Table
    limit: float | None = None
    more: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar; `parts` are name, colour, beginning and width, of 1000."""

    name: str
    total: str
    parts: tuple[tuple[str, str, float, float, str], ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars, the longest as wide as the chart; `legend` are names with colours."""

    bars: tuple[Bar, ...]
    legend: tuple[tuple[str, str], ...]
    table: Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; `bad` where it is beyond its limit."""

    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """A panel, ready to be shown; one of its forms, or what went wrong."""

    panel: Panel
    figure: Figure | None = None
    lines: Lines | None = None
    bars: Bars | None = None
    table: Table | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """The times at which a chart begins and ends."""

    since: datetime
    until: datetime

    def place(self, moment: datetime) -> float:
        """Where a moment stands, from 0 to the width."""
        return round((moment - self.since) / (self.until - self.since) * WIDTH, 1)

    def label(self, share: float) -> str:
        """The time at a share of the width; the day too where the chart is longer than one."""
        at = self.since + (self.until - self.since) * share
        return f"{at:%H:%M}" if self.until - self.since <= _DAY else f"{at:%d %b %H:%M}"


def drawn(panel: Panel, rows: Sequence[Row], span: Span, formats: Formats) -> Drawn:
    """A panel from its rows."""
    if panel.kind == "stat":
        return Drawn(panel, figure=_figure(panel, rows, formats))
    if rows and panel.kind == "timeseries" and any(isinstance(value, datetime) for value in rows[0].values()):
        return Drawn(panel, lines=_lines(panel, rows, span, formats))
    if rows and panel.kind == "barchart":
        return Drawn(panel, bars=_bars(panel, rows, formats))
    return Drawn(panel, table=table_of(panel, rows, formats))


def table_of(panel: Panel, rows: Sequence[Row], formats: Formats) -> Table:
    """Rows as a table."""
    names = tuple(name for name in rows[0] if name not in panel.hidden) if rows else ()
    numeric = tuple(any(number_of(row[name]) is not None for row in rows) for name in names)
    cells = tuple(
        tuple(_cell(row[name], panel.units.get(name, panel.unit), formats) for name in names) for row in rows[:MAX_ROWS]
    )
    return Table(names, numeric, cells, max(0, len(rows) - MAX_ROWS))


def _cell(value: Any, unit: str, formats: Formats) -> str:
    return "-" if value is None else written(value, unit, formats)


def _figure(panel: Panel, rows: Sequence[Row], formats: Formats) -> Figure:
    values = [value for value in (rows[-1] if rows else {}).values() if not isinstance(value, datetime)]
    value = values[0] if values else None
    found = number_of(value)
    bad = found is not None and panel.limit is not None and found >= panel.limit
    return Figure(NOTHING if value is None else written(value, panel.unit, formats, panel.decimals), bad)


@dataclass(slots=True)
class _Columns:
    """Values by series and moment."""

    moments: list[datetime] = field(default_factory=list)
    series: dict[str, dict[datetime, float]] = field(default_factory=dict)


def _columns(rows: Sequence[Row]) -> _Columns:
    """As Grafana reads them: a time, and either one column for each series, or names beside the values."""
    time = next(name for name, value in rows[0].items() if isinstance(value, datetime))
    labels = [name for name in rows[0] if any(isinstance(row[name], str) for row in rows)]
    values = [name for name in rows[0] if name not in {time, *labels}]
    found = _Columns(sorted({row[time] for row in rows}))
    for row in rows:
        for name in values:
            label = " ".join(str(row[one]) for one in labels)
            if label and len(values) > 1:
                label = f"{label} {name}"
            value = number_of(row[name])
            if value is not None:
                found.series.setdefault(label or name, {})[row[time]] = value
    return found


def _lines(panel: Panel, rows: Sequence[Row], span: Span, formats: Formats) -> Lines:
    found = _columns(rows)
    by_size = sorted(found.series, key=lambda name: -sum(found.series[name].values()))
    shown = [name for name in found.series if name in by_size[:MAX_SERIES]]
    tops = _stacked(found, shown) if panel.stacked else {name: found.series[name] for name in shown}
    most = max((value for points in tops.values() for value in points.values()), default=0.0)
    top = rounded_up(max(most, panel.limit or 0.0))
    box = _Box(panel, top, span, formats)
    series = []
    below: Below = {} if panel.stacked else None
    for name in shown:
        series.append(_series(box, name, found.series[name], tops[name], below))
        below = tops[name] if panel.stacked else None
    return Lines(
        series=tuple(series),
        scale=tuple(written(top * share, panel.unit, formats) for share in (1.0, 0.5, 0.0)),
        times=tuple(span.label(share) for share in (0.0, 0.5, 1.0)),
        table=_table_of_lines(panel, found, formats),
        limit=round(HEIGHT * (1 - panel.limit / top), 1) if panel.limit is not None else None,
        more=len(found.series) - len(shown),
    )


def _stacked(found: _Columns, names: Sequence[str]) -> dict[str, dict[datetime, float]]:
    tops: dict[str, dict[datetime, float]] = {}
    below = dict.fromkeys(found.moments, 0.0)
    for name in names:
        below = {moment: below[moment] + found.series[name].get(moment, 0.0) for moment in found.moments}
        tops[name] = below
    return tops


@dataclass(frozen=True, slots=True)
class _Box:
    """What the lines of a chart share: its panel, its height in the panel's unit, its range."""

    panel: Panel
    top: float
    span: Span
    formats: Formats

    def point(self, moment: datetime, value: float) -> tuple[float, float]:
        return self.span.place(moment), round(HEIGHT * (1 - value / self.top), 1)

    def written(self, value: float) -> str:
        return written(value, self.panel.unit, self.formats)


def _series(
    box: _Box, name: str, values: Mapping[datetime, float], tops: Mapping[datetime, float], below: Below
) -> Series:
    points = [box.point(moment, value) for moment, value in sorted(tops.items())]
    path = "M" + "L".join(f"{x} {y}" for x, y in points) if len(points) > 1 else ""
    area = ""
    if below is not None and len(points) > 1:
        back = [box.point(moment, below.get(moment, 0.0)) for moment in sorted(tops, reverse=True)]
        area = path + "L" + "L".join(f"{x} {y}" for x, y in back) + "Z"
    return Series(
        name=name,
        colour=box.panel.colours.get(name, ""),
        last=box.written(values[max(values)]),
        most=box.written(max(values.values())),
        path=path,
        area=area,
        dots=tuple(points) if len(points) == 1 else (),
    )


def _table_of_lines(panel: Panel, found: _Columns, formats: Formats) -> Table:
    names = list(found.series)
    rows = tuple(
        (
            formats.at(moment),
            *(_cell(found.series[name].get(moment), panel.unit, formats) for name in names),
        )
        for moment in found.moments[-MAX_ROWS:]
    )
    return Table(("time", *names), (False, *(True for _ in names)), rows, max(0, len(found.moments) - MAX_ROWS))


def rounded_up(value: float) -> float:
    """The least of 1, 2, 2.5, 5 and 10 times a power of ten that is not less; 1 where there is nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** (len(str(int(value))) - 1)
    while power > value:
        power /= 10
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def _bars(panel: Panel, rows: Sequence[Row], formats: Formats) -> Bars:
    label = next(iter(rows[0]))
    names = [name for name in rows[0] if any(number_of(row[name]) is not None for row in rows)]
    sums = [sum(number_of(row[name]) or 0.0 for name in names) for row in rows]
    longest = max(sums, default=0.0) or 1.0
    bars = []
    for row, total in zip(rows[:MAX_ROWS], sums, strict=False):
        at, parts = 0.0, []
        for name in names:
            width = (number_of(row[name]) or 0.0) / longest * WIDTH
            if width > 0:
                text = written(row[name], panel.unit, formats)
                parts.append((name, panel.colours.get(name, ""), round(at, 1), round(width, 1), text))
            at += width
        bars.append(Bar(str(row[label]), written(total, panel.unit, formats), tuple(parts)))
    legend = tuple((name, panel.colours.get(name, "")) for name in names if any(number_of(row[name]) for row in rows))
    return Bars(tuple(bars), legend, table_of(panel, rows, formats))
