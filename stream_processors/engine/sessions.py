"""The sessions that stage 1 holds in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from watchkeeper.stream_processors.detection.session import SessionState

SessionKey = tuple[str, str]

CAPACITY = 50_000
"""Sessions held: at 8 KiB each, 400 MB. Beyond it the longest untouched leave; they come back with their next event."""


@dataclass(slots=True)
class Held:
    """A session in memory; `pins` counts the outputs on their way that rest on it."""

    partition: int
    state: SessionState
    pins: int = 0


class Sessions:
    """Sessions by tenant and id, least recently touched first."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: OrderedDict[SessionKey, Held] = OrderedDict()

    def __contains__(self, key: SessionKey) -> bool:
        return key in self._held

    def __len__(self) -> int:
        return len(self._held)

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
        """Lets go of what is kept for good: closed sessions at once, the longest untouched where room is short."""
        for key in keys:
            held = self._held.get(key)
            if held is None:
                continue
            held.pins -= 1
            if held.pins <= 0 and not held.state.is_open:
                del self._held[key]
        surplus = len(self._held) - self._capacity
        if surplus > 0:
            idle = [key for key, held in self._held.items() if held.pins <= 0]
            for key in idle[:surplus]:
                del self._held[key]
