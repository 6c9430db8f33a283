"""Every choice of a simulation, drawn from one seed and recorded, so that a run can be replayed and shrunk."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

STREAMS = ("work", "world")
"""What agents do, and what goes wrong: apart, so that one can be shrunk without disturbing the other."""

Recorded = dict[str, list[int]]


class Choices:
    """Draws whole numbers. 0 always stands for the plainest: no fault, no delay, nothing more to tell.

    Args:
        recorded: the numbers to give, stream by stream; 0 where they end. Without, they come from the seed.
    """

    def __init__(self, seed: int, recorded: Mapping[str, Sequence[int]] | None = None) -> None:
        # Seeded by whole numbers: the hash of a text would depend on the process.
        self._draws = {stream: random.Random(seed * 2 + number) for number, stream in enumerate(STREAMS)}
        self._given = recorded
        self.drawn: Recorded = {stream: [] for stream in STREAMS}

    def pick(self, stream: str, count: int) -> int:
        """A number from 0 to `count` - 1."""
        drawn = self.drawn[stream]
        if self._given is None:
            value = self._draws[stream].randrange(count)
        else:
            given = self._given[stream]
            value = min(given[len(drawn)], count - 1) if len(drawn) < len(given) else 0
        drawn.append(value)
        return value

    def chance(self, stream: str, per_mille: int) -> bool:
        """True so often out of a thousand times; False is the plainer."""
        return self.pick(stream, 1000) >= 1000 - per_mille
