"""A transport with a spool before it: a record is on disk before it is handed on, and leaves when it has arrived.

Records go out in the order in which they were taken; only so many are in the client's hands at a time, the others
wait on disk. Where the client gives some back, nothing newer goes out until all that it held are settled; then it
begins anew at the oldest. So a session stays in order over any outage.

A disk that refuses is no reason to lose anything yet: records are then held in memory, within `buffer_bytes`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchkeeper.producers.transport import SPOOLED, Delivery, OnDelivery, Record, Transport
from watchkeeper.producers.transport.disk import Disk, Place
from watchkeeper.producers.transport.refusals import reason_of, tell_given_up

if TYPE_CHECKING:
    from watchkeeper.producers.recording.boundary import Boundary
    from watchkeeper.producers.settings import Settings

FULL: Final = "spool_full"
FAILED: Final = "spool_failed"
DAMAGED: Final = "spool_damaged"

HOPELESS: Final = frozenset({"MSG_SIZE_TOO_LARGE", "INVALID_MSG", "INVALID_RECORD", "_BAD_MSG"})
"""What no later attempt changes, as librdkafka names it."""

IN_HAND_RECORDS: Final = 2_000
MOST_RECORDS: Final = 100_000
"""Each takes some memory for its place and its callback."""

NAP_SECONDS: Final = 0.01
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 5.0
"""Between attempts that a broker answers, but refuses for now: each pause is twice the last one."""


@dataclass(slots=True, eq=False)
class Entry:
    """A record that has not arrived.

    Attributes:
        on_delivery: None where a process that died had taken it.
        place: where it stands on disk; None where it is held in memory.
        record: the record itself, where it is held in memory.
        settled: it has arrived, or was given up.
    """

    on_delivery: OnDelivery | None
    events: int
    size: int
    place: Place | None = None
    record: Record | None = None
    settled: bool = False

    def told(self, error: str) -> None:
        """Tells whoever waits for it that it did not arrive from here."""
        if self.on_delivery is not None:
            self.on_delivery(Delivery(self.record or Record("", b"", b"", (), self.events), error))


class SpooledTransport:
    """See the module, and `Transport` for the methods.

    Args:
        inner: where records go; it must not give them up by time.
        root: the broker's directory of spools.
        settings: `spool_bytes` and `buffer_bytes`.
        boundary: where losses are counted.
    """

    def __init__(self, inner: Transport, root: Path, settings: Settings, boundary: Boundary) -> None:
        self._inner = inner
        self._disk = Disk(root, settings.spool_bytes, boundary)
        self._settings = settings
        self._boundary = boundary
        self._begin()

    def _begin(self) -> None:
        self._entries: deque[Entry] = deque()
        self._unsent: deque[Entry] = deque()
        self._own = self._in_hand = self._hand_bytes = self._memory_bytes = 0
        self._back = self._closing = False
        self._pause = self._resume_at = 0.0

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:  # noqa: ARG002 - never waits
        """See `Transport.send`. Never waits: what finds no room is told as `spool_full` or `spool_failed`."""
        self._look()
        refusal = self._take(record, on_delivery)
        if refusal:
            on_delivery(Delivery(record, refusal))
        self._pump(record if not refusal and not self._back and len(self._unsent) == 1 else None)
        return True

    def poll(self) -> None:
        """See `Transport.poll`."""
        self._inner.poll()
        self._look()
        self._pump()

    def flush(self, seconds: float) -> int:
        """See `Transport.flush`. What other processes left is sent, but not waited for."""
        deadline = time.monotonic() + seconds
        self._pump()
        while self._own and (left := deadline - time.monotonic()) > 0:
            self._inner.flush(min(left, NAP_SECONDS * 5))
            self._pump()
            if self._own and not self._in_hand:
                time.sleep(min(NAP_SECONDS, max(0.0, left)))
        return self._own

    def close(self, seconds: float) -> None:
        """See `Transport.close`. What has not arrived stays on disk, and is told as `spooled`."""
        self.flush(seconds)
        self._closing = True
        self._inner.close(0.0)
        for entry in tuple(self._entries):
            if not entry.settled:
                entry.told("closed" if entry.place is None else SPOOLED)
        self._disk.let_go()
        self._begin()

    def after_fork(self) -> None:
        """See `Transport.after_fork`. The parent's spool is the parent's: its locks and files are only let go of."""
        self._inner.after_fork()
        self._disk.let_go(remove=False)
        self._begin()

    # Taking -----------------------------------------------------------------------------------------------------

    def _take(self, record: Record, on_delivery: OnDelivery) -> str:
        entry = Entry(on_delivery, record.events, len(record.value) + len(record.key))
        if len(self._entries) >= MOST_RECORDS:
            return FULL
        entry.place = self._disk.write(record, entry.size)
        if entry.place is not None:
            entry.size = entry.place.size
        elif not self._disk.has_room(entry.size):
            return FULL
        elif self._memory_bytes + entry.size > self._settings.buffer_bytes:
            return FAILED
        else:
            entry.record = record
            self._memory_bytes += entry.size
        self._own += 1
        self._wait(entry)
        return ""

    def _look(self) -> None:
        for left in self._disk.look():
            self._wait(Entry(None, left.events, left.place.size, left.place))

    def _wait(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._unsent.append(entry)

    # Sending ----------------------------------------------------------------------------------------------------

    def _pump(self, in_memory: Record | None = None) -> None:
        """Hands records on, oldest first, as many as may be in hand.

        Args:
            in_memory: the oldest one's, where the caller has it and it need not be read.
        """
        if self._back and not self._begun_anew():
            return
        while self._unsent and self._in_hand < IN_HAND_RECORDS and self._hand_bytes < self._settings.buffer_bytes // 2:
            entry = self._unsent.popleft()
            record = in_memory or entry.record or (entry.place.read() if entry.place is not None else None)
            in_memory = None
            if record is None:
                self._unreadable(entry)
                continue
            # Before it is handed on: the answer may come at once.
            self._in_hand += 1
            self._hand_bytes += entry.size
            if not self._inner.send(record, partial(self._answered, entry), _at_once):
                self._in_hand -= 1
                self._hand_bytes -= entry.size
                self._unsent.appendleft(entry)
                return
            if self._back:
                return

    def _begun_anew(self) -> bool:
        """Whether sending goes on, from the oldest: once nothing is in hand any more, after a pause."""
        if self._in_hand or time.monotonic() < self._resume_at:
            return False
        self._back = False
        self._unsent = deque(entry for entry in self._entries if not entry.settled)
        return True

    def _answered(self, entry: Entry, delivery: Delivery) -> None:
        self._in_hand -= 1
        self._hand_bytes -= entry.size
        if delivery.error and self._closing:
            return
        if delivery.error and delivery.error not in HOPELESS:
            self._give_back()
            return
        self._pause = 0.0
        self._settle(entry)
        if entry.on_delivery is not None:
            entry.on_delivery(delivery)
        elif delivery.error:
            self._boundary.losses.add(reason_of(delivery.error), entry.events)
            tell_given_up(self._boundary.quiet, delivery.error, entry.events)

    def _give_back(self) -> None:
        if not self._back:
            self._back = True
            self._pause = min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, self._pause * 2))
            self._resume_at = time.monotonic() + self._pause

    def _unreadable(self, entry: Entry) -> None:
        self._settle(entry)
        entry.told(DAMAGED)
        if entry.on_delivery is None:
            self._boundary.losses.add("spool_damaged", entry.events)

    def _settle(self, entry: Entry) -> None:
        entry.settled = True
        entry.record = None
        if entry.on_delivery is not None:
            self._own -= 1
        while self._entries and self._entries[0].settled:
            self._entries.popleft()
        if entry.place is None:
            self._memory_bytes -= entry.size
        else:
            self._disk.settle(entry.place)


def _at_once() -> bool:
    return True
