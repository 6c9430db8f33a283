"""What the engine needs of the world: a bus, a store and a clock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from watchkeeper.schemas.errors import PermanentError
from watchkeeper.schemas.rows import RejectReason


class RowsRefusedError(PermanentError):
    """The store read the rows and will not have them: one of them, at least, never goes in."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic, as read.

    Attributes:
        timestamp_ms: the broker's time of the record, in milliseconds since 1970.
        canonical: whether its writer vouches for the canonical form of its lines (`schemas.wire`).
        log: names the broker's log. A broker that forgot everything counts its offsets from 0 again, in another log.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    timestamp_ms: int
    canonical: bool = False
    log: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One record to be written."""

    topic: str
    key: bytes
    value: bytes
    headers: dict[str, str] = field(default_factory=dict)


StateKey = tuple[int | str, ...]
"""A state's partition, and what it is about: tenant and session, or a subject."""


@dataclass(frozen=True, slots=True)
class StoredState:
    """One row of a state table: `key` is `(tenant, session)` of a session, `(subject,)` of a subject."""

    partition: int
    key: tuple[str, ...]
    state: str


class EventKey(NamedTuple):
    """An event by its writer's number."""

    tenant_id: str
    session_id: str
    writer_id: str
    seq: int


class StoredDigest(NamedTuple):
    """A digest, and the place in the stream of the line that it was stored for."""

    digest: str
    partition: int
    offset: int
    line: int

    def stands_before(self, partition: int, offset: int, line: int) -> bool:
        """Whether it is an earlier line's: found at a replay, a line's own digest, or a later one's, proves nothing."""
        return self.partition != partition or (self.offset, self.line) < (offset, line)


class ContentKey(NamedTuple):
    """A text of a tenant."""

    tenant_id: str
    address: str


class ScoreKey(NamedTuple):
    """A score, by the key of its table, and whether it is a failure to grade: that may be made good later."""

    tenant_id: str
    source: str
    agent_id: str
    score_id: str
    failed: bool


@dataclass(frozen=True, slots=True)
class StoredPart:
    """One part of a stored text; a short text is one part of one."""

    address: str
    part: int
    parts: int
    text: str


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far the broker's log of a partition reached at some moment.

    Attributes:
        start: the offset at which reading began, or that of the last record read since; None where neither is known.
        end: the offset after the last record that the log held at `at_us`, or a later one.
        at_us: that moment, in microseconds since 1970. What is not in the log before `end` had not arrived by then.
    """

    start: int | None
    end: int
    at_us: int


class Bus(Protocol):
    """Kafka, as the engine writes to it."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Returns when every message is acknowledged.

        Of the messages of one topic and key, none is written unless those before it were: a later signal that
        overtakes an earlier one would have that one taken for a repeat.

        Raises:
            BusUnavailableError: not all were acknowledged; some may have been written all the same.
        """

    async def log_id(self) -> str:
        """Names the broker's log: the id of the cluster.

        Raises:
            BusUnavailableError: the broker does not answer.
        """


class Store(Protocol):
    """ClickHouse, as the engine uses it.

    Every method raises `StoreUnavailableError` where a later attempt may succeed, and `PermanentError` where not.
    """

    async def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """Inserts rows, each a JSON object by column name. Never called without rows.

        Raises:
            RowsRefusedError: the rows themselves are at fault.
        """

    async def open_states(self, table: str, partitions: Collection[int], most: int) -> list[StoredState]:
        """The latest states on these partitions that are not closed; of more than `most`, those heard of last."""

    async def states(self, table: str, keys: Collection[StateKey]) -> list[StoredState]:
        """The latest states of these keys, closed ones included."""

    async def digests(self, keys: Collection[EventKey]) -> dict[EventKey, list[StoredDigest]]:
        """The digests under which events with these numbers are stored."""

    async def contents(self, keys: Collection[ContentKey], most_parts: int) -> list[StoredPart]:
        """What is stored of these texts; a text of more than `most_parts` parts is left out."""

    async def known_scores(self, keys: Collection[ScoreKey]) -> set[ScoreKey]:
        """Those of these scores that are stored."""


class RefusedRecord(NamedTuple):
    """A record that is not what its topic holds, and why."""

    record: Record
    reason: RejectReason
    detail: str


class GrantSource(Protocol):
    """The grants of `agent.grants`, as stage 2 uses them: they stand in a book that its rules share."""

    async def catch_up(self) -> None:
        """Returns when all that was published before the call is in the book.

        Raises:
            BusUnavailableError: the topic cannot be read to its end now.
        """

    def refused(self) -> list[RefusedRecord]:
        """The records that were refused since the last call."""


class Clock(Protocol):
    """Time, so that a simulation may own it."""

    def now_us(self) -> int:
        """Microseconds since 1970."""

    def elapsed_us(self) -> int:
        """Microseconds since some moment. Nobody can set this one: it tells when somebody has set the other."""

    async def sleep(self, seconds: float) -> None:
        """Lets others go on for so long."""
