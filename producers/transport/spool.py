"""A transport with a spool before it: a record is on disk before it is handed on, and leaves when it has arrived.

Records go out in the order in which they were taken; only so many are in the client's hands at a time, the others
wait on disk. Where the client gives some back, nothing newer goes out until all that it held are settled; then it
begins anew at the oldest. So a session stays in order over any outage.

A disk that refuses is no reason to lose anything yet: records are then held in memory, within `buffer_bytes`.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchkeeper.producers.recording.boundary import LOG
from watchkeeper.producers.settings import MIB
from watchkeeper.producers.transport import SPOOLED, Delivery, OnDelivery, Record, Transport
from watchkeeper.producers.transport.folders import Folder, abandoned
from watchkeeper.producers.transport.segments import Segment

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

SEGMENTS: Final = 16
EMPTIED_BYTES: Final = MIB
ADOPTED_AT_ONCE: Final = 8
LOOK_SECONDS: Final = 30.0
RETRY_SECONDS: Final = 5.0
NAP_SECONDS: Final = 0.01


@dataclass(slots=True, eq=False)
class Entry:
    """A record that has not arrived.

    Attributes:
        on_delivery: None where a process that died had taken it.
        segment: the file that it stands in; None where it is held in memory.
        record: the record itself, where it is held in memory.
        settled: it has arrived, or was given up.
    """

    on_delivery: OnDelivery | None
    events: int
    size: int
    segment: Segment | None = None
    offset: int = 0
    record: Record | None = None
    settled: bool = False


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
        self._root = root
        self._settings = settings
        self._boundary = boundary
        self._begin()

    def _begin(self) -> None:
        self._entries: deque[Entry] = deque()
        self._unsent: deque[Entry] = deque()
        self._own = self._in_hand = self._hand_bytes = 0
        self._disk_bytes = self._memory_bytes = 0
        self._back = self._closing = False
        self._folder: Folder | None = None
        self._active: Segment | None = None
        self._adopted: dict[Folder, list[Segment]] = {}
        self._sealed: list[Segment] = []
        self._look_at = self._retry_at = 0.0

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
            if not entry.settled and entry.on_delivery is not None:
                error = "closed" if entry.segment is None else SPOOLED
                empty = Record("", b"", b"", (), entry.events)
                entry.on_delivery(Delivery(entry.record or empty, error))
        self._let_go()

    def after_fork(self) -> None:
        """See `Transport.after_fork`. The parent's spool is the parent's: its locks and files are only let go of."""
        self._inner.after_fork()
        self._let_go(remove=False)
        self._begin()

    # Taking -----------------------------------------------------------------------------------------------------

    def _take(self, record: Record, on_delivery: OnDelivery) -> str:
        entry = Entry(on_delivery, record.events, len(record.value) + len(record.key))
        if len(self._entries) >= MOST_RECORDS:
            return FULL
        if not self._written(entry, record):
            if entry.segment is None and self._disk_bytes + entry.size > self._settings.spool_bytes:
                return FULL
            if self._memory_bytes + entry.size > self._settings.buffer_bytes:
                return FAILED
            entry.record = record
            self._memory_bytes += entry.size
        self._own += 1
        self._entries.append(entry)
        self._unsent.append(entry)
        return ""

    def _written(self, entry: Entry, record: Record) -> bool:
        now = time.monotonic()
        if self._disk_bytes + entry.size > self._settings.spool_bytes or now < self._retry_at:
            return False
        try:
            segment = self._segment()
            entry.offset, entry.size = segment.append(record)
        except OSError as error:
            self._retry_at = now + RETRY_SECONDS
            self._seal()
            if (held := self._boundary.quiet.passes("spool")) is not None:
                LOG.warning(
                    "The spool at %s cannot be written (%s; %d more complaints in the last minute). "
                    "Events wait in memory meanwhile.",
                    self._root,
                    error.strerror or type(error).__name__,
                    held,
                )
            return False
        entry.segment = segment
        self._disk_bytes += entry.size
        return True

    def _segment(self) -> Segment:
        if self._folder is None or not self._folder.path.is_dir():
            if self._folder is not None:
                self._folder.let_go()
                self._seal()
            self._folder = Folder.make(self._root)
        if self._active is not None and self._active.size >= self._settings.spool_bytes // SEGMENTS:
            self._seal()
        if self._active is None:
            self._active = Segment(self._folder.segment_path(), fresh=True)
        return self._active

    def _seal(self) -> None:
        active, self._active = self._active, None
        if active is not None:
            self._sealed.append(active)
            self._tidy(active)

    # Sending ----------------------------------------------------------------------------------------------------

    def _pump(self, in_memory: Record | None = None) -> None:
        if self._back:
            if self._in_hand:
                return
            self._back = False
            self._unsent = deque(entry for entry in self._entries if not entry.settled)
        while self._unsent and self._in_hand < IN_HAND_RECORDS and self._hand_bytes < self._settings.buffer_bytes // 2:
            entry = self._unsent[0]
            record = in_memory or entry.record
            in_memory = None
            if record is None and entry.segment is not None:
                record = entry.segment.read(entry.offset, entry.size)
            if record is None:
                self._unsent.popleft()
                self._unreadable(entry)
                continue
            # Before it is handed on: the answer may come at once.
            self._unsent.popleft()
            self._in_hand += 1
            self._hand_bytes += entry.size
            if not self._inner.send(record, partial(self._answered, entry), _at_once):
                self._in_hand -= 1
                self._hand_bytes -= entry.size
                self._unsent.appendleft(entry)
                return
            if self._back:
                return

    def _answered(self, entry: Entry, delivery: Delivery) -> None:
        self._in_hand -= 1
        self._hand_bytes -= entry.size
        if delivery.error and self._closing:
            return
        if delivery.error and delivery.error not in HOPELESS:
            self._back = True
            return
        self._settle(entry)
        if entry.on_delivery is not None:
            entry.on_delivery(delivery)
        elif delivery.error:
            self._boundary.losses.add("delivery_failed", entry.events)

    def _unreadable(self, entry: Entry) -> None:
        self._settle(entry)
        if entry.on_delivery is not None:
            entry.on_delivery(Delivery(Record("", b"", b"", (), entry.events), DAMAGED))
        else:
            self._boundary.losses.add("spool_damaged", entry.events)

    def _settle(self, entry: Entry) -> None:
        entry.settled = True
        entry.record = None
        if entry.on_delivery is not None:
            self._own -= 1
        while self._entries and self._entries[0].settled:
            self._entries.popleft()
        if entry.segment is None:
            self._memory_bytes -= entry.size
            return
        self._disk_bytes -= entry.size
        with contextlib.suppress(OSError):
            # Where it cannot be marked, a later process sends it again: the worker knows a number it has seen.
            entry.segment.done(entry.offset)
        self._tidy(entry.segment)

    def _tidy(self, segment: Segment) -> None:
        """Removes a file in which nothing waits."""
        if segment.waiting:
            return
        if segment is self._active:
            if segment.size >= EMPTIED_BYTES:
                with contextlib.suppress(OSError):
                    segment.empty()
            return
        for folder, segments in list(self._adopted.items()):
            if segment in segments:
                segments.remove(segment)
                self._drop(segment, folder)
                if not segments:
                    del self._adopted[folder]
                    folder.remove()
                return
        if segment in self._sealed:
            self._sealed.remove(segment)
            self._drop(segment, self._folder)

    @staticmethod
    def _drop(segment: Segment, folder: Folder | None) -> None:
        segment.close()
        with contextlib.suppress(OSError):
            if segment.damaged and folder is not None:
                folder.set_aside(segment.path)
            else:
                segment.path.unlink(missing_ok=True)

    # What others left ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._look_at or len(self._adopted) >= ADOPTED_AT_ONCE:
            return
        self._look_at = now + LOOK_SECONDS
        for folder in abandoned(self._root, ADOPTED_AT_ONCE - len(self._adopted)):
            if self._folder is not None and folder.path == self._folder.path:
                folder.let_go()
                continue
            self._adopt(folder)

    def _adopt(self, folder: Folder) -> None:
        segments: list[Segment] = []
        self._adopted[folder] = segments
        for path in folder.segments():
            try:
                segment = Segment(path, fresh=False)
                found = segment.scan()
            except (OSError, ValueError, KeyError):
                self._boundary.losses.add("spool_damaged")
                with contextlib.suppress(OSError):
                    folder.set_aside(path)
                continue
            segments.append(segment)
            if segment.damaged:
                self._boundary.losses.add("spool_damaged")
                LOG.warning("The spool file %s is damaged; what is whole in it is sent, and it is kept", path)
            for place in found:
                entry = Entry(None, place.events, place.size, segment, place.offset)
                self._disk_bytes += place.size
                self._entries.append(entry)
                self._unsent.append(entry)
        for segment in tuple(segments):
            self._tidy(segment)
        if not segments and self._adopted.pop(folder, None) is not None:
            folder.remove()

    def _let_go(self, *, remove: bool = True) -> None:
        """Closes every file; removes the own directory where nothing waits in it."""
        mine = [*self._sealed, *([self._active] if self._active is not None else [])]
        for segment in mine:
            segment.close()
            if remove and not segment.waiting:
                with contextlib.suppress(OSError):
                    segment.path.unlink(missing_ok=True)
        for folder, segments in self._adopted.items():
            for segment in segments:
                segment.close()
            folder.let_go()
        if self._folder is not None:
            if remove:
                self._folder.remove()
            else:
                self._folder.let_go()
        self._begin()


def _at_once() -> bool:
    return True
