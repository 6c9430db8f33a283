from __future__ import annotations

import random

import pytest

from watchkeeper.stream_processors.detection.drift.baseline import Baseline, estimate_baseline
from watchkeeper.stream_processors.detection.drift.effect import effect_of, mean_sequence
from watchkeeper.stream_processors.detection.drift.scored import Scored
from watchkeeper.stream_processors.detection.drift.segments import contributions
from watchkeeper.stream_processors.detection.drift.tallies import MAX_VALUES, OTHER, add_score, close_block, empty_tally
from watchkeeper.stream_processors.detection.drift.watch import Watch, fold_score, new_watch, since_change

INTENTS = ("refund", "order", "login", "other")


def session(draw: random.Random, at_us: int, *, version: str, refund: float, others: float = 0.95) -> Scored:
    intent = draw.choice(INTENTS)
    passed = draw.random() < (refund if intent == "refund" else others)
    return Scored(float(passed), at_us=at_us, segments={"intent": intent, "prompt_version": version})


def alarmed(seed: int) -> tuple[Watch, Baseline]:
    """Refunds fail more often from the score at 1,300 on, when a new version came."""
    draw = random.Random(seed)
    baseline = estimate_baseline([session(draw, number, version="p1", refund=0.95) for number in range(1000)])
    watch = new_watch(baseline, promise=1000)
    for number in range(1000, 1300):
        fold_score(watch, session(draw, number, version="p1", refund=0.95))
    for number in range(1300, 5000):
        if fold_score(watch, session(draw, number, version="p2", refund=0.4)):
            break
    return watch, baseline


def test_an_alarm_says_since_when_and_how_much() -> None:
    near = held = 0
    for seed in range(20):
        effect = effect_of(*alarmed(seed))
        near += abs(effect.since_us - 1300) <= 60
        held += effect.change_low <= -0.1375 <= effect.change_high
        assert effect.since_us - 1000 == effect.since_index
        assert effect.after_low <= effect.after <= effect.after_high
        assert effect.change_low <= effect.change == pytest.approx(effect.after - effect.before)
        assert effect.change < 0
    assert near >= 13
    assert held >= 15


def test_the_segments_that_explain_come_first() -> None:
    watch, baseline = alarmed(1)
    found = contributions(since_change(watch), baseline)
    version = next(one for one in found if one.dimension == "prompt_version")
    assert (version.name, version.is_new, version.moved) == ("p2", True, True)
    intents = [one for one in found if one.dimension == "intent"]
    assert intents[0].name == "refund"
    assert intents[0].moved
    assert intents[0].before > 0.85
    assert intents[0].after < 0.6
    assert not any(one.moved for one in intents[1:])


@pytest.mark.parametrize("seed", range(5))
def test_contributions_of_a_dimension_add_up_to_the_change(seed: int) -> None:
    watch, baseline = alarmed(seed)
    effect = effect_of(watch, baseline)
    found = contributions(since_change(watch), baseline)
    for dimension in ("intent", "prompt_version"):
        total = sum(one.within + one.mix for one in found if one.dimension == dimension)
        assert total == pytest.approx(effect.change)
    for one in found:
        assert one.low <= one.after - one.before + 1e-12
        assert one.after - one.before <= one.high + 1e-12


def test_equal_numbers_are_not_certain_ones() -> None:
    draw = random.Random(1)
    baseline = estimate_baseline([Scored(draw.uniform(0.6, 1)) for _ in range(200)])
    tally = empty_tally()
    for value in (0.5, 0.5):
        block = empty_tally()
        add_score(block, Scored(value))
        close_block(block)
        for name in ("scores", "blocks", "weight", "total", "weight_squares", "cross", "total_squares"):
            tally[name] += block[name]
    low, high = mean_sequence(tally, baseline)
    assert low < 0.4
    assert high > 0.6
    assert mean_sequence(empty_tally(), baseline) == (0.0, 1.0)


def test_a_watch_that_has_seen_nothing_tells_of_no_change() -> None:
    _, baseline = alarmed(1)
    effect = effect_of(new_watch(baseline, promise=1000), baseline)
    assert (effect.change, effect.scores) == (0, 0)
    assert (effect.after_low, effect.after_high) == (0, 1)


def test_segments_without_end_are_counted_together() -> None:
    tally = empty_tally()
    for number in range(MAX_VALUES + 10):
        add_score(tally, Scored(1.0, segments={"tenant": f"t-{number}"}))
    assert len(tally["segments"]["tenant"]) == MAX_VALUES + 1
    assert tally["segments"]["tenant"][OTHER] == [10.0, 10.0, 10.0]
