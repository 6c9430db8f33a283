from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from watchkeeper.schemas.evidence import UntypedFact
from watchkeeper.schemas.fact_values import read_fact, read_number
from watchkeeper.schemas.policy import AgentPolicy, Fact
from watchkeeper.schemas.policy_facts import fact_variables, is_of_type
from watchkeeper.stream_processors.detection.session_rules.untyped_fact import MAX_TOLD, UntypedFacts, is_masked


def fact(kind: str, **rules: Any) -> Fact:
    return Fact.model_validate({"type": kind} | rules)


def heard(stories: Any, declared: dict[str, Any], *decisions: dict[str, Any], **policy: Any) -> Any:
    rules = AgentPolicy.model_validate({"agent": "support", "facts": declared} | policy)
    story = stories.Story(policy=rules)
    story.start()
    for facts in decisions:
        story.say("decision", {"decision_id": "d", "name": "grant", "facts": facts})
    return stories.Hall([UntypedFacts()], rules=[]).hear(story.events)


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("text", "Pro", "Pro"),
        ("text", "", ""),
        ("number", 5, 5.0),
        ("number", -0.5, -0.5),
        ("integer", 5, 5),
        ("integer", 5.0, 5),
        ("boolean", False, False),
        ("date", "2024-02-29", "2024-02-29"),
        ("timestamp", "2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"),
        ("timestamp", "2026-01-31 10:00+02:00", "2026-01-31 10:00+02:00"),
        ("list", [], []),
    ],
)
def test_a_value_that_is_as_declared_is_read(kind: str, value: Any, read: Any) -> None:
    reading = read_fact(value, fact(kind))
    assert (reading.value, reading.fault, reading.rule) == (read, None, None)
    assert type(reading.value) is type(read)


@pytest.mark.parametrize(
    ("kind", "value", "fault"),
    [
        ("text", 5, "wrong_type"),
        ("text", True, "wrong_type"),
        ("text", ["Pro"], "wrong_type"),
        ("text", None, "null"),
        ("number", "5", "wrong_type"),
        ("number", "$4,800.00", "wrong_type"),
        ("number", True, "wrong_type"),
        ("number", float("nan"), "not_finite"),
        ("number", float("inf"), "not_finite"),
        ("number", "NaN", "not_finite"),
        ("number", "-Infinity", "not_finite"),
        ("number", 10**400, "above_maximum"),
        ("integer", 5.5, "wrong_type"),
        ("integer", -(2**64), "below_minimum"),
        ("integer", 1e30, "above_maximum"),
        ("boolean", 1, "wrong_type"),
        ("boolean", "true", "wrong_type"),
        ("date", "2026-02-30", "wrong_type"),
        ("date", "31.1.2026", "wrong_type"),
        ("date", "2026-01-31T00:00:00Z", "wrong_type"),
        ("date", 20260131, "wrong_type"),
        ("timestamp", "2026-01-31T10:00:00", "wrong_type"),
        ("timestamp", "2026-01-31T25:00:00Z", "wrong_type"),
        ("timestamp", 1769853600, "wrong_type"),
        ("list", "a,b", "wrong_type"),
        ("list", {}, "wrong_type"),
    ],
)
def test_nothing_is_coerced(kind: str, value: Any, fault: str) -> None:
    assert read_fact(value, fact(kind)).fault == fault


@pytest.mark.parametrize(
    ("kind", "rules", "value", "read"),
    [
        ("text", ["trim"], " Pro\n", "Pro"),
        ("text", ["trim", "lower"], " PRO ", "pro"),
        ("number", ["number"], "-12.5", -12.5),
        ("number", ["trim", "number"], " 12.5 ", 12.5),
        ("integer", ["number"], "12", 12),
        ("integer", ["money"], "1,200", 1200),
        ("integer", ["number"], "9007199254740993", 9007199254740993),
        ("number", ["money"], "$4,800.00", 4800.0),
        ("number", ["money"], "USD 4,800", 4800.0),
        ("number", ["money"], "4800 EUR", 4800.0),
        ("number", ["money"], "-$5.50", -5.5),
        ("number", ["money"], "$-5.50", -5.5),
        ("number", ["money"], "($5.50)", -5.5),
        ("number", ["money_comma"], "4.800,00 €", 4800.0),
        ("number", ["money_comma"], "1 234 567,8", 1234567.8),
        ("number", ["percent"], "15%", 0.15),
        ("number", ["percent"], "-2.5 %", -0.025),
        ("number", ["percent", "money"], "$3", 3.0),
        ("boolean", ["yes_no"], "Yes", True),
        ("boolean", ["yes_no"], "n", False),
        ("date", ["iso_date"], "20260131", "2026-01-31"),
        ("date", ["iso_date"], "2026/01/31", "2026-01-31"),
        ("date", ["iso_date"], "2026-01-31T23:59:59Z", "2026-01-31"),
        ("date", ["us_date"], "1/31/2026", "2026-01-31"),
        ("date", ["eu_date"], "31.1.2026", "2026-01-31"),
    ],
)
def test_a_rule_reads_other_spellings_and_says_so(kind: str, rules: list[str], value: str, read: Any) -> None:
    reading = read_fact(value, fact(kind, normalize=rules))
    assert (reading.value, reading.fault) == (read, None)
    assert reading.rule is not None


@pytest.mark.parametrize(
    ("kind", "rules", "value"),
    [
        ("number", ["money"], "4.800,00"),
        ("number", ["money"], "4,80,000"),
        ("number", ["money"], "48,00"),
        ("number", ["money"], "about 4800"),
        ("number", ["money"], "($-5)"),
        ("number", ["money"], "(5"),
        ("number", ["money"], "$$5"),
        ("number", ["money"], ""),
        ("number", ["money"], "٣"),
        ("number", ["money_comma"], "4,800.00"),
        ("number", ["number"], "1,000"),
        ("number", ["percent"], "15"),
        ("integer", ["number"], "12.5"),
        ("boolean", ["yes_no"], "maybe"),
        ("date", ["us_date"], "31/1/2026"),
        ("date", ["eu_date"], "1/31/2026"),
        ("date", ["iso_date"], "2026-1-3"),
    ],
)
def test_a_rule_guesses_nothing(kind: str, rules: list[str], value: str) -> None:
    assert read_fact(value, fact(kind, normalize=rules)).fault == "wrong_type"


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"type": "text", "normalize": ["money"]}, "money makes no text"),
        ({"type": "number", "normalize": ["money", "money_comma"]}, "keep one of them"),
        ({"type": "date", "normalize": ["us_date", "eu_date"]}, "keep one of them"),
        ({"type": "text", "minimum": 1}, "are for numbers"),
        ({"type": "number", "minimum": 2, "maximum": 1}, "swap them"),
        ({"type": "text", "one_of": ["a", 1]}, "is no text"),
        ({"type": "text", "one_of": ["Pro"], "normalize": ["lower"]}, "small letters"),
        ({"type": "text", "unordered": True}, "for lists"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(rules: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Fact.model_validate(rules)


def test_a_fact_may_not_be_named_like_what_constraints_know() -> None:
    with pytest.raises(ValidationError, match="name the fact otherwise"):
        AgentPolicy.model_validate({"agent": "a", "facts": {"outcome": {"type": "text"}}})


def test_only_what_cel_can_spell_is_a_variable() -> None:
    declared = {name: fact("number") for name in ("balance", "order-total", "in", "string", "_x", "1st")}
    assert set(fact_variables(declared)) == {"balance", "_x"}


def test_a_policy_without_facts_keeps_its_name() -> None:
    assert b"facts" not in AgentPolicy(agent="a").canonical()
    assert b"facts" in AgentPolicy.model_validate({"agent": "a", "facts": {"x": {"type": "text"}}}).canonical()


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
RULES = {
    "text": ["trim", "lower"],
    "number": ["trim", "number", "money", "percent"],
    "integer": ["number", "money_comma"],
    "boolean": ["yes_no"],
    "date": ["iso_date", "us_date"],
    "timestamp": [],
    "list": [],
}


@given(value=ANYTHING, kind=st.sampled_from(sorted(RULES)), ruled=st.booleans())
def test_what_is_read_is_of_its_type_and_read_again_the_same(value: Any, kind: str, ruled: bool) -> None:
    declared = fact(kind, normalize=RULES[kind] if ruled else [])
    reading = read_fact(value, declared)
    if reading.fault is None:
        assert is_of_type(reading.value, declared.type)
        again = read_fact(reading.value, declared)
        assert (again.value, again.fault, again.rule) == (reading.value, None, None)
        if not ruled:
            assert reading.value == value


@given(cents=st.integers(0, 10**12))
def test_money_is_read_as_it_was_written(cents: int) -> None:
    text = f"${cents // 100:,}.{cents % 100:02}"
    assert read_fact(text, fact("number", normalize=["money"])).value == float(f"{cents // 100}.{cents % 100:02}")
    assert read_number(text) == read_fact(text, fact("number", normalize=["money"])).value


def test_a_fault_is_told_when_its_count_has_doubled(stories: Any) -> None:
    hall = heard(stories, {"plan": {"type": "text"}}, *[{"plan": 5}] * 9)
    assert [finding.evidence.count for finding in hall.findings] == [1, 2, 4, 8]
    assert [finding.revision for finding in hall.findings] == [0, 1, 2, 3]
    assert len(hall.latest) == 1
    [last] = hall.latest.values()
    assert last.first_event_id == hall.findings[0].first_event_id
    assert "8 times so far" in last.summary


def test_what_is_personal_is_not_told(stories: Any) -> None:
    hall = heard(stories, {"name": {"type": "number", "pii": True}}, {"name": "Miller"})
    told = json.dumps([one.model_dump(mode="json") for one in hall.findings])
    assert "Miller" not in told
    assert "a string" in told


def test_a_text_that_is_wrong_is_described_and_not_quoted(stories: Any) -> None:
    hall = heard(stories, {"iban": {"type": "number"}}, {"iban": "DE02 1203 0000 0000 2020 51"})
    [finding] = hall.findings
    assert finding.evidence.got == "a string of 27 characters"


@pytest.mark.parametrize("value", ["[email:3f2a90c1]", "[case_number]"])
def test_a_masked_value_is_not_judged_and_that_is_told_once(stories: Any, value: str) -> None:
    assert is_masked(value)
    hall = heard(stories, {"total": {"type": "number"}}, {"total": value}, {"total": value})
    assert hall.kinds() == ["unjudged"]


def test_a_masked_text_is_a_text(stories: Any) -> None:
    assert heard(stories, {"mail": {"type": "text"}}, {"mail": "[email:3f2a90c1]"}).kinds() == []


def test_a_value_that_was_normalised_and_is_wrong_still_is_one_finding(stories: Any) -> None:
    hall = heard(stories, {"total": {"type": "number", "normalize": ["money"], "maximum": 100}}, {"total": "$200"})
    assert [finding.evidence.fault for finding in hall.findings] == ["above_maximum"]


def test_a_hint_names_the_value_that_was_meant(stories: Any) -> None:
    hall = heard(stories, {"plan": {"type": "text", "one_of": ["Pro"]}}, {"plan": "pro "})
    [finding] = hall.findings
    assert isinstance(finding.evidence, UntypedFact)
    assert finding.evidence.hint.startswith('"Pro" is declared')


def test_a_decision_of_many_wrong_facts_stays_small_and_says_what_it_left_out(stories: Any) -> None:
    declared = {f"fact_{number}": {"type": "number", "required": True} for number in range(200)}
    hall = heard(stories, declared, *[{f"fact_{number}": "x" for number in range(200)}, {}] * 20)
    assert sum(finding.kind == "unjudged" for finding in hall.findings) == 1
    assert len(hall.latest) == MAX_TOLD + 1
    assert len(json.dumps(hall.state().detectors["untyped_fact"][1].told)) < 3000


def test_undeclared_facts_are_bounded(stories: Any) -> None:
    many = {f"{number}" * 300: 1 for number in range(1, 100)}
    hall = heard(stories, {}, many, allow_undeclared_facts=False)
    assert 0 < len(hall.latest) <= MAX_TOLD
    assert all(len(finding.evidence.fact) <= 40 for finding in hall.findings)
