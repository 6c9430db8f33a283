"""Numbers without bounds (cost, latency) as scores: what share of the reference window is below them.

What is watched is then the mean rank: it rises where a number is now often above what it was, and no single enormous
value decides. The cuts are quantiles of a first window, kept with the baseline. The baseline is taken from the ranks of
a *second* window: ranked among themselves, numbers have a mean rank of a half whatever they are, and the error of the
cuts would be in no limit.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

from watchkeeper.stream_processors.detection.drift.scored import DriftError

CUTS: Final = 63
"""64 ranks: finer ones say no more of 500 numbers."""


def cuts_of(numbers: Sequence[float], cuts: int = CUTS) -> list[float]:
    """The quantiles of a reference window, ascending.

    Raises:
        DriftError: there are fewer numbers than cuts, or one is not finite.
    """
    if len(numbers) <= cuts or not all(math.isfinite(number) for number in numbers):
        raise DriftError(f"{len(numbers)} numbers give no {cuts} quantiles; give more, and only finite ones")
    ordered = sorted(numbers)
    return [ordered[(place + 1) * len(ordered) // (cuts + 1)] for place in range(cuts)]


def rank_of(number: float, cuts: Sequence[float]) -> float:
    """The share of cuts below, those that are equal counted by half: from 0 to 1, and NaN as the worst, 1."""
    if math.isnan(number):
        return 1.0
    return (bisect_left(cuts, number) + bisect_right(cuts, number)) / (2 * len(cuts))
