"""Two agents on the same cases: how far apart they are, within which interval, and how surely one is worse.

A case is one observation, however often it was repeated: repeats of a case resemble each other, and count as its mean.
Where every case is passed or failed once by each agent, the test is McNemar's with the mid-p-value (Fagerland, Lydersen
and Laake 2013: exact but for counting what was observed by half, which keeps the level and wastes none of it), and the
interval is that of the score test for paired shares (Tango 1998). For everything else the test flips signs and the
interval is bootstrapped (`resampling`). On passes and failures the flipped test is McNemar's, so both say the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Literal

from watchkeeper.schemas.errors import ConfigurationError

Method = Literal["mid_p", "resampled"]

SHOWN_LEVEL: Final = 0.05
"""Intervals that people see hold 95 %."""

_STEPS: Final = 60
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True)
class Pair:
    """One case, done by both.

    Attributes:
        baseline: 0 to 1; the mean over its repeats.
        candidate: the same.
    """

    case_id: str
    baseline: float
    candidate: float

    @property
    def difference(self) -> float:
        """Below zero where the candidate is worse."""
        return self.candidate - self.baseline


@dataclass(frozen=True, slots=True)
class Effect:
    """The candidate's mean less the baseline's, over the same cases.

    Attributes:
        cases: how many were compared.
        worse: in how many the candidate is worse.
        better: in how many it is better.
        difference: below zero where the candidate is worse.
        lower: the 95 % interval's.
        upper: the 95 % interval's.
        floor: the fall that is excluded: the true difference is below it with a chance of at most the margin's level.
        p_fall: how likely so bad a difference, or a worse one, is for a candidate that is as good as the baseline.
        spread: the standard deviation of the cases' differences.
    """

    cases: int
    worse: int
    better: int
    baseline: float
    candidate: float
    difference: float
    lower: float
    upper: float
    floor: float
    p_fall: float
    spread: float
    method: Method


def effect_of(pairs: Sequence[Pair], *, margin_level: float = 0.05, seed: int = 0) -> Effect:
    """Compares.

    Args:
        pairs: at least one.
        margin_level: of `Effect.floor`.
        seed: of what is drawn, where anything is.

    Raises:
        ConfigurationError: there is no pair.
    """
    if not pairs:
        raise ConfigurationError("no case was answered and graded on both sides: nothing can be compared")
    differences = [pair.difference for pair in pairs]
    count = len(pairs)
    mean = math.fsum(differences) / count
    worse, better = sum(d < 0 for d in differences), sum(d > 0 for d in differences)
    if all(pair.baseline in {0.0, 1.0} and pair.candidate in {0.0, 1.0} for pair in pairs):
        method: Method = "mid_p"
        p_fall = mid_p(worse, better)
        lower, upper = score_bounds(worse, better, count, SHOWN_LEVEL / 2)
        floor, _ = score_bounds(worse, better, count, margin_level)
    else:
        # It brings numpy, which comparisons of passes and failures need not have.
        from watchkeeper.evals.gate.resampling import bootstrap_bounds, flipped_p  # noqa: PLC0415

        method = "resampled"
        p_fall = flipped_p(differences, seed=seed)
        (lower, upper), (floor, _) = bootstrap_bounds(differences, (SHOWN_LEVEL / 2, margin_level), seed=seed)
    return Effect(
        cases=count,
        worse=worse,
        better=better,
        baseline=math.fsum(pair.baseline for pair in pairs) / count,
        candidate=math.fsum(pair.candidate for pair in pairs) / count,
        difference=mean,
        lower=lower,
        upper=upper,
        floor=floor,
        p_fall=p_fall,
        spread=math.sqrt(max(0.0, math.fsum(d * d for d in differences) / count - mean * mean)),
        method=method,
    )


def mid_p(worse: int, better: int) -> float:
    """McNemar's test, one-sided: the chance that more than `worse` of all that differ are worse, plus half that of it.

    At even odds: where the candidate is as good, either is as likely.
    """
    total = worse + better
    # Whole numbers: of thousands of cases the powers of two are beyond what a float holds.
    ways = just = math.comb(total, worse)
    more = 0
    for k in range(worse, total):
        ways = ways * (total - k) // (k + 1)
        more += ways
    return (2 * more + just) / (1 << (total + 1))


def score_bounds(worse: int, better: int, cases: int, tail: float) -> tuple[float, float]:
    """Where the true difference of two paired shares lies, by inverting the score test (Tango 1998).

    Args:
        worse: cases passed by the baseline alone.
        better: cases passed by the candidate alone.
        cases: all, those on which both agree included.
        tail: the chance that the difference lies below the interval, and the chance that it lies above.
    """
    limit = _NORMAL.inv_cdf(1 - tail)
    observed = (better - worse) / cases

    def z(difference: float) -> float:
        return _score_z(better, worse, cases, difference)

    lower = _crossing(lambda delta: z(delta) > limit, -1.0, observed)
    upper = -_crossing(lambda delta: z(-delta) < -limit, -1.0, -observed)
    return lower, upper


def _score_z(plus: int, minus: int, cases: int, difference: float) -> float:
    """How many standard errors the observed difference is above a supposed one, at the likeliest nuisance share."""
    b = -plus - minus + (2 * cases - plus + minus) * difference
    c = -minus * difference * (1 - difference)
    share = (math.sqrt(max(0.0, b * b - 8 * cases * c)) - b) / (4 * cases)
    variance = cases * (2 * share + difference * (1 - difference))
    distance = plus - minus - cases * difference
    if variance <= 0:
        return 0.0 if distance == 0 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def _crossing(rejected: Callable[[float], bool], low: float, high: float) -> float:
    """The end of what is rejected, from `low` on."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if rejected(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2
