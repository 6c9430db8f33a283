"""What a process has on disk: the segments it writes, and those that it took over from processes that died."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from watchkeeper.producers.recording.boundary import LOG
from watchkeeper.producers.settings import MIB
from watchkeeper.producers.transport import Record
from watchkeeper.producers.transport.folders import Folder, abandoned, prune_damaged
from watchkeeper.producers.transport.segments import Found, Segment

if TYPE_CHECKING:
    from watchkeeper.producers.recording.boundary import Boundary

SEGMENTS: Final = 16
EMPTIED_BYTES: Final = MIB
ADOPTED_AT_ONCE: Final = 8
LOOK_SECONDS: Final = 30.0
RETRY_SECONDS: Final = 5.0

DAMAGED_SHARE: Final = 4
"""`damaged/` holds at most this part of `spool_bytes`."""

DAMAGED_SECONDS: Final = 30 * 24 * 3600
"""And nothing that was written longer ago: what people said is not kept for ever because a disk failed."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands.

    Attributes:
        size: its bytes there.
    """

    segment: Segment
    offset: int
    size: int

    def read(self) -> Record | None:
        """The record; None where it is not whole any more."""
        return self.segment.read(self.offset, self.size)


@dataclass(frozen=True, slots=True)
class Left:
    """A record that a process left which is no more.

    Attributes:
        events: how many it holds.
    """

    place: Place
    events: int


class Disk:
    """The part of the spool that one process holds. All in the sender's thread.

    Args:
        root: the broker's directory of spools.
        most_bytes: of records that wait.
        boundary: where losses are counted.

    Attributes:
        waiting_bytes: of records that wait, those taken over included.
    """

    def __init__(self, root: Path, most_bytes: int, boundary: Boundary) -> None:
        self._root = root
        self._most_bytes = most_bytes
        self._boundary = boundary
        self._begin()

    def _begin(self) -> None:
        self.waiting_bytes = 0
        self._folder: Folder | None = None
        self._active: Segment | None = None
        self._sealed: list[Segment] = []
        self._adopted: dict[Folder, list[Segment]] = {}
        self._look_at = self._retry_at = 0.0

    # Writing ----------------------------------------------------------------------------------------------------

    def has_room(self, size: int) -> bool:
        """Whether so many bytes more may wait."""
        return self.waiting_bytes + size <= self._most_bytes

    def write(self, record: Record, size: int) -> Place | None:
        """Where the record stands now; None where it found no room, or the disk refused: that is logged."""
        now = time.monotonic()
        if not self.has_room(size) or now < self._retry_at:
            return None
        try:
            segment = self._segment()
            place = Place(segment, *segment.append(record))
        except OSError as error:
            self._retry_at = now + RETRY_SECONDS
            self._seal()
            self._complain(error)
            return None
        self.waiting_bytes += place.size
        return place

    def settle(self, place: Place) -> None:
        """The record waits no more."""
        self.waiting_bytes -= place.size
        with contextlib.suppress(OSError):
            # Where it cannot be marked, a later process sends it again: the worker knows a number it has seen.
            place.segment.done(place.offset)
        self._tidy(place.segment)

    def let_go(self, *, remove: bool = True) -> None:
        """Closes every file; with `remove`, also removes what of its own holds nothing that waits."""
        for segment in [*self._sealed, *([self._active] if self._active is not None else [])]:
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

    def _segment(self) -> Segment:
        if self._folder is None or not self._folder.path.is_dir():
            if self._folder is not None:
                self._folder.let_go()
                self._seal()
            self._folder = Folder.make(self._root)
        if self._active is not None and self._active.size >= self._most_bytes // SEGMENTS:
            self._seal()
        if self._active is None:
            self._active = Segment(self._folder.segment_path(), fresh=True)
        return self._active

    def _seal(self) -> None:
        active, self._active = self._active, None
        if active is not None:
            self._sealed.append(active)
            self._tidy(active)

    def _complain(self, error: OSError) -> None:
        if (held := self._boundary.quiet.passes("spool")) is not None:
            LOG.warning(
                "The spool at %s cannot be written (%s; %d more complaints in the last minute). "
                "Events wait in memory meanwhile.",
                self._root,
                error.strerror or type(error).__name__,
                held,
            )

    # Removing ---------------------------------------------------------------------------------------------------

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

    def _drop(self, segment: Segment, folder: Folder | None) -> None:
        segment.close()
        with contextlib.suppress(OSError):
            if segment.damaged and folder is not None:
                folder.set_aside(segment.path)
                self._prune()
            else:
                segment.path.unlink(missing_ok=True)

    def _prune(self) -> None:
        prune_damaged(self._root, self._most_bytes // DAMAGED_SHARE, time.time() - DAMAGED_SECONDS)

    # What others left -------------------------------------------------------------------------------------------

    def look(self) -> list[Left]:
        """Takes over what processes left that are no more, in order; looks every `LOOK_SECONDS`."""
        now = time.monotonic()
        if now < self._look_at or len(self._adopted) >= ADOPTED_AT_ONCE:
            return []
        self._look_at = now + LOOK_SECONDS
        self._prune()
        left: list[Left] = []
        for folder in abandoned(self._root, ADOPTED_AT_ONCE - len(self._adopted)):
            if self._folder is not None and folder.path == self._folder.path:
                folder.let_go()
            else:
                left += self._adopt(folder)
        return left

    def _adopt(self, folder: Folder) -> list[Left]:
        left: list[Left] = []
        segments = self._adopted[folder] = []
        for path in folder.segments():
            try:
                segment, found = _scanned(path)
            except (OSError, ValueError, KeyError):
                self._boundary.losses.add("spool_damaged")
                with contextlib.suppress(OSError):
                    folder.set_aside(path)
                continue
            segments.append(segment)
            if segment.damaged:
                self._boundary.losses.add("spool_damaged")
                LOG.warning("The spool file %s is damaged; what is whole in it is sent, and it is kept", path)
            left += [Left(Place(segment, it.offset, it.size), it.events) for it in found]
        self.waiting_bytes += sum(it.place.size for it in left)
        for segment in tuple(segments):
            self._tidy(segment)
        if not segments and self._adopted.pop(folder, None) is not None:
            folder.remove()
        return left


def _scanned(path: Path) -> tuple[Segment, list[Found]]:
    segment = Segment(path, fresh=False)
    try:
        return segment, segment.scan()
    except BaseException:
        segment.close()
        raise
