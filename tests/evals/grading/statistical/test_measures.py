"""Measures against scikit-learn's, and intervals that know what belongs together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, cohen_kappa_score, roc_auc_score

from watchkeeper.evals.grading.statistical.measures import (
    auc,
    brier,
    brier_skill,
    calibration_error,
    kappa,
    measure,
    measures,
)

PAIRS = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])), min_size=4, max_size=60)


@settings(deadline=None)
@given(PAIRS)
def test_they_are_what_scikit_learn_computes(pairs: list[tuple[bool, float]]) -> None:
    labels = np.asarray([float(good) for good, _ in pairs])
    values = np.asarray([value for _, value in pairs])
    if len(set(labels.tolist())) < 2:
        assert np.isnan(auc(labels, values))
        return
    assert auc(labels, values) == pytest.approx(roc_auc_score(labels, values))
    assert brier(labels, values) == pytest.approx(brier_score_loss(labels, values))
    assert kappa(labels, values) == pytest.approx(cohen_kappa_score(labels > 0.5, values >= 0.5))
    assert 0 <= calibration_error(labels, values) <= 1


def test_calibration_error_and_skill_on_known_ground() -> None:
    labels = np.tile([1.0, 0.0], 500)
    half = np.full(1000, 0.5)
    assert calibration_error(labels, half) == pytest.approx(0)
    assert calibration_error(labels, half + 0.3) == pytest.approx(0.3)
    assert brier_skill(labels, half) == pytest.approx(0)
    assert brier_skill(labels, labels) == pytest.approx(1)


def test_a_right_probability_is_off_by_chance_alone() -> None:
    draw = np.random.default_rng(3)
    errors = []
    for _ in range(50):
        said = draw.uniform(0.2, 0.95, 764)
        errors.append(calibration_error((draw.random(764) < said).astype(float), said))
    assert 0.03 < float(np.mean(errors)) < 0.05


def test_twenty_tries_of_a_task_are_not_twenty_tasks() -> None:
    draw = np.random.default_rng(5)
    truth = draw.integers(0, 2, 40).astype(float)
    said = np.clip(truth * 0.3 + draw.random(40), 0, 1)
    labels, values = np.repeat(truth, 20).tolist(), np.repeat(said, 20).tolist()
    grouped = measure(auc, labels, values, [str(at // 20) for at in range(800)], name="auc")
    alone = measure(auc, labels, values, [str(at) for at in range(800)], name="auc")
    assert grouped.value == alone.value
    assert grouped.low is not None
    assert grouped.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert grouped.high - grouped.low > 2.5 * (alone.high - alone.low)


def test_intervals_cover() -> None:
    covered = 0
    for seed in range(60):
        draw = np.random.default_rng(seed)
        labels = draw.integers(0, 2, 150).astype(float)
        # Normal scores one deviation apart: the AUC is Phi(1 / sqrt 2).
        values = draw.normal(labels, 1)
        groups = [str(at) for at in range(150)]
        found = measure(auc, labels.tolist(), values.tolist(), groups, name="auc", resamples=200)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.7602 <= found.high
    assert covered >= 52


def test_two_runs_give_the_same_and_undefined_is_none() -> None:
    labels, values, groups = [1.0, 0.0, 1.0, 0.0] * 10, [0.9, 0.2, 0.4, 0.5] * 10, [str(at % 8) for at in range(40)]
    assert measures(labels, values, groups) == measures(labels, values, groups)
    found = {one.name: one for one in measures([1.0] * 10, [0.7] * 10, groups[:10])}
    assert found["auc"].value is None
    assert found["brier"].value == pytest.approx(0.09)
