"""The bounded queue between the host's threads and the sender's: numbers an event and takes it, or counts it lost.

The number is given and the event appended under one lock, so that a drop shows as a gap and nothing else can. The
sender takes without that lock, so that it never makes a host wait. The queue itself is `SimpleQueue`, which may be
used from a destructor that runs in the middle of another put; the lock is re-entrant for the same reason.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from watchkeeper.producers.losses import Losses, LossReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from watchkeeper.producers.settings import Settings
    from watchkeeper.producers.writing.headers import Header
    from watchkeeper.producers.writing.shapes import Fields
    from watchkeeper.producers.writing.writer import Writer
    from watchkeeper.schemas.events import EventType

PATIENCE_SECONDS = 0.02
"""How long a patient caller (`block=True`) waits before it looks for room again."""


@dataclass(slots=True, eq=False)
class Numbering:
    """One writer of one session as the host's side sees it.

    Attributes:
        writer: the sender's side; never touched in the host's thread.
        next_seq: the number of its next event.
        over: its `session_ended` has a number: that is the writer's last.
        lost: events dropped on the host's side, by reason; changed under the queue's lock.
        lost_sending: events lost in the sender's thread, by reason; changed there alone.
        left_ms: when its last record left, on the sender's clock; the sender's alone.
    """

    writer: Writer
    next_seq: int = 0
    over: bool = False
    lost: dict[LossReason, int] = field(default_factory=dict)
    lost_sending: dict[LossReason, int] = field(default_factory=dict)
    left_ms: float = float("-inf")

    @property
    def lost_in_all(self) -> Mapping[LossReason, int]:
        """Events lost so far, by reason; for the sender's thread."""
        if not self.lost:
            return self.lost_sending
        # The host may add a reason meanwhile: a copy is made at once.
        both = dict(self.lost)
        for reason, events in self.lost_sending.items():
            both[reason] = both.get(reason, 0) + events
        return both

    def lose(self, reason: LossReason, events: int = 1) -> None:
        """Counts what was lost in the sender's thread."""
        self.lost_sending[reason] = self.lost_sending.get(reason, 0) + events


@dataclass(slots=True, eq=False)
class Item:
    """One event between the threads."""

    numbering: Numbering
    kind: EventType
    header: Header
    occurred_us: int
    fields: Fields
    size: int
    seq: int = -1

    def __repr__(self) -> str:
        # Not what it holds: nothing is masked yet, and tools that report errors show the variables around them.
        return f"Item({self.kind}, seq={self.seq}, size={self.size})"


@dataclass(slots=True, eq=False)
class Marker:
    """Asks the sender to send everything that was queued before it, and says when that was done.

    Attributes:
        deadline: on the monotonic clock.
        undelivered_before: events that were undeliverable when this was asked.
        delivered: whether all of it was acknowledged in time.
        last: the sender ends afterwards.
    """

    deadline: float
    undelivered_before: int
    done: threading.Event = field(default_factory=threading.Event)
    delivered: bool = False
    last: bool = False


class HostQueue:
    """Bounded by events and by bytes."""

    def __init__(self, settings: Settings, losses: Losses, *, block: bool = False) -> None:
        self._losses = losses
        self._most = settings.queue_events
        self._most_bytes = settings.queue_bytes
        self._most_event_bytes = settings.event_bytes
        self._block = block
        self._closed = False
        self.after_fork()

    def after_fork(self) -> None:
        """Empties the queue, and forgets a lock that a thread of the parent may have held."""
        self._items: SimpleQueue[Item | Marker] = SimpleQueue()
        self._lock = threading.RLock()
        self._room = threading.Event()
        # Each counter has one writer: hosts under the lock, and the sender. Their difference is what waits.
        self._put = self._put_bytes = 0
        self._taken = self._taken_bytes = 0

    def __len__(self) -> int:
        return self._put - self._taken

    def put(self, item: Item, still_sending: Callable[[], bool]) -> bool:
        """Numbers the event and takes it; False where it was dropped and counted.

        Args:
            item: the event.
            still_sending: for a patient caller: whether waiting can still help.
        """
        numbering = item.numbering
        with self._lock:
            if numbering.over:
                self._losses.add("session_over")
                return False
            numbering.over = item.kind == "session_ended"
            # Nothing is allocated between the number and the append: no destructor can come between them.
            item.seq = numbering.next_seq
            numbering.next_seq += 1
            reason = self._refusal(item)
            while reason == "queue_full" and self._block and still_sending():
                self._room.clear()
                self._room.wait(PATIENCE_SECONDS)
                reason = self._refusal(item)
            if reason is None:
                self._put += 1
                self._put_bytes += item.size
                self._items.put(item)
                return True
            numbering.lost[reason] = numbering.lost.get(reason, 0) + 1
        self._losses.add(reason)
        return False

    def mark(self, marker: Marker) -> None:
        """Appends a marker: it takes no room and no number."""
        self._items.put(marker)

    def close(self, last: Marker) -> None:
        """Refuses what comes from now on, and appends the last marker."""
        with self._lock:
            self._closed = True
            self._items.put(last)

    def take(self, timeout: float | None = None) -> Item | Marker | None:
        """The next one, for the sender; None where nothing came in time (at once, if `timeout` is None)."""
        try:
            found = self._items.get_nowait() if timeout is None else self._items.get(timeout=timeout)
        except Empty:
            return None
        if isinstance(found, Item):
            self._taken += 1
            self._taken_bytes += found.size
            if self._block:
                self._room.set()
        return found

    def _refusal(self, item: Item) -> LossReason | None:
        if self._closed:
            return "closed"
        if item.size > self._most_event_bytes:
            return "too_large"
        if self._put - self._taken >= self._most or self._put_bytes - self._taken_bytes + item.size > self._most_bytes:
            return "queue_full"
        return None
