"""What was done lately and need not be done again yet."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable


class Remembered:
    """Keys with a moment until which they are remembered; the oldest leave when there is no room.

    Args:
        most: keys remembered.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._until_us: OrderedDict[Hashable, int] = OrderedDict()

    def add(self, key: Hashable, until_us: int) -> None:
        """Remembers a key until then."""
        self._until_us[key] = until_us
        self._until_us.move_to_end(key)
        if len(self._until_us) > self._most:
            self._until_us.popitem(last=False)

    def holds(self, key: Hashable, now_us: int) -> bool:
        """Whether the key is remembered now."""
        return self._until_us.get(key, now_us) > now_us

    def clear(self) -> None:
        """Forgets all."""
        self._until_us.clear()
