from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.stream_processors.detection.drift.baseline import estimate_baseline
from watchkeeper.stream_processors.detection.drift.ranks import cuts_of, rank_of
from watchkeeper.stream_processors.detection.drift.scored import DriftError, Scored
from watchkeeper.stream_processors.detection.drift.watch import fold_score, new_watch

CUTS = cuts_of([float(number) for number in range(1000)])


@given(st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_ranks_are_from_0_to_1_and_keep_the_order(left: float, right: float) -> None:
    ranks = rank_of(left, CUTS), rank_of(right, CUTS)
    assert all(0 <= rank <= 1 for rank in ranks)
    if left <= right:
        assert ranks[0] <= ranks[1]
    if math.isnan(left):
        assert ranks[0] == 1


def test_half_of_the_window_is_below_its_middle() -> None:
    assert rank_of(500.0, CUTS) == pytest.approx(0.5, abs=0.02)
    assert rank_of(-1.0, CUTS) == 0
    assert rank_of(1e9, CUTS) == 1


def test_numbers_that_are_often_equal_rank_in_the_middle_of_their_equals() -> None:
    cuts = cuts_of([0.0] * 900 + [1.0] * 100)
    assert 0.4 < rank_of(0.0, cuts) < 0.5
    assert rank_of(0.5, cuts) > 0.85


def test_cost_that_grows_is_told() -> None:
    draw = random.Random(3)
    cuts = cuts_of([draw.lognormvariate(0, 1) for _ in range(500)])
    ranks = [Scored(rank_of(draw.lognormvariate(0, 1), cuts)) for _ in range(1000)]
    baseline = estimate_baseline(ranks[:500])
    watch = new_watch(baseline, promise=1000, direction="rise")
    assert not any(fold_score(watch, score) for score in ranks[500:])
    grown = (Scored(rank_of(1.5 * draw.lognormvariate(0, 1), cuts)) for _ in range(1000))
    assert next(place for place, score in enumerate(grown, 1) if fold_score(watch, score)) < 200


def test_too_few_numbers_give_no_cuts() -> None:
    with pytest.raises(DriftError, match="give more"):
        cuts_of([1.0] * 10)
    with pytest.raises(DriftError, match="finite"):
        cuts_of([math.inf] * 100)
