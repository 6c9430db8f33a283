"""What a suite can see: the smallest fall that would be told with a given chance."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

USUAL_DISAGREEMENT: Final = 0.2
"""The share of cases on which two versions of an agent differ, before anything is known of them."""

_NORMAL: Final = NormalDist()
_STEPS: Final = 50


def visible_fall(cases: int, spread: float, *, level: float, power: float = 0.8) -> float:
    """The smallest fall that a test at this level tells with this chance; 1 where even the greatest is not.

    Args:
        cases: compared on both sides.
        spread: the standard deviation of the cases' differences; where it is nought, one case that differs is supposed.
        level: one-sided, of the test.
        power: the chance.

    For shares this is Connor's (1987) formula for McNemar's test; a fall makes at least so many cases differ.
    """
    if cases < 1:
        return 1.0
    noise = max(spread * spread, 1 / cases)
    test, chance = _NORMAL.inv_cdf(1 - level), _NORMAL.inv_cdf(power)

    def seen(fall: float) -> bool:
        # The square of the differences has this mean: of shares it is the share of cases that differ.
        square = min(1.0, max(noise + fall * fall, fall))
        return fall * math.sqrt(cases) >= test * math.sqrt(square) + chance * math.sqrt(max(0.0, square - fall * fall))

    low, high = 0.0, 1.0
    if not seen(high):
        return 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if seen(middle):
            high = middle
        else:
            low = middle
    return high


def cases_needed(fall: float, spread: float, *, level: float, power: float = 0.8) -> int:
    """How many cases it takes to see such a fall."""
    low, high = 1, 2
    while visible_fall(high, spread, level=level, power=power) > fall and high < 10_000_000:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if visible_fall(middle, spread, level=level, power=power) > fall:
            low = middle
        else:
            high = middle
    return high
