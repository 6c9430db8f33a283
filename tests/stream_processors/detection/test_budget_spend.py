"""Budgets over many sessions."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.signals import Spent
from watchkeeper.stream_processors.detection.pricing import Priced
from watchkeeper.stream_processors.detection.sequences.hall import Hall
from watchkeeper.stream_processors.detection.sequences.story import START_US, Story
from watchkeeper.stream_processors.detection.session_rules.told_spend import ToldSpend
from watchkeeper.stream_processors.detection.subject_rules.budget_spend import BudgetSpend
from watchkeeper.stream_processors.detection.subjects import SubjectJudge

MINUTE_US = 60_000_000


class Dime:
    """Ten cents a request."""

    def price(self, *, provider: str, model: str, usage: Any, at_us: int) -> Priced:
        return Priced("priced", 0.1, "dime/1")


def policy(**budgets: Any) -> AgentPolicy:
    return AgentPolicy.model_validate({"agent": "support", "budgets": budgets})


def spend(hall: Hall, rules: AgentPolicy, requests: int, minute: float, number: int = 0, user: str = "u") -> None:
    """A session with so many requests."""
    story = Story(session=f"s-{number}", policy=rules, start_us=START_US + round(minute * MINUTE_US))
    story.header = {"user_id": user}
    story.start()
    for _ in range(requests):
        story.response(10, 10)
    story.end()
    hall.hear(story.events, offset=1000 * number)


def hall() -> Hall:
    return Hall([ToldSpend()], rules=[BudgetSpend()], prices=Dime())


def said(court: Hall) -> list[tuple[Any, ...]]:
    told = [finding.evidence.model_dump() for finding in court.findings]
    return [(one["whose"], one["per"], one["band"], round(one["spent_usd"], 2)) for one in told]


CASES: dict[str, tuple[dict[str, Any], list[tuple[int, float]], list[tuple[Any, ...]]]] = {
    "no budget": ({}, [(50, 0)], []),
    "within": ({"per_hour_usd": 10.0}, [(30, 0), (10, 30)], []),
    "each band once": (
        {"per_hour_usd": 1.0},
        [(9, 0), (4, 1)],
        [("agent", "hour", 0.8, 0.8), ("agent", "hour", 1.0, 1.0)],
    ),
    "declared bands": (
        {"per_hour_usd": 1.0, "bands": [0.5]},
        [(20, 0)],
        [("agent", "hour", 0.5, 0.5)],
    ),
    "armed again": (
        {"per_hour_usd": 1.0, "bands": [1.0]},
        [(12, 0), (12, 70)],
        [("agent", "hour", 1.0, 1.0), ("agent", "hour", 1.0, 1.0)],
    ),
    "over the hours": ({"per_day_usd": 2.0, "bands": [1.0]}, [(15, 0), (8, 130)], [("agent", "day", 1.0, 2.0)]),
    "one user": ({"per_user_day_usd": 1.0, "bands": [1.0]}, [(12, 0)], [("user", "day", 1.0, 1.0)]),
    "the tenant": ({"per_tenant_hour_usd": 1.0, "bands": [1.0]}, [(12, 0)], [("tenant", "hour", 1.0, 1.0)]),
    "forecast": ({"per_hour_usd": 3.0}, [(8, 5), (9, 18)], [("agent", "hour", None, 1.5)]),
    "a burst that ends": ({"per_hour_usd": 3.0}, [(15, 0), (2, 40)], []),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_told_of_budgets(name: str) -> None:
    budgets, sessions, expected = CASES[name]
    court = hall()
    for number, (requests, minute) in enumerate(sessions):
        spend(court, policy(**budgets), requests, minute, number)
    assert said(court) == expected


def test_users_have_budgets_of_their_own_and_no_names() -> None:
    court = hall()
    for number, user in enumerate(["ann@example.com", "bob@example.com"]):
        spend(court, policy(per_user_day_usd=1.0), 7, number, number, user)
    assert said(court) == []
    assert len([subject for subject in court.subjects if subject.startswith("user:")]) == 2
    assert not any("example.com" in subject for subject in court.subjects)


def test_little_is_told_of_small_sums_and_nothing_is_lost() -> None:
    court = hall()
    spend(court, policy(per_hour_usd=100.0), 95, 0)
    signals = [signal for signal in court.signals if isinstance(signal, Spent)]
    assert len(signals) <= 12
    assert sum(signal.usd for signal in signals) == pytest.approx(9.5)


def test_what_a_silent_session_spent_is_told_by_the_tick() -> None:
    story = Story(policy=policy(per_hour_usd=100.0))
    story.start()
    story.response(10, 10)
    court = hall().hear(story.events)
    assert court.signals == []
    court.tick(1801)
    court.tick(4000)
    assert [signal.source_offset for signal in court.signals] == [None]


def spent(minute: float, usd: float, **more: Any) -> Spent:
    values = {
        "signal_id": f"sig-{minute}",
        "subject": "agent:default/live/support",
        "tenant_id": "default",
        "origin": "live",
        "session_id": "s-1",
        "agent_id": "support",
        "occurred_at": from_us(START_US + round(minute * MINUTE_US)),
        "source_partition": 0,
        "source_offset": 0,
        "usd": usd,
        "per_hour_usd": 5.0,
        "per_day_usd": 20.0,
        "bands": [0.5, 0.8, 1.0],
    }
    return Spent.model_validate(values | more)


def test_a_signal_of_a_tick_counts_once() -> None:
    rule = BudgetSpend()
    state = rule.state_type()
    assert [len(list(rule.fold(state, spent(1, 3.0, source_offset=None)))) for _ in range(3)] == [1, 0, 0]


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 1400), st.floats(0, 6)), max_size=60))
def test_in_whatever_order_each_band_of_each_window_is_told_once(told: list[tuple[float, float]]) -> None:
    rule = BudgetSpend()
    state = rule.state_type()
    about = [found.about for minute, usd in told for found in rule.fold(state, spent(minute, usd))]
    days = [one for one in about if one[1] == "day"]
    assert len(days) == len(set(days))
    assert len(orjson.dumps(state)) < 4000


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        ({"per_hour_usd": 1.0, "when_spent": "pause"}, [("pause", "agent", "support", 60.0)]),
        ({"per_day_usd": 1.0, "when_spent": "slow_down"}, [("slow_down", "agent", "support", 24 * 60.0)]),
        ({"per_tenant_hour_usd": 1.0, "when_spent": "terminate"}, [("terminate", "tenant", "default", 60.0)]),
        ({"per_hour_usd": 1.0}, []),
        ({"per_hour_usd": 5.0, "when_spent": "pause"}, []),
        ({"per_hour_usd": 5.0, "per_user_day_usd": 1.0, "when_spent": "pause"}, []),
    ],
    ids=["an hour", "a day", "the tenant", "nobody asked", "not spent", "a user"],
)
def test_a_policy_may_ask_for_a_command_until_the_hour_or_day_is_over(
    budgets: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    court = hall()
    spend(court, policy(**budgets), 15, 10)
    commands = [command for verdict in court.verdicts for command in verdict.commands]
    told = [
        (one.action, one.target.kind, one.target.id, (one.expires_at - from_us(START_US)).total_seconds() / 60)
        for one in commands
    ]
    assert told == expected


def test_nothing_is_commanded_where_the_policy_only_observes() -> None:
    court = hall()
    rules = policy(per_hour_usd=1.0, when_spent="pause").model_copy(update={"mode": "observe"})
    spend(court, rules, 15, 10)
    assert len(court.findings) == 2
    assert [command for verdict in court.verdicts for command in verdict.commands] == []


def test_nothing_is_commanded_when_the_hour_is_over_by_the_workers_clock() -> None:
    judge = SubjectJudge([BudgetSpend()])
    signal = spent(10, 6.0, when_spent="pause")
    for late_us, commanded in ((0, 1), (50 * MINUTE_US, 0)):
        clock_us = START_US + 10 * MINUTE_US + late_us
        verdict = judge.step(judge.open(signal), signal, clock_us=clock_us)
        assert [finding.severity for finding in verdict.findings] == ["high"]
        assert len(verdict.commands) == commanded


@pytest.mark.parametrize(
    ("budgets", "message"),
    [
        ({"when_spent": "pause"}, "give one of per_hour_usd"),
        ({"when_spent": "pause", "per_user_day_usd": 1.0}, "give one of per_hour_usd"),
        ({"when_spent": "pause", "per_hour_usd": 1.0, "bands": [0.5]}, "end bands with 1.0"),
    ],
)
def test_a_command_that_could_never_come_is_refused(budgets: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        policy(**budgets)


def test_bands_that_do_not_grow_are_refused() -> None:
    with pytest.raises(ValidationError, match="bands must grow"):
        policy(bands=[1.0, 0.5])


def test_new_budgets_rename_no_policy() -> None:
    assert b"per_tenant_hour_usd" not in policy(per_day_usd=1.0).canonical()
    assert b"when_spent" not in policy(per_day_usd=1.0).canonical()
    assert b"bands" not in policy(per_day_usd=1.0).canonical()
