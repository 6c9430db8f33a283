"""Values with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from watchkeeper.stream_processors.detection.proportions import score_interval


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


def bootstrap_mean(values: Sequence[float], seed: int = 0) -> Interval:
    """The mean with a percentile bootstrap interval."""
    random, array = np.random.default_rng(seed), np.asarray(values, dtype=float)
    means = [array[random.integers(0, len(array), len(array))].mean() for _ in range(2000)]
    return Interval(float(array.mean()), float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975)))


def told(interval: Interval, digits: int) -> str:
    """For a table."""
    return f"{interval.value:,.{digits}f} ({interval.low:,.{digits}f} to {interval.high:,.{digits}f})"


def share(right: int, trials: int) -> Interval:
    """By Wilson's interval."""
    low, high = score_interval(right, trials) or (0.0, 1.0)
    return Interval(right / trials, low, high)


def median_of(values: Sequence[float]) -> Interval:
    """The median with a percentile bootstrap interval."""
    random, array = np.random.default_rng(0), np.asarray(values, dtype=float)
    drawn = [float(np.median(array[random.integers(0, len(array), len(array))])) for _ in range(1000)]
    return Interval(float(np.median(array)), float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975)))


def ratio_of_medians(pairs: Sequence[tuple[int, int]]) -> Interval:
    """The median of the first by that of the second; pairs are drawn again together."""
    random, array = np.random.default_rng(0), np.asarray(pairs, dtype=float)
    drawn = []
    for _ in range(1000):
        own, other = np.median(array[random.integers(0, len(array), len(array))], axis=0)
        drawn.append(float(own / other))
    own, other = np.median(array, axis=0)
    return Interval(float(own / other), float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975)))
