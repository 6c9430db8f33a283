"""Keeps the minutes up to date: finds those whose rows were written lately, and makes them anew, whole.

A pass asks which minutes have rows stored since the last complete pass, less a margin that covers inserts in flight,
and makes those whose rows are not the ones that it knows. Nothing is lost by a crash at any point: the mark of a pass
is written last, and what is made twice comes out the same. Two jobs at once do the work twice and harm nothing: a
minute that one of them made of older rows has newer ones, which the next pass of either finds.

All times are the server's: the stamps of rows, the mark, and the version of a minute.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import urllib3
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from watchkeeper.schemas.errors import ConfigurationError, StoreUnavailableError
from watchkeeper.schemas.model import to_us
from watchkeeper.stream_processors.clickhouse import Address, connect_to, parse_dsn, store_error
from watchkeeper.stream_processors.metric_hours import SOURCE as METRICS
from watchkeeper.stream_processors.metric_hours import MetricHours
from watchkeeper.stream_processors.rollup_sql import HOUR_MINUTES, MINUTE_US, SOURCES, STATEMENT_SETTINGS, Source

MARGIN_US = 120_000_000
"""How long it may take from the stamp on an insert's rows until they can be read, and how far servers' clocks may
differ. The worker gives an insert up after 60 s and repeats it under a later stamp."""

MINUTES_A_STATEMENT = 60
ROWS_A_STATEMENT = 2_000_000

_DAY_MINUTES = 1440
_ANSWER_SECONDS = 330
_LOG = logging.getLogger("watchkeeper.rollups")

Print = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PassReport:
    """What a pass did.

    Attributes:
        minutes: how many were made, over all sources.
        statements: in how many statements.
        seconds: how long it took.
        stored_until_us: what was stored before, by the server's clock and less `MARGIN_US`, is in the minutes.
    """

    minutes: int
    statements: int
    seconds: float
    stored_until_us: int


@dataclass(slots=True)
class _Place:
    """How far a source is, and what of its last rows is in the minutes."""

    since_us: int
    known: dict[int, Print] = field(default_factory=dict)


class Rollups:
    """The job.

    Args:
        dsn: `http://user:password@host:port/database`.
        margin_us: see `MARGIN_US`.

    Raises:
        ConfigurationError: the address is malformed or refused.
        StoreUnavailableError: nobody answers there.
    """

    def __init__(self, dsn: str, *, margin_us: int = MARGIN_US) -> None:
        self._address: Address = parse_dsn(dsn)
        self._client: Client = connect_to(self._address, send_receive_timeout=_ANSWER_SECONDS)
        self._margin_us = margin_us
        self._places: dict[str, _Place] = {}
        self._metrics = MetricHours(self._rows, self._command, margin_us)

    def close(self) -> None:
        """Lets go of the connection."""
        self._client.close()

    def run_pass(self) -> PassReport:
        """Makes the minutes that were touched since the last complete pass.

        Raises:
            StoreUnavailableError: the store did not do it now; call again.
            ConfigurationError: tables are missing, or the user is refused.
            PermanentError: the store will never do this.
        """
        started = time.monotonic()
        done = [self._pass_over(source) for source in SOURCES]
        self._pass_over_metrics()
        return PassReport(
            minutes=sum(minutes for minutes, _, _ in done),
            statements=sum(statements for _, statements, _ in done),
            seconds=time.monotonic() - started,
            stored_until_us=min(now_us for _, _, now_us in done),
        )

    def recompute(self, start: datetime, end: datetime) -> PassReport:
        """Makes all minutes of a period anew, whatever is known of them. For repair.

        Args:
            start: aware; its minute is the first.
            end: aware; its minute is made as well, where it does not begin there.

        Raises:
            StoreUnavailableError: the store did not do it now; what was made is right, call again.
            ConfigurationError: tables are missing, or the user is refused.
            PermanentError: the store will never do this.
        """
        started, minutes, statements, now_us = time.monotonic(), 0, 0, self._now_us()
        low, high = to_us(start) // MINUTE_US * MINUTE_US, -(-to_us(end) // MINUTE_US) * MINUTE_US
        for source in SOURCES:
            rows = self._rows(source.between, {"low_us": low, "high_us": high})
            found = {int(row[0]): int(row[1]) for row in rows}
            statements += self._make(source, found)
            minutes += len(found)
        self._metrics.make(self._metrics.between(low, high), now_us)
        return PassReport(minutes, statements, time.monotonic() - started, now_us)

    def _pass_over_metrics(self) -> None:
        now_us = self._now_us()
        _, is_done = self._metrics.run_pass(now_us, self._until_us(METRICS))
        if is_done:
            self._remember(METRICS, now_us)

    def _pass_over(self, source: Source) -> tuple[int, int, int]:
        place = self._places.get(source.table) or self._resumed(source)
        # Asked for before the rows: what is stored meanwhile belongs to the next pass as well.
        now_us = self._now_us()
        next_us = max(place.since_us, now_us - self._margin_us)
        found = self._rows(source.touched, {"since_us": place.since_us, "next_us": next_us})
        changed = {number: rows for number, rows, mark, _, _ in found if place.known.get(number) != (rows, mark)}
        statements = self._make(source, changed)
        known = {number: (rows, mark) for number, _, _, rows, mark in found if rows}
        if changed or source.table not in self._places:
            self._remember(source.table, now_us)
        self._places[source.table] = _Place(next_us, known)
        return len(changed), statements, now_us

    def _resumed(self, source: Source) -> _Place:
        return _Place(max(0, self._until_us(source.table) - self._margin_us))

    def _until_us(self, source: str) -> int:
        asked = (
            "SELECT toUnixTimestamp64Micro(toDateTime64(max(stored_until), 6)) FROM rollup_passes"
            " WHERE source = {source:String}"
        )
        (until_us,) = self._rows(asked, {"source": source})[0]
        return int(until_us)

    def _remember(self, source: str, until_us: int) -> None:
        # A SELECT and not VALUES: its text holds no data part that an endpoint would have to cut off.
        self._command(
            "INSERT INTO rollup_passes (source, stored_until)"
            " SELECT {source:String}, fromUnixTimestamp64Micro({until_us:Int64}, 'UTC')",
            {"source": source, "until_us": until_us},
        )

    def _make(self, source: Source, minutes: Mapping[int, int]) -> int:
        statements = 0
        for numbers in _batches(minutes):
            bounds = {"low_us": numbers[0] * MINUTE_US, "high_us": (numbers[-1] + 1) * MINUTE_US}
            self._command(source.make, {"numbers": numbers, **bounds}, STATEMENT_SETTINGS)
            statements += 1
        return statements + self._make_hours(source, minutes)

    def _make_hours(self, source: Source, minutes: Iterable[int]) -> int:
        """After their minutes: a crash in between leaves the pass unmarked, and both are made again."""
        statements = 0
        hours = dict.fromkeys((number // HOUR_MINUTES for number in sorted(minutes)), 1)
        for numbers in _batches(hours, of_a_day=24):
            hour_us = HOUR_MINUTES * MINUTE_US
            bounds = {"low_us": numbers[0] * hour_us, "high_us": (numbers[-1] + 1) * hour_us}
            self._command(source.make_hours, {"numbers": numbers, **bounds}, STATEMENT_SETTINGS)
            statements += 1
        return statements

    def _now_us(self) -> int:
        return int(self._rows("SELECT toUnixTimestamp64Micro(now64(6))", {})[0][0])

    def _rows(self, sql: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        try:
            return self._client.query(sql, parameters=parameters).result_rows
        except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
            raise store_error(error, self._address, quoting=False) from error

    def _command(self, sql: str, parameters: dict[str, Any], settings: Mapping[str, str | int] | None = None) -> None:
        try:
            self._client.command(sql, parameters=parameters, settings=dict(settings or {}))
        except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
            raise store_error(error, self._address, quoting=False) from error


def run_until(
    stop: threading.Event, dsn: str, *, every_seconds: float = 5.0, passed: Callable[[], None] = lambda: None
) -> None:
    """Passes, one after another, until told to stop. A store that is away, or has no tables yet, is waited for.

    Args:
        stop: ends it, after the pass that runs.
        dsn: `http://user:password@host:port/database`.
        every_seconds: from the beginning of one pass to that of the next.
        passed: called after each pass that was made.

    Raises:
        PermanentError: the store will never do this.
        ConfigurationError: the address is malformed.
    """
    parse_dsn(dsn)
    job: Rollups | None = None
    trouble = ""
    while not stop.is_set():
        began = time.monotonic()
        try:
            job = job or Rollups(dsn)
            report = job.run_pass()
        except (StoreUnavailableError, ConfigurationError) as error:
            # Said once, not at every attempt.
            if str(error) != trouble:
                _LOG.warning("the minutes wait: %s", error)
            trouble = str(error)
        else:
            if trouble:
                told = {"minutes": report.minutes, "seconds": round(report.seconds, 3)}
                _LOG.info("the store is back, and the minutes that waited are made", extra=told)
            trouble = ""
            passed()
        stop.wait(max(0.0, began + every_seconds - time.monotonic()))
    if job is not None:
        job.close()


def _batches(minutes: Mapping[int, int], *, of_a_day: int = _DAY_MINUTES) -> Iterator[list[int]]:
    """Minutes, or hours, of one day and not too many rows together: a statement reads a bounded amount."""
    batch: list[int] = []
    rows = 0
    for number in sorted(minutes):
        is_full = len(batch) == MINUTES_A_STATEMENT or rows + minutes[number] > ROWS_A_STATEMENT
        if batch and (is_full or number // of_a_day != batch[0] // of_a_day):
            yield batch
            batch, rows = [], 0
        batch.append(number)
        rows += minutes[number]
    if batch:
        yield batch
