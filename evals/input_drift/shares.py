"""Where the difference of two shares lies."""

from __future__ import annotations

import math
from statistics import NormalDist

from watchkeeper.stream_processors.detection.proportions import score_interval


def difference_of_shares(before: int, of: int, after: int, among: int, alpha: float) -> tuple[float, float]:
    """`after / among - before / of`, by Newcombe's hybrid score interval (1998, method 10), at confidence 1 - alpha."""
    z = NormalDist().inv_cdf(1 - alpha / 2)
    old, new = before / of, after / among
    old_low, old_high = score_interval(before, of, z) or (0.0, 1.0)
    new_low, new_high = score_interval(after, among, z) or (0.0, 1.0)
    change = new - old
    return change - math.hypot(new - new_low, old_high - old), change + math.hypot(new_high - new, old - old_low)
