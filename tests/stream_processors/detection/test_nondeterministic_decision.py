from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.policy import AgentPolicy, Fact
from watchkeeper.stream_processors.detection.decision_facts import (
    MAX_WORDS,
    facts_compared,
    hides_values,
    outcome_compared,
)
from watchkeeper.stream_processors.detection.session_rules.told_decision import ToldDecisions
from watchkeeper.stream_processors.detection.subject_rules.equal_facts import MAX_OUTCOMES, EqualFacts

RULES = [{"name": "limit", "version": "7"}]


def decided(stories: Any, *decisions: dict[str, Any], apart_days: float = 0.01, **story: Any) -> Any:
    """A session for each decision."""
    hall, offset = stories.Hall([ToldDecisions()], rules=[EqualFacts()]), 0
    for number, decision in enumerate(decisions):
        start_us = stories.START_US + round(number * apart_days * 86_400_000_000)
        one = stories.Story(session=f"s-{number}", start_us=start_us, **story)
        one.start()
        base = {"decision_id": f"d-{number}", "name": "grant", "facts": {"a": 1}, "rules": RULES, "outcome": "yes"}
        one.say("decision", base | decision)
        hall.hear(one.events, offset=offset)
        offset += len(one.events)
    return hall


def fact(kind: str, **more: Any) -> Fact:
    return Fact.model_validate({"type": kind} | more)


DECLARED = {
    "total": fact("number", normalize=["money"]),
    "plan": fact("text", normalize=["trim", "lower"]),
    "tags": fact("list", unordered=True),
    "id": fact("text", ignore=True),
}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 0.1 + 0.2}, {"a": 0.3}, True),
        ({"a": 0.3}, {"a": 0.3001}, False),
        ({"a": True}, {"a": 1}, False),
        ({"a": None}, {}, False),
        ({"a": "1"}, {"a": 1}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": {"x": [1.0]}}, {"a": {"x": [1]}}, True),
        ({"tags": ["x", "y"]}, {"tags": ["y", "x"]}, True),
        ({"tags": ["x", "x"]}, {"tags": ["x"]}, False),
        ({"tags": [1, "y", None, {"b": 1}]}, {"tags": [{"b": 1.0}, None, "y", 1]}, True),
        ({"total": "$5.00"}, {"total": 5}, True),
        ({"total": "5 or so"}, {"total": 5}, False),
        ({"plan": " PRO"}, {"plan": "pro"}, True),
        ({"id": "x", "a": 1}, {"id": "y", "a": 1}, True),
        ({"a": 2**70}, {"a": 2**70}, True),
        ({"a": 2**70}, {"a": 2**70 + 1}, False),
        ({"a": 2**53}, {"a": 2**53 + 1}, False),
        ({"a": -0.0}, {"a": 0}, True),
    ],
)
def test_which_facts_are_the_same(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    spelled = [json.dumps(facts_compared(facts, DECLARED), sort_keys=True) for facts in (one, other)]
    assert (spelled[0] == spelled[1]) == same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("granted", "Granted", True),
        ("granted", "refused", False),
        ({"credit": 5}, {"credit": 5.0}, True),
        ({"credit": 5}, {"credit": None}, False),
        ({"credit": 5, "credit_id": "a"}, {"credit": 5, "credit_id": "b"}, True),
        ({"credit": 5, "creditId": "a", "decidedAt": "x"}, {"credit": 5, "creditId": "b", "decidedAt": "y"}, True),
        ({"paid": True}, {"paid": False}, False),
        ({"a": {"b": ["x"]}}, {"a": {"b": ["y"]}}, False),
        ("order-12345 granted", "order-67890 granted", True),
        ("EUR4800", "EUR5800", False),
        ("credit of 50", "credit of 75", False),
        (f"x{' and so on' * MAX_WORDS}", "granted", None),
        ({"id": "x"}, {"id": "y"}, None),
        (None, "granted", None),
        ([], ["a"], False),
        ({}, {"a": 1}, False),
    ],
)
def test_which_outcomes_are_the_same(one: Any, other: Any, same: bool | None) -> None:
    if same is None:
        assert outcome_compared(one) is None
    else:
        assert (outcome_compared(one) == outcome_compared(other)) == same


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(facts=st.dictionaries(st.sampled_from(["a", *DECLARED]), JSON, max_size=4), outcome=JSON)
def test_any_facts_and_any_outcome_have_one_spelling(facts: dict[str, Any], outcome: Any) -> None:
    once = facts_compared(facts, DECLARED)
    assert "id" not in once
    again = facts_compared(dict(reversed(facts.items())), DECLARED)
    assert json.dumps(once, sort_keys=True) == json.dumps(again, sort_keys=True)
    json.loads(json.dumps(once), parse_constant=pytest.fail)
    assert outcome_compared(outcome) == outcome_compared(outcome)


@pytest.mark.parametrize(
    ("facts", "hidden"),
    [
        ({"a": "[email]"}, True),
        ({"a": {"b": "to [phone]"}}, True),
        ({"a": "[email:3f2a90c1]"}, False),
        ({"a": 1}, False),
    ],
)
def test_constant_masks_hide_what_differs(facts: dict[str, Any], hidden: bool) -> None:
    assert hides_values(facts) == hidden


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({}, {"outcome": "no"}, True),
        ({}, {}, False),
        ({}, {"outcome": "no", "facts": {"a": 2}}, False),
        ({}, {"outcome": "no", "name": "other"}, False),
        ({}, {"outcome": "no", "rules": [{"name": "limit", "version": "8"}]}, False),
        ({}, {"outcome": "no", "rules": [*RULES, {"name": "more"}]}, False),
        ({"rules": [*RULES, {"name": "b"}]}, {"outcome": "no", "rules": [{"name": "b"}, *RULES]}, True),
        ({"rules": []}, {"rules": [], "outcome": "no"}, False),
        ({"facts": {}}, {"facts": {}, "outcome": "no"}, False),
        ({"facts": {"a": "[email]"}}, {"facts": {"a": "[email]"}, "outcome": "no"}, False),
    ],
)
def test_only_equal_facts_by_equal_rules_are_compared(
    stories: Any, first: dict[str, Any], second: dict[str, Any], found: bool
) -> None:
    assert decided(stories, first, second).kinds() == ["different_outcomes"] * found


def test_declared_facts_are_enough_without_rules(stories: Any) -> None:
    policy = AgentPolicy.model_validate({"agent": "support", "facts": {"a": {"type": "number"}}})
    both: list[dict[str, Any]] = [{"rules": []}, {"rules": [], "outcome": "no"}]
    assert decided(stories, *both, policy=policy).kinds() == ["different_outcomes"]
    undeclared = [one | {"facts": {"a": 1, "b": 1}} for one in both]
    assert decided(stories, *undeclared, policy=policy).kinds() == []


def test_the_decisions_stand_side_by_side(stories: Any) -> None:
    hall = decided(stories, {}, {}, {"outcome": {"credit": 123456, "to": "Ms. Miller"}})
    [finding] = hall.findings
    one, other = finding.evidence.outcomes
    assert (one.outcome, one.decisions, one.decision_id, one.session_id) == ('"yes"', 2, "d-1", "s-1")
    assert other.outcome == "credit: an integer of 6 characters, to: a string of 10 characters"
    assert finding.evidence.facts == ["a"]
    assert finding.evidence.rules == ["limit 7"]
    assert "Miller" not in finding.model_dump_json()


def test_it_is_told_when_decisions_double_or_a_further_outcome_comes(stories: Any) -> None:
    outcomes = ["yes", "no", "yes", "yes", "maybe", "yes", "yes", "yes", "yes", "yes"]
    hall = decided(stories, *({"outcome": outcome} for outcome in outcomes))
    assert [sum(one.decisions for one in finding.evidence.outcomes) for finding in hall.findings] == [2, 4, 5, 10]
    assert [finding.revision for finding in hall.findings] == [0, 1, 2, 3]
    assert len(hall.latest) == 1


@pytest.mark.parametrize(("apart", "found"), [(29.9, 1), (30.0, 0)])
def test_what_is_more_than_a_month_apart_is_not_compared(stories: Any, apart: float, found: int) -> None:
    assert len(decided(stories, {}, {"outcome": "no"}, apart_days=apart).findings) == found


def test_after_a_month_a_difference_is_another_finding(stories: Any) -> None:
    hall = decided(stories, {}, {"outcome": "no"}, *[{}] * 3, {"outcome": "no"}, apart_days=14)
    assert len(hall.latest) == 2


@pytest.mark.parametrize("status", ["granted", "denied", "requested", "expired"])
def test_a_persons_word_is_a_fact_that_is_not_told(stories: Any, status: str) -> None:
    one = stories.Story()
    one.start()
    decision = {"decision_id": "d-1", "name": "grant", "facts": {"a": 1}, "rules": RULES, "outcome": "yes"}
    one.say("decision", decision)
    one.say("approval", {"approval_id": "a", "status": status})
    one.say("decision", decision | {"decision_id": "d-2", "outcome": "no"})
    hall = stories.Hall([ToldDecisions()], rules=[EqualFacts()]).hear(one.events)
    assert len(hall.findings) == (status in {"requested", "expired"})


def test_neither_facts_nor_outcome_are_told_in_clear(stories: Any) -> None:
    hall = decided(stories, {"facts": {"name": "Miller"}, "outcome": "pay Miller now"})
    [told] = [signal.model_dump_json() for signal in hall.signals if signal.kind == "decision_made"]
    assert "Miller" not in told
    assert "pay" not in told


@given(outcomes=st.lists(st.sampled_from("abcdefg"), max_size=20))
def test_it_is_found_where_and_only_where_outcomes_differ(stories: Any, outcomes: list[str]) -> None:
    hall = decided(stories, *({"outcome": outcome} for outcome in outcomes))
    assert bool(hall.findings) == (len(set(outcomes)) > 1)
    for subject in hall.subjects.values():
        assert len(subject.dump()) < 4096
        for version, state in subject.folds.values():
            assert version == 1
            assert len(state.outcomes) <= MAX_OUTCOMES
