from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import cache
from itertools import product
from statistics import median

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.stream_processors.detection.drift.baseline import Baseline, estimate_baseline
from watchkeeper.stream_processors.detection.drift.scored import DriftError, Scored
from watchkeeper.stream_processors.detection.drift.watch import (
    Watch,
    evidence,
    fold_score,
    is_alarm,
    new_watch,
    restart,
    since_change,
)

PROMISE = 1000
SCORES = st.builds(
    Scored,
    value=st.floats(0, 1),
    at_us=st.integers(0, 10**15),
    weight=st.floats(0.01, 1),
    segments=st.fixed_dictionaries({"intent": st.sampled_from(["refund", "order"])}),
)
STREAMS = st.lists(SCORES, max_size=40)


def coins(rate: float, count: int, seed: int) -> list[Scored]:
    draw = random.Random(seed)
    return [Scored(float(draw.random() < rate), at_us=number) for number in range(count)]


@cache
def baseline(rate: float = 0.95, count: int = 500, seed: int = 1) -> Baseline:
    return estimate_baseline(coins(rate, count, seed))


NUMBERS = estimate_baseline([Scored(0.6 + 0.4 * random.Random(seed).random()) for seed in range(200)])


def folded(watch: Watch, scores: Sequence[Scored]) -> Watch:
    for score in scores:
        fold_score(watch, score)
    return watch


def by_all_gamblers(watch: Watch, values: Sequence[float]) -> float:
    """The definition: every gambler of every size, one that comes at each score."""
    total = sum(
        math.prod(1 + bet * (watch["limit"] - value) for value in values[first:])
        for bet in watch["bets"]
        for first in range(len(values))
    )
    return total / len(watch["bets"]) * (1 - watch["error"]) / watch["promise"]


@given(st.lists(st.floats(0, 1), max_size=25))
def test_the_evidence_is_what_all_gamblers_hold(values: list[float]) -> None:
    watch = new_watch(NUMBERS, promise=PROMISE)
    expected = by_all_gamblers(watch, values)
    folded(watch, [Scored(value) for value in values])
    assert evidence(watch) == pytest.approx(expected, rel=1e-9, abs=1e-15)


@given(STREAMS)
def test_the_evidence_is_never_negative_and_always_a_number(scores: list[Scored]) -> None:
    for direction in ("fall", "rise"):
        watch = folded(new_watch(NUMBERS, promise=PROMISE, direction=direction), scores)
        assert 0 <= evidence(watch) < math.inf


@given(STREAMS, st.data())
def test_a_lower_score_is_more_evidence_of_a_fall(scores: list[Scored], data: st.DataObject) -> None:
    if not scores:
        return
    place = data.draw(st.integers(0, len(scores) - 1))
    score = scores[place]
    lower = Scored(data.draw(st.floats(0, score.value)), score.at_us, score.weight, score.phase, score.segments)
    changed = [*scores[:place], lower, *scores[place + 1 :]]
    before = evidence(folded(new_watch(NUMBERS, promise=PROMISE), scores))
    assert evidence(folded(new_watch(NUMBERS, promise=PROMISE), changed)) >= before * (1 - 1e-12)


@given(STREAMS, st.integers(0, 40), st.sampled_from([1, 3]))
def test_it_goes_on_from_stored_state_as_if_it_had_not_stopped(scores: list[Scored], stop: int, block: int) -> None:
    once = new_watch(NUMBERS | {"block": block}, promise=PROMISE)
    stored: Watch = orjson.loads(orjson.dumps(folded(orjson.loads(orjson.dumps(once)), scores[:stop])))
    assert folded(stored, scores[stop:]) == orjson.loads(orjson.dumps(folded(once, scores)))


@given(st.lists(st.floats(0, 1), max_size=30))
def test_a_rise_is_a_fall_of_what_is_left_to_one(values: list[float]) -> None:
    turned = estimate_baseline([Scored(0.4 * random.Random(seed).random()) for seed in range(200)])
    straight = estimate_baseline([Scored(1 - 0.4 * random.Random(seed).random()) for seed in range(200)])
    rise = folded(new_watch(turned, promise=PROMISE, direction="rise"), [Scored(value) for value in values])
    fall = folded(new_watch(straight, promise=PROMISE), [Scored(1 - value) for value in values])
    assert evidence(rise) == pytest.approx(evidence(fall), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("above", [0.0, 0.03])
def test_what_gamblers_hold_is_expected_to_be_their_stakes_at_most(above: float) -> None:
    """Exact: all outcomes of nine scores, with their chances, at the limit itself and above it."""
    watch = new_watch(baseline(), promise=PROMISE)
    rate, count, expected = watch["limit"] + above, 9, 0.0
    for values in product((0.0, 1.0), repeat=count):
        chance = math.prod(rate if value else 1 - rate for value in values)
        held = folded(new_watch(baseline(), promise=PROMISE), [Scored(value) for value in values])["held"]
        expected += chance * sum(held) / len(held)
    assert expected == pytest.approx(count) if not above else expected < count


def test_sessions_drawn_more_often_and_weighed_less_are_as_fair() -> None:
    """Exact: two kinds of sessions, of which one is drawn four times as often; the mean of all is at the limit."""
    watch = new_watch(baseline(), promise=PROMISE)
    risky, risky_rate = 0.2, watch["limit"] - 0.3
    other_rate = (watch["limit"] - risky * risky_rate) / (1 - risky)
    drawn = 4 * risky / (4 * risky + 1 - risky)
    chances = {
        (value, weight): share * (rate if value else 1 - rate)
        for weight, share, rate in ((0.25, drawn, risky_rate), (1.0, 1 - drawn, other_rate))
        for value in (0.0, 1.0)
    }
    assert sum(chances.values()) == pytest.approx(1)
    expected = 0.0
    for scores in product(chances, repeat=4):
        held = folded(new_watch(baseline(), promise=PROMISE), [Scored(*score[:1], weight=score[1]) for score in scores])
        expected += math.prod(chances[score] for score in scores) * sum(held["held"]) / len(held["held"])
    assert expected == pytest.approx(4)


def test_the_alarm_is_at_the_promise_and_pays_for_the_error_of_the_baseline() -> None:
    watch = new_watch(baseline(), promise=PROMISE)
    watch["held"] = [PROMISE / 0.9 * (1 + 1e-9)] * len(watch["bets"])
    assert is_alarm(watch)
    watch["held"] = [PROMISE / 0.9 * (1 - 1e-9)] * len(watch["bets"])
    assert not is_alarm(watch)


def test_blocks_are_one_bet_each_and_alarm_at_as_many_times_less() -> None:
    wide: Baseline = baseline() | {"block": 5}
    watch = new_watch(wide, promise=PROMISE)
    for number, score in enumerate(coins(0.9, 23, 3), 1):
        held = list(watch["held"])
        fold_score(watch, score)
        assert (watch["held"] == held) == (number % 5 != 0)
    watch["held"] = [PROMISE / 0.9 / 5 * 1.0001] * len(watch["bets"])
    assert is_alarm(watch)


def test_a_fall_is_told_and_stationary_streams_are_not() -> None:
    """Of thirty streams two or three alarm before the fall; delays are 55 in the median."""
    delays, early = [], 0
    for seed in range(30):
        watch = new_watch(baseline(seed=seed), promise=PROMISE)
        early += any(fold_score(watch, score) for score in coins(0.95, 300, 1000 + seed))
        restart(watch)
        told = (place for place, score in enumerate(coins(0.83, 3000, 2000 + seed), 1) if fold_score(watch, score))
        delays.append(next(told))
    assert early <= 12
    assert 15 <= median(delays) <= 90


def test_a_fall_everywhere_is_told_at_once() -> None:
    watch = new_watch(baseline(), promise=PROMISE)
    folded(watch, coins(0.95, 200, 7))
    assert next(place for place in range(1, 50) if fold_score(watch, Scored(0.0, at_us=10**6 + place))) <= 8
    assert since_change(watch)["at_us"] >= 150


def test_weekends_have_their_own_limit_where_scores_say_which_they_are() -> None:
    def week(count: int, seed: int) -> list[Scored]:
        draw = random.Random(seed)
        return [
            Scored(float(draw.random() < (0.95 if number % 7 < 5 else 0.7)), phase="work" if number % 7 < 5 else "rest")
            for number in range(count)
        ]

    known = estimate_baseline(week(1000, 1))
    blind = estimate_baseline(week(1000, 1), phases=False)
    assert known["phases"]["rest"][0] < 0.7 < blind["low"] < known["phases"]["work"][0]
    watch = new_watch(known, promise=PROMISE)
    for score in week(700, 2):
        assert not fold_score(watch, score)
    # A weekend that is as good as a workday is no evidence, a workday that is as bad as a weekend is.
    worse = [Scored(score.value, phase="work") for score in week(2000, 3) if score.phase == "rest"]
    assert any(fold_score(watch, score) for score in worse)


def test_evidence_forgets_at_a_restart_and_keeps_its_limit() -> None:
    watch = folded(new_watch(baseline(), promise=PROMISE), [Scored(0.0)] * 20)
    assert is_alarm(watch)
    limit, bets = watch["limit"], list(watch["bets"])
    restart(watch)
    assert evidence(watch) == 0
    assert (watch["limit"], watch["bets"], watch["scores"]) == (limit, bets, 20)
    fold_score(watch, Scored(0.0))
    assert since_change(watch)["index"] == 20


def test_only_falls_that_can_be_seen_within_the_promise_are_bet_on() -> None:
    counts = [len(new_watch(baseline(), promise=promise)["bets"]) for promise in (10, 100, 1000, 10_000)]
    assert counts == [2, 3, 4, 5]


def test_evidence_stays_finite_however_long_the_fall() -> None:
    watch = folded(new_watch(baseline(), promise=PROMISE), [Scored(0.0)] * 3000)
    assert math.isfinite(evidence(watch))


def test_the_state_is_small() -> None:
    watch = folded(new_watch(baseline(), promise=PROMISE), coins(0.9, 300, 1))
    assert len(orjson.dumps(watch)) < 2500


def test_a_smaller_fall_than_is_tolerated_is_none() -> None:
    strict, lenient = (new_watch(baseline(), promise=PROMISE, tolerance=tolerance) for tolerance in (0.0, 0.05))
    scores = coins(0.9, 1500, 11)
    assert any(fold_score(strict, score) for score in scores)
    assert not any(fold_score(lenient, score) for score in scores)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"promise": 5}, "promise at least 10"),
        ({"promise": 1000, "tolerance": 0.99}, "give a smaller one"),
        ({"promise": 1000, "tolerance": -0.1}, "give a smaller one"),
    ],
)
def test_what_cannot_be_watched_is_refused(arguments: dict[str, float], told: str) -> None:
    with pytest.raises(DriftError, match=told):
        new_watch(baseline(), **arguments)  # type: ignore[arg-type]  # by keyword, as written above


@pytest.mark.parametrize(("value", "weight"), [(1.1, 1.0), (-0.1, 1.0), (math.nan, 1.0), (0.5, 0.0), (0.5, 1.5)])
def test_scores_without_bounds_are_refused(value: float, weight: float) -> None:
    with pytest.raises(DriftError):
        Scored(value, weight=weight)
