"""Makes a list small while something stays true of it: delta debugging (Zeller and Hildebrandt 2002), coarse to fine.

The result is 1-minimal: no single item can be left out of it. It need not be the shortest there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

Test = Callable[[Sequence[T]], bool]


class Budget:
    """How long shrinking may take.

    Attributes:
        trials: how often it was tried so far.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._until = clock, clock() + seconds
        self.trials = 0

    @property
    def is_spent(self) -> bool:
        """Whether the time is over."""
        return self._clock() >= self._until


def shrink(
    items: Sequence[T], holds: Test[T], budget: Budget, on_progress: Callable[[int], None] = lambda _: None
) -> list[T]:
    """The items without which it would hold no more.

    Args:
        items: it holds of all of them.
        holds: the test; an order that it is given is always that of `items`.
        budget: where it is spent, what is left by then is returned, and may be more than is needed.
        on_progress: told how many are left.
    """
    kept = list(items)
    size = max(1, len(kept) // 2)
    while kept:
        before = len(kept)
        kept = _without_chunks(kept, size, holds, budget, on_progress)
        if budget.is_spent:
            break
        if size > 1:
            size = max(1, min(size // 2, len(kept) // 2))
        elif len(kept) == before:
            # One whole pass over single items left out nothing.
            break
    return kept


def _without_chunks(
    items: list[T], size: int, holds: Test[T], budget: Budget, on_progress: Callable[[int], None]
) -> list[T]:
    """Leaves out one chunk after another, from the end: what comes last rests on what was before, seldom vice versa."""
    kept, end = items, len(items)
    while end > 0 and not budget.is_spent:
        start = max(0, end - size)
        without = kept[:start] + kept[end:]
        budget.trials += 1
        if holds(without):
            kept = without
            on_progress(len(kept))
        end = start
    return kept
