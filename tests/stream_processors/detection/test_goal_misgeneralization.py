from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.session_rules.broken_constraint import MAX_RUNNING, BrokenConstraints
from watchkeeper.stream_processors.detection.subject_rules.customer_limit import MAX_MADE, CustomerLimits

DAY = 86_400.0
FACTS: dict[str, Any] = {
    "total": {"type": "number", "normalize": ["money"]},
    "seats": {"type": "integer"},
    "vip": {"type": "boolean"},
    "since": {"type": "date"},
    "at": {"type": "timestamp"},
    "tags": {"type": "list"},
    "plan": {"type": "text", "nullable": True},
    "order-total": {"type": "number"},
}


def policy(*constraints: dict[str, Any], **more: Any) -> AgentPolicy:
    named = [{"name": f"rule {number}"} | one for number, one in enumerate(constraints)]
    return AgentPolicy.model_validate({"agent": "support", "facts": FACTS, "constraints": named} | more)


def hall_of(stories: Any) -> Any:
    return stories.Hall([BrokenConstraints()], rules=[CustomerLimits()])


def decided(stories: Any, rules: AgentPolicy, facts: dict[str, Any], outcome: Any = "granted", **header: Any) -> Any:
    story = stories.Story(policy=rules)
    story.start()
    story.say("decision", {"decision_id": "d", "name": "grant", "facts": facts, "outcome": outcome}, **header)
    return hall_of(stories).hear(story.events)


@pytest.mark.parametrize(
    ("require", "facts", "outcome", "told"),
    [
        ("total <= 100.0", {"total": 100}, None, None),
        ("total <= 100.0", {"total": "$100.00"}, None, None),
        ("total <= 100.0", {"total": 100.01}, None, "false"),
        ("total <= 100.0", {"total": "$100.01"}, None, "false"),
        ("total <= 100.0", {"total": "a lot"}, None, "unevaluated"),
        ("total <= 100.0", {"total": None}, None, "unevaluated"),
        ("total <= 100.0", {"total": float("nan")}, None, "unevaluated"),
        ("total <= 100.0", {"total": 10**400}, None, "unevaluated"),
        ("total <= 100.0", {}, None, "unevaluated"),
        ("!has(facts.total) || total <= 100.0", {}, None, None),
        ("!has(facts.total) || total <= 100.0", {"total": 5}, None, None),
        ("has(facts.total)", {"total": "a lot"}, None, "false"),
        ("seats == 5", {"seats": 5.0}, None, None),
        ("seats < 5", {"seats": 2**70}, None, "unevaluated"),
        ("vip", {"vip": True}, None, None),
        ("vip", {"vip": "true"}, None, "unevaluated"),
        ("since < timestamp('2026-02-01T00:00:00Z')", {"since": "2026-01-31"}, None, None),
        ("since < timestamp('2026-01-31T00:00:00Z')", {"since": "2026-01-31"}, None, "false"),
        ("at < timestamp('2026-01-31T00:00:00Z')", {"at": "2026-01-31T01:30:00+02:00"}, None, None),
        ("has(facts.since)", {"since": "2026-01-31"}, None, None),
        (
            "timestamp(facts.since) < timestamp(facts.at)",
            {"since": "2026-01-31", "at": "2026-01-31T01:30:00Z"},
            None,
            None,
        ),
        ("has(facts.total)", {"total": 5, "undeclared": 2**70}, None, None),
        ("'loyal' in tags", {"tags": ["new", "loyal"]}, None, None),
        ("'loyal' in tags", {"tags": []}, None, "false"),
        ("plan == 'Pro'", {"plan": None}, None, "unevaluated"),
        ("facts.plan == null", {"plan": None}, None, None),
        ('facts["order-total"] <= 5.0', {"order-total": 5}, None, None),
        ('facts["undeclared"] <= 5', {"undeclared": 6}, None, "false"),
        ('facts["undeclared"] <= 5', {"undeclared": 2**70}, None, "false"),
        ('facts["undeclared"] <= 5', {"undeclared": "many"}, None, "unevaluated"),
        ("outcome.credit <= total", {"total": 5}, {"credit": 5}, None),
        ("outcome.credit <= total", {"total": 5}, {"credit": 6}, "false"),
        ("outcome.credit <= total", {"total": 5}, {}, "unevaluated"),
        ("outcome.credit <= total", {"total": 5}, "granted", "unevaluated"),
        ("outcome == 'granted' && decision == 'grant'", {}, "granted", None),
        ("1 / (seats - seats) > 0", {"seats": 3}, None, "unevaluated"),
    ],
)
def test_a_rule_on_decisions_fails_closed(
    stories: Any, require: str, facts: dict[str, Any], outcome: Any, told: str | None
) -> None:
    hall = decided(stories, policy({"require": require}), facts, outcome)
    assert [finding.evidence.reason for finding in hall.findings] == ([told] if told else [])


def test_a_rule_whose_when_cannot_be_evaluated_is_broken(stories: Any) -> None:
    [finding] = decided(stories, policy({"when": "total > 5.0", "require": "vip"}), {"vip": True}).findings
    assert finding.evidence.reason == "unevaluated"
    assert finding.evidence.got == "the fact total is missing, or is not what it was declared to be"


@pytest.mark.parametrize(
    ("constraint", "told"),
    [
        ({"require": "false"}, 1),
        ({"require": "false", "decision": "grant"}, 1),
        ({"require": "false", "decision": "other"}, 0),
        ({"require": "false", "tool": "grant"}, 0),
        ({"require": "false", "when": "customer == 'cu-1'"}, 1),
        ({"require": "false", "when": "customer == 'cu-2'"}, 0),
        ({"require": "false", "when": "environment == 'production' && agent == 'support'"}, 1),
    ],
)
def test_a_rule_applies_to_what_it_is_about(stories: Any, constraint: dict[str, Any], told: int) -> None:
    assert len(decided(stories, policy(constraint), {}, customer_id="cu-1").findings) == told


def test_a_finding_holds_the_rule_and_no_value(stories: Any) -> None:
    rules = policy({"require": "plan == 'Pro' && facts.name == 'x'", "message": "For Pro alone."})
    hall = decided(stories, rules, {"plan": "4111 1111 1111 1111", "name": "Miller"}, {"to": "Miller"})
    [finding] = hall.findings
    assert "For Pro alone." in finding.summary
    assert "Miller" not in finding.model_dump_json()
    assert "4111" not in finding.model_dump_json()


@pytest.mark.parametrize(
    ("constraint", "says"),
    [
        ({}, "needs require, per_customer or both"),
        ({"require": "true", "tool": "t", "decision": "d"}, "keep decision or tool"),
        ({"require": "totl > 5.0"}, "did you mean total"),
        ({"require": "total > 5"}, "write the number with a point"),
        ({"require": "total"}, "not true or false"),
        ({"require": "args.x > 5"}, "args is not declared"),
        ({"require": "total > 5.0", "tool": "t"}, "total is not declared"),
        ({"require": "total >"}, "ends too early"),
        ({"require": "true", "per_customer": {"at_most": 65, "days": 1}}, "64"),
    ],
)
def test_a_rule_that_is_wrong_is_refused(constraint: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        policy(constraint)


def test_rules_of_one_name_and_of_tools_that_are_never_called_are_refused() -> None:
    with pytest.raises(ValidationError, match="give it another name"):
        policy({"name": "n", "require": "true"}, {"name": "n", "require": "true"})
    with pytest.raises(ValidationError, match="never called"):
        policy({"require": "true", "tool": "t"}, allow_unlisted_tools=False)


def test_a_constraint_of_the_first_release_keeps_its_spelling() -> None:
    written = json.loads(policy({"require": "true"}).canonical())["constraints"][0]
    assert written == {"name": "rule 0", "when": "", "require": "true", "message": ""}


def offers(stories: Any, days: list[float], at_most: int = 2, window: float = 30, **header: Any) -> Any:
    """One session each day that offers something to one customer."""
    rules = policy({"per_customer": {"at_most": at_most, "days": window}})
    hall, offset = hall_of(stories), 0
    for number, day in enumerate(days):
        start_us = stories.START_US + round(day * DAY * 1_000_000)
        story = stories.Story(session=f"s-{number}", policy=rules, start_us=start_us)
        story.start()
        story.say("decision", {"decision_id": "d", "name": "offer"}, **({"customer_id": "cu-1"} | header))
        hall.hear(story.events, offset=offset)
        offset += len(story.events)
    return hall


@pytest.mark.parametrize(
    ("days", "above"),
    [
        ([0, 10], []),
        ([0, 10, 29.9], [1]),
        ([0, 10, 30], []),
        ([0, 10, 20, 35], [1, 2]),
        ([0, 1, 2, 3, 4, 5, 6], [1, 2, 4]),
        ([0, 1, 2, 100, 101, 102], [1, 1]),
        ([20, 10, 0], [1]),
        ([0, 40, 41, 5], []),
    ],
)
def test_offers_to_a_customer_are_counted_over_sessions(stories: Any, days: list[float], above: list[int]) -> None:
    hall = offers(stories, days)
    assert [finding.evidence.above for finding in hall.findings] == above
    assert {finding.kind for finding in hall.findings} <= {"customer_limit_exceeded"}


@given(
    days=st.lists(st.integers(0, 90), max_size=25),
    at_most=st.integers(0, 4),
    window=st.integers(1, 40),
)
def test_in_order_the_limit_is_exact(stories: Any, days: list[int], at_most: int, window: int) -> None:
    days = sorted(days)
    hall = offers(stories, [day + number / 1000 for number, day in enumerate(days)], at_most, window)
    exact = [day + number / 1000 for number, day in enumerate(days)]
    broken = any(
        sum(earlier > day - window for earlier in exact[: number + 1]) > at_most for number, day in enumerate(exact)
    )
    assert bool(hall.findings) == broken


def test_a_limit_of_nought_is_broken_at_once(stories: Any) -> None:
    assert len(offers(stories, [0], at_most=0).findings) == 1


def test_what_is_told_again_counts_once(stories: Any) -> None:
    hall = offers(stories, [0, 1])
    [subject] = hall.subjects.values()
    for signal in hall.signals:
        again = signal.model_copy(update={"source_offset": None})
        assert not hall.subject_judge.step(subject, again, clock_us=0)


def test_a_customer_is_not_told_in_clear(stories: Any) -> None:
    hall = offers(stories, [0, 1, 2], customer_id="miller@example.com")
    told = json.dumps([one.model_dump(mode="json") for one in (*hall.findings, *hall.signals)])
    assert "miller" not in told


def test_what_has_no_customer_cannot_be_counted(stories: Any) -> None:
    rules = policy({"per_customer": {"at_most": 0, "days": 1}})
    story = stories.Story(policy=rules)
    story.start()
    for number in range(3):
        story.say("decision", {"decision_id": f"d-{number}", "name": "offer"})
    assert hall_of(stories).hear(story.events).kinds() == ["unjudged"]


def test_arguments_that_were_not_recorded_are_told_once(stories: Any) -> None:
    story = stories.Story(policy=policy({"tool": "send", "require": "args.x == 1"}))
    story.start()
    for number in range(3):
        story.say("tool_call", {"tool_call_id": f"c-{number}", "tool_name": "send"})
    assert hall_of(stories).hear(story.events).kinds() == ["unjudged"]


def test_calls_with_one_id_are_counted_apart(stories: Any) -> None:
    story = stories.Story(policy=policy({"tool": "send", "per_customer": {"at_most": 1, "days": 1}}))
    story.start()
    for _ in range(2):
        story.say("tool_call", {"tool_call_id": "c", "tool_name": "send", "arguments": {}}, customer_id="cu-1")
        story.say("tool_result", {"tool_call_id": "c", "tool_name": "send"})
    assert hall_of(stories).hear(story.events).kinds() == ["customer_limit_exceeded"]


def test_states_stay_small(stories: Any) -> None:
    rules = policy({"tool": "send", "require": "false", "per_customer": {"at_most": 1, "days": 300}})
    story = stories.Story(policy=rules)
    story.start()
    for number in range(200):
        call = {"tool_call_id": f"call_{number:032d}", "tool_name": "send"}
        story.say("tool_call", call | {"arguments": {}}, customer_id="cu-1")
        if number < 150:
            story.say("tool_result", call)
    hall = hall_of(stories).hear(story.events)
    state = hall.state().detectors["broken_constraint"][1]
    assert len(state.open) == MAX_RUNNING
    assert len(hall.state().dump()) < 8192
    [subject] = [one for name, one in hall.subjects.items() if not name.startswith("tree:")]
    assert len(subject.folds["customer_limit"][1].made) == MAX_MADE
    assert len(subject.dump()) < 8192
