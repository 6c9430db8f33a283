"""Stage 2: signals by subject. It folds what no single session can see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from watchkeeper.schemas.rows import RejectReason
from watchkeeper.schemas.signals import SIGNAL_ADAPTER, Signal
from watchkeeper.stream_processors.detection.subjects import SubjectJudge, SubjectState, load_subject
from watchkeeper.stream_processors.engine.ports import Clock, Record, Store, StoredState
from watchkeeper.stream_processors.engine.rows import subject_row
from watchkeeper.stream_processors.engine.stage import Output, next_version

_TABLE = "subjects"

_MOST_SUBJECTS = 1_000_000
"""Loaded with a partition; an agent is one."""


@dataclass(slots=True)
class SubjectHeld:
    """A subject in memory."""

    partition: int
    state: SubjectState
    offset: int = -1


@dataclass(frozen=True, slots=True)
class SignalLine:
    """One line of a record: a signal, or why it is none."""

    record: Record
    index: int
    raw: bytes
    signal: Signal | tuple[RejectReason, str]


class StageTwo:
    """Stage 2. Subjects are few and stay in memory while their partition is in hand."""

    def __init__(self, judge: SubjectJudge, store: Store, clock: Clock) -> None:
        self._judge = judge
        self._store = store
        self._clock = clock
        self._subjects: dict[str, SubjectHeld] = {}

    async def assign(self, partitions: Collection[int]) -> None:
        """See `Stage.assign`."""
        loaded = await self._store.open_states(_TABLE, partitions, _MOST_SUBJECTS) if partitions else []
        self._subjects.clear()
        for stored in loaded:
            self._take(stored)

    async def prepare(self, records: Sequence[Record]) -> list[SignalLine]:
        """See `Stage.prepare`."""
        return [
            SignalLine(record, index, raw, _decode(raw, record.key))
            for record in records
            for index, raw in enumerate(record.value.split(b"\n"))
            if raw and not raw.isspace()
        ]

    def judge(self, prepared: list[SignalLine]) -> Output:
        """See `Stage.judge`."""
        output = Output(_TABLE)
        clock_us = self._clock.now_us()
        for line in prepared:
            record, signal = line.record, line.signal
            output.counts.records += line.index == 0
            if isinstance(signal, tuple):
                output.add_dead_letter(record, *signal, line.raw, line.index)
                continue
            held = self._hold(signal, record.partition)
            held.offset = record.offset
            for finding in self._judge.step(held.state, signal, clock_us=clock_us):
                output.add_finding(finding)
            output.touched[signal.subject] = None
            output.counts.events += 1
        for subject in output.touched:
            held = self._subjects[subject]
            held.state.version = next_version(held.state.version, held.offset)
            output.states.append(subject_row(held.partition, held.state))
        return output

    def tick(self, until_us: Mapping[int, int]) -> Output | None:  # noqa: ARG002 - the protocol's shape
        """See `Stage.tick`. Windows move with the signals' own times; silence says nothing here."""
        return None

    def settled(self, output: Output) -> None:
        """See `Stage.settled`."""

    def _hold(self, signal: Signal, partition: int) -> SubjectHeld:
        held = self._subjects.get(signal.subject)
        if held is None:
            held = self._subjects[signal.subject] = SubjectHeld(partition, self._judge.open(signal))
        return held

    def _take(self, stored: StoredState) -> None:
        state = load_subject(stored.state)
        if state is not None:
            self._subjects[state.subject] = SubjectHeld(stored.partition, state)


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
