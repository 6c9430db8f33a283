from __future__ import annotations

import random

import pytest
from scipy.stats import beta

from watchkeeper.stream_processors.detection.drift.baseline import block_for, estimate_baseline
from watchkeeper.stream_processors.detection.drift.limits import lower_limit_of_mean, lower_limit_of_share
from watchkeeper.stream_processors.detection.drift.scored import DriftError, Scored


@pytest.mark.parametrize(("right", "trials"), [(475, 500), (500, 500), (1, 500), (0, 500), (30, 60)])
@pytest.mark.parametrize("error", [0.01, 0.1])
def test_the_limit_of_a_share_is_the_exact_one(right: int, trials: int, error: float) -> None:
    expected = beta.ppf(error, right, trials - right + 1) if right else 0.0
    assert lower_limit_of_share(right, trials, error) == pytest.approx(expected, abs=1e-9)


def test_limits_of_means_are_seldom_beyond_the_truth() -> None:
    """At an error of 0.1, in 300 windows: 30 on average at most; that it were more than 55 has a chance below 1e-5."""
    beyond = 0
    for seed in range(300):
        draw = random.Random(seed)
        beyond += lower_limit_of_mean([draw.betavariate(4, 1) for _ in range(100)], 0.1) > 0.8
    assert beyond <= 55


def test_limits_of_means_are_near_the_mean() -> None:
    draw = random.Random(1)
    numbers = [draw.betavariate(4, 1) for _ in range(500)]
    mean = sum(numbers) / 500
    assert mean - 0.03 < lower_limit_of_mean(numbers, 0.1) < mean


def test_a_weighted_baseline_is_that_of_all_sessions() -> None:
    draw = random.Random(2)
    scores: list[Scored] = []
    while len(scores) < 1000:
        risky = draw.random() < 0.2
        if draw.random() < (1.0 if risky else 0.25):
            scores.append(Scored(float(draw.random() < (0.6 if risky else 0.95)), weight=0.25 if risky else 1.0))
    found = estimate_baseline(scores)
    assert found["low"] < 0.88 < found["high"]
    assert found["mean"] == pytest.approx(0.88, abs=0.03)
    assert found["high"] - found["low"] < 0.12


def test_scores_that_follow_each_other_are_taken_in_blocks() -> None:
    draw, level, followed = random.Random(3), 0.0, []
    for _ in range(500):
        level = 0.6 * level + 0.8 * draw.gauss(0, 1)
        followed.append(min(1.0, max(0.0, 0.8 + 0.1 * level)))
    alone = [draw.random() for _ in range(500)]
    assert block_for(followed) >= 5
    assert block_for(alone) == 1
    assert block_for([1.0] * 500) == 1
    found = estimate_baseline([Scored(value) for value in followed])
    assert found["blocks"] * found["block"] == 500
    assert found["low"] < 0.8 < found["high"]


def test_baselines_tell_what_they_are_made_of() -> None:
    scores = [Scored(float(number % 10 > 0), at_us=number, segments={"intent": "refund"}) for number in range(500)]
    found = estimate_baseline(scores, block=1)
    assert (found["scores"], found["since_us"], found["until_us"], found["binary"]) == (500, 0, 499, True)
    assert found["segments"] == {"intent": {"refund": [500.0, 450.0, 500.0]}}
    assert found["low"] < found["mean"] == 0.9 < found["high"]


@pytest.mark.parametrize(
    ("count", "error", "told"), [(49, 0.1, "at least 50"), (500, 0.0, "between 0 and 1"), (0, 0.1, "at least 50")]
)
def test_what_gives_no_baseline_is_refused(count: int, error: float, told: str) -> None:
    with pytest.raises(DriftError, match=told):
        estimate_baseline([Scored(1.0)] * count, error=error)
