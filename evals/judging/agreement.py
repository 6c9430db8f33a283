"""How far a judge says what people say: Cohen's kappa, with an interval that is honest for few labels.

Kappa is the agreement beyond what would come about if both spoke by their own habits alone: 1 is perfect, 0 is chance.
Of ordered answers (not met, partly, met) near misses count in part (linear weights; Cohen 1968).

The interval is Bayesian: the cells of the table of judge against people are given two labels beforehand, in equal parts
(of two categories that is Jeffreys' half a label each), and kappa's distribution follows from the cells' (Dirichlet).
Where every label agrees, the usual intervals, by the delta method or by resampling, have no width; this one has.
`tests/evals/judging/test_agreement.py` says how often it holds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from watchkeeper.evals.estimation.samples import Floats, effective_size
from watchkeeper.schemas.errors import ConfigurationError

VERDICTS: Final = (0.0, 1.0)
"""Failed, passed."""

DEGREES: Final = (0.0, 0.5, 1.0)
"""Not met, partly, met."""

_DRAWS: Final = 4000
_BEFOREHAND: Final = 2.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a judge and people agree.

    Attributes:
        labels: how many sessions both spoke of.
        kappa: None where both always say the same one thing: there is no agreement beyond chance to speak of.
        low: the lower end of its interval.
        high: the upper end.
        observed: the share on which they agree, near misses in part.
        expected: the same if each spoke by habit alone.
        table: how many sessions the judge puts in the row's category and people in the column's.
        categories: of rows and columns, from worst to best.
    """

    labels: int
    kappa: float | None
    low: float
    high: float
    level: float
    observed: float
    expected: float
    table: tuple[tuple[int, ...], ...]
    categories: tuple[float, ...]

    @property
    def words(self) -> str:
        """What kappa is called (Landis and Koch 1977), by the lower end of the interval: what can be relied on."""
        if self.kappa is None:
            return "cannot be told: both always say the same"
        for bound, name in ((0.8, "almost perfect"), (0.6, "substantial"), (0.4, "moderate"), (0.2, "fair")):
            if self.low >= bound:
                return f"at least {name}"
        return "not shown to be more than slight"


def agreement(
    judged: Sequence[float],
    labelled: Sequence[float],
    categories: Sequence[float] = VERDICTS,
    *,
    weights: Sequence[float] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """Compares a judge with people.

    Args:
        judged: what the judge says of each session; put into the nearest category.
        labelled: what people say of the same sessions, in the same order.
        categories: from worst to best; of more than two, near misses count in part.
        weights: what each session stands for; the same for all if left out.
        level: the interval's.
        seed: of the draws from which the interval is made.

    Raises:
        ConfigurationError: there are no labels, or not one for each score.
    """
    if not judged or len(judged) != len(labelled) or (weights is not None and len(weights) != len(judged)):
        raise ConfigurationError("agreement needs labels, one for each score (and weight): label with `evals label`")
    rows, columns = _nearest(judged, categories), _nearest(labelled, categories)
    heavy = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
    size = len(categories)
    counts = np.zeros((size, size))
    np.add.at(counts, (rows, columns), 1)
    shares = np.zeros((size, size))
    np.add.at(shares, (rows, columns), heavy / heavy.sum())
    alike = 1 - np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / (size - 1)
    observed, expected, kappa = _kappa(shares[None], alike)
    drawn = np.random.default_rng(seed).dirichlet(
        (shares * effective_size(heavy)).ravel() + _BEFOREHAND / size**2, size=_DRAWS
    )
    _, _, kappas = _kappa(drawn.reshape(-1, size, size), alike)
    low, high = np.quantile(kappas, [(1 - level) / 2, (1 + level) / 2])
    known = bool(expected[0] < 1 - 1e-12)
    point = float(kappa[0]) if known else None
    return Agreement(
        labels=len(rows),
        kappa=point,
        low=min(float(low), point) if point is not None else float(low),
        high=max(float(high), point) if point is not None else float(high),
        level=level,
        observed=min(1.0, float(observed[0])),
        expected=min(1.0, float(expected[0])),
        table=tuple(tuple(int(cell) for cell in row) for row in counts),
        categories=tuple(categories),
    )


def _nearest(values: Sequence[float], categories: Sequence[float]) -> np.typing.NDArray[np.intp]:
    gaps = np.abs(np.subtract.outer(np.asarray(values, dtype=np.float64), np.asarray(categories)))
    return np.asarray(gaps.argmin(axis=1), dtype=np.intp)


def _kappa(tables: Floats, alike: Floats) -> tuple[Floats, Floats, Floats]:
    """Observed and expected agreement, and kappa, of tables of shares."""
    observed = (tables * alike).sum(axis=(1, 2))
    rows, columns = tables.sum(axis=2), tables.sum(axis=1)
    expected = np.einsum("ni,nj,ij->n", rows, columns, alike)
    with np.errstate(divide="ignore", invalid="ignore"):
        kappa = np.where(expected < 1 - 1e-12, (observed - expected) / (1 - expected), 1.0)
    return observed, expected, kappa


def labels_for(found: Agreement, half_width: float) -> int:
    """How many labels an interval of that half width needs, if agreement stays as it is.

    Raises:
        ConfigurationError: the width is not above 0.
    """
    if half_width <= 0:
        raise ConfigurationError(
            f"an interval of half width {half_width:g} needs all labels there are: give one above 0"
        )
    return math.ceil(found.labels * ((found.high - found.low) / 2 / half_width) ** 2)
