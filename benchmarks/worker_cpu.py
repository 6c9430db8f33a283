"""`make bench-worker`: what an event costs the worker's main thread, part by part, in CPU time.

No broker, no store, no other thread: the same records go through each part again and again, and the least of the
runs counts, so that the figures mean something on a machine that others use too. The baseline is pydantic alone.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from harness import Figure, of_least, write
from load import prepare

from watchkeeper.schemas.events import EVENT_ADAPTER
from watchkeeper.schemas.wire import line_digest, split_lines
from watchkeeper.stream_processors.clock import SystemClock
from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.detection.detector import Detector
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.pricing import NOTHING_TO_PRICE
from watchkeeper.stream_processors.detection.session import SessionState
from watchkeeper.stream_processors.engine.decode import Line, decode
from watchkeeper.stream_processors.engine.engine import batches
from watchkeeper.stream_processors.engine.ports import ContentKey, EventKey, Record, ScoreKey, StateKey, StoredDigest
from watchkeeper.stream_processors.engine.rows import EventRows, session_row
from watchkeeper.stream_processors.engine.stage_one import StageOne
from watchkeeper.stream_processors.prices import GenaiPriceBook
from watchkeeper.stream_processors.worker import calm_collector

MOST_RECORDS = 1000


class EmptyStore:
    """A store that has nothing and keeps nothing: what is measured stops where the store begins."""

    async def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """See `Store.insert`."""

    async def open_states(self, table: str, partitions: Collection[int], most: int) -> list[Any]:  # noqa: ARG002 - the port's shape
        """See `Store.open_states`."""
        return []

    async def states(self, table: str, keys: Collection[StateKey]) -> list[Any]:  # noqa: ARG002 - the port's shape
        """See `Store.states`."""
        return []

    async def digests(self, keys: Collection[EventKey]) -> dict[EventKey, list[StoredDigest]]:  # noqa: ARG002 - as above
        """See `Store.digests`."""
        return {}

    async def known_scores(self, keys: Collection[ScoreKey]) -> set[ScoreKey]:  # noqa: ARG002 - as above
        """None is stored."""
        return set()

    async def contents(self, keys: Collection[ContentKey], most_parts: int) -> list[Any]:  # noqa: ARG002 - as above
        """See `Store.contents`."""
        return []


class Workload:
    """Records as the flood of `make bench` sends them, `together` events in each.

    Attributes:
        sessions: decoded lines by record key.
    """

    def __init__(self, sessions: int, together: int) -> None:
        sent = prepare(sessions, 60, together, f"cpu{together}")
        self.records = [
            Record("agent.events", 0, offset, record.key, record.value, time.time_ns() // 1_000_000, canonical=True)
            for offset, record in enumerate(sent)
        ]
        self.lines = [line for record in self.records for line in decode(record)[0]]
        self.raw = [line for record in self.records for line in split_lines(record.value)]
        assert len(self.lines) == len(self.raw) == sessions * 60

    def least(self, part: Callable[[], object], runs: int) -> list[float]:
        """Microseconds of CPU an event, of each run; whatever the part keeps is let go between runs."""
        observed = []
        for _ in range(runs):
            gc.collect()
            begin = time.thread_time_ns()
            kept = part()
            observed.append((time.thread_time_ns() - begin) / 1000 / len(self.raw))
            del kept
        return observed


def main() -> None:
    """Measures all and writes `results/worker_cpu.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=300, help="sessions of 60 events")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    options = parser.parse_args()
    calm_collector()
    figures = parts(Workload(options.sessions, 20), options.runs)
    single = Workload(options.sessions, 1)
    figures.append(whole("worker_cpu_microseconds_single", single, options.runs, figures[0]))
    if options.dry_run:
        print(*(figure.line() for figure in figures), sep="\n")
    else:
        write("worker_cpu", figures)


def parts(load: Workload, runs: int) -> list[Figure]:
    """The baseline, the whole, and each part of it."""
    baseline = of_least("pydantic_cpu_microseconds", "µs", load.least(lambda: _validated(load.raw), runs))

    def figure(name: str, part: Callable[[], object]) -> Figure:
        return of_least(f"{name}_cpu_microseconds", "µs", load.least(part, runs), baseline)

    return [
        baseline,
        whole("worker_cpu_microseconds", load, runs, baseline),
        figure("decode", lambda: [decode(record) for record in load.records]),
        figure("digest", lambda: [line_digest(raw) for raw in load.raw]),
        figure("rows", lambda: _rows(load.lines)),
        figure("judge_kernel", lambda: _judged(load.lines, ())),
        figure("judge_all", lambda: _judged(load.lines, default_detectors())),
        figure("states", _writing_states(load)),
    ]


def whole(name: str, load: Workload, runs: int, baseline: Figure) -> Figure:
    """All that stage 1 does to a record, up to what the store and the bus are handed."""
    return of_least(name, "µs", load.least(lambda: asyncio.run(_staged(load)), runs), baseline)


async def _staged(load: Workload) -> int:
    judge = Judge(default_detectors(), prices=GenaiPriceBook(), strict=True)
    stage = StageOne(judge, EmptyStore(), SystemClock())
    events = 0
    for start in range(0, len(load.records), MOST_RECORDS):
        for batch in batches(load.records[start : start + MOST_RECORDS]):
            output = stage.judge(await stage.prepare(batch))
            stage.settled(output)
            events += output.counts.events
    assert events == len(load.raw)
    return events


def _validated(raw: Sequence[bytes]) -> list[Any]:
    return [EVENT_ADAPTER.validate_json(line) for line in raw]


def _judged(lines: Sequence[Line], detectors: Sequence[Detector[Any]]) -> dict[str, SessionState]:
    judge = Judge(detectors, prices=GenaiPriceBook(), strict=True)
    states: dict[str, SessionState] = {}
    for line in lines:
        event = line.event
        state = states.get(event.session_id)
        if state is None:
            state = states[event.session_id] = judge.open(event)
        judge.step(state, event, clock_us=0)
    return states


def _rows(lines: Sequence[Line]) -> list[bytes]:
    rows = EventRows(Record("agent.events", 0, 0, b"", b"", 0))
    return [rows.row(line, "0" * 32, priced=NOTHING_TO_PRICE, late=False) for line in lines]


def _writing_states(load: Workload) -> Callable[[], object]:
    # A session's state is written once for each of its records in a batch of their own: the dearest case.
    states = list(_judged(load.lines, default_detectors()).values())
    times = max(1, len(load.records) // len(states))
    return lambda: [session_row(0, state) for state in states for _ in range(times)]


if __name__ == "__main__":
    main()
