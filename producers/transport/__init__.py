"""How records leave the process: the protocol, and its implementations.

- `kafka`: to a broker, through confluent-kafka.
- `spool`: before the broker's, on disk until the record has arrived.
- `memory`: into a list, for tests and for looking at what would be sent.

A transport lives in the sender's thread: none of its methods is called from a host's thread, except `close`'s last
resort at the interpreter's exit, when the sender's thread cannot run any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

__all__ = ["SPOOLED", "Delivery", "OnDelivery", "Record", "Transport"]

SPOOLED: Final = "spooled"
"""The error of a delivery that is none yet: the record is on disk, and another process sends it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record on its way.

    Attributes:
        topic: the topic's name.
        key: `tenant_id/session_id`.
        value: newline-delimited events.
        headers: names and values.
        events: how many lines the value has.
    """

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    events: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a record: acknowledged, or given up for good.

    Attributes:
        error: empty where the broker acknowledged it; otherwise why it was given up.
        partition: where it stands; -1 where it was given up.
        offset: its place there; -1 where it was given up.
    """

    record: Record
    error: str = ""
    partition: int = -1
    offset: int = -1


OnDelivery = Callable[[Delivery], None]


class Transport(Protocol):
    """Takes records in order and tells what became of each, exactly once."""

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        """Takes a record. Records of one key are delivered in the order in which they were taken.

        May wait for room in its own buffer, as long as `give_up` answers False.

        Args:
            record: the record.
            on_delivery: called once, from `send`, `poll`, `flush` or `close`.
            give_up: whether waiting has to stop.

        Returns:
            False where the record was not taken; `on_delivery` is not called then.
        """

    def poll(self) -> None:
        """Lets acknowledgements in, without waiting. Called at least once a second while sessions live."""

    def flush(self, seconds: float) -> int:
        """Waits until everything is acknowledged or the time is over; answers how many records are not."""

    def close(self, seconds: float) -> None:
        """Flushes, then gives up what is left and tells so. Nothing is sent afterwards."""

    def after_fork(self) -> None:
        """Called in the child of a fork: forgets, without touching them, whatever the parent's client holds."""
