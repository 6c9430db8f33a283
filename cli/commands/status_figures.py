"""Workers' figures, from where they can be had: the workers of this machine themselves, and the rows in the store."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from watchkeeper.cli.stack.health import figures, local_workers, runs
from watchkeeper.cli.store import ReadStore

WINDOW_SECONDS: Final = 300
LOSSES_SECONDS: Final = 86_400
ALIVE_SECONDS: Final = 60
"""A worker of which a row came so lately is taken to live."""

_FRESH_SECONDS: Final = 45
"""A series whose first row stands so far behind the window's beginning did not exist before: it began at 0."""

SERIES: Final = """
SELECT worker_id, name, any(labels) AS labels, max(at) AS seen_at, argMax(value, at) AS last, min(at) AS first_at,
    arraySort(pair -> pair.1, groupArray((at, value))).2 AS steps,
    arraySum((change, value) -> if(change < 0, value, change), arrayDifference(steps), steps)
        + if(first_at > now64(3) - toIntervalSecond({window:UInt32} - {fresh:UInt32}), steps[1], 0) AS recent
FROM pipeline_metrics FINAL
WHERE at > now64(3) - toIntervalSecond({window:UInt32}) AND ({name:String} = '' OR name = {name:String})
GROUP BY worker_id, name, series
"""


@dataclass(frozen=True, slots=True)
class Series:
    """One figure of one worker.

    Attributes:
        worker: host and process.
        last: as it stands.
        recent: of a counter, by how much it grew in the window; where only the worker itself was asked, since it began.
        seen_at: when it was told.
    """

    worker: str
    name: str
    labels: Mapping[str, str]
    last: float
    recent: float
    seen_at: datetime


Figures = dict[tuple[str, str, tuple[tuple[str, str], ...]], Series]
"""By worker, name and labels."""


def from_store(store: ReadStore, window_seconds: int = WINDOW_SECONDS, name: str = "") -> Figures:
    """What workers wrote lately.

    Raises:
        WatchkeeperError: the store does not answer, or lacks the table.
    """
    rows = store.rows(SERIES, window=window_seconds, fresh=_FRESH_SECONDS, name=name)
    return _keyed(_series(row) for row in rows)


def from_workers(home: Path) -> Figures:
    """What the workers of a directory say now. One that hangs is left out."""
    found: list[Series] = []
    for pid in local_workers(home):
        page = figures(home, pid)
        found += _parsed(page, f"{socket.gethostname()}/{pid}") if page else []
    return _keyed(found)


def together(stored: Figures, told: Figures) -> Figures:
    """Both: what a worker says now is newer, and rows know how it grew."""
    merged = dict(stored)
    for key, series in told.items():
        row = stored.get(key)
        recent = series.recent if row is None else row.recent
        merged[key] = Series(series.worker, series.name, series.labels, series.last, recent, series.seen_at)
    return merged


def alive(all_figures: Figures, seconds: float = ALIVE_SECONDS) -> Figures:
    """Those of workers that told something lately, but for those of this machine that have ended."""
    now = datetime.now(UTC)
    gone = {worker for worker, _, _ in all_figures if _has_ended(worker)}
    return {
        key: one
        for key, one in all_figures.items()
        if one.worker not in gone and (now - one.seen_at).total_seconds() < seconds
    }


def _has_ended(worker: str) -> bool:
    host, _, pid = worker.rpartition("/")
    return host == socket.gethostname() and pid.isdecimal() and not runs(int(pid))


def named(all_figures: Figures, name: str, **labels: str) -> list[Series]:
    """The series of a name, of all workers, whose labels say at least this."""
    return [
        one
        for one in all_figures.values()
        if one.name == name and all(one.labels.get(label) == value for label, value in labels.items())
    ]


def quantile(all_figures: Figures, name: str, share: float, **labels: str) -> float | None:
    """A quantile of a histogram over all workers, in seconds; None without observations.

    Interpolated within its bucket, as Prometheus' `histogram_quantile` does; beyond the last bound it is that bound.
    """
    buckets: dict[float, float] = {}
    for one in named(all_figures, f"{name}_bucket", **labels):
        bound = float(one.labels["le"])
        buckets[bound] = buckets.get(bound, 0.0) + one.recent
    total = buckets.get(float("inf"), 0.0)
    if not total:
        return None
    below, lower = 0.0, 0.0
    for bound in sorted(buckets):
        count = buckets[bound]
        if count >= share * total:
            return (
                lower if bound == float("inf") else lower + (bound - lower) * (share * total - below) / (count - below)
            )
        below, lower = count, bound
    return lower


def _series(row: Mapping[str, Any]) -> Series:
    return Series(row["worker_id"], row["name"], row["labels"], row["last"], row["recent"], row["seen_at"])


def _parsed(page: str, worker: str) -> Iterator[Series]:
    # Brought by the extra that brings workers: without it there is none to be asked.
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - only `processors` has it

    now = datetime.now(UTC)
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.value == sample.value:
                yield Series(worker, sample.name, sample.labels, sample.value, sample.value, now)


def _keyed(found: Iterable[Series]) -> Figures:
    return {(one.worker, one.name, tuple(sorted(one.labels.items()))): one for one in found}
