"""How many cases each stratum gets: in proportion to its sessions, and none so few that nothing can be said of it."""

from __future__ import annotations

import heapq
from collections.abc import Mapping


def allocate(
    weights: Mapping[str, float],
    available: Mapping[str, int],
    size: int,
    *,
    minimum: int = 3,
    held: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Shares out the places of a suite.

    Each stratum gets the minimum, or all it has; the rest goes by Webster's method (each next place to the stratum
    whose part is smallest for its weight), so that no part is further from its proportion than it must be. Where there
    are too few places for the minima, the heaviest strata get theirs first, one place at a time.

    Args:
        weights: how many sessions each stratum stands for; above 0.
        available: how many different requests each has.
        size: how many places there are.
        minimum: what a stratum gets at least, if it has so many.
        held: places that strata have besides.

    Returns:
        For each stratum how many; together `size`, or all there are.
    """
    has = {name: (held or {}).get(name, 0) for name in weights}
    given = dict.fromkeys(weights, 0)
    left = min(size, sum(available[name] for name in weights))
    for level in range(minimum):
        for name in sorted(weights, key=lambda name: (-weights[name], name)):
            if left and has[name] + given[name] <= level and given[name] < available[name]:
                given[name] += 1
                left -= 1
    waiting = [_place(weights, has[name] + given[name], name) for name in weights if given[name] < available[name]]
    heapq.heapify(waiting)
    while left:
        _, name = heapq.heappop(waiting)
        given[name] += 1
        left -= 1
        if given[name] < available[name]:
            heapq.heappush(waiting, _place(weights, has[name] + given[name], name))
    return given


def _place(weights: Mapping[str, float], has: int, name: str) -> tuple[float, str]:
    return -weights[name] / (2 * has + 1), name
