"""Samples: values with the probabilities with which they were drawn, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

from watchkeeper.schemas.errors import ConfigurationError

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = Sequence[float] | Floats


def values_of(values: Values, what: str) -> Floats:
    """Numbers from 0 to 1.

    Raises:
        ConfigurationError: there are none, or some lie outside.
    """
    found = np.asarray(values, dtype=np.float64)
    if not found.size:
        raise ConfigurationError(f"there are no {what}: a mean needs at least one")
    if not np.all((found >= 0) & (found <= 1)):
        raise ConfigurationError(f"{what} lie outside 0 to 1: scale them first (failures are left out, not counted 0)")
    return found


def inclusions_of(inclusion: Values | None, size: int) -> Floats:
    """The probability with which each was drawn; 1 for each where nothing is said.

    Raises:
        ConfigurationError: their number differs, or one is no probability above 0.
    """
    if inclusion is None:
        return np.ones(size)
    found = np.asarray(inclusion, dtype=np.float64)
    if found.shape != (size,):
        raise ConfigurationError(f"{size} values have {found.size} probabilities of being drawn: give one for each")
    if not np.all((found > 0) & (found <= 1)):
        raise ConfigurationError("a probability of being drawn is above 0 and at most 1")
    return found


def effective_size(weights: Floats) -> float:
    """How many equally weighted values say as much (Kish 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum())


def normal_quantile(level: float) -> float:
    """1.96 at 0.95."""
    return float(special.ndtri((1 + level) / 2))


def student_quantile(level: float, freedom: float) -> float:
    """Of Student's t; at least one degree of freedom is assumed."""
    return float(special.stdtrit(max(1.0, freedom), (1 + level) / 2))
