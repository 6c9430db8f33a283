"""Gamblers who bet that a mean has fallen: sizes of bets, and what a bet makes of what they hold. See `watch`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

SIZES: Final = (0.125, 0.25, 0.5, 1.0, 2.0)
"""The falls that bets are made for, in standard deviations of a block's mean."""
GREATEST: Final = 1e15
"""Evidence beyond it counts as this; less than there is, so the promise holds."""
_BOLDEST: Final = 0.98
"""The greatest part of a stake that one bet may lose, or of the limit that a fall may take."""
_LEAST_DEVIATION: Final = 0.02


def sizes_for(promise: float) -> tuple[float, ...]:
    """Of `SIZES`, the falls that can be seen within half of the promise; smaller ones would only share the evidence.

    Args:
        promise: N, in blocks. The evidence of a fall by s standard deviations grows by about s * s / 2 a block, in
            logarithms, and log(N) is needed.
    """
    return tuple(size for size in SIZES if 2 * math.log(promise) / size**2 <= promise / 2) or SIZES[-1:]


def bets_for(
    limit: float,
    spread: float,
    *,
    coins: bool,
    least_limit: float | None = None,
    weight: float = 1.0,
    sizes: Sequence[float] = SIZES,
) -> list[float]:
    """The bet that gains most at a fall of each size (Kelly's, to second order); none can lose all.

    Args:
        limit: what the mean is not below while nothing has changed.
        spread: the variance of a block's mean.
        coins: whether all values are 0 or 1, and each makes a block.
        least_limit: the lowest limit that is bet against, where it depends on the phase.
        weight: the mean weight of a score.
        sizes: of falls, in standard deviations.
    """
    against = max(spread, limit * (1 - limit)) if coins else spread
    deviation = max(math.sqrt(against), _LEAST_DEVIATION)
    greatest = _BOLDEST / max(1 - (limit if least_limit is None else least_limit), 1e-6)
    bets = []
    for size in sizes:
        fall = min(size * deviation, _BOLDEST * limit)
        # A coin's spread grows as it falls, by just what the fall's square takes: it needs no square.
        bets.append(min(fall / (against if coins else against + fall**2) / weight, greatest))
    return bets


def held_after(held: float, factor: float) -> float:
    """What all gamblers of one size hold after a bet, the one that came for it included."""
    return min((held + 1) * factor, GREATEST)


def likelihood(weight: float, mean: float, limit: float) -> float:
    """The logarithm of how much likelier scores are at their own mean than at the limit; 0 where they are not below."""
    top = min(limit, 1 - 1e-9)
    if weight <= 0 or mean >= top:
        return 0.0
    right = mean * math.log(mean / top) if mean > 0 else 0.0
    return weight * (right + (1 - mean) * math.log((1 - mean) / (1 - top)))
