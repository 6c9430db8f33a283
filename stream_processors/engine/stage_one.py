"""Stage 1: events by session. It decodes, orders, prices and judges, and says what must be kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from watchkeeper.schemas.contents import Content, matches
from watchkeeper.schemas.event_contents import contents_of, is_shared
from watchkeeper.schemas.events import ContentPart, Event, Prompt, SessionStarted
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.wire import line_digest
from watchkeeper.stream_processors.detection.hearing import Place, Verdict
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.reading import covers, position, reach
from watchkeeper.stream_processors.detection.sequence import Arrival, arrival_of
from watchkeeper.stream_processors.detection.session import SessionState, load_session
from watchkeeper.stream_processors.engine.decode import Line
from watchkeeper.stream_processors.engine.loading import Batch, Decoded, Loader
from watchkeeper.stream_processors.engine.ports import Clock, EventKey, Record, Store, StoredDigest
from watchkeeper.stream_processors.engine.remembered import Remembered
from watchkeeper.stream_processors.engine.rows import EventRows, content_row, part_row, session_row
from watchkeeper.stream_processors.engine.sessions import CAPACITY, Held, Sessions
from watchkeeper.stream_processors.engine.stage import DAY_US, Origin, Output, StateSize, next_version

_TABLE = "sessions"


@dataclass(slots=True)
class _Case:
    """What the lines of one record have in common; `covered`: the state has seen a record at or above its offset."""

    record: Record
    rows: EventRows
    state: SessionState
    covered: bool
    clock_us: int
    stamped_us: int


class StageOne:
    """Stage 1.

    Args:
        judge: judges sessions; its library is filled here.
        store: where states, digests and contents are looked up.
        clock: the worker's clock.
        capacity: sessions held in memory; see `Sessions`.
    """

    def __init__(self, judge: Judge, store: Store, clock: Clock, *, capacity: int = CAPACITY) -> None:
        self._judge = judge
        self._store = store
        self._clock = clock
        self.sessions = Sessions(capacity, judge.acts)
        self._on_their_way: list[Output] = []
        self._loader = Loader(judge, store, clock, self.sessions, self._on_their_way)
        self._written = Remembered()

    async def assign(self, partitions: Collection[int]) -> None:
        """See `Stage.assign`."""
        most = self.sessions.capacity
        loaded = await self._store.open_states(_TABLE, partitions, most) if partitions else []
        self.sessions.clear()
        self._on_their_way.clear()
        self._written.clear()
        self._loader.forget()
        for stored in loaded:
            state = load_session(stored.state)
            if state is not None:
                self.sessions.add(
                    (state.tenant_id, state.session_id), Held(stored.partition, state, size=len(stored.state))
                )

    async def prepare(self, records: Sequence[Record]) -> Batch:
        """See `Stage.prepare`."""
        return await self._loader.load(records)

    def judge(self, prepared: Batch) -> Output:
        """See `Stage.judge`."""
        output = Output(_TABLE)
        self._on_their_way.append(output)
        clock_us = self._clock.now_us()
        for decoded in prepared.decoded:
            self._judge_record(decoded, prepared, output, clock_us)
        self._close(output)
        self.sessions.unpin(prepared.pinned)
        return output

    async def prepare_tick(self, until_us: Mapping[int, int]) -> None:
        """See `Stage.prepare_tick`."""
        await self._loader.load_due(until_us)

    def tick(self, until_us: Mapping[int, int]) -> Output | None:
        """See `Stage.tick`."""
        output = Output(_TABLE)
        detected_at = from_us(self._clock.now_us())
        for key, held in self.sessions.open():
            moment_us = until_us.get(held.partition)
            if moment_us is None or not self._judge.acts(held.state):
                continue
            verdict = self._judge.tick(held.state, clock_us=moment_us)
            if verdict:
                # The moment lies a little back; when it was found is told by the clock.
                verdict.findings = [
                    finding.model_copy(update={"detected_at": detected_at}) for finding in verdict.findings
                ]
                _add_verdict(output, verdict, held.partition)
                output.touched[key] = None
        if not output.touched:
            return None
        self._on_their_way.append(output)
        self._close(output)
        return output

    def clock_was_set(self, ahead_us: int) -> None:
        """See `Stage.clock_was_set`."""
        for _, held in self.sessions.open():
            held.state.arrived_us += ahead_us

    def settled(self, output: Output) -> None:
        """See `Stage.settled`."""
        self._on_their_way.remove(output)
        self.sessions.unpin(output.touched)

    def size(self) -> StateSize:
        """See `Stage.size`."""
        return StateSize(len(self.sessions), self.sessions.bytes)

    def _judge_record(self, decoded: Decoded, batch: Batch, output: Output, clock_us: int) -> None:
        record = decoded.record
        output.counts.records += 1
        for rejected in decoded.rejected:
            output.add_dead_letter(record, rejected.reason, rejected.detail, rejected.raw, rejected.index)
        if not decoded.lines:
            return
        first = decoded.lines[0].event
        key = decoded.session
        held = self.sessions.get(key) or self.sessions.add(key, Held(record.partition, self._judge.open(first)))
        state = held.state
        case = _Case(
            record,
            EventRows(record),
            state,
            covers(state, record.log, record.offset),
            clock_us,
            _stamp_us(record, clock_us),
        )
        replayed = output.counts.replayed
        for line in decoded.lines:
            self._judge_line(line, case, batch, output)
        if output.counts.replayed - replayed < len(decoded.lines):
            reach(state, record.log, record.offset)
            output.touched[key] = None

    def _judge_line(self, line: Line, case: _Case, batch: Batch, output: Output) -> None:
        event, counts = line.event, output.counts
        place = Place(case.record.partition, case.record.offset, line.index)
        lost_track = False
        key = EventKey(event.tenant_id, event.session_id, event.writer_id, event.seq)
        if arrival_of(case.state.writer(event.writer_id), event.seq) is not Arrival.SEEN:
            digest = line_digest(line.raw)
            verdict = self._judge.step(
                case.state, event, clock_us=case.clock_us, place=place, stamped_us=case.stamped_us
            )
        elif case.covered:
            counts.replayed += 1
            return
        else:
            digest = line_digest(line.raw)
            known = self._known(key, place, batch)
            if digest in known:
                counts.duplicates += 1
                return
            verdict = Verdict(at_us=to_us(event.occurred_at))
            if known:
                counts.conflicts += 1
                digests = sorted({*known, digest})
                verdict = self._judge.conflict(case.state, event, digests, clock_us=case.clock_us, place=place)
            # Otherwise its gap was given up, or the first row has passed its retention. Kept, and judged no more.
            lost_track = not known
        output.recent.setdefault(key, []).append(StoredDigest(digest, place.partition, place.offset, place.line))
        self._add_event(line, digest, verdict, late=verdict.late or lost_track, case=case, output=output)

    def _add_event(self, line: Line, digest: str, verdict: Verdict, *, late: bool, case: _Case, output: Output) -> None:
        event = line.event
        row = case.rows.row(line, digest, priced=verdict.priced, late=late)
        output.add_event(row, verdict.at_us, Origin(case.record, line.raw, line.index))
        self._add_contents(output, event, case.clock_us)
        _add_verdict(output, verdict, case.record.partition, case.record.log)
        output.counts.events += 1
        output.counts.late += late
        if verdict.lost:
            output.counts.lost.update(verdict.lost)
        output.counts.unpriced += verdict.priced.status == "unpriced"

    def _add_contents(self, output: Output, event: Event, clock_us: int) -> None:
        if type(event) is ContentPart:
            output.add_row("contents", part_row(event))
        elif type(event) is SessionStarted or type(event) is Prompt:
            for _, content in contents_of(event):
                if is_shared(content) and self._is_to_be_written(event, content, clock_us):
                    output.add_row("contents", content_row(event, content))

    def _is_to_be_written(self, event: Event, content: Content, clock_us: int) -> bool:
        """Every session of an agent brings the same tools and policy: once a day keeps them as long as needed."""
        key = (event.tenant_id, content.address, event.retention_class)
        if content.text is None or self._written.holds(key, clock_us):
            return False
        if not matches(content.address, content.text, None):
            # Under this address it would take the place of the true text. It stands in its event, and is a finding.
            return False
        self._written.add(key, clock_us + DAY_US)
        return True

    def _close(self, output: Output) -> None:
        output.seal()
        for key in output.touched:
            held = self.sessions[key]
            held.state.version = next_version(held.state.version, position(held.state))
            row = session_row(held.partition, held.state)
            held.size = len(row)
            output.states.append(row)
        self.sessions.pin(output.touched)

    def _known(self, key: EventKey, place: Place, batch: Batch) -> set[str]:
        """The digests under which this number stands in earlier lines, stored or on their way."""
        known = [*batch.digests.get(key, ())]
        for output in self._on_their_way:
            known += output.recent.get(key, ())
        return {one.digest for one in known if one.stands_before(place.partition, place.offset, place.line)}


def _stamp_us(record: Record, clock_us: int) -> int:
    """When the broker took the record; 0 where that is not known, or told in another unit than milliseconds."""
    stamped_us = record.timestamp_ms * 1000
    return stamped_us if 0 < stamped_us <= clock_us + DAY_US else 0


def _add_verdict(output: Output, verdict: Verdict, partition: int, log: str = "") -> None:
    for finding in verdict.findings:
        output.add_finding(finding)
    for signal in verdict.signals:
        output.add_signal(signal.model_copy(update={"source_partition": partition, "source_log": log}))
    for command in verdict.commands:
        output.add_command(command)
