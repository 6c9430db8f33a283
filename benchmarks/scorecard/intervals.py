"""Shares with exact (Clopper-Pearson) bounds, and the precision that follows from two of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

CONFIDENCE: Final = 0.95
BASE_RATE: Final = 0.01
"""The share of sessions in which a failure of one mode is supposed to stand when precision is told."""

_STEPS: Final = 60


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n`, with the two-sided 95 % interval. `value` is None where there is nothing to divide."""

    hits: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The share itself."""
        return self.hits / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Precision:
    """The share of findings that are right, where one session in a hundred holds the failure.

    None where neither a failure would be found nor a clean session alarm: then there are no findings.
    """

    value: float | None
    low: float | None
    high: float | None


def share(hits: int, n: int) -> Share:
    """A share with its exact interval.

    Raises:
        ValueError: more hits than trials, or fewer than none.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} hits of {n}: give from 0 to as many as were tried")
    tail = (1 - CONFIDENCE) / 2
    return Share(hits, n, _lower(hits, n, tail), _upper(hits, n, tail))


def upper_bound(hits: int, n: int) -> float:
    """The one-sided upper 95 % bound of a share; 1 where nothing was tried."""
    return _upper(hits, n, 1 - CONFIDENCE)


def precision(recall: Share, alarms: Share, base_rate: float = BASE_RATE) -> Precision:
    """Precision at a base rate, from recall and the share of clean sessions that alarm; its bounds from theirs."""
    if recall.value is None or alarms.value is None:
        return Precision(None, None, None)
    return Precision(
        _precision(recall.value, alarms.value, base_rate),
        _precision(recall.low, alarms.high, base_rate),
        _precision(recall.high, alarms.low, base_rate),
    )


def _precision(recall: float, alarms: float, base_rate: float) -> float | None:
    right, wrong = recall * base_rate, alarms * (1 - base_rate)
    return right / (right + wrong) if right + wrong else None


def _lower(hits: int, n: int, tail: float) -> float:
    """The share at which so many hits or more come with probability `tail`."""
    return 0.0 if hits == 0 else _solved(lambda p: 1 - _at_most(hits - 1, n, p) < tail)


def _upper(hits: int, n: int, tail: float) -> float:
    """The share at which so many hits or fewer come with probability `tail`."""
    return 1.0 if hits == n else _solved(lambda p: _at_most(hits, n, p) > tail)


def _solved(is_below: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_below(middle) else (low, middle)
    return (low + high) / 2


def _at_most(hits: int, n: int, p: float) -> float:
    """The binomial distribution: the probability of at most so many hits."""
    # The shorter tail is summed: of 5,000 trials either few hit or nearly all do.
    if hits > n // 2:
        return 1 - math.fsum(_exactly(k, n, p) for k in range(hits + 1, n + 1))
    return math.fsum(_exactly(k, n, p) for k in range(hits + 1))


def _exactly(k: int, n: int, p: float) -> float:
    if p in {0.0, 1.0}:
        return float(k == n * p)
    choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(choose + k * math.log(p) + (n - k) * math.log1p(-p))
