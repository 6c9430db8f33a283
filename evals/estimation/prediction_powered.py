"""Means that stay right where the judge is wrong: many scores of a judge, corrected by few labels of people.

Prediction-powered inference with power tuning (Angelopoulos, Bates, Fannjiang, Jordan and Zrnic, Science 2023;
Angelopoulos, Duchi and Zrnic, PPI++, 2023), for samples drawn with known, unequal probabilities. With judge's scores f
and people's labels y, the estimate is

    mean over labelled (y)  +  trust x (mean over all scored (f)  -  mean over labelled (f)),

each mean weighted by the inverse probabilities of being drawn. Whatever `trust` is, the judge's error cancels: it
decides how wide the interval is, not where it stands. It is chosen so that the interval is narrowest; a judge that says
nothing gets about 0, and labels alone decide. In the language of surveys this is the regression estimator of a sample
in two phases (Särndal, Swensson and Wretman 1992), and its variance is taken from the linearised contribution of each
session, so that labelled sessions, which are scored too, are counted once.

Small samples of labels: where every label agrees with the judge so far, the residuals say that it never errs, and an
interval from them would have no width. So one label for each way in which judge and person can stand to one another
is added before the interval is worked out (as Agresti and Coull 1998 do for shares, Bonett and Price 2012 for
differences of pairs), and Student's t takes the place of the normal. The estimate itself is not touched by this.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from watchkeeper.evals.estimation.estimate import Estimate
from watchkeeper.evals.estimation.samples import (
    Floats,
    Values,
    effective_size,
    inclusions_of,
    student_quantile,
    values_of,
)
from watchkeeper.schemas.errors import ConfigurationError

MINIMUM_LABELS = 10
"""With fewer the interval says next to nothing, and is not worked out."""

# Judge and person as they may stand to one another: passed by both, by one alone, by neither.
_JUDGED = np.array([1.0, 0.0, 1.0, 0.0])
_LABELLED = np.array([1.0, 1.0, 0.0, 0.0])


@dataclass(frozen=True, slots=True)
class _Sample:
    """The scored sessions and, in the same order, what labelled ones got; weights sum to 1 each."""

    judged: Floats
    weights: Floats
    chosen: Floats
    labels: Floats
    label_weights: Floats

    @property
    def size(self) -> int:
        return int(self.labels.size)


def corrected_mean(
    judged: Values,
    labels: Values,
    *,
    inclusion: Values | None = None,
    label_inclusion: Values | None = None,
    level: float = 0.95,
    trust: float | None = None,
) -> Estimate:
    """The mean that people would find over all sessions from which the scored ones were drawn.

    Args:
        judged: the judge's scores, 0 to 1, one for each scored session.
        labels: what people said of the same sessions, in the same order, 0 to 1; NaN where nobody labelled.
        inclusion: the probability with which each session was drawn to be scored; 1 if left out.
        label_inclusion: the probability with which each scored session was drawn to be labelled. If left out, all had
            the same. Of unlabelled sessions it is not used.
        level: the interval's.
        trust: how much of the judge to use, 0 to 1; chosen from the data if left out.

    Raises:
        ConfigurationError: fewer than `MINIMUM_LABELS` labels, or numbers out of range.
    """
    scores = values_of(judged, "scores")
    said = np.asarray(labels, dtype=np.float64)
    if said.shape != scores.shape:
        raise ConfigurationError(f"{scores.size} scores have {said.size} labels: give NaN where nobody labelled")
    chosen = np.flatnonzero(~np.isnan(said))
    if chosen.size < MINIMUM_LABELS:
        raise ConfigurationError(
            f"{chosen.size} labels are too few to correct a judge: {MINIMUM_LABELS} at least (watchkeeper evals label)"
        )
    drawn = inclusions_of(inclusion, scores.size)
    label_drawn = np.ones(chosen.size)
    if label_inclusion is not None:
        label_drawn = inclusions_of(np.asarray(label_inclusion, dtype=np.float64)[chosen], int(chosen.size))
    weights, label_weights = 1 / drawn, 1 / (drawn[chosen] * label_drawn)
    sample = _Sample(
        judged=scores,
        weights=weights / weights.sum(),
        chosen=scores[chosen],
        labels=values_of(said[chosen], "labels"),
        label_weights=label_weights / label_weights.sum(),
    )
    places = np.zeros(scores.size, dtype=np.bool_)
    places[chosen] = True
    return _estimate(sample, places, level, trust)


def _estimate(sample: _Sample, places: np.typing.NDArray[np.bool_], level: float, trust: float | None) -> Estimate:
    power = _trust(sample, places) if trust is None else trust
    raw = float(sample.weights @ sample.judged)
    value = float(sample.label_weights @ (sample.labels - power * sample.chosen)) + power * raw
    padded = _padded(sample)
    middle = float(padded.label_weights @ (padded.labels - power * padded.chosen)) + power * raw
    half = _half_width(padded, places, power, level, tuned=trust is None)
    # What was added pulls the middle inwards; the estimate stays within its own interval.
    low, high = min(middle - half, value), max(middle + half, value)
    held = min(1.0, max(0.0, value))
    return Estimate(
        value=held,
        low=min(held, max(0.0, low)),
        high=max(held, min(1.0, high)),
        level=level,
        method="prediction_powered",
        scored=int(sample.judged.size),
        labelled=sample.size,
        raw=raw,
        trust=power,
    )


def _trust(sample: _Sample, places: np.typing.NDArray[np.bool_]) -> float:
    """Where the variance is least; it is a parabola in it."""
    own = np.zeros(sample.judged.size)
    own[places] = sample.label_weights * (sample.labels - sample.label_weights @ sample.labels)
    judged = sample.weights * (sample.judged - sample.weights @ sample.judged)
    judged[places] -= sample.label_weights * (sample.chosen - sample.label_weights @ sample.chosen)
    bottom = float(judged @ judged)
    return min(1.0, max(0.0, -float(own @ judged) / bottom)) if bottom > 0 else 0.0


def _padded(sample: _Sample) -> _Sample:
    """With one label more for each way in which judge and person may stand to one another."""
    extra = np.full(_JUDGED.size, float(sample.label_weights @ sample.label_weights))
    weights = np.concatenate([sample.label_weights, extra])
    judged, labelled = _JUDGED, _LABELLED
    if not np.all((sample.labels == 0) | (sample.labels == 1)):
        # Numbers differ by less than passing and failing do: as much as the largest difference seen.
        apart = max(0.1, float(np.abs(sample.labels - sample.chosen).max()))
        centre = float(sample.label_weights @ sample.labels)
        judged = centre + apart * (_JUDGED - 0.5)
        labelled = centre + apart * (_LABELLED - 0.5)
    return _Sample(
        judged=sample.judged,
        weights=sample.weights,
        chosen=np.concatenate([sample.chosen, judged]),
        labels=np.concatenate([sample.labels, labelled]),
        label_weights=weights / weights.sum(),
    )


def _half_width(
    padded: _Sample, places: np.typing.NDArray[np.bool_], power: float, level: float, *, tuned: bool
) -> float:
    """From what each session contributes: labelled ones twice, by their score and by their residual."""
    residuals = padded.labels - power * padded.chosen
    centred = padded.label_weights * (residuals - padded.label_weights @ residuals)
    whole = power * padded.weights * (padded.judged - padded.weights @ padded.judged)
    real = int(places.sum())
    within = np.concatenate([whole[places], np.zeros(residuals.size - real)]) + centred
    freedom = effective_size(padded.label_weights) - 1 - int(tuned)
    labelled = float(within @ within) * residuals.size / max(1.0, residuals.size - 1 - int(tuned))
    rest = float(whole[~places] @ whole[~places])
    total = labelled + rest
    if total <= 0:
        return 0.0
    others = max(1, int((~places).sum()))
    # Satterthwaite: the unlabelled part is known as well as its many sessions are.
    mixed = total**2 / (labelled**2 / max(1.0, freedom) + rest**2 / others)
    return student_quantile(level, mixed) * math.sqrt(total)
