"""What an estimate is: a value, where the truth lies, how that was worked out, and on how much it rests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Method = Literal["wilson", "weighted_wilson", "linearised_t", "prediction_powered"]
"""`wilson`: a share of equally drawn sessions, score test (Wilson 1927). `weighted_wilson`: the same at the effective
size of a weighted sample; also for numbers of few sessions, for which it is too wide rather than too narrow.
`linearised_t`: a weighted mean of numbers, variance by linearisation, Student's t. `prediction_powered`: corrected by
people's labels (see `prediction_powered`)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over all sessions, from a sample of them.

    Attributes:
        value: the mean.
        low: the lower end of the interval.
        high: the upper end.
        level: the share of such intervals that hold the truth, 0.95.
        method: how the interval was worked out.
        scored: how many sessions the grader scored.
        labelled: of these, how many people labelled: 0 where nothing is corrected.
        raw: the grader's own mean, uncorrected.
        trust: how much of the grader's scores the correction uses, 0 (none, labels alone) to 1; None where nothing is
            corrected.
    """

    value: float
    low: float
    high: float
    level: float
    method: Method
    scored: int
    labelled: int = 0
    raw: float = math.nan
    trust: float | None = None

    @property
    def corrected(self) -> bool:
        """Whether people's labels took part."""
        return self.method == "prediction_powered"

    @property
    def half_width(self) -> float:
        """Half the interval's length."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher one mean is than another; see `difference`."""

    value: float
    low: float
    high: float
    level: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


def difference(higher: Estimate, lower: Estimate) -> Difference:
    """`higher` minus `lower`, of two samples that share no session.

    By the variance estimates that the two intervals imply (Newcombe 1998; Zou and Donner 2008), so that it is as honest
    at small sizes and near 0 and 1 as the intervals are.

    Raises:
        ValueError: the intervals have different levels.
    """
    if higher.level != lower.level:
        raise ValueError(f"intervals at {higher.level} and {lower.level} cannot be put together: use one level")
    gap = higher.value - lower.value
    down = math.hypot(higher.value - higher.low, lower.high - lower.value)
    up = math.hypot(higher.high - higher.value, lower.value - lower.low)
    return Difference(gap, max(-1.0, gap - down), min(1.0, gap + up), higher.level)
