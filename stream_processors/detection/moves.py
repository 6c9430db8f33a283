"""How far a mean moved between two samples, and how likely that is by chance.

Welch's test (1947), which does not take the two for equally scattered; its statistic is held against Student's
distribution, by the approximation of Wallace (1959), good to three digits from ten degrees of freedom on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Sample:
    """Numbers, as far as their mean and scatter need them.

    Attributes:
        count: how many.
        mean: of them.
        squares: the sum of their squared distances from the mean (Welford 1962).
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Takes a number in."""
        self.count += 1
        off = value - self.mean
        self.mean += off / self.count
        self.squares += off * (value - self.mean)

    def join(self, other: Sample) -> None:
        """Takes another sample in (Chan, Golub and LeVeque 1979)."""
        if not other.count:
            return
        both = self.count + other.count
        off = other.mean - self.mean
        self.squares += other.squares + off * off * self.count * other.count / both
        self.mean += off * other.count / both
        self.count = both

    @property
    def variance(self) -> float:
        """Of the numbers that it was drawn from, without bias."""
        return self.squares / (self.count - 1) if self.count > 1 else 0.0


def p_of_rise(before: Sample, after: Sample) -> float:
    """The chance that the mean rises by so much, or more, though nothing changed; 1 where nothing can be said."""
    if min(before.count, after.count) < 2:
        return 1.0
    each = before.variance / before.count, after.variance / after.count
    rise = after.mean - before.mean
    if sum(each) <= 0:
        # Two constants: they differ or they do not, and how sure that is their scatter does not tell.
        return 1.0
    # By shares: the squares of very small variances would vanish.
    shares = each[0] / sum(each), each[1] / sum(each)
    freedom = 1 / (shares[0] ** 2 / (before.count - 1) + shares[1] ** 2 / (after.count - 1))
    return _student_tail(rise / math.sqrt(sum(each)), freedom)


def effect(before: Sample, after: Sample) -> float:
    """The difference of the means in pooled standard deviations (Cohen 1988); 0 where there is no scatter."""
    pooled = before.squares + after.squares
    freedom = before.count + after.count - 2
    if freedom <= 0 or pooled <= 0:
        return 0.0
    return (after.mean - before.mean) / math.sqrt(pooled / freedom)


def _student_tail(statistic: float, freedom: float) -> float:
    """The chance that Student's variable is above the statistic."""
    size = math.sqrt(freedom * math.log1p(statistic * statistic / freedom))
    normal = math.copysign((8 * freedom + 1) / (8 * freedom + 3) * size, statistic)
    return 0.5 * math.erfc(normal / math.sqrt(2))
