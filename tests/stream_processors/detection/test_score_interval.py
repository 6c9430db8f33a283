"""The interval of a share as it is shown to people."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from watchkeeper.stream_processors.detection.proportions import score_interval


def test_it_is_wilson_s() -> None:
    # Newcombe 1998, table I, method 3.
    assert score_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert score_interval(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert score_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert score_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert score_interval(0, 0) is None


@given(some.integers(1, 100_000).flatmap(lambda trials: some.tuples(some.integers(0, trials), some.just(trials))))
def test_it_holds_the_share_and_stays_between_none_and_all(case: tuple[int, int]) -> None:
    right, trials = case
    interval = score_interval(right, trials)
    assert interval is not None
    assert 0 <= interval[0] <= right / trials <= interval[1] <= 1
    assert (interval[0] == 0) == (right == 0)
    assert (interval[1] == 1) == (right == trials)
