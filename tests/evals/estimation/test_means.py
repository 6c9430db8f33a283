"""Plain means: the known intervals, weights, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from watchkeeper.evals.estimation.estimate import difference
from watchkeeper.evals.estimation.means import plain_mean
from watchkeeper.evals.estimation.samples import Floats
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.stream_processors.detection.proportions import score_interval


@pytest.mark.parametrize(("right", "trials"), [(0, 5), (5, 5), (17, 20), (950, 1000)])
def test_equal_shares_have_the_score_interval(right: int, trials: int) -> None:
    found = plain_mean([1.0] * right + [0.0] * (trials - right))
    assert found.method == "wilson"
    assert (found.low, found.high) == pytest.approx(score_interval(right, trials), abs=1e-6)
    assert (found.value, found.scored, found.labelled, found.corrected) == (right / trials, trials, 0, False)


def test_oversampled_sessions_count_for_what_they_are() -> None:
    # 100 risky ones of 100, all bad; 90 of 900 others, all good.
    values, drawn = [0.0] * 100 + [1.0] * 90, [1.0] * 100 + [0.1] * 90
    found = plain_mean(values, drawn)
    assert found.value == pytest.approx(0.9)
    assert found.method == "weighted_wilson"
    assert found.low < 0.9 < found.high
    assert found.high - found.low > 0.05


def test_numbers_have_a_mean_with_students_t_where_they_are_many() -> None:
    values: Floats = np.random.default_rng(1).beta(8, 2, 400).astype(np.float64)
    found = plain_mean(values)
    half = 1.966 * values.std(ddof=1) / math.sqrt(400)
    assert found.method == "linearised_t"
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=1e-4)


def test_few_numbers_or_equal_ones_have_no_interval_without_width() -> None:
    few, equal = plain_mean([0.9, 0.9, 0.8]), plain_mean([0.9] * 100)
    assert few.method == equal.method == "weighted_wilson"
    assert few.high - few.low > 0.3
    assert equal.low < 0.85
    assert equal.high > 0.93


@pytest.mark.parametrize(("share", "few"), [(0.95, 40), (0.5, 12), (0.99, 100)])
def test_weighted_intervals_hold_the_truth(share: float, few: int) -> None:
    random = np.random.default_rng(3)
    held = 0
    for _ in range(600):
        hard = random.random(8 * few) < 0.3
        rates = np.where(hard, 2 * share - 1, share + (1 - share) * 6 / 7)
        good = (random.random(hard.size) < rates).astype(np.float64)
        truth = float(0.3 * (2 * share - 1) + 0.7 * (share + (1 - share) * 6 / 7))
        drawn = np.where(hard, 0.3, 0.08)
        kept = random.random(hard.size) < drawn
        if not kept.any():
            continue
        found = plain_mean(good[kept], drawn[kept])
        held += found.low <= truth <= found.high
    assert held / 600 >= 0.93


def test_a_difference_is_as_wide_as_its_two_intervals_make_it() -> None:
    # The example of Newcombe (1998): 56 of 70 and 48 of 80, method 10.
    before, after = plain_mean([1.0] * 56 + [0.0] * 14), plain_mean([1.0] * 48 + [0.0] * 32)
    gap = difference(before, after)
    assert (gap.value, gap.low, gap.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)
    assert gap.is_clear
    assert not difference(after, after).is_clear
    with pytest.raises(ValueError, match="one level"):
        difference(before, plain_mean([1.0, 0.0], level=0.9))


@pytest.mark.parametrize(
    ("values", "inclusion", "match"),
    [
        ([], None, "no scores"),
        ([1.2], None, "outside 0 to 1"),
        ([math.nan], None, "outside 0 to 1"),
        ([1.0, 0.0], [0.5], "give one for each"),
        ([1.0], [0.0], "above 0"),
        ([1.0], [1.5], "at most 1"),
    ],
)
def test_what_is_no_sample_is_refused(values: list[float], inclusion: list[float] | None, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        plain_mean(values, inclusion)
