"""Means without labels: what the grader's own scores say, if the grader is right.

Weights are the inverse of the probability of being drawn, and are normalised by their sum (Hájek 1971), so that risky
sessions that were oversampled count for what they are.
"""

from __future__ import annotations

import math

import numpy as np

from watchkeeper.evals.estimation.estimate import Estimate, Method
from watchkeeper.evals.estimation.samples import (
    Floats,
    Values,
    effective_size,
    inclusions_of,
    normal_quantile,
    student_quantile,
    values_of,
)

FEW = 30
"""Numbers of fewer sessions have the interval of a share, which is too wide for them: Student's t is too narrow where
most lie at one end."""

_ROUNDING = 1e-20


def plain_mean(values: Values, inclusion: Values | None = None, *, level: float = 0.95) -> Estimate:
    """The mean of values from 0 to 1 over all sessions from which these were drawn.

    Args:
        values: of `pass` 1 or 0; of `number` the number.
        inclusion: the probability with which each was drawn; 1 if left out.
        level: the interval's.

    Raises:
        ConfigurationError: there are no values, or they or the probabilities are out of range.
    """
    found = values_of(values, "scores")
    drawn = inclusions_of(inclusion, found.size)
    weights = 1 / drawn
    # Rounding must not leave the range of the values, nor make equal ones differ.
    mean = min(float(found.max()), max(float(found.min()), float(weights @ found / weights.sum())))
    method, (low, high) = _interval(found, weights, mean, level)
    return Estimate(mean, low, high, level, method, found.size, raw=mean)


def _interval(found: Floats, weights: Floats, mean: float, level: float) -> tuple[Method, tuple[float, float]]:
    size = effective_size(weights)
    shares = bool(np.all((found == 0) | (found == 1)))
    equal = bool(np.all(weights == weights[0]))
    variance = _variance(found, weights, mean)
    if not shares and size >= FEW and variance > _ROUNDING:
        half = student_quantile(level, size - 1) * math.sqrt(variance)
        return "linearised_t", (max(0.0, mean - half), min(1.0, mean + half))
    if shares and equal:
        return "wilson", wilson(mean, size, normal_quantile(level))
    if shares and variance > _ROUNDING:
        # The weights may say more or less about the mean than about sizes: where less, what the values show counts.
        size = min(size, mean * (1 - mean) / variance)
    return "weighted_wilson", wilson(mean, size, student_quantile(level, size - 1))


def _variance(found: Floats, weights: Floats, mean: float) -> float:
    if found.size < 2:
        return 0.0
    parts = weights * (found - mean) / weights.sum()
    return float(parts @ parts) * found.size / (found.size - 1)


def wilson(mean: float, size: float, z: float) -> tuple[float, float]:
    """The score interval of a share of `size` trials; of numbers from 0 to 1 it is too wide, never too narrow."""
    spread = z * z / size
    middle = (mean + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(max(0.0, mean * (1 - mean)) / size + spread / (4 * size))
    return max(0.0, min(mean, middle - half)), min(1.0, max(mean, middle + half))
