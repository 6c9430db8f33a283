"""Corrected means: right where the judge is wrong, narrower than labels alone where it is right."""

from __future__ import annotations

import numpy as np
import pytest
from drift.corrected_coverage import WORLDS, corrected_coverage, cover

from watchkeeper.evals.estimation.means import plain_mean
from watchkeeper.evals.estimation.prediction_powered import MINIMUM_LABELS, corrected_mean
from watchkeeper.evals.estimation.samples import Floats
from watchkeeper.schemas.errors import ConfigurationError


def sessions(size: int, labelled: int, *, judge_right: float, seed: int = 1) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    truth = (random.random(size) < 0.8) * 1.0
    judged = np.where(random.random(size) < judge_right, truth, 1 - truth)
    labels = np.full(size, np.nan)
    labels[:labelled] = truth[:labelled]
    return judged, labels


def test_the_estimate_is_the_judges_mean_less_its_error() -> None:
    judged, labels = sessions(1000, 200, judge_right=0.9)
    found = corrected_mean(judged, labels, trust=1.0)
    expected = judged.mean() + (labels[:200] - judged[:200]).mean()
    assert found.value == pytest.approx(expected)
    assert found.raw == pytest.approx(judged.mean())
    assert (found.scored, found.labelled, found.method, found.trust) == (1000, 200, "prediction_powered", 1.0)
    assert found.low < found.value < found.high


def test_a_judge_that_says_nothing_is_not_used() -> None:
    random = np.random.default_rng(2)
    _, labels = sessions(2000, 200, judge_right=1.0)
    noise: Floats = (random.random(2000) < 0.5).astype(np.float64)
    found = corrected_mean(noise, labels)
    alone = plain_mean(labels[:200])
    assert found.trust is not None
    assert found.trust < 0.15
    assert found.value == pytest.approx(alone.value, abs=0.02)
    assert found.high - found.low == pytest.approx(alone.high - alone.low, rel=0.15)
    assert corrected_mean(np.ones(2000), labels).trust == 0


def test_a_good_judge_makes_labels_worth_more() -> None:
    judged, labels = sessions(5000, 100, judge_right=0.97)
    found, alone = corrected_mean(judged, labels), plain_mean(labels[:100])
    assert found.half_width < 0.7 * alone.half_width


def test_where_all_labels_agree_the_interval_keeps_its_width() -> None:
    judged, labels = sessions(5000, 20, judge_right=1.0)
    found = corrected_mean(judged, labels)
    assert found.value == pytest.approx(judged.mean(), abs=0.01)
    # Twenty labels without a mistake leave room for a mistake in ten.
    assert found.half_width > 0.05
    everything = corrected_mean(np.ones(500), np.array([1.0] * 15 + [np.nan] * 485))
    assert everything.high == 1
    assert everything.low < 0.9


def test_labels_drawn_unevenly_are_weighted() -> None:
    # The judge is right on what it fails, and passes a tenth of the rest wrongly; failed ones are labelled all.
    judged = np.array([0.0] * 100 + [1.0] * 900)
    labels = np.full(1000, np.nan)
    labels[:100] = 0
    labels[100:190] = 1
    labels[190:200] = 0
    drawn = np.where(judged == 0, 1.0, 100 / 900)
    found = corrected_mean(judged, labels, label_inclusion=drawn)
    assert found.value == pytest.approx(0.81, abs=1e-9)
    assert corrected_mean(judged, labels).value == pytest.approx(0.85)
    assert found.low < 0.81 < found.high


def test_equal_weights_of_any_size_are_the_same() -> None:
    judged, labels = sessions(400, 60, judge_right=0.8)
    one = corrected_mean(judged, labels)
    other = corrected_mean(judged, labels, inclusion=np.full(400, 0.1), label_inclusion=np.full(400, 0.15))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_too_few_labels_are_refused() -> None:
    judged, labels = sessions(100, MINIMUM_LABELS - 1, judge_right=0.9)
    with pytest.raises(ConfigurationError, match="evals label"):
        corrected_mean(judged, labels)
    with pytest.raises(ConfigurationError, match="NaN where nobody"):
        corrected_mean(judged, labels[:10])
    with pytest.raises(ConfigurationError, match="labels lie outside"):
        corrected_mean(judged, np.where(np.isnan(labels), 2.0, labels))


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_the_interval_holds_where_the_raw_judge_fails(world: object) -> None:
    found = cover(next(one for one in WORLDS if one is world), 300, 7)
    # 0.95 less three standard errors of 300 runs, and a point for small samples; the benchmark measures more closely.
    assert found.corrected >= 0.90
    assert found.raw < 0.2


def test_the_benchmarks_figure_is_its_worst_world_s() -> None:
    found = corrected_coverage(runs=20, seed=1)
    assert (found["name"], found["n"], len(found["worlds"])) == ("corrected_interval_coverage", 20, len(WORLDS))
    assert found["value"] == min(world["corrected"] for world in found["worlds"])
    assert found["interval"][0] <= found["value"] <= found["interval"][1]
    assert found == corrected_coverage(runs=20, seed=1)
