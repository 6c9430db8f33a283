"""Cuts the lines of sessions into records. Pure: the clock is handed in.

A record leaves when it is full (`record_bytes`, `record_events`), when its first event has waited `linger_ms`, or,
where an event matters to a detector that may stop the session (`URGENT`), at once. At once means: not sooner than
`linger_ms` after the session's last record. An agent that calls a tool now and then never waits; a fleet at full
speed fills its records, which is what a worker's throughput hangs on. While the sender is behind, records wait for
`busy_linger_ms` and grow fuller still.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Final

from watchkeeper.producers.settings import MAX_RECORD_BYTES, Settings

if TYPE_CHECKING:
    from watchkeeper.producers.writing.hostqueue import Item, Numbering
    from watchkeeper.producers.writing.writer import Written
    from watchkeeper.schemas.events import EventType

URGENT: Final[frozenset[EventType]] = frozenset(
    {
        "tool_call",
        "tool_result",
        "response",
        "delegation",
        "approval",
        "session_ended",
    }
)
"""Events at which a cap is crossed, a loop closes or a call turns out to be wrong."""

GRAIN_MS: Final = 5
"""Waits are rounded up to this, so that many sessions fall due together and are looked at once."""


@dataclass(slots=True, eq=False)
class Batch:
    """A record of one writer that is being filled.

    Attributes:
        key: the record's key.
        lines: its events.
        addresses: texts that it, or a record just before or after it, carries for the first time.
        size: bytes so far.
        events: how many lines it had when it left.
        due_ms: when it leaves, on the sender's clock.
    """

    numbering: Numbering
    key: bytes
    lines: list[bytes] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    size: int = 0
    events: int = 0
    due_ms: float = 0.0

    @property
    def value(self) -> bytes:
        """The record's value: newline-delimited JSON."""
        return b"\n".join(self.lines)

    def release(self) -> int:
        """It has left: lets go of the lines, which wait elsewhere now. Answers how many there were."""
        self.events = len(self.lines)
        self.lines = []
        return self.events


class Batches:
    """The open records of one sender."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[Numbering, Batch] = {}
        self._next_ms = _NEVER

    def __len__(self) -> int:
        return len(self._open)

    def add(self, item: Item, written: Written, now_ms: float) -> list[Batch]:
        """Takes in an event's lines; answers the records that are full, in order.

        Where an event spreads over several records, each of them names all its texts: when one is lost, forgetting
        too many addresses costs no more than a repeat.
        """
        full: list[Batch] = []
        batch = self._batch(item, now_ms)
        batch.addresses.extend(written.addresses)
        for line in written.lines:
            if batch.size and batch.size + len(line) > MAX_RECORD_BYTES:
                full.append(self._close(batch, now_ms))
                batch = self._batch(item, now_ms)
                batch.addresses.extend(written.addresses)
            batch.lines.append(line)
            batch.size += len(line) + 1
        if batch.size >= self._settings.record_bytes or len(batch.lines) >= self._settings.record_events:
            full.append(self._close(batch, now_ms))
        elif item.kind in URGENT:
            soonest = max(now_ms, item.numbering.left_ms + self._settings.linger_ms)
            batch.due_ms = min(batch.due_ms, soonest)
            self._next_ms = min(self._next_ms, batch.due_ms)
        return full

    def due(self, now_ms: float, *, behind: bool = False) -> list[Batch]:
        """The records whose wait is over; `behind`: the sender does not keep up, so they wait longer."""
        patience = self._settings.busy_linger_ms - self._settings.linger_ms if behind else 0
        if now_ms < self._next_ms + patience:
            return []
        ready = [batch for batch in self._open.values() if batch.due_ms + patience <= now_ms]
        for batch in ready:
            self._close(batch, now_ms)
        self._next_ms = min((batch.due_ms for batch in self._open.values()), default=_NEVER)
        return ready

    def wait_ms(self, now_ms: float) -> float | None:
        """How long until something is due; None where nothing waits."""
        return None if self._next_ms == _NEVER else max(0.0, self._next_ms - now_ms)

    def all(self, now_ms: float) -> list[Batch]:
        """Everything, due or not."""
        ready = list(self._open.values())
        for batch in ready:
            self._close(batch, now_ms)
        self._next_ms = _NEVER
        return ready

    def _batch(self, item: Item, now_ms: float) -> Batch:
        found = self._open.get(item.numbering)
        if found is None:
            due_ms = ceil((now_ms + self._settings.linger_ms) / GRAIN_MS) * GRAIN_MS
            found = self._open[item.numbering] = Batch(item.numbering, item.header.key, due_ms=due_ms)
            self._next_ms = min(self._next_ms, due_ms)
        return found

    def _close(self, batch: Batch, now_ms: float) -> Batch:
        del self._open[batch.numbering]
        batch.numbering.left_ms = now_ms
        return batch


_NEVER: Final = float("inf")
