"""Where a judge errs with a direction: lenient, fond of length, of its own kin, or of a place.

Each check compares the judge with people's labels of the same sessions, so that an agent whose long answers are better
is not held against the judge. Each is a difference with its interval; one that leaves out zero is told as a bias.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from watchkeeper.evals.estimation.means import wilson
from watchkeeper.evals.estimation.samples import Floats, effective_size, normal_quantile, student_quantile
from watchkeeper.evals.judging.pairwise import Comparison

Kind = Literal["leniency", "verbosity", "self_preference", "position"]

MINIMUM: Final = 10
"""Of fewer sessions, or pairs, nothing is said."""

_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Seen:
    """One session that both spoke of.

    Attributes:
        judged: what the judge says, 0 to 1.
        labelled: what people say.
        weight: what the session stands for.
        length: characters of the agent's answers; None where not known.
        family: who made the agent's model.
    """

    judged: float
    labelled: float
    weight: float = 1.0
    length: int | None = None
    family: str = "unknown"


@dataclass(frozen=True, slots=True)
class Bias:
    """One check.

    Attributes:
        value: how far off, in parts of the scale from 0 to 1; None where too little is known.
        sessions: on how many sessions, or pairs, it rests.
        meaning: what the value is.
        told: what follows, for people.
    """

    kind: Kind
    value: float | None
    low: float | None
    high: float | None
    sessions: int
    meaning: str
    told: str

    @property
    def is_shown(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and _leaves_out_zero(self.low, self.high)


def _leaves_out_zero(low: float, high: float) -> bool:
    return low > _ROUNDING or high < -_ROUNDING


def leniency(seen: Sequence[Seen], *, level: float = 0.95) -> Bias:
    """How much higher the judge's mean is than people's."""
    meaning = "the judge's mean less people's"
    if len(seen) < MINIMUM:
        return _unknown("leniency", len(seen), meaning)
    gaps, weights = _gaps(seen)
    value, half = _mean(gaps, weights, level)
    told = "lenient" if value - half > 0 else "harsh" if value + half < 0 else ""
    advice = f"the judge is {told}: use corrected means" if told else "not shown to be lenient or harsh"
    return Bias("leniency", value, value - half, value + half, len(seen), meaning, advice)


def verbosity(seen: Iterable[Seen], *, level: float = 0.95) -> Bias:
    """How much more the judge gives to an answer of double length that people think as good.

    By least squares of the judge's score on people's label and the logarithm of the length, with errors that hold where
    the scatter differs (HC3; MacKinnon and White 1985).
    """
    meaning = "what double the length adds, at the same label"
    known = [one for one in seen if one.length]
    lengths = np.log2(np.array([one.length or 1 for one in known], dtype=np.float64))
    if len(known) < 2 * MINIMUM or float(np.ptp(lengths)) < 0.5:
        return _unknown("verbosity", len(known), meaning)
    labels = np.array([one.labelled for one in known])
    terms = [np.ones(len(known)), lengths - lengths.mean()]
    if float(np.ptp(labels)) > 0:
        terms.append(labels - labels.mean())
    design = np.column_stack(terms)
    inverse = np.linalg.pinv(design.T @ design)
    judged = np.array([one.judged for one in known])
    found = inverse @ design.T @ judged
    leverage = np.clip(np.einsum("ij,jk,ik->i", design, inverse, design), 0, 1 - 1e-9)
    scaled = (judged - design @ found) / (1 - leverage)
    spread = inverse @ (design.T * scaled**2) @ design @ inverse
    value = float(found[1])
    half = student_quantile(level, len(known) - design.shape[1]) * math.sqrt(max(0.0, float(spread[1, 1])))
    shown = _leaves_out_zero(value - half, value + half)
    advice = f"the judge likes {'longer' if value > 0 else 'shorter'} answers: say in the rubric that length is nothing"
    return Bias(
        *("verbosity", value, value - half, value + half, len(known), meaning),
        told=advice if shown else "not shown to look at length",
    )


def self_preference(seen: Sequence[Seen], family: str, *, level: float = 0.95) -> Bias:
    """How much more lenient the judge is with models of its own maker than with others."""
    meaning = f"its leniency with models of {family} less that with others"
    own = [one for one in seen if one.family == family]
    others = [one for one in seen if one.family not in {family, "unknown"}]
    if family == "unknown" or min(len(own), len(others)) < MINIMUM:
        return _unknown("self_preference", min(len(own), len(others)), meaning)
    (mine, half), (theirs, other_half) = (_mean(*_gaps(some), level) for some in (own, others))
    value, spread = mine - theirs, math.hypot(half, other_half)
    shown = _leaves_out_zero(value - spread, value + spread)
    return Bias(
        *("self_preference", value, value - spread, value + spread, len(own) + len(others), meaning),
        told="models of its maker are judged otherwise: take a judge of another" if shown else "not shown",
    )


def position(compared: Sequence[Comparison], *, level: float = 0.95) -> Bias:
    """How far the judge prefers the first place to the second, where it prefers a place at all."""
    meaning = "the share of pairs in which it prefers the first place both ways round, less that of the second"
    pairs = len(compared)
    if pairs < MINIMUM:
        return _unknown("position", pairs, meaning)
    first = sum(one.by_place == "first" for one in compared)
    second = sum(one.by_place == "second" for one in compared)
    torn = first + second
    share = torn / pairs
    # Of those that go by the place, a fair judge has half in each: the interval is that of the difference of a coin.
    low, high = wilson(first / torn, torn, normal_quantile(level)) if torn else (0.5, 0.5)
    value = (first - second) / pairs
    advice = f"goes by the place in {share:.0%} of pairs: these count as undecided" if torn else "goes by no place"
    return Bias("position", value, (2 * low - 1) * share, (2 * high - 1) * share, pairs, meaning, advice)


def _gaps(seen: Sequence[Seen]) -> tuple[Floats, Floats]:
    return np.array([one.judged - one.labelled for one in seen]), np.array([one.weight for one in seen])


def _mean(gaps: Floats, weights: Floats, level: float) -> tuple[float, float]:
    """The weighted mean and half its interval, for which one gap each way is added, as in `prediction_powered`."""
    value = float(weights @ gaps / weights.sum())
    extra = float((weights**2).sum() / weights.sum())
    padded = np.concatenate([gaps, [value + 1, value - 1]])
    heavy = np.concatenate([weights, [extra, extra]])
    parts = heavy * (padded - value) / heavy.sum()
    error = math.sqrt(float(parts @ parts) * padded.size / (padded.size - 1))
    return value, student_quantile(level, effective_size(heavy) - 1) * error


def _unknown(kind: Kind, sessions: int, meaning: str) -> Bias:
    return Bias(kind, None, None, None, sessions, meaning, "too little is known")
