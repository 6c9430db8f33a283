"""Paired differences that are not passes and failures: a test by flipped signs, an interval by bootstrap.

Where the candidate is as good as the baseline, each case's difference is as likely with the other sign; so signs are
flipped and the mean is compared with what that gives. The interval is the bootstrap's in its studentised form (Efron
and Tibshirani 1993, chapter 12). Differences that are mostly zero give too narrow a spread now and then, so that an
interval is never narrower than the one for cases that all agree (`paired.score_bounds`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from watchkeeper.evals.gate import paired

FLIPS: Final = 20_000
RESAMPLES: Final = 4_000
_ENUMERATED: Final = 12
"""Of so few differences all signs are tried: 4,096 ways."""

_AT_ONCE: Final = 1_000
_CLOSE: Final = 1e-9
Array = NDArray[np.float64]


def flipped_p(differences: Sequence[float], *, seed: int) -> float:
    """One-sided, mid-p: the chance of a lower sum, and half that of the same, if each sign were an even toss."""
    sizes = np.abs(np.asarray([d for d in differences if d], dtype=np.float64))
    observed = float(np.sum(np.asarray(differences, dtype=np.float64)))
    if not len(sizes):
        return 0.5
    if len(sizes) <= _ENUMERATED:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(sizes)))).reshape(-1, len(sizes))
        return _as_low(signs @ sizes, observed) / len(signs)
    generator = np.random.default_rng(seed)
    found = 0.0
    for _ in range(FLIPS // _AT_ONCE):
        kept = generator.integers(0, 2, size=(_AT_ONCE, len(sizes)), dtype=np.int8)
        # A sum of signed sizes is twice the sum of those that are kept, less all.
        found += _as_low(2 * (kept @ sizes) - float(np.sum(sizes)), observed)
    # The observed signs are one of the tosses: a p-value of nought would claim too much.
    return (found + 0.5) / (FLIPS + 1)


def _as_low(sums: NDArray[np.floating[Any]], observed: float) -> float:
    lower = np.count_nonzero(sums < observed - _CLOSE)
    return float(lower + np.count_nonzero(np.abs(sums - observed) <= _CLOSE) / 2)


def bootstrap_bounds(
    differences: Sequence[float], tails: Sequence[float], *, seed: int
) -> tuple[tuple[float, float], ...]:
    """An interval of the mean for each tail: the chance that the mean lies below it, and that it lies above."""
    values = np.asarray(differences, dtype=np.float64)
    mean, error = float(values.mean()), _error(values)
    ratios = _ratios(values, seed) if error > 0 else np.zeros(1)
    found = []
    for tail in tails:
        low, high = np.quantile(ratios, [tail, 1 - tail])
        _, least = paired.score_bounds(0, 0, len(values), tail)
        lower = min(mean - float(high) * error, mean - least)
        upper = max(mean - float(low) * error, mean + least)
        found.append((max(-1.0, lower), min(1.0, upper)))
    return tuple(found)


def _ratios(values: Array, seed: int) -> Array:
    """How many of its own standard errors each resample's mean is off."""
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(RESAMPLES // _AT_ONCE):
        drawn = values[generator.integers(0, len(values), size=(_AT_ONCE, len(values)))]
        errors = drawn.std(axis=1, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.zeros(_AT_ONCE)
        usable = errors > _CLOSE
        found.append((drawn.mean(axis=1)[usable] - values.mean()) / errors[usable])
    together = np.concatenate(found)
    return together if len(together) else np.zeros(1)


def _error(values: Array) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def ratio_bounds(pairs: Sequence[tuple[float, float]], tail: float, *, seed: int) -> tuple[float, float]:
    """Where the second's mean over the first's lies: by bootstrap over pairs, percentiles."""
    values = np.asarray(pairs, dtype=np.float64)
    generator = np.random.default_rng(seed)
    means = np.concatenate(
        [
            values[generator.integers(0, len(values), size=(_AT_ONCE, len(values)))].mean(axis=1)
            for _ in range(RESAMPLES // _AT_ONCE)
        ]
    )
    usable = means[means[:, 0] > 0]
    low, high = np.quantile(usable[:, 1] / usable[:, 0], [tail, 1 - tail])
    return float(low), float(high)
