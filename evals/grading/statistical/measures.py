"""How good probabilities are against labels, with intervals that respect which sessions belong together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from watchkeeper.evals.grading.statistical.model_file import Measure

Numbers: TypeAlias = npt.NDArray[np.float64]
Statistic: TypeAlias = Callable[[Numbers, Numbers], float]

RESAMPLES: Final = 1000
BINS: Final = 10
LEVEL: Final = 0.95


def auc(labels: Numbers, values: Numbers) -> float:
    """The chance that a good session has a higher value than a bad one, ties counted half; NaN of one kind alone."""
    good = labels > 0.5
    positives, negatives = int(good.sum()), int((~good).sum())
    if not positives or not negatives:
        return float("nan")
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[good].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def brier(labels: Numbers, values: Numbers) -> float:
    """The mean squared distance of probabilities to labels: 0 is best, the base rate alone gives p(1 - p)."""
    return float(np.mean((values - labels) ** 2))


def brier_skill(labels: Numbers, values: Numbers) -> float:
    """Which share of the base rate's Brier score the probabilities save: 0 is no better, 1 is perfect."""
    base = float(np.mean(labels)) * (1 - float(np.mean(labels)))
    return 1 - brier(labels, values) / base if base else float("nan")


def calibration_error(labels: Numbers, values: Numbers) -> float:
    """How far probabilities are from shares, on average over ten bins of equally many sessions.

    It is above 0 by chance even where the probabilities are right: by about 0.04 of 764 sessions.
    """
    order = np.argsort(values, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    gaps = [abs(float(labels[part].mean()) - float(values[part].mean())) * len(part) for part in parts]
    return sum(gaps) / len(values)


def kappa(labels: Numbers, verdicts: Numbers) -> float:
    """Cohen's kappa of verdicts (above 0.5 is good) and labels; NaN where chance alone would agree always."""
    good, said = labels > 0.5, verdicts >= 0.5
    agree = float(np.mean(good == said))
    chance = float(good.mean() * said.mean() + (1 - good.mean()) * (1 - said.mean()))
    return (agree - chance) / (1 - chance) if chance < 1 else float("nan")


STATISTICS: Final[dict[str, tuple[Statistic, str]]] = {
    "auc": (auc, "chance that a good session gets the higher value; 0.5 is chance"),
    "brier": (brier, "mean squared error of the probability; lower is better"),
    "brier_skill": (brier_skill, "share of the base rate's Brier score that is saved; 0 is no better"),
    "calibration_error": (calibration_error, "mean distance of probability and share over ten bins"),
    "kappa": (kappa, "agreement of verdict at 0.5 and label beyond chance; 1 is full"),
}


def measure(
    statistic: Statistic,
    labels: Sequence[float],
    values: Sequence[float],
    groups: Sequence[str],
    *,
    name: str,
    says: str = "",
    resamples: int = RESAMPLES,
) -> Measure:
    """A statistic with its 95 % percentile interval from a bootstrap over groups.

    Groups are drawn with all their sessions: twenty tries of one task are not twenty tasks. Resamples in which the
    statistic is not defined are left out; the draws follow from the groups' names, so two runs give the same.
    """
    one, other = np.asarray(labels, dtype=np.float64), np.asarray(values, dtype=np.float64)
    point = statistic(one, other)
    drawn = [
        value
        for value in (statistic(one[at], other[at]) for at in resamples_of(groups, resamples))
        if np.isfinite(value)
    ]
    if not np.isfinite(point) or not drawn:
        return Measure(name=name, value=None, says=says)
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Measure(name=name, value=point, low=float(low), high=float(high), says=says)


def measures(labels: Sequence[float], probabilities: Sequence[float], groups: Sequence[str]) -> tuple[Measure, ...]:
    """All of `STATISTICS`."""
    return tuple(
        measure(statistic, labels, probabilities, groups, name=name, says=says)
        for name, (statistic, says) in STATISTICS.items()
    )


def resamples_of(groups: Sequence[str], count: int = RESAMPLES) -> list[npt.NDArray[np.intp]]:
    """Places of sessions in resamples that draw groups whole, the same for the same groups."""
    names, place = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    members = [np.flatnonzero(place == at) for at in range(len(names))]
    seed = int.from_bytes(hashlib.sha256("\0".join(names.tolist()).encode()).digest()[:8], "big")
    draw = np.random.default_rng(seed)
    return [np.concatenate([members[at] for at in draw.integers(0, len(names), len(names))]) for _ in range(count)]
