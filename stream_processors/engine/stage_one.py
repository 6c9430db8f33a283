"""Stage 1: events by session. It decodes, orders, prices and judges, and says what must be kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from watchkeeper.schemas.event_contents import contents_of, is_shared
from watchkeeper.schemas.events import ContentPart, Event, Prompt, SessionStarted
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.wire import line_digest
from watchkeeper.stream_processors.detection.hearing import Place, Verdict
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.sequence import Arrival, arrival_of
from watchkeeper.stream_processors.detection.session import SessionState, load_session
from watchkeeper.stream_processors.engine.decode import Line, Rejected, decode
from watchkeeper.stream_processors.engine.ports import Clock, EventKey, Record, Store, StoredState
from watchkeeper.stream_processors.engine.rows import EventRows, content_row, part_row, session_row
from watchkeeper.stream_processors.engine.sessions import Held, SessionKey, Sessions
from watchkeeper.stream_processors.engine.stage import EventId, Output, next_version

_TABLE = "sessions"
_MAX_ABSENT = 10_000


@dataclass(slots=True)
class Decoded:
    """A record with its events and what is none."""

    record: Record
    lines: list[Line]
    rejected: list[Rejected]


@dataclass(slots=True)
class _Case:
    """What the lines of one record have in common."""

    record: Record
    rows: EventRows
    state: SessionState
    clock_us: int


@dataclass(slots=True)
class Batch:
    """A batch ready to be judged: `digests` are those stored under numbers that come again."""

    decoded: list[Decoded]
    digests: dict[EventKey, list[str]] = field(default_factory=dict)


class StageOne:
    """Stage 1.

    Args:
        judge: judges sessions; its library is filled here.
        store: where states, digests and contents are looked up.
        clock: the worker's clock.
    """

    def __init__(self, judge: Judge, store: Store, clock: Clock) -> None:
        self._judge = judge
        self._store = store
        self._clock = clock
        self.sessions = Sessions()
        self._on_their_way: list[Output] = []
        self._absent: set[str] = set()

    async def assign(self, partitions: Collection[int]) -> None:
        """See `Stage.assign`."""
        loaded = await self._store.open_states(_TABLE, partitions) if partitions else []
        self.sessions.clear()
        self._on_their_way.clear()
        self._absent.clear()
        for stored in loaded:
            self._take(stored)

    async def prepare(self, records: Sequence[Record]) -> Batch:
        """See `Stage.prepare`."""
        batch = Batch([Decoded(record, *decode(record)) for record in records])
        await self._load_sessions(batch)
        await self._load_contents(batch)
        suspects = self._numbers_seen(batch)
        if suspects:
            batch.digests = await self._store.digests(suspects)
        return batch

    def judge(self, prepared: Batch) -> Output:
        """See `Stage.judge`."""
        output = Output(_TABLE)
        self._on_their_way.append(output)
        clock_us = self._clock.now_us()
        for decoded in prepared.decoded:
            self._judge_record(decoded, prepared, output, clock_us)
        self._close(output)
        return output

    def tick(self) -> Output | None:
        """See `Stage.tick`."""
        output = Output(_TABLE)
        clock_us = self._clock.now_us()
        for key, held in self.sessions.open():
            if not self._judge.acts(held.state):
                continue
            verdict = self._judge.tick(held.state, clock_us=clock_us)
            if verdict:
                _add_verdict(output, verdict, held.partition)
                output.touched[key] = None
        if not output.touched:
            return None
        self._on_their_way.append(output)
        self._close(output)
        return output

    def settled(self, output: Output) -> None:
        """See `Stage.settled`."""
        if output in self._on_their_way:
            self._on_their_way.remove(output)
            self.sessions.unpin(output.touched)

    def _judge_record(self, decoded: Decoded, batch: Batch, output: Output, clock_us: int) -> None:
        record, counts = decoded.record, output.counts
        counts.records += 1
        for rejected in decoded.rejected:
            output.add_dead_letter(record, rejected.reason, rejected.detail, rejected.raw, rejected.index)
        if not decoded.lines:
            return
        first = decoded.lines[0].event
        key = (first.tenant_id, first.session_id)
        held = self.sessions.get(key) or self.sessions.add(key, Held(record.partition, self._judge.open(first)))
        if record.offset <= held.state.offset:
            counts.replayed += len(decoded.lines)
            return
        case = _Case(record, EventRows(record), held.state, clock_us)
        for line in decoded.lines:
            self._judge_line(line, case, batch, output)
        held.state.offset = record.offset
        output.touched[key] = None

    def _judge_line(self, line: Line, case: _Case, batch: Batch, output: Output) -> None:
        event, state, counts = line.event, case.state, output.counts
        digest = line_digest(line.raw)
        place = Place(case.record.partition, case.record.offset, line.index)
        event_id = (event.tenant_id, event.session_id, event.writer_id, event.seq)
        lost_track = False
        if arrival_of(state.writer(event.writer_id), event.seq) is Arrival.SEEN:
            known = self._known(event_id, batch)
            if digest in known:
                counts.duplicates += 1
                return
            # Unknown: its gap was given up, or the first row has passed its retention. Kept, and judged no more.
            lost_track = not known
            counts.conflicts += not lost_track
            verdict = Verdict()
            if known:
                verdict = self._judge.conflict(state, event, [*known, digest], clock_us=case.clock_us, place=place)
        else:
            verdict = self._judge.step(state, event, clock_us=case.clock_us, place=place)
        output.recent.setdefault(event_id, []).append(digest)
        late = verdict.late or lost_track
        row = case.rows.row(line, digest, priced=verdict.priced, late=late)
        output.add_row("events", row, to_us(event.occurred_at))
        _add_contents(output, event)
        _add_verdict(output, verdict, case.record.partition)
        counts.events += 1
        counts.late += late

    def _close(self, output: Output) -> None:
        output.seal()
        for key in output.touched:
            held = self.sessions[key]
            held.state.version = next_version(held.state.version, held.state.offset)
            output.states.append(session_row(held.partition, held.state))
        self.sessions.pin(output.touched)

    def _known(self, event_id: EventId, batch: Batch) -> list[str]:
        known = list(batch.digests.get(EventKey(*event_id), ()))
        for output in self._on_their_way:
            known += output.recent.get(event_id, ())
        return known

    def _take(self, stored: StoredState) -> None:
        state = load_session(stored.state)
        if state is not None:
            self.sessions.add((state.tenant_id, state.session_id), Held(stored.partition, state))

    async def _load_sessions(self, batch: Batch) -> None:
        unknown: dict[int, set[SessionKey]] = {}
        for decoded in batch.decoded:
            for line in decoded.lines[:1]:
                key = (line.event.tenant_id, line.event.session_id)
                if key not in self.sessions:
                    unknown.setdefault(decoded.record.partition, set()).add(key)
        for partition, keys in unknown.items():
            for stored in await self._store.states(_TABLE, partition, keys):
                self._take(stored)

    async def _load_contents(self, batch: Batch) -> None:
        events = [line.event for decoded in batch.decoded for line in decoded.lines]
        for event in events:
            if isinstance(event, (SessionStarted, ContentPart)):
                self._judge.learn(event)
        missing: set[str] = set()
        for key in dict.fromkeys((event.tenant_id, event.session_id) for event in events):
            if held := self.sessions.get(key):
                missing.update(self._judge.missing(held.state))
        for event in events:
            if isinstance(event, SessionStarted):
                missing.update(self._judge.missing(None, event))
        await self._look_up(missing - self._absent)

    async def _look_up(self, addresses: set[str]) -> None:
        if not addresses:
            return
        found = await self._store.contents(addresses)
        for address, text in found.items():
            self._judge.library.add(address, text)
        if len(self._absent) > _MAX_ABSENT:
            self._absent.clear()
        self._absent |= addresses - found.keys()

    def _numbers_seen(self, batch: Batch) -> set[EventKey]:
        """Numbers that their writers had used before this batch, and whose rows are not on their way."""
        suspects: set[EventKey] = set()
        for decoded in batch.decoded:
            for line in decoded.lines:
                event = line.event
                held = self.sessions.get((event.tenant_id, event.session_id))
                if held is None or decoded.record.offset <= held.state.offset:
                    continue
                writer = held.state.writers.get(event.writer_id)
                if writer is not None and arrival_of(writer, event.seq) is Arrival.SEEN:
                    suspects.add(EventKey(event.tenant_id, event.session_id, event.writer_id, event.seq))
        return suspects


def _add_verdict(output: Output, verdict: Verdict, partition: int) -> None:
    for finding in verdict.findings:
        output.add_finding(finding)
    for signal in verdict.signals:
        output.add_signal(signal.model_copy(update={"source_partition": partition}))
    for command in verdict.commands:
        output.add_command(command)


def _add_contents(output: Output, event: Event) -> None:
    if isinstance(event, ContentPart):
        output.add_row("contents", part_row(event))
    elif isinstance(event, (SessionStarted, Prompt)):
        for _, content in contents_of(event):
            if content.text is not None and is_shared(content):
                output.add_row("contents", content_row(event, content))
