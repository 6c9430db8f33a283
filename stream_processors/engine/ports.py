"""What the engine needs of the world: a bus, a store and a clock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from watchkeeper.schemas.errors import PermanentError


class RowsRefusedError(PermanentError):
    """The store read the rows and will not have them: one of them, at least, never goes in."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic, as read.

    Attributes:
        timestamp_ms: the broker's time of the record, in milliseconds since 1970.
        canonical: whether its writer vouches for the canonical form of its lines (`schemas.wire`).
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    timestamp_ms: int
    canonical: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One record to be written."""

    topic: str
    key: bytes
    value: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredState:
    """One row of a state table: `key` is `(tenant, session)` of a session, `(subject,)` of a subject."""

    partition: int
    key: tuple[str, ...]
    state: str


@dataclass(frozen=True, slots=True)
class EventKey:
    """An event by its writer's number."""

    tenant_id: str
    session_id: str
    writer_id: str
    seq: int


class Bus(Protocol):
    """Kafka, as the engine writes to it."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Returns when every message is acknowledged.

        Raises:
            BusUnavailableError: not all were; some may have been written all the same.
        """

    async def reachable(self) -> bool:
        """Whether the broker answers now: while it does not, silence says nothing about agents."""


class Store(Protocol):
    """ClickHouse, as the engine uses it.

    Every method raises `StoreUnavailableError` where a later attempt may succeed, and `PermanentError` where not.
    """

    async def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """Inserts rows, each a JSON object by column name. Never called without rows.

        Raises:
            RowsRefusedError: the rows themselves are at fault.
        """

    async def open_states(self, table: str, partitions: Collection[int]) -> list[StoredState]:
        """The latest states on these partitions that are not closed."""

    async def states(self, table: str, partition: int, keys: Collection[tuple[str, ...]]) -> list[StoredState]:
        """The latest states of these keys, closed ones included."""

    async def digests(self, keys: Collection[EventKey]) -> dict[EventKey, list[str]]:
        """The digests under which events with these numbers are stored."""

    async def contents(self, addresses: Collection[str]) -> dict[str, str]:
        """The texts at these addresses, whole; what is not there, or not all of it, is left out."""


class Clock(Protocol):
    """Time, so that a simulation may own it."""

    def now_us(self) -> int:
        """Microseconds since 1970."""

    async def sleep(self, seconds: float) -> None:
        """Lets others go on for so long."""
