"""Training: choosing a model, fitting and calibrating it, and measuring the whole of that on sessions it has not seen.

Folds keep groups together: sessions of one task, or of one customer, are alike, and a model that has seen one of them
knows more of the others than it will ever know of tomorrow's. The measures are nested: in each outer fold the encoding
is learned, the candidate chosen and the calibration made from the other folds alone. The model that is written is then
made in the same way from all sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

from watchkeeper.evals.grading.statistical.candidates import (
    CANDIDATES,
    Candidate,
    Fitted,
    Labels,
    Split,
    Table,
    fit_calibrated,
    table_of,
)
from watchkeeper.evals.grading.statistical.encoding import Encoding, encoding_of
from watchkeeper.evals.grading.statistical.features import FEATURES, Features, features_of
from watchkeeper.evals.grading.statistical.measures import measures
from watchkeeper.evals.grading.statistical.model_file import TrainedModel
from watchkeeper.evals.grading.texts import words_of
from watchkeeper.evals.interaction import Interaction
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.ids import derived_id

OUTER: Final = 5
INNER: Final = 4

MIN_EACH: Final = 40
"""Good and bad sessions that are needed: with 40 of each the AUC's 95 % interval is 0.2 to 0.25 wide; with fewer no
figure of the model card would say anything."""

MIN_GROUPS: Final = 10

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A session with what people, or its outcome, said of it.

    Attributes:
        group: of the task or customer; empty for that of the sessions that ask the same.
    """

    interaction: Interaction
    good: bool
    group: str = ""


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of training.

    Attributes:
        out_of_fold: what the models of the other folds said of each session, in the order of the sessions.
        groups: of each session.
        candidates: log loss of each candidate in cross-validation, by name; lower is better.
    """

    model: TrainedModel
    out_of_fold: tuple[float, ...]
    groups: tuple[str, ...]
    candidates: dict[str, float]


def train(
    sessions: Sequence[Labelled],
    *,
    target: str,
    trained_at: datetime,
    progress: Progress = lambda *_: None,
    candidates: Sequence[Candidate] = CANDIDATES,
) -> Trained:
    """Trains a model.

    Args:
        sessions: with labels; their order does not matter for the model.
        target: what a good session is.
        trained_at: now.
        progress: told steps done, all steps, and what is done next.
        candidates: to choose from, the simplest first.

    Raises:
        ConfigurationError: too few labels, or groups; the message says how many are needed.
    """
    # Small matrices: threads of the linear algebra would wait for each other longer than they compute.
    with threadpool_limits(1):
        trained = _trained(sessions, target, trained_at, progress, candidates)
    steps = len(sessions) + OUTER + 1
    progress(steps, steps, "done")
    return trained


def _trained(
    sessions: Sequence[Labelled],
    target: str,
    trained_at: datetime,
    progress: Progress,
    candidates: Sequence[Candidate],
) -> Trained:
    ordered = sorted(sessions, key=lambda one: (one.interaction.tenant_id, one.interaction.interaction_id))
    groups = [_group_of(one) for one in ordered]
    labels = np.asarray([int(one.good) for one in ordered])
    _refuse_too_few(labels, groups)
    steps = len(ordered) + OUTER + 1
    features = []
    for at, one in enumerate(ordered):
        progress(at, steps, "reading sessions")
        features.append(features_of(one.interaction))
    told = np.empty(len(ordered))
    for fold, (known, unseen) in enumerate(folds(labels, groups, OUTER)):
        progress(len(ordered) + fold, steps, f"fold {fold + 1} of {OUTER}")
        learned = _learn([features[at] for at in known], labels[known], [groups[at] for at in known], candidates)
        told[unseen] = [learned.probability(features[at]) for at in unseen]
    progress(steps - 1, steps, "all sessions")
    learned = _learn(features, labels, groups, candidates)
    model = TrainedModel(
        features=FEATURES,
        target=target,
        trained_at=trained_at,
        agents=tuple(sorted({one.interaction.agent_id or "unnamed" for one in ordered})),
        sessions=len(ordered),
        good=int(labels.sum()),
        groups=len(set(groups)),
        chosen=learned.chosen.name,
        measures=measures(labels.astype(float).tolist(), told.tolist(), groups),
        encoding=learned.encoding,
        model=learned.fitted.model,
        calibration=learned.fitted.calibration,
    )
    places = {id(one): at for at, one in enumerate(ordered)}
    order = [places[id(one)] for one in sessions]
    return Trained(model, tuple(told[order].tolist()), tuple(groups[at] for at in order), learned.losses)


@dataclass(frozen=True, slots=True)
class _Learned:
    encoding: Encoding
    chosen: Candidate
    fitted: Fitted
    losses: dict[str, float]

    def probability(self, features: Features) -> float:
        return self.fitted.calibration.probability(self.fitted.model.score(self.encoding.row(features)))


def _learn(features: list[Features], labels: Labels, groups: list[str], candidates: Sequence[Candidate]) -> _Learned:
    encoding = encoding_of(features)
    table = table_of([encoding.row(one) for one in features])
    splits = folds(labels, groups, INNER)
    losses = {one.name: _loss(one, table, labels, splits) for one in candidates}
    # Of equals the first: candidates stand from the simplest up.
    chosen = min(candidates, key=lambda one: losses[one.name])
    return _Learned(encoding, chosen, fit_calibrated(chosen, table, labels, splits), losses)


def _loss(candidate: Candidate, table: Table, labels: Labels, splits: list[Split]) -> float:
    told = cross_val_predict(candidate.estimator(), candidate.columns(table), labels, cv=splits, method="predict_proba")
    return float(log_loss(labels, told[:, 1], labels=[0, 1]))


def folds(labels: Labels, groups: Sequence[str], count: int) -> list[Split]:
    """Folds that keep groups together and shares of good sessions alike; both kinds stand in every one to learn from.

    Raises:
        ConfigurationError: some fold would have sessions of one kind alone to learn from.
    """
    splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=0)
    splits: list[Split] = list(splitter.split(np.zeros(len(labels)), labels, np.asarray(groups, dtype=str)))
    if any(len(set(labels[known])) < 2 or not len(unseen) for known, unseen in splits):
        raise ConfigurationError(
            "good, or bad, sessions stand in too few groups: label sessions of more tasks or customers"
        )
    return splits


def _group_of(one: Labelled) -> str:
    if one.group:
        return one.group
    asked = " ".join(words_of(one.interaction.asked))
    return f"asked:{derived_id('asked', asked)}" if asked else f"session:{one.interaction.interaction_id}"


def _refuse_too_few(labels: Labels, groups: list[str]) -> None:
    good, bad = int(labels.sum()), int((1 - labels).sum())
    missing = [f"{MIN_EACH - count} more {kind}" for kind, count in (("good", good), ("bad", bad)) if count < MIN_EACH]
    if missing:
        raise ConfigurationError(
            f"there are {good} good and {bad} bad sessions with a label, and {MIN_EACH} of each are needed: "
            f"label {' and '.join(missing)}"
        )
    if len(set(groups)) < MIN_GROUPS:
        raise ConfigurationError(
            f"the sessions are of {len(set(groups))} groups (tasks, customers), and {MIN_GROUPS} are needed: label "
            "sessions of others too"
        )
