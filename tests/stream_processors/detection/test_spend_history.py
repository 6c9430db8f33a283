"""Agents against their own past: sessions, hours and days."""

from __future__ import annotations

import math
import random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.schemas.evidence import SpendOutlier
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.signals import Spent
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.sequences import cost_runaway, spending
from watchkeeper.stream_processors.detection.sequences.story import START_US
from watchkeeper.stream_processors.detection.spend_past import DAY, HOUR, past_of_day, past_of_hour
from watchkeeper.stream_processors.detection.subject_rules.spend_history import MAX_OUTLIERS, SpendHistory
from watchkeeper.stream_processors.detection.windows import Buckets

HOUR_US = 3_600_000_000


def spent(hour: float, usd: float, number: int, **more: Any) -> Spent:
    """A session that is over at once."""
    return Spent.model_validate(
        {
            "signal_id": f"sig-{number}-{hour}",
            "subject": "agent:default/live/support",
            "tenant_id": "default",
            "origin": "live",
            "session_id": f"s-{number}",
            "agent_id": "support",
            "occurred_at": from_us(START_US + round(hour * HOUR_US)),
            "source_partition": 0,
            "source_offset": number,
            "usd": usd,
            "bands": [1.0],
            "session_usd": usd,
            "is_first": True,
            "is_over": True,
        }
        | more
    )


class Agent:
    """One agent's spend."""

    def __init__(self) -> None:
        self.rule = SpendHistory()
        self.state = self.rule.state_type()
        self.number = 0

    def spend(self, hour: float, *usd: float, **more: Any) -> list[Found]:
        said: list[Found] = []
        for one in usd:
            self.number += 1
            said += self.rule.fold(self.state, spent(hour, one, self.number, **more))
        return said

    def days(self, count: int, *usd: float, hour: float = 9.0, first: int = 0) -> list[Found]:
        return [found for day in range(first, first + count) for found in self.spend(24 * day + hour, *usd)]


CENTS = [0.05] * 15


def test_an_outlier_is_told_once_and_again_when_it_has_doubled() -> None:
    agent = Agent()
    assert agent.days(8, *CENTS) == []
    at = 24 * 8 + 5.0
    told: list[Found] = []
    for usd in (0.3, 0.6, 0.9, 1.3, 2.0, 2.7):
        told += agent.rule.fold(
            agent.state, spent(at, 0.3, 900, session_usd=usd, is_first=usd == 0.3, is_over=False, signal_id=f"{usd}")
        )
    assert [(found.about, found.revision, found.session_id) for found in told] == [
        (("outlier", "s-900"), 0, "s-900"),
        (("outlier", "s-900"), 1, "s-900"),
        (("outlier", "s-900"), 2, "s-900"),
    ]
    evidence = told[0].evidence
    assert isinstance(evidence, SpendOutlier)
    assert evidence.usd == 0.6


def test_too_few_sessions_or_too_young_a_past_say_nothing() -> None:
    young, few = Agent(), Agent()
    assert [found for hour in range(20) for found in young.spend(hour, *CENTS)] == []
    assert young.spend(21, 50.0) == []
    assert few.days(14, 0.05) == []
    assert few.spend(24 * 14 + 9, 50.0) == []


def test_one_dear_session_is_no_dear_hour() -> None:
    agent = Agent()
    agent.days(9, *CENTS)
    assert [found.evidence.kind for found in agent.spend(24 * 9 + 9, 30.0)] == ["spend_outlier"]


def test_a_dear_hour_is_one_finding_and_ends() -> None:
    agent = Agent()
    agent.days(9, *CENTS)
    said = agent.spend(24 * 9 + 9, *[0.4] * 30)
    said += agent.spend(24 * 9 + 10, *[0.4] * 30)
    assert [(found.severity, found.status) for found in said] == [("medium", "open")]
    said = agent.spend(24 * 9 + 12, 0.05)
    assert [(found.status, found.revision) for found in said] == [("resolved", 1)]


def test_what_comes_late_flips_nothing() -> None:
    agent = Agent()
    agent.days(9, *CENTS)
    assert len(agent.spend(24 * 9 + 9, *[0.4] * 30)) == 1
    for _ in range(5):
        assert agent.spend(24 * 9 + 8.9, 0.05) == []
        assert agent.spend(24 * 9 + 9.1, 0.05) == []


def test_a_clock_that_was_ahead_silences_nobody() -> None:
    agent = Agent()
    agent.days(9, *CENTS)
    agent.spend(24 * 400, 0.05)
    assert len(agent.spend(24 * 9 + 9, *[0.4] * 30)) == 1


@pytest.mark.parametrize(
    ("usd", "sessions", "expected"),
    [(4.5, 2, ["open"]), (2.0, 5, []), (2.4, 2, []), (0.9, 2, [])],
    ids=["dearer", "only more", "a little dearer", "cheaper"],
)
def test_three_days_that_are_dearer_are_told_on_the_fourth(usd: float, sessions: int, expected: list[str]) -> None:
    agent = Agent()
    said = agent.days(18, 2.0, 2.0)
    said += agent.days(4, *[usd] * sessions, first=18)
    assert [found.status for found in said] == expected
    said = agent.days(2, 2.0, 2.0, first=22)
    assert [found.status for found in said] == ["resolved"] * len(expected)


def test_a_signal_of_a_tick_counts_once() -> None:
    agent = Agent()
    for _ in range(3):
        agent.rule.fold(agent.state, spent(1, 3.0, 1, source_offset=None))
    assert list(agent.state.hours.values()) == [[3.0, 1]]


def test_users_and_tenants_have_no_past_of_their_own() -> None:
    agent = Agent()
    agent.rule.fold(agent.state, spent(1, 3.0, 1, subject="tenant:default/live/default"))
    assert agent.state == agent.rule.state_type()


def test_agents_that_behave_are_left_alone() -> None:
    """Office hours, quiet weekends, costs lognormal: six weeks of some 5,000 sessions."""
    draw = random.Random(20260101)
    agent, told = Agent(), 0
    for hour in range(42 * 24):
        busy = (1.0 if 8 <= hour % 24 < 18 else 0.05) * (1.0 if hour // 24 % 7 < 5 else 0.15)
        sessions = sum(draw.random() < busy for _ in range(17))
        costs = (0.03 * math.exp(1.5 * draw.gauss(0, 1)) for _ in range(sessions))
        told += sum(found.revision == 0 for found in agent.spend(hour, *costs))
    assert agent.number > 4000
    assert told <= 2


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(-20_000, 20_000), st.floats(0, 500), st.integers(0, 40)), min_size=1, max_size=150))
def test_whatever_comes_the_state_is_bounded(told: list[tuple[float, float, int]]) -> None:
    rule = SpendHistory()
    state = rule.state_type()
    for hour, usd, number in told:
        for found in rule.fold(state, spent(hour, usd, number)):
            assert found.revision >= 0
    assert len(state.hours) <= HOUR.buckets
    assert len(state.days) <= DAY.buckets
    assert len(state.outliers) <= MAX_OUTLIERS
    assert rule.state_type(**orjson.loads(orjson.dumps(state))) == state


def test_the_state_of_a_busy_agent_stays_small() -> None:
    agent = Agent()
    for hour in range(40 * 24):
        agent.spend(hour, 12.345678, 0.5, 3.25)
    assert len(orjson.dumps(agent.state)) < 16_000


def buckets(**values: tuple[float, int]) -> Buckets:
    return {name.removeprefix("b"): [usd, sessions] for name, (usd, sessions) in values.items()}


def test_an_hour_is_compared_with_its_like() -> None:
    hours: Buckets = {}
    for day in range(10):
        hours[str(24 * day + 9)] = [4.0, 10]
        hours[str(24 * day + 3)] = [0.2, 1]
    morning, night = past_of_hour(hours, 24 * 10 + 9), past_of_hour(hours, 24 * 10 + 3)
    assert morning is not None
    assert night is not None
    assert (morning.usual, morning.limit, morning.usd_per_session) == (4.0, 12.0, 0.4)
    # Below a dollar an hour nobody is called.
    assert (night.usual, night.limit) == (0.2, 1.0)
    beside = past_of_hour(hours, 24 * 10 + 10)
    assert beside is not None
    assert beside.usual == 4.0


def test_one_bad_day_does_not_move_what_is_usual() -> None:
    hours: Buckets = {str(24 * day + 9): [4.0, 10] for day in range(15)}
    hours[str(24 * 4 + 9)] = [400.0, 10]
    past = past_of_hour(hours, 24 * 15 + 9)
    assert past is not None
    assert (past.usual, past.limit) == (4.0, 12.0)


def test_nothing_is_known_before_a_week_of_hours_and_two_of_days() -> None:
    hours: Buckets = {str(24 * day + 9): [4.0, 10] for day in range(7)}
    assert past_of_hour({}, 9) is None
    assert past_of_hour(hours, 24 * 7 + 9) is None
    assert past_of_day({}, 9) is None
    assert past_of_day(buckets(b1=(5.0, 1), b2=(5.0, 1)), 10) is None


def test_there_are_enough_sequences() -> None:
    sequences = (*spending.SEQUENCES, *cost_runaway.SEQUENCES)
    assert sum(bool(one.fires) for one in sequences) >= 8
    assert sum(not one.fires for one in sequences) >= 8
