"""Hours of the pipeline's own figures: what panels over weeks read in place of a row every 15 seconds.

An hour is made whole of the rows of `pipeline_metrics` that fall into it, and of the last word of each series before
it, since what a counter gained is told by two readings. So an hour that follows a changed one is made again as well.
Rows live for 30 days, hours for longer: an hour of which no row is left stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from watchkeeper.stream_processors.rollup_sql import STATEMENT_SETTINGS

SOURCE = "pipeline_metrics"
HOUR_US = 3_600_000_000
EVERY_US = 60_000_000
"""How often hours are made anew while rows come in."""

_DAY_HOURS = 24
_TOGETHER = 6
"""Hours of one statement at most: a worker tells some 90,000 figures an hour."""

_RETENTION_US = 30 * _DAY_HOURS * HOUR_US

Rows = Callable[[str, dict[str, Any]], Sequence[Sequence[Any]]]
Command = Callable[[str, dict[str, Any], Mapping[str, str | int]], None]

_HOUR = f"intDiv(toUnixTimestamp64Micro(toDateTime64(at, 6, 'UTC')), {HOUR_US})"
_LOW, _HIGH, _CUT = (f"fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')" for name in ("low_us", "high_us", "cut_us"))
_WITHIN = f"at >= {_LOW} AND at < {_HIGH}"

# A row is stored seconds after it was read, or not at all: whole days before `since_us` need not be looked at.
TOUCHED = f"""
SELECT {_HOUR} AS number
FROM {SOURCE}
WHERE stored_at >= fromUnixTimestamp64Micro({{since_us:Int64}}, 'UTC')
    AND at >= fromUnixTimestamp64Micro(greatest({{since_us:Int64}} - {_DAY_HOURS * HOUR_US}, 0), 'UTC')
GROUP BY number
ORDER BY number
"""  # noqa: S608 - names are ours

BETWEEN = f"SELECT {_HOUR} AS number FROM {SOURCE} WHERE {_WITHIN} GROUP BY number ORDER BY number"  # noqa: S608 - as above

# By the partitions' own least: no row is read.
FIRST = f"SELECT toUnixTimestamp64Micro(toDateTime64(min(at), 6, 'UTC')) FROM {SOURCE}"  # noqa: S608 - as above

MAKE = f"""
INSERT INTO metric_hours
    (name, hour, worker_id, series, labels, readings, gained, last, last_at, lowest, highest, computed_at)
SELECT
    name, toDateTime64(number * 3600, 0, 'UTC'), worker_id, series, any(told), count(), sum(gain),
    argMax(value, at), max(at), min(value), max(value),
    greatest(now64(6, 'UTC'), (
        SELECT max(computed_at) + toIntervalMicrosecond(1) FROM metric_hours
        WHERE hour >= {_LOW} AND hour < {_HIGH}
    ))
FROM (
    SELECT
        name, worker_id, series, at, told, value, number, is_row,
        greatest(value - lagInFrame(value, 1, if(at < {_CUT}, value, 0)) OVER (
            PARTITION BY name, worker_id, series ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ), 0) AS gain
    FROM (
        SELECT
            name, worker_id, series, at, any(labels) AS told, argMax(pipeline_metrics.value, stored_at) AS value,
            {_HOUR} AS number, true AS is_row
        FROM {SOURCE}
        WHERE {_WITHIN}
        GROUP BY name, worker_id, series, at
        UNION ALL
        SELECT
            name, worker_id, series, max(last_at) AS at, any(labels) AS told, argMax(last, last_at) AS value,
            -1 AS number, false AS is_row
        FROM metric_hours FINAL
        WHERE hour < {_LOW}
            AND hour >= fromUnixTimestamp64Micro(greatest({{low_us:Int64}} - {_RETENTION_US}, 0), 'UTC')
            AND worker_id IN (SELECT DISTINCT worker_id FROM {SOURCE} WHERE {_WITHIN})
        GROUP BY name, worker_id, series
    )
)
WHERE is_row
GROUP BY name, worker_id, series, number
"""  # noqa: S608 - as above
"""Makes the hours from `low_us` until before `high_us`. Before `cut_us` a series' first reading has gained nothing:
there were rows before it, which are past their retention; else a series begins at 0."""


class MetricHours:
    """Keeps the hours up to date.

    Args:
        rows: answers a query.
        command: runs a statement.
        margin_us: how long it may take from the stamp on rows until they can be read.
    """

    def __init__(self, rows: Rows, command: Command, margin_us: int) -> None:
        self._rows, self._command, self._margin_us = rows, command, margin_us
        self._since_us: int | None = None

    def run_pass(self, now_us: int, remembered_us: int) -> tuple[int, bool]:
        """Makes the hours whose rows were stored since the last pass; at most once in `EVERY_US`.

        Args:
            now_us: the server's clock.
            remembered_us: until when an earlier job had come.

        Returns:
            How many were made, and whether a pass is to be remembered.
        """
        if self._since_us is not None and now_us - self._margin_us - self._since_us < EVERY_US:
            return 0, False
        since_us = remembered_us - self._margin_us if self._since_us is None else self._since_us
        touched = [int(row[0]) for row in self._rows(TOUCHED, {"since_us": max(0, since_us)})]
        made = self.make(touched, now_us)
        self._since_us = now_us - self._margin_us
        return made, True

    def between(self, low_us: int, high_us: int) -> list[int]:
        """Numbers of the hours that have rows in a period."""
        return [int(row[0]) for row in self._rows(BETWEEN, {"low_us": low_us, "high_us": high_us})]

    def make(self, hours: Iterable[int], now_us: int) -> int:
        """Makes hours, and those after them, of their rows; returns how many statements' hours there were."""
        made = 0
        wanted = {number for hour in hours for number in (hour, hour + 1) if number * HOUR_US <= now_us}
        if not wanted:
            return 0
        cut_us = self._cut_us(now_us)
        # In order: an hour rests on the one before it.
        for first, last in _runs(sorted(wanted)):
            bounds = {"low_us": first * HOUR_US, "high_us": (last + 1) * HOUR_US, "cut_us": cut_us}
            self._command(MAKE, bounds, STATEMENT_SETTINGS)
            made += last - first + 1
        return made

    def _cut_us(self, now_us: int) -> int:
        """Where retention has cut: a minute after the first row, if rows are as old as they get."""
        ((first_us,),) = self._rows(FIRST, {})
        return int(first_us) + EVERY_US if now_us - int(first_us) > _RETENTION_US - _DAY_HOURS * HOUR_US else 0


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Hours that follow each other, and not too many of them."""
    first = before = numbers[0]
    for number in numbers[1:]:
        if number != before + 1 or number // _TOGETHER != first // _TOGETHER:
            yield first, before
            first = number
        before = number
    yield first, before
