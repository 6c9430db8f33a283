"""Counts by time, sketches of quantiles, burn rates: what rules of stage 2 rest on."""

from __future__ import annotations

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.stream_processors.detection import quantile_sketch
from watchkeeper.stream_processors.detection.burn_rates import PAIRS, Burn, new_burn, take
from watchkeeper.stream_processors.detection.sequences.story import START_US
from watchkeeper.stream_processors.detection.windows import Buckets, Span, add, total

MINUTE_US = 60_000_000
MINUTES = Span(60, 10)


@given(st.lists(st.integers(0, 9)), st.randoms(use_true_random=False))
def test_a_window_counts_alike_in_whichever_order(minutes: list[int], order: object) -> None:
    one: Buckets = {}
    other: Buckets = {}
    for minute in minutes:
        add(one, MINUTES, START_US + minute * MINUTE_US, [1, minute])
    for minute in sorted(minutes):
        add(other, MINUTES, START_US + minute * MINUTE_US, [1, minute])
    assert one == other
    for until in range(10):
        inside = [minute for minute in minutes if until - 3 < minute <= until]
        assert total(one, MINUTES, START_US + until * MINUTE_US, 3, 2) == [len(inside), sum(inside)]


@given(st.lists(st.integers(-10_000, 10_000), max_size=60))
def test_no_more_buckets_are_kept_than_there_are(minutes: list[int]) -> None:
    buckets: Buckets = {}
    for minute in minutes:
        add(buckets, MINUTES, START_US + minute * MINUTE_US, [1])
        assert len(buckets) <= 10
        assert total(buckets, MINUTES, START_US + minute * MINUTE_US, 1, 1)[0] >= 1


def test_a_clock_ahead_empties_no_window() -> None:
    buckets: Buckets = {}
    for minute in range(9):
        add(buckets, MINUTES, START_US + minute * MINUTE_US, [1])
    add(buckets, MINUTES, START_US + 400 * 86_400_000_000, [7])
    assert total(buckets, MINUTES, START_US + 8 * MINUTE_US, 9, 1) == [9]
    add(buckets, MINUTES, START_US + 9 * MINUTE_US, [1])
    add(buckets, MINUTES, START_US + 10 * MINUTE_US, [1])
    assert total(buckets, MINUTES, START_US + 10 * MINUTE_US, 10, 1) == [10]


VALUES = st.lists(st.floats(0.001, 1e7), min_size=1, max_size=200)


@given(VALUES, st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_near_a_true_one(values: list[float], share: float) -> None:
    sketch: quantile_sketch.Sketch = {}
    for value in values:
        quantile_sketch.add(sketch, value)
    true = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
    told = quantile_sketch.quantile(sketch, share)
    assert told is not None
    # What was put together at the lower end is told too high, never what is above the middle of 128 buckets.
    if share >= 0.95:
        assert abs(told - true) <= quantile_sketch.ACCURACY * true * 1.0001
    assert len(sketch) <= quantile_sketch.MAX_BUCKETS


@given(VALUES, VALUES)
def test_sketches_merge_as_if_they_had_been_one(one: list[float], other: list[float]) -> None:
    merged: quantile_sketch.Sketch = {}
    second: quantile_sketch.Sketch = {}
    whole: quantile_sketch.Sketch = {}
    for value in one:
        quantile_sketch.add(merged, value)
        quantile_sketch.add(whole, value)
    for value in other:
        quantile_sketch.add(second, value)
        quantile_sketch.add(whole, value)
    quantile_sketch.merge(merged, second)
    assert merged == whole


def test_nothing_has_no_quantile() -> None:
    assert quantile_sketch.quantile({}, 0.5) is None


def minutes(burn: Burn, first: int, last: int, events: int, bad: int, target: float = 0.99) -> list[tuple[str, bool]]:
    """So many events a minute; which pairs began and ended to burn."""
    said: list[tuple[str, bool]] = []
    for minute in range(first, last):
        changes = take(burn, START_US + minute * MINUTE_US, events, bad, target)
        said += [(change.pair.name, change.resolved) for change in changes]
    return said


@pytest.mark.parametrize(
    ("events", "bad", "target", "expected"),
    [
        (20, 0, 0.99, []),
        (100, 1, 0.99, []),
        (20, 10, 0.99, [("fast", False)]),
        (20, 20, 0.9, [("fast", False)]),
        (10, 1, 0.99, [("slow", False)]),
        (100, 3, 0.99, [("chronic", False)]),
    ],
    ids=["none bad", "just the budget", "fast", "low target", "slow", "chronic"],
)
def test_the_pair_that_fits_the_rate_alarms(
    events: int, bad: int, target: float, expected: list[tuple[str, bool]]
) -> None:
    burn = new_burn()
    assert minutes(burn, 0, 60, events, 0, target) == []
    assert minutes(burn, 60, 5000, events, bad, target)[:1] == expected


def test_an_alarm_ends_when_the_trouble_does() -> None:
    burn = new_burn()
    assert minutes(burn, 0, 60, 20, 0) == []
    assert minutes(burn, 60, 75, 20, 20) == [("fast", False)]
    assert ("fast", True) in minutes(burn, 75, 90, 20, 0)
    assert "fast" not in burn["open"]


def test_ten_minutes_of_trouble_are_not_chronic_for_want_of_a_past() -> None:
    assert minutes(new_burn(), 0, 10, 100, 4) == []


@pytest.mark.parametrize("bad", [1, 4])
def test_few_prove_nothing(bad: int) -> None:
    assert take(new_burn(), START_US, bad, bad, 0.999) == []


@given(
    st.lists(
        st.tuples(st.integers(-5000, 5000), st.integers(0, 30), st.integers(0, 30)).filter(
            lambda one: one[1] >= one[2]
        ),
        max_size=40,
    )
)
def test_each_episode_begins_and_ends_once_and_state_is_bounded(told: list[tuple[int, int, int]]) -> None:
    burn = new_burn()
    open_pairs: set[str] = set()
    for minute, events, bad in told:
        for change in take(burn, START_US + minute * MINUTE_US, events, bad, 0.95):
            assert (change.pair.name in open_pairs) == change.resolved
            open_pairs ^= {change.pair.name}
    assert open_pairs == set(burn["open"])
    assert [len(one) <= pair.span.buckets for one, pair in zip(burn["counts"], PAIRS, strict=True)] == [True] * 3
    assert len(orjson.dumps(burn)) < 6000
