"""The sessions that stage 1 holds in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from watchkeeper.stream_processors.detection.session import SessionState

SessionKey = tuple[str, str]

CAPACITY = 50_000
"""Sessions held: at 8 KiB each, 400 MB. Beyond it the longest untouched leave; they come back with their next event."""


@dataclass(slots=True, eq=False)
class Held:
    """A session in memory.

    Attributes:
        pins: counts the batches and outputs on their way that rest on it.
        size: the bytes of its state when that was last read or written.
    """

    partition: int
    state: SessionState
    pins: int = 0
    size: int = 0


class Sessions:
    """Sessions by tenant and id, least recently touched first.

    What is pinned stays. Everything else leaves when it has ended, or when room is short.

    Args:
        capacity: sessions held while nothing more is pinned.
        is_ticked: whether a session is waiting for time to pass. Where room is short the others leave first: their
            next event brings them back, but silence has nothing to bring it back with.
    """

    def __init__(self, capacity: int = CAPACITY, is_ticked: Callable[[SessionState], bool] = lambda _: False) -> None:
        self.capacity = capacity
        self._is_ticked = is_ticked
        self._held: OrderedDict[SessionKey, Held] = OrderedDict()

    def __contains__(self, key: SessionKey) -> bool:
        return key in self._held

    def __len__(self) -> int:
        return len(self._held)

    @property
    def bytes(self) -> int:
        """The bytes of all states when they were last read or written."""
        return sum(held.size for held in self._held.values())

    def get(self, key: SessionKey) -> Held | None:
        """The session, if it is held."""
        return self._held.get(key)

    def __getitem__(self, key: SessionKey) -> Held:
        return self._held[key]

    def add(self, key: SessionKey, held: Held) -> Held:
        """Takes a session in."""
        self._held[key] = held
        return held

    def clear(self) -> None:
        """Forgets all."""
        self._held.clear()

    def open(self) -> Iterator[tuple[SessionKey, Held]]:
        """The sessions whose end is still to come."""
        return ((key, held) for key, held in self._held.items() if held.state.is_open)

    def pin(self, keys: Iterable[SessionKey]) -> None:
        """Holds these until `unpin`."""
        for key in keys:
            self._held[key].pins += 1
            self._held.move_to_end(key)

    def unpin(self, keys: Iterable[SessionKey]) -> None:
        """Lets go of these: ended sessions leave at once, the longest untouched where room is short."""
        for key in keys:
            held = self._held[key]
            held.pins -= 1
            if held.pins == 0 and not held.state.is_open:
                del self._held[key]
        self.make_room()

    def make_room(self) -> None:
        """Lets the longest untouched leave until there are no more than `capacity`, as far as pins allow."""
        for spare_ticked in (True, False):
            surplus = len(self._held) - self.capacity
            if surplus <= 0:
                return
            for key in self._longest_untouched(surplus, spare_ticked):
                del self._held[key]

    def _longest_untouched(self, most: int, spare_ticked: bool) -> list[SessionKey]:
        found: list[SessionKey] = []
        for key, held in self._held.items():
            if len(found) == most:
                break
            if held.pins == 0 and not (spare_ticked and held.state.is_open and self._is_ticked(held.state)):
                found.append(key)
        return found
