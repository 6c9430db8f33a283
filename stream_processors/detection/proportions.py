"""How sure a share is, without assuming that there are many: bounds that hold at every size of a sample.

For n independent trials of which a share p came out right, the chance that the true share is above u > p is at most
exp(-n KL(p, u)), with KL the relative entropy of two coins (Chernoff 1952; Hoeffding 1963, theorem 1). The bound is
where that chance is `alpha`. It is wider than the exact one (Clopper and Pearson 1934) by a little and needs no tables.
"""

from __future__ import annotations

import math

_STEPS = 50


def upper_bound(right: int, trials: int, alpha: float) -> float:
    """The true share is above it with a chance of at most `alpha`."""
    if not trials or right >= trials:
        return 1.0
    share = right / trials
    low, high = share, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if trials * _divergence(share, middle) > -math.log(alpha):
            high = middle
        else:
            low = middle
    return high


def lower_bound(right: int, trials: int, alpha: float) -> float:
    """The true share is below it with a chance of at most `alpha`."""
    return 1.0 - upper_bound(trials - right, trials, alpha)


def score_interval(right: int, trials: int, z: float = 1.959964) -> tuple[float, float] | None:
    """Where the true share lies: 95 % of such intervals hold it, at the default `z`. None without trials.

    By the score test (Wilson 1927), without a correction for continuity: the usual interval for a share that is shown
    to people. It holds on average, where `upper_bound` holds always.
    """
    if not trials:
        return None
    share, spread = right / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    # Where all or none came out right an end is exactly 1 or 0, which rounding may miss.
    return (max(0.0, middle - half) if right else 0.0), (min(1.0, middle + half) if right < trials else 1.0)


def _divergence(share: float, other: float) -> float:
    if other >= 1.0:
        return math.inf
    left = share * math.log(share / other) if share > 0 else 0.0
    return left + (1 - share) * math.log((1 - share) / (1 - other))
