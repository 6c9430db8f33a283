"""Stage 2: signals by subject. It folds what no single session can see."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from pydantic import ValidationError

from watchkeeper.schemas.rows import RejectReason
from watchkeeper.schemas.signals import SIGNAL_ADAPTER, Signal
from watchkeeper.stream_processors.detection.reading import position, reach
from watchkeeper.stream_processors.detection.subject_rules.cascading_approval import CascadingApproval
from watchkeeper.stream_processors.detection.subjects import SubjectJudge, SubjectState, load_subject
from watchkeeper.stream_processors.engine.ports import Clock, GrantSource, Record, Store, StoredState
from watchkeeper.stream_processors.engine.rows import dead_letter_row, subject_row
from watchkeeper.stream_processors.engine.stage import Output, StateSize, next_version

_TABLE = "subjects"

_BY_GRANTS = CascadingApproval.listens
"""Signals that are judged by grants."""

SUBJECT_CAPACITY = 100_000
"""Subjects held: most of them, a customer or a written resource, are heard of a few times and never again."""


@dataclass(slots=True, eq=False)
class SubjectHeld:
    """A subject in memory.

    Attributes:
        pins: the batches and outputs on their way that rest on it.
        size: the bytes of its state when that was last read or written.
    """

    partition: int
    state: SubjectState
    pins: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class SignalLine:
    """One line of a record: a signal, or why it is none."""

    record: Record
    index: int
    raw: bytes
    signal: Signal | tuple[RejectReason, str]


@dataclass(slots=True)
class SignalBatch:
    """A batch ready to be judged; `pinned` stay in memory until it is."""

    lines: list[SignalLine]
    pinned: list[str] = field(default_factory=list)


class StageTwo:
    """Stage 2.

    Args:
        judge: judges subjects.
        store: where states are looked up.
        clock: the worker's clock.
        grants: fills the book that the judge's rules look grants up in; None where that is not filled.
        capacity: subjects held while nothing more is pinned; the others come back with their next signal.
    """

    def __init__(
        self,
        judge: SubjectJudge,
        store: Store,
        clock: Clock,
        *,
        grants: GrantSource | None = None,
        capacity: int = SUBJECT_CAPACITY,
    ) -> None:
        self._judge = judge
        self._grants = grants
        self._store = store
        self._clock = clock
        self._capacity = capacity
        self._subjects: OrderedDict[str, SubjectHeld] = OrderedDict()

    async def assign(self, partitions: Collection[int]) -> None:
        """See `Stage.assign`."""
        if partitions and self._grants is not None:
            await self._grants.catch_up()
        loaded = await self._store.open_states(_TABLE, partitions, self._capacity) if partitions else []
        self._subjects.clear()
        for stored in loaded:
            self._take(stored)

    async def prepare(self, records: Sequence[Record]) -> SignalBatch:
        """See `Stage.prepare`."""
        batch = SignalBatch(
            [
                SignalLine(record, index, raw, _decode(raw, record.key))
                for record in records
                for index, raw in enumerate(record.value.split(b"\n"))
                if raw and not raw.isspace()
            ]
        )
        signals = [(line.record.partition, line.signal) for line in batch.lines if not isinstance(line.signal, tuple)]
        if self._grants is not None and any(signal.kind in _BY_GRANTS for _, signal in signals):
            await self._grants.catch_up()
        wanted = {(partition, signal.subject): None for partition, signal in signals}
        # Pinned before the store is asked: what is held now may leave while it answers.
        self._pin(batch, [subject for _, subject in wanted if subject in self._subjects])
        unknown = [key for key in wanted if key[1] not in self._subjects]
        if not unknown:
            return batch
        try:
            for stored in await self._store.states(_TABLE, unknown):
                if stored.key[0] not in self._subjects:
                    self._take(stored)
                    self._pin(batch, [stored.key[0]])
        except BaseException:
            self._unpin(batch.pinned)
            raise
        return batch

    def judge(self, prepared: SignalBatch) -> Output:
        """See `Stage.judge`."""
        output = Output(_TABLE)
        clock_us = self._clock.now_us()
        for line in prepared.lines:
            self._judge_line(line, output, clock_us)
        for subject in output.touched:
            held = self._subjects[subject]
            held.state.version = next_version(held.state.version, position(held.state))
            row = subject_row(held.partition, held.state)
            held.size = len(row)
            output.states.append(row)
            held.pins += 1
            self._subjects.move_to_end(subject)
        self._unpin(prepared.pinned)
        return output

    async def prepare_tick(self, until_us: Mapping[int, int]) -> None:
        """See `Stage.prepare_tick`."""

    def tick(self, until_us: Mapping[int, int]) -> Output | None:  # noqa: ARG002 - the protocol's shape
        """See `Stage.tick`. Windows move with the signals' own times; silence says nothing here."""
        refused = [] if self._grants is None else self._grants.refused()
        if not refused:
            return None
        output = Output(_TABLE)
        for record, reason, detail in refused:
            # To the table alone: there each worker that reads the record writes the same row, and the record itself
            # stays where it is.
            output.add_row("dead_letters", dead_letter_row(record, reason, detail, record.value, -1))
        return output

    def clock_was_set(self, ahead_us: int) -> None:
        """See `Stage.clock_was_set`. Nothing waits here."""

    def settled(self, output: Output) -> None:
        """See `Stage.settled`."""
        self._unpin(output.touched)

    def _judge_line(self, line: SignalLine, output: Output, clock_us: int) -> None:
        record, signal = line.record, line.signal
        output.counts.records += line.index == 0
        if isinstance(signal, tuple):
            output.add_dead_letter(record, *signal, line.raw, line.index)
            return
        held = self._hold(signal, record.partition)
        reach(held.state, record.log, record.offset)
        verdict = self._judge.step(held.state, signal, clock_us=clock_us)
        for finding in verdict.findings:
            output.add_finding(finding)
        for command in verdict.commands:
            output.add_command(command)
        output.touched[signal.subject] = None
        output.counts.events += 1

    def size(self) -> StateSize:
        """See `Stage.size`."""
        return StateSize(len(self._subjects), sum(held.size for held in self._subjects.values()))

    def _hold(self, signal: Signal, partition: int) -> SubjectHeld:
        held = self._subjects.get(signal.subject)
        if held is None:
            held = self._subjects[signal.subject] = SubjectHeld(partition, self._judge.open(signal))
        return held

    def _take(self, stored: StoredState) -> None:
        state = load_subject(stored.state)
        if state is not None:
            self._subjects[state.subject] = SubjectHeld(stored.partition, state, size=len(stored.state))

    def _pin(self, batch: SignalBatch, subjects: Iterable[str]) -> None:
        for subject in subjects:
            self._subjects[subject].pins += 1
            batch.pinned.append(subject)

    def _unpin(self, subjects: Iterable[str]) -> None:
        for subject in subjects:
            self._subjects[subject].pins -= 1
        surplus = len(self._subjects) - self._capacity
        if surplus > 0:
            spare = (subject for subject, held in self._subjects.items() if held.pins == 0)
            for subject in list(islice(spare, surplus)):
                del self._subjects[subject]


def _decode(raw: bytes, key: bytes | None) -> Signal | tuple[RejectReason, str]:
    try:
        signal = SIGNAL_ADAPTER.validate_json(raw)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        reason: RejectReason = "not_json" if problem["type"] == "json_invalid" else "invalid_field"
        return reason, f"{'.'.join(map(str, problem['loc'])) or 'signal'}: {problem['msg']}"
    if signal.subject.encode() != key:
        return "wrong_key", f"the signal is about {signal.subject[:200]}: key its record by that"
    return signal
