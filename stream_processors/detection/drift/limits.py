"""Limits of the mean of numbers between 0 and 1, at a stated error, at every size of a sample.

Zeros and ones have exact limits (Clopper and Pearson 1934). For other numbers: a gambler who bets that the mean is
above m cannot expect to grow rich where it is not; so those m at which the gambler multiplied the stake by 1 / error
are refused, and the least that is left is the limit (Waudby-Smith and Ramdas, "Estimating means of bounded random
variables by betting", JRSS B 2024). Nothing is assumed but that each number's expectation, given those before, is the
mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

_STEPS: Final = 40
_BOLDEST: Final = 0.9
"""The greatest part of the stake that one bet may lose."""


def lower_limit_of_share(right: float, trials: int, error: float) -> float:
    """The share of which a sample with `right` of `trials` is just not too lucky: the true one is below by `error`."""
    if right <= 0 or not trials:
        return 0.0
    return _least(lambda share: _at_least(round(right), trials, share) >= error)


def lower_limit_of_mean(numbers: Sequence[float], error: float, weights: Sequence[float] | None = None) -> float:
    """The mean is below it with a chance of at most `error`.

    Args:
        numbers: each from 0 to 1, in the order in which they came.
        error: between 0 and 1.
        weights: of the numbers, each above 0 and at most 1; all 1 where they are not given.
    """
    if not numbers:
        return 0.0
    weighing = [1.0] * len(numbers) if weights is None else weights
    bets = _bets(numbers, weighing, error)
    goal = -math.log(error)
    return _least(lambda mean: _luck(numbers, weighing, bets, mean) <= goal)


def _luck(numbers: Sequence[float], weights: Sequence[float], bets: Sequence[float], mean: float) -> float:
    """The logarithm of what the stake became of who bet that the numbers are above `mean`."""
    greatest = _BOLDEST / max(mean, 1e-12)
    return sum(
        math.log1p(min(bet, greatest) * weight * (number - mean))
        for number, weight, bet in zip(numbers, weights, bets, strict=True)
    )


def _bets(numbers: Sequence[float], weights: Sequence[float], error: float) -> list[float]:
    """What to bet on each number: by the spread of those before it, so that the number itself has no say."""
    bets, total, squares = [], 0.5, 0.25
    scale = 2 * math.log(1 / error) / len(numbers)
    for count, (number, weight) in enumerate(zip(numbers, weights, strict=True), 1):
        bets.append(math.sqrt(scale / max(squares / count, 1e-4)))
        total += number
        squares += (weight * (number - total / (count + 1))) ** 2
    return bets


def _least(allowed: Callable[[float], bool]) -> float:
    """The least share that is allowed, where all above an allowed one are; from below, so never too great."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if allowed(middle):
            high = middle
        else:
            low = middle
    return low


def _at_least(right: int, trials: int, share: float) -> float:
    """The chance of `right` or more of `trials` at this share."""
    if share <= 0:
        return 0.0 if right else 1.0
    if share >= 1:
        return 1.0
    constant = math.lgamma(trials + 1)
    left, other = math.log(share), math.log1p(-share)
    return min(
        1.0,
        sum(
            math.exp(constant - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * left + (trials - k) * other)
            for k in range(right, trials + 1)
        ),
    )
