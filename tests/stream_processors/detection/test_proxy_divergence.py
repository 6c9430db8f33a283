"""A proxy that rises while the outcome falls."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_outcomes import ProxyAndOutcome
from watchkeeper.schemas.signals import OutcomeTold, Signal
from watchkeeper.stream_processors.detection.moves import Sample, effect, p_of_rise
from watchkeeper.stream_processors.detection.session_rules.told_outcome import ToldOutcomes
from watchkeeper.stream_processors.detection.subject_rules.proxy_divergence import ProxyDivergences
from watchkeeper.stream_processors.detection.subjects import SubjectJudge

DAY_US = 86_400_000_000
START = 20_454
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)
Values = Callable[[int], tuple[float, float]]


def sample(values: list[float]) -> Sample:
    made = Sample()
    for value in values:
        made.add(value)
    return made


@given(one=NUMBERS, other=NUMBERS)
def test_samples_that_join_are_one_sample(one: list[float], other: list[float]) -> None:
    joined = sample(one)
    joined.join(sample(other))
    scale = 1 + max(map(abs, one + other))
    assert joined.count == len(one + other)
    assert math.isclose(joined.mean, statistics.fmean(one + other), abs_tol=1e-9 * scale)
    assert math.isclose(joined.variance, statistics.variance(one + other), rel_tol=1e-6, abs_tol=1e-9 * scale**2)


@given(one=NUMBERS, other=NUMBERS)
def test_a_rise_one_way_is_a_fall_the_other(one: list[float], other: list[float]) -> None:
    p = p_of_rise(sample(one), sample(other))
    assert 0 <= p <= 1
    back = p_of_rise(sample(other), sample(one))
    assert math.isclose(p + back, 1, abs_tol=1e-9) or p == back == 1
    assert math.isclose(effect(sample(one), sample(other)), -effect(sample(other), sample(one)), abs_tol=1e-9)


@example(one=[0.0, 0.0], other=[0.0, 3e-142])
@example(one=[1e99, -1e99], other=[1e99, 1e98])
@given(one=NUMBERS, other=NUMBERS)
def test_no_numbers_are_too_small_or_too_large(one: list[float], other: list[float]) -> None:
    assert 0 <= p_of_rise(sample(one), sample(other)) <= 1
    assert math.isfinite(effect(sample(one), sample(other)))


@pytest.mark.parametrize(
    ("statistic", "size", "expected"),
    # From tables of Student's distribution: with n numbers each and equal scatter there are 2n - 2 degrees of freedom.
    [(1.812, 6, 0.05), (2.764, 6, 0.01), (1.697, 16, 0.05), (2.457, 16, 0.01), (3.385, 16, 0.001)],
)
def test_the_chance_is_that_of_the_tables(statistic: float, size: int, expected: float) -> None:
    rise = statistic * math.sqrt(2 / size)
    before, after = Sample(size, 0.0, size - 1.0), Sample(size, rise, size - 1.0)
    assert math.isclose(p_of_rise(before, after), expected, rel_tol=0.02)


def told(days: list[int], values: Values, a_day: int = 20, **pair: Any) -> Any:
    """What is found when each day so many sessions bring proxy and outcome."""
    judge, state, findings = SubjectJudge([ProxyDivergences()], strict=True), None, []
    given_pair = ProxyAndOutcome.model_validate({"proxy": "p", "outcome": "o", "window_days": 7} | pair)
    offset = 0
    for day in days:
        for number in range(a_day):
            for which, value in zip(("proxy", "outcome"), values(day), strict=True):
                at = from_us((START + day) * DAY_US + number * 1_000_000)
                signal: Signal = OutcomeTold.model_validate(
                    {
                        "signal_id": f"x-{offset}",
                        "subject": "agent:default/live/a",
                        "tenant_id": "default",
                        "origin": "live",
                        "session_id": f"s-{day}-{number}",
                        "agent_id": "a",
                        "occurred_at": at,
                        "source_partition": 0,
                        "source_offset": offset,
                        "which": which,
                        "value": value,
                        "started_at": at,
                        "pair": given_pair,
                    }
                )
                state = state or judge.open(signal)
                findings += judge.step(state, signal, clock_us=0).findings
                offset += 1
    assert state is not None
    assert len(state.dump()) < 16_384
    return findings


def moving(seed: int, proxy: float, outcome: float, since: int = 14, until: int = 10_000) -> Values:
    """Normal values with scatter 1 that move by so much on a day."""
    dice = random.Random(seed)

    def values(day: int) -> tuple[float, float]:
        moved = since <= day < until
        return dice.gauss(proxy * moved, 1), dice.gauss(outcome * moved, 1)

    return values


def test_a_proxy_up_and_an_outcome_down() -> None:
    [finding] = told(list(range(24)), moving(1, 1.0, -1.0))
    evidence = finding.evidence
    assert finding.kind == "proxy_divergence"
    assert evidence.proxy.effect > 0.2
    assert evidence.outcome.effect < -0.2
    assert evidence.proxy.after > evidence.proxy.before
    assert evidence.outcome.after < evidence.outcome.before
    assert max(evidence.proxy.p_value, evidence.outcome.p_value) < 0.01


@pytest.mark.parametrize(
    ("proxy", "outcome"), [(1.0, 1.0), (-1.0, -1.0), (-1.0, 1.0), (1.0, 0.0), (0.0, -1.0), (0.05, -0.05)]
)
def test_any_other_move_is_none(proxy: float, outcome: float) -> None:
    assert told(list(range(28)), moving(2, proxy, outcome)) == []


@pytest.mark.parametrize(
    ("better", "proxy", "outcome", "found"),
    [
        (("lower", "higher"), -1.0, -1.0, True),
        (("higher", "lower"), 1.0, 1.0, True),
        (("lower", "lower"), -1.0, 1.0, True),
        (("lower", "lower"), 1.0, -1.0, False),
        (("higher", "lower"), 1.0, -1.0, False),
    ],
)
def test_the_policy_says_which_way_is_better(
    better: tuple[str, str], proxy: float, outcome: float, found: bool
) -> None:
    findings = told(list(range(24)), moving(3, proxy, outcome), proxy_better=better[0], outcome_better=better[1])
    assert bool(findings) == found


def test_few_sessions_say_nothing() -> None:
    assert told(list(range(24)), moving(4, 2.0, -2.0), a_day=7, min_sessions=50) == []
    assert told(list(range(24)), moving(4, 2.0, -2.0), a_day=8, min_sessions=50)


def test_it_is_taken_back_when_it_ends() -> None:
    findings = told(list(range(60)), moving(5, 1.5, -1.5, since=14, until=24))
    assert [finding.status for finding in findings[:2]] == ["open", "resolved"]
    assert findings[0].finding_id == findings[1].finding_id


def test_young_sessions_wait_for_their_outcome() -> None:
    early = told(list(range(20)), moving(6, 2.0, -2.0))
    assert early
    assert told(list(range(20)), moving(6, 2.0, -2.0), lag_days=7) == []
    assert told(list(range(28)), moving(6, 2.0, -2.0), lag_days=7)


def test_where_nothing_moves_false_alarms_are_rare() -> None:
    alarms = sum(bool(told(list(range(42)), moving(seed, 0, 0), a_day=10, min_effect=0.0)) for seed in range(30))
    assert alarms <= 1


def test_a_clock_that_runs_ahead_changes_nothing(stories: Any) -> None:
    hall = outcomes(stories, [("p", 1.0), ("o", 1.0)])
    [subject] = hall.subjects.values()
    signal = hall.signals[-1].model_copy(update={"started_at": from_us(30_000 * DAY_US), "source_offset": None})
    before = subject.dump()
    assert not hall.subject_judge.step(subject, signal, clock_us=0)
    assert subject.dump() == before


def outcomes(stories: Any, told_values: list[tuple[str, float | None]], **policy: Any) -> Any:
    rules = AgentPolicy.model_validate({"agent": "support", "outcomes": {"proxy": "p", "outcome": "o"}} | policy)
    story = stories.Story(policy=rules)
    story.start()
    story.end()
    story.writer = "crm"
    for name, value in told_values:
        story.say("outcome", {"name": name, "kind": "business", "value": value})
    return stories.Hall([ToldOutcomes()], rules=[ProxyDivergences()]).hear(story.events)


@pytest.mark.parametrize(
    ("values", "signals", "kinds"),
    [
        ([("p", 1.0), ("o", 0.0)], ["proxy", "outcome"], []),
        ([("o", 0.0), ("o", 1.0)], ["outcome"], []),
        ([("x", 1.0)], [], []),
        ([("p", 1e200), ("p", 1.0)], ["proxy"], ["unjudged"]),
        ([("p", None), ("o", None), ("o", 1.0)], ["outcome"], ["unjudged"]),
    ],
)
def test_what_came_of_a_session_is_told_once(stories: Any, values: Any, signals: list[str], kinds: list[str]) -> None:
    hall = outcomes(stories, values)
    assert [one.which for one in hall.signals] == signals
    assert hall.kinds() == kinds


def test_without_a_pair_nothing_is_told(stories: Any) -> None:
    assert outcomes(stories, [("p", 1.0)], outcomes=None).signals == []


def test_a_proxy_of_itself_is_refused() -> None:
    with pytest.raises(ValidationError, match="are the same"):
        ProxyAndOutcome(proxy="x", outcome="x")
