"""The figures of one stage: what its engine tells batch by batch, and what its runner knows of its partitions."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from watchkeeper.schemas.losses import TOLD_LOSSES
from watchkeeper.schemas.topics import EVENTS
from watchkeeper.stream_processors.engine.observer import Step
from watchkeeper.stream_processors.engine.ports import Horizon, Record
from watchkeeper.stream_processors.engine.stage import Counts, Output, StateSize
from watchkeeper.stream_processors.watching.liveness import Liveness
from watchkeeper.stream_processors.watching.meters import Meters
from watchkeeper.stream_processors.watching.names import MetricName, values_of

STATES_SECONDS = 15.0
"""How often states are measured: each is looked at."""

_COUNTS: dict[str, MetricName] = {
    "records": "watchkeeper_records_total",
    "events": "watchkeeper_events_total",
    "duplicates": "watchkeeper_duplicates_total",
    "replayed": "watchkeeper_replays_total",
    "late": "watchkeeper_late_events_total",
    "conflicts": "watchkeeper_conflicts_total",
    "unpriced": "watchkeeper_unpriced_requests_total",
    "signals": "watchkeeper_signals_total",
    "commands": "watchkeeper_commands_total",
}


class StageFigures:
    """The engine's observer, and what its runner tells.

    All of it is told in the event loop, at most once a batch or once a second.

    Args:
        topic: what the stage reads.
        now: seconds since 1970, of the clock that producers' times are compared with.
    """

    def __init__(self, topic: str, meters: Meters, liveness: Liveness, now: Callable[[], float] = time.time) -> None:
        self.topic, self._meters, self._liveness, self._now = topic, meters, liveness, now
        self._told: dict[tuple[Hashable, ...], int] = {}
        self._read: dict[int, int] = {}
        self._committed: dict[int, int] = {}
        self._even_at = time.monotonic()
        self._sized_at = float("-inf")
        self._answers: dict[int, int] = {}
        # There from the start: whoever alerts on an increase would not see the first.
        for reason in values_of("watchkeeper_dead_letters_total", "reason"):
            meters.count("watchkeeper_dead_letters_total", 0, topic=topic, reason=reason)
        for reason in TOLD_LOSSES if topic == EVENTS.name else ():
            meters.count("watchkeeper_lost_events_total", 0, topic=topic, reason=reason)

    @contextmanager
    def step(self, name: Step) -> Iterator[None]:
        """See `Observer.step`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._meters.observe("watchkeeper_step_seconds", time.perf_counter() - began, topic=self.topic, step=name)

    def judged(self, records: Sequence[Record], output: Output) -> None:
        """See `Observer.judged`."""
        self._meters.observe("watchkeeper_batch_records", len(records), topic=self.topic)
        self._meters.observe("watchkeeper_batch_events", output.counts.events, topic=self.topic)

    def published(self, output: Output) -> None:
        """See `Observer.published`."""
        for at_us in output.found_us:
            late = max(0.0, self._now() - at_us / 1e6)
            self._meters.observe("watchkeeper_finding_seconds", late, topic=self.topic)

    def stored(self, output: Output) -> None:
        """See `Observer.stored`."""
        if output.oldest_ms is not None and output.rows:
            late = max(0.0, self._now() - output.oldest_ms / 1000)
            self._meters.observe("watchkeeper_stored_seconds", late, topic=self.topic)

    def note(self, counts: Counts) -> None:
        """Takes over what the stage has counted since it began."""
        for field, name in _COUNTS.items():
            self._count(name, getattr(counts, field))
        for reason, number in counts.reasons.items():
            self._count("watchkeeper_dead_letters_total", number, reason=reason)
        for reason, number in counts.lost.items():
            self._count("watchkeeper_lost_events_total", number, reason=reason)
        for (mode, severity), number in counts.found.items():
            self._count("watchkeeper_findings_total", number, mode=mode, severity=severity)

    def measure(self, size: Callable[[], StateSize]) -> None:
        """Measures the states, where it is time."""
        if time.monotonic() < self._sized_at + STATES_SECONDS:
            return
        self._sized_at = time.monotonic()
        entries, taken = size()
        self._meters.set("watchkeeper_states", entries, topic=self.topic)
        self._meters.set("watchkeeper_state_bytes", taken, topic=self.topic)

    def taken(self, records: Sequence[Record]) -> None:
        """Records were taken from the stream."""
        for record in records:
            self._committed.setdefault(record.partition, record.offset)
            self._read[record.partition] = record.offset + 1
        self._liveness.fetched(self.topic)
        self._liveness.moved(self.topic)

    def committed(self, offsets: Mapping[int, int]) -> None:
        """These offsets, from which the partitions are to be read next, were committed."""
        self._committed.update(offsets)
        self._even_at = time.monotonic()

    def assigned(self) -> None:
        """Other partitions are in hand; what was known of them is not any more."""
        for partition in {*self._read, *self._committed, *self._answers}:
            labels = {"topic": self.topic, "partition": str(partition)}
            self._meters.forget("watchkeeper_lag_records", **labels)
            self._meters.forget("watchkeeper_uncommitted_records", **labels)
        self._read.clear()
        self._committed.clear()
        self._answers.clear()
        self._liveness.moved(self.topic)

    def reached(self, horizons: Mapping[int, Horizon], in_hand: int) -> None:
        """Where the logs of the partitions in hand end, as the broker's last answers told; asked every second."""
        behind = 0
        for partition, horizon in horizons.items():
            judged = self._read.get(partition, horizon.start)
            if judged is not None:
                lag = max(0, horizon.end - judged)
                behind += lag
                self._meters.set("watchkeeper_lag_records", lag, topic=self.topic, partition=str(partition))
        self._meters.set("watchkeeper_partitions", in_hand, topic=self.topic)
        self._liveness.behind(self.topic, behind)
        answers = {partition: horizon.at_us for partition, horizon in horizons.items()}
        if not in_hand:
            self._liveness.released(self.topic)
        elif answers != self._answers:
            self._liveness.fetched(self.topic)
        self._answers = answers
        self._note_commits()

    def _note_commits(self) -> None:
        waiting = {partition: read - self._committed.get(partition, read) for partition, read in self._read.items()}
        for partition, records in waiting.items():
            self._meters.set(
                "watchkeeper_uncommitted_records", max(0, records), topic=self.topic, partition=str(partition)
            )
        if not any(records > 0 for records in waiting.values()):
            self._even_at = time.monotonic()
        self._meters.set("watchkeeper_commit_age_seconds", time.monotonic() - self._even_at, topic=self.topic)

    def _count(self, name: MetricName, number: int, **labels: str) -> None:
        key = (name, *labels.values())
        more = number - self._told.get(key, 0)
        if more:
            self._told[key] = number
            self._meters.count(name, more, topic=self.topic, **labels)
