"""A transport that keeps what it is given: for tests, the host's and our own."""

from __future__ import annotations

import time
from collections.abc import Callable

from watchkeeper.producers.transport import Delivery, OnDelivery, Record
from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.wire import split_lines

__all__ = ["MemoryTransport"]


class MemoryTransport:
    """Collects records, acknowledges them at once, and fails on demand.

    Example:
        >>> from watchkeeper.producers import Watchkeeper
        >>> memory = MemoryTransport()
        >>> watch = Watchkeeper(agent="support", transport=memory)
        >>> with watch.session(goal="answer") as s:
        ...     _ = s.tool_call("lookup", {"order": 7})
        >>> watch.close()
        True
        >>> [event.type for event in memory.events()]
        ['session_started', 'tool_call', 'session_ended']

    Attributes:
        records: what was taken, in order, failed records included.
        failing: while True, records are given up instead of acknowledged.
        full: while True, no record is taken.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.failing = False
        self.full = False
        self.closed = False

    def lines(self) -> list[bytes]:
        """The lines of all records, in order."""
        return [line for record in self.records for line in split_lines(record.value)]

    def events(self) -> list[Event]:
        """All events, validated as the worker validates them."""
        return [EVENT_ADAPTER.validate_json(line) for line in self.lines()]

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        """See `Transport.send`."""
        while self.full:
            if give_up():
                return False
            time.sleep(0.001)
        self.records.append(record)
        offset = len(self.records) - 1
        on_delivery(Delivery(record, "told to fail") if self.failing else Delivery(record, "", 0, offset))
        return True

    def poll(self) -> None:
        """See `Transport.poll`."""

    def flush(self, seconds: float) -> int:  # noqa: ARG002 - the protocol's shape
        """See `Transport.flush`."""
        return 0

    def close(self, seconds: float) -> None:  # noqa: ARG002 - the protocol's shape
        """See `Transport.close`."""
        self.closed = True

    def after_fork(self) -> None:
        """See `Transport.after_fork`."""
        self.records = []
