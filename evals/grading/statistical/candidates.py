"""Models to choose from, from the simplest up, and what becomes of a fitted one in a file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from watchkeeper.evals.grading.statistical.encoding import FIRST_WORD
from watchkeeper.evals.grading.statistical.features import STRUCTURE
from watchkeeper.evals.grading.statistical.model_file import Calibration, Linear, Tree, Trees

Split = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
Labels = npt.NDArray[np.int_]


@dataclass(frozen=True, slots=True)
class Table:
    """Sessions as rows of numbers.

    Attributes:
        matrix: counts first, then words.
        buckets: of the words' columns, in their order: those alone that some session has.
    """

    matrix: csr_matrix
    buckets: tuple[int, ...]


def table_of(rows: Sequence[Mapping[int, float]]) -> Table:
    """The table of some sessions' columns."""
    used = sorted({at for row in rows for at in row if at >= FIRST_WORD})
    column = {at: at for at in range(FIRST_WORD)} | {at: FIRST_WORD + place for place, at in enumerate(used)}
    starts, places, values = [0], [], []
    for row in rows:
        for at in sorted(row):
            places.append(column[at])
            values.append(row[at])
        starts.append(len(places))
    shape = (len(rows), FIRST_WORD + len(used))
    return Table(
        csr_matrix((values, places, starts), shape=shape, dtype=np.float64), tuple(at - FIRST_WORD for at in used)
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to learn.

    Attributes:
        words: whether it looks at words beside counts.
        strength: of regularisation: sklearn's C, the smaller the stronger.
    """

    name: str
    kind: Literal["prior", "linear", "trees"]
    words: bool = False
    strength: float = 1.0

    def estimator(self) -> Any:
        """Unfitted."""
        if self.kind == "prior":
            return DummyClassifier(strategy="prior")
        if self.kind == "linear":
            return LogisticRegression(C=self.strength, max_iter=5000, tol=1e-3)
        return GradientBoostingClassifier(
            n_estimators=120, max_depth=2, learning_rate=0.05, subsample=0.7, min_samples_leaf=10, random_state=0
        )

    def columns(self, table: Table) -> Any:
        """The part of the columns that it looks at."""
        if self.kind == "prior":
            return np.zeros((table.matrix.shape[0], 1))
        return table.matrix if self.words else table.matrix[:, :FIRST_WORD].toarray()


CANDIDATES: Final = (
    Candidate("prior", "prior"),
    Candidate("counts, C=0.05", "linear", strength=0.05),
    Candidate("counts, C=1", "linear"),
    Candidate("counts and words, C=0.1", "linear", words=True, strength=0.1),
    Candidate("counts and words, C=1", "linear", words=True),
    Candidate("boosted trees on counts", "trees"),
)
"""`prior` says the same of every session: what is not better than that has learned nothing."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was learned, as a file holds it."""

    model: Linear | Trees
    calibration: Calibration


def fit_calibrated(candidate: Candidate, table: Table, labels: Labels, splits: Sequence[Split]) -> Fitted:
    """Fits on all sessions, and calibrates on what models of the other folds said (Platt's method).

    The calibration's slope is taken as it is; where it is not negative, the score told nothing out of fold, and the
    probabilities fall back to the base rate.
    """
    if candidate.kind == "prior":
        return Fitted(_constant(labels), Calibration(slope=-1.0, offset=0.0))
    machine = CalibratedClassifierCV(candidate.estimator(), method="sigmoid", cv=list(splits), ensemble=False)
    machine.fit(candidate.columns(table), labels)
    (calibrated,) = machine.calibrated_classifiers_
    (sigmoid,) = calibrated.calibrators
    if sigmoid.a_ >= 0:
        return Fitted(_constant(labels), Calibration(slope=-1.0, offset=0.0))
    calibration = Calibration(slope=float(sigmoid.a_), offset=float(sigmoid.b_))
    estimator = calibrated.estimator
    return Fitted(_linear(estimator, table) if candidate.kind == "linear" else _trees(estimator), calibration)


def _constant(labels: Labels) -> Linear:
    share = float(np.clip(labels.mean(), 1e-6, 1 - 1e-6))
    return Linear(intercept=math.log(share / (1 - share)), counts={})


def _linear(estimator: Any, table: Table) -> Linear:
    coefficients = estimator.coef_[0]
    # A model of counts alone has no further coefficients.
    words = {bucket: float(value) for bucket, value in zip(table.buckets, coefficients[FIRST_WORD:], strict=False)}
    counts = {name: float(coefficients[at]) for at, name in enumerate(STRUCTURE)}
    return Linear(intercept=float(estimator.intercept_[0]), counts=counts, words=words)


def _trees(estimator: Any) -> Trees:
    share = float(estimator.init_.class_prior_[1])
    trees = []
    for (grown,) in estimator.estimators_:
        tree = grown.tree_
        trees.append(
            Tree(
                columns=tuple(int(column) if column >= 0 else -1 for column in tree.feature),
                thresholds=tuple(map(float, tree.threshold)),
                left=tuple(map(int, tree.children_left)),
                right=tuple(map(int, tree.children_right)),
                values=tuple(map(float, tree.value[:, 0, 0])),
            )
        )
    return Trees(initial=math.log(share / (1 - share)), rate=float(estimator.learning_rate), trees=tuple(trees))
