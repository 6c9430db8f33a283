"""What stage 1 loads before it judges a batch: sessions that it does not hold, texts, digests of numbers seen before.

The store answers late, and meanwhile earlier outputs are kept: what they held in memory leaves then. So whatever the
batch rests on is pinned, or copied, before the store is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.events import Event, SessionStarted
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.library import MAX_PARTS
from watchkeeper.stream_processors.detection.reading import covers
from watchkeeper.stream_processors.detection.rules_in_force import context_of
from watchkeeper.stream_processors.detection.sequence import Arrival, arrival_of
from watchkeeper.stream_processors.detection.session import load_session
from watchkeeper.stream_processors.engine.decode import Line, Rejected, decode
from watchkeeper.stream_processors.engine.ports import Clock, ContentKey, EventKey, Record, Store, StoredDigest
from watchkeeper.stream_processors.engine.remembered import Remembered
from watchkeeper.stream_processors.engine.sessions import Held, SessionKey, Sessions
from watchkeeper.stream_processors.engine.stage import Output

_DUE_TOGETHER = 500
"""Sessions whose texts are loaded together: of two each, they have room in the library."""

_ASK_AGAIN_US = 10_000_000
"""A text that was not there is asked for again after so long: another worker may have stored it since."""


@dataclass(slots=True)
class Decoded:
    """A record with its events and what is none."""

    record: Record
    lines: list[Line]
    rejected: list[Rejected]

    @property
    def session(self) -> SessionKey:
        """The session of all its lines: the record's key names it."""
        event = self.lines[0].event
        return event.tenant_id, event.session_id


@dataclass(slots=True)
class Batch:
    """A batch ready to be judged.

    Attributes:
        pinned: sessions that stay in memory until the batch is judged.
        digests: those known under numbers that come again.
    """

    decoded: list[Decoded]
    pinned: list[SessionKey] = field(default_factory=list)
    digests: dict[EventKey, list[StoredDigest]] = field(default_factory=dict)


class Loader:
    """Loads what judging a batch needs; changes no state.

    Args:
        sessions: the sessions in memory; loaded ones are added.
        on_their_way: the outputs that are not kept yet, as the stage adds and removes them.
    """

    def __init__(
        self, judge: Judge, store: Store, clock: Clock, sessions: Sessions, on_their_way: Sequence[Output]
    ) -> None:
        self._judge = judge
        self._store = store
        self._clock = clock
        self._sessions = sessions
        self._on_their_way = on_their_way
        self._absent = Remembered()

    def forget(self) -> None:
        """Asks again for everything that was not there."""
        self._absent.clear()

    async def load(self, records: Sequence[Record]) -> Batch:
        """The batch, with all it needs in memory.

        Raises:
            StoreUnavailableError: nothing is pinned then, and the whole may be tried again.
        """
        batch = Batch([Decoded(record, *decode(record)) for record in records])
        try:
            await self._load_sessions(batch)
            await self._load_contents(self._missing(batch))
            await self._load_digests(batch)
        except BaseException:
            self._sessions.unpin(batch.pinned)
            raise
        return batch

    async def _load_sessions(self, batch: Batch) -> None:
        keys = dict.fromkeys(decoded.session for decoded in batch.decoded if decoded.lines)
        self._pin(batch, [key for key in keys if key in self._sessions])
        unknown = {
            (decoded.record.partition, *decoded.session): None
            for decoded in batch.decoded
            if decoded.lines and decoded.session not in self._sessions
        }
        if not unknown:
            return
        for stored in await self._store.states("sessions", unknown):
            state = load_session(stored.state)
            key = (stored.key[0], stored.key[1])
            if state is not None and key not in self._sessions:
                self._sessions.add(key, Held(stored.partition, state, size=len(stored.state)))
                self._pin(batch, [key])

    def _pin(self, batch: Batch, keys: list[SessionKey]) -> None:
        self._sessions.pin(keys)
        batch.pinned += keys

    async def load_due(self, until_us: Mapping[int, int]) -> None:
        """The texts of sessions that a tick will look at: one that was loaded and told nothing since lacks them.

        Without them the default policy would stand in, whose limits are others and by which nothing is commanded.

        Args:
            until_us: by partition, the moment of the tick.
        """
        due = [held.state for _, held in self._sessions.open() if self._lacks_texts(held, until_us)]
        for start in range(0, len(due), _DUE_TOGETHER):
            states = due[start : start + _DUE_TOGETHER]
            await self._load_contents(
                ContentKey(state.tenant_id, address) for state in states for address in self._judge.missing(state)
            )
            for state in states:
                # Kept with the session: the next texts may push these out of the library.
                context_of(state, self._judge.library)

    def _lacks_texts(self, held: Held, until_us: Mapping[int, int]) -> bool:
        state, moment_us = held.state, until_us.get(held.partition)
        if moment_us is None or state.context is not None or not self._judge.acts(state):
            return False
        return self._judge.is_due(state, clock_us=moment_us)

    async def _load_contents(self, keys: Iterable[ContentKey]) -> None:
        now_us = self._clock.now_us()
        missing = {key for key in keys if not self._absent.holds(key, now_us)}
        if not missing:
            return
        for part in await self._store.contents(missing, MAX_PARTS):
            if part.parts == 1:
                self._judge.library.add(part.address, part.text)
            else:
                self._judge.library.add_part(part.address, part.part, part.parts, part.text)
        for key in missing:
            if key.address not in self._judge.library:
                self._absent.add(key, now_us + _ASK_AGAIN_US)

    def _missing(self, batch: Batch) -> Iterable[ContentKey]:
        """Texts that judging needs and neither the library nor the batch itself holds.

        What the batch holds is learned as its lines are judged, so that it makes no difference where batches are cut.
        """
        for tenant_id, session_id in batch.pinned:
            for address in self._judge.missing(self._sessions[tenant_id, session_id].state):
                yield ContentKey(tenant_id, address)
        for decoded in batch.decoded:
            for line in decoded.lines:
                if isinstance(line.event, SessionStarted):
                    carried = _carried(line.event)
                    for address in self._judge.missing(None, line.event):
                        if address not in carried:
                            yield ContentKey(line.event.tenant_id, address)

    async def _load_digests(self, batch: Batch) -> None:
        suspects = self._numbers_seen(batch)
        if not suspects:
            return
        for output in self._on_their_way:
            for key in suspects & output.recent.keys():
                batch.digests.setdefault(key, []).extend(output.recent[key])
        for key, digests in (await self._store.digests(suspects)).items():
            batch.digests.setdefault(key, []).extend(digests)

    def _numbers_seen(self, batch: Batch) -> set[EventKey]:
        """Numbers that their writers had used before this batch, and that are no replay."""
        suspects: set[EventKey] = set()
        for decoded in batch.decoded:
            held = self._sessions.get(decoded.session) if decoded.lines else None
            if held is None or covers(held.state, decoded.record.log, decoded.record.offset):
                continue
            for line in decoded.lines:
                event = line.event
                writer = held.state.writers.get(event.writer_id)
                if writer is not None and arrival_of(writer, event.seq) is Arrival.SEEN:
                    suspects.add(EventKey(event.tenant_id, event.session_id, event.writer_id, event.seq))
        return suspects


def _carried(event: Event) -> set[str]:
    return {content.address for _, content in contents_of(event) if content.text is not None}
