"""Graders of calls, hand-overs and findings, with near misses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.evals.grading.call_matching import matches_in_order, most_matches, same_value
from watchkeeper.evals.grading.findings_weighed import PolicyFindings
from watchkeeper.evals.grading.handovers import Escalation
from watchkeeper.evals.grading.schema_validity import Schema
from watchkeeper.evals.grading.tool_use import ToolUseQuality
from watchkeeper.evals.grading.trajectories import ToolTrajectory
from watchkeeper.evals.interaction import FindingNote, Interaction, ToolUse, Turn
from watchkeeper.evals.suites.case import ExpectedCall


def call(name: str, result: str | None = "ok", *, failed: bool = False, **arguments: Any) -> ToolUse:
    return ToolUse(name=name, arguments=arguments, result=result, failed=failed)


def expected(name: str, **arguments: Any) -> ExpectedCall:
    return ExpectedCall(name=name, arguments=arguments)


LOOK, PAY = call("look_up", order=7), call("pay", amount=12.0)
WANT = (expected("look_up", order=7), expected("pay", amount=12))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (3, 3.0, True),
        (1, True, False),
        (0, False, False),
        ("3", 3, False),
        (None, False, False),
        ({"a": [1, {"b": 2}]}, {"a": [1.0, {"b": 2}]}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ([1, 2], [2, 1], False),
    ],
)
def test_values_are_equal_as_json(one: Any, other: Any, same: bool) -> None:
    assert same_value(one, other) is same
    assert same_value(other, one) is same


@pytest.mark.parametrize(
    ("order", "made", "value"),
    [
        ("strict", (LOOK, PAY), 1.0),
        ("strict", (PAY, LOOK), 0.5),
        ("strict", (LOOK, PAY, PAY), 0.8),
        ("any_order", (PAY, LOOK), 1.0),
        ("any_order", (PAY, LOOK, call("ping")), 0.8),
        ("any_order", (LOOK,), 2 / 3),
        ("any_order", (), 0.0),
        # The same call twice pays for one.
        ("any_order", (PAY, PAY), 0.5),
        ("in_order", (LOOK, call("ping"), PAY), 1.0),
        ("in_order", (PAY, LOOK), 0.5),
        ("superset", (PAY, call("ping"), LOOK), 1.0),
        ("superset", (call("ping"),), 0.0),
        ("subset", (LOOK,), 1.0),
        ("subset", (), 1.0),
        ("subset", (LOOK, call("ping")), 0.5),
        ("any_order", (LOOK, call("pay", amount=12.5)), 0.5),
        ("any_order", (LOOK, call("pay", amount="12")), 0.5),
        # What the reference does not say may be anything.
        ("any_order", (call("look_up", order=7, page=2), PAY), 1.0),
        ("any_order", (call("look_up", page=2), PAY), 0.5),
        # What was refused was not done.
        ("any_order", (LOOK, PAY, call("pay", amount=12, failed=True)), 1.0),
        ("any_order", (LOOK, call("pay", amount=12, failed=True)), 2 / 3),
    ],
)
def test_trajectories(interaction: Any, case: Any, order: Any, made: tuple[ToolUse, ...], value: float) -> None:
    grade = ToolTrajectory(order=order).grade(interaction("Done.", made), case(reference_calls=WANT))
    assert grade.value == pytest.approx(value)
    assert grade.passed is (value == 1)


def test_no_calls_can_be_what_is_expected(interaction: Any, case: Any) -> None:
    nothing = case(reference_calls=())
    for order, value in {"strict": 0.0, "any_order": 0.0, "subset": 0.0, "superset": 1.0, "in_order": 1.0}.items():
        grader = ToolTrajectory.model_validate({"order": order})
        assert grader.grade(interaction("Done."), nothing).value == 1
        assert grader.grade(interaction("Done.", (PAY,)), nothing).value == value


def test_trajectory_options(interaction: Any, case: Any) -> None:
    want = case(reference_calls=WANT)
    made = interaction("Done.", (call("look_up", order=8), call("ping"), call("pay", amount=12, failed=True)))
    assert ToolTrajectory(ignore=("look_up", "ping")).grade(made, want).value == 0
    assert ToolTrajectory(ignore=("look_up", "ping"), failed_calls=True).grade(made, want).value == 1
    assert ToolTrajectory(arguments="ignore", failed_calls=True, order="superset").grade(made, want).value == 1
    assert not ToolTrajectory().applies(made, case())
    assert not ToolTrajectory().applies(made, None)


def test_what_was_not_recorded_is_no_fault_of_the_agent(interaction: Any, case: Any) -> None:
    want = case(reference_calls=WANT)
    unknown = ToolUse(name="pay", result="ok")
    assert ToolTrajectory().grade(interaction("", (LOOK, unknown)), want).result_type == "failure"
    assert ToolTrajectory(arguments="ignore").grade(interaction("", (LOOK, unknown)), want).value == 1
    assert ToolTrajectory().grade(interaction("", (LOOK,), complete=False), want).result_type == "failure"
    assert ToolTrajectory().grade(interaction("", (LOOK, PAY), complete=False), want).value == 1


def test_the_best_pairing_is_found_not_the_first(interaction: Any, case: Any) -> None:
    # Greedily, the first call takes the open reference, and the second finds none.
    want = case(reference_calls=(expected("pay"), expected("pay", amount=12)))
    made = (PAY, call("pay", amount=3))
    assert ToolTrajectory().grade(interaction("", made), want).value == 1


NUMBERS = st.lists(st.integers(0, 4), max_size=8)


@settings(deadline=None)
@given(NUMBERS, NUMBERS, st.randoms())
def test_pairings(one: list[int], other: list[int], draw: Any) -> None:
    def agree(mine: int, theirs: int) -> bool:
        return theirs in {mine, 0}

    most, ordered = most_matches(one, other, agree), matches_in_order(one, other, agree)
    assert ordered <= most <= min(len(one), len(other))
    turned = list(one)
    draw.shuffle(turned)
    assert most_matches(turned, other, agree) == most


TOOLS = (
    {
        "name": "pay",
        "parameters": {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]},
    },
    {"name": "look_up"},
)


@pytest.mark.parametrize(
    ("calls", "value", "told"),
    [
        ((LOOK, PAY), 1.0, "Of 2 calls: none went wrong."),
        ((LOOK, call("teleport")), 0.5, "1 unknown"),
        ((LOOK, call("pay", amount="12")), 0.5, "1 invalid"),
        ((LOOK, call("pay", amount=12, failed=True)), 0.5, "1 failed"),
        # One fault a call, its first.
        ((LOOK, call("teleport", failed=True)), 0.5, "1 unknown."),
        # Looked up again to see the same: once is allowed, from then on nothing is learned.
        ((LOOK, LOOK), 1.0, "none"),
        ((LOOK, LOOK, LOOK, LOOK), 0.75, "2 repeated"),
        ((LOOK, LOOK, call("look_up", "shipped", order=7)), 1.0, "none"),
        ((LOOK, LOOK, call("look_up", order=8)), 1.0, "none"),
    ],
)
def test_tool_use(interaction: Any, calls: tuple[ToolUse, ...], value: float, told: str) -> None:
    grade = ToolUseQuality(tools=TOOLS).grade(interaction("Done.", calls), None)
    assert grade.value == pytest.approx(value)
    assert told in grade.reason
    assert grade.passed is (value >= 0.9)


def test_tool_use_without_schemas_trusts_the_detectors(interaction: Any) -> None:
    note = FindingNote(finding_id="f", failure_mode="hallucinated_tool", kind="invalid_arguments", severity="medium")
    seen = interaction("Done.", (LOOK, PAY), findings=(note,))
    assert ToolUseQuality().grade(seen, None).value == 0.5
    assert ToolUseQuality(tools=TOOLS).grade(seen, None).value == 1
    refused = interaction("Done.", (LOOK, call("pay", amount="x", failed=True)), findings=(note,))
    assert ToolUseQuality().grade(refused, None).value == 0.5


def test_tool_use_knows_names_from_the_session(interaction: Any) -> None:
    seen = interaction("Done.", (LOOK, PAY), tools=("look_up",))
    assert ToolUseQuality().grade(seen, None).value == 0.5
    assert ToolUseQuality(unknown=0).grade(seen, None).value == 1
    assert not ToolUseQuality().applies(interaction("Done."), None)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([LOOK, PAY, call("teleport"), call("pay", amount="x"), call("ping", None)]),
        min_size=1,
        max_size=12,
    ),
    st.randoms(),
)
def test_tool_use_is_a_share_and_calls_may_come_in_any_order(calls: list[ToolUse], draw: Any) -> None:
    def seen(some: list[ToolUse]) -> Interaction:
        now = datetime(2026, 3, 2, tzinfo=UTC)
        turn = Turn(speaker="assistant", tools=tuple(some))
        return Interaction(interaction_id="s", turns=(turn,), started_at=now, ended_at=now)

    turned = list(calls)
    draw.shuffle(turned)
    grader = ToolUseQuality(tools=TOOLS)
    first, again = grader.grade(seen(calls), None), grader.grade(seen(turned), None)
    assert first == grader.grade(seen(calls), None)
    assert first.value == pytest.approx(again.value)
    assert 0 <= (first.value or 0) <= 1


ANSWER = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}


@pytest.mark.parametrize(
    ("answer", "good", "told"),
    [
        ('{"total": 12}', True, ""),
        ('```json\n{"total": 12}\n```', True, ""),
        ('Here it is: {"total": 12}', False, "no JSON"),
        (
            '{"total": "Ada Lovelace of 4 Main Street"}',
            False,
            "at /total: expected number, not a string of 29 characters",
        ),
        ("{}", False, 'expected the property "total"'),
        ("", False, "no JSON"),
    ],
)
def test_schema_of_answers(interaction: Any, answer: str, good: bool, told: str) -> None:
    grade = Schema(answer=ANSWER).grade(interaction(answer), None)
    assert grade.passed is good
    assert told in grade.reason
    assert "Ada" not in grade.reason


def test_schema_of_arguments(interaction: Any) -> None:
    grader = Schema(tools=TOOLS)
    assert grader.grade(interaction("", (LOOK, PAY)), None).passed
    bad = grader.grade(interaction("", (PAY, call("pay"))), None)
    assert bad.passed is False
    assert bad.reason.startswith("Arguments of pay: expected the property")
    assert not grader.applies(interaction("", (LOOK,)), None)
    unknown = interaction("", (ToolUse(name="pay"),))
    assert grader.grade(unknown, None).result_type == "failure"
    both = interaction("", (ToolUse(name="pay"), call("pay")))
    assert grader.grade(both, None).passed is False


@pytest.mark.parametrize(
    ("wanted", "fields", "good"),
    [
        (True, {"escalated": True}, True),
        (True, {"escalated": False}, False),
        (True, {}, False),
        (False, {}, True),
        (False, {"escalated": True}, False),
        (True, {"calls": (call("transfer_to_human_agents"),)}, True),
        (True, {"calls": (call("transfer_money"),)}, False),
        (True, {"calls": (call("transfer_to_human_agents", failed=True),)}, False),
        (True, {"complete": False}, None),
        (True, {"complete": False, "escalated": True}, True),
    ],
)
def test_escalation(interaction: Any, case: Any, wanted: bool, fields: dict[str, Any], good: bool | None) -> None:
    asked = case(expects_escalation=wanted)
    assert Escalation().grade(interaction("Done.", **fields), asked).passed is good
    assert not Escalation().applies(interaction("Done."), case())


def note(mode: Any, severity: Any, kind: str = "found", status: Any = "open") -> FindingNote:
    return FindingNote(
        finding_id=f"{mode}{severity}{kind}{status}", failure_mode=mode, kind=kind, severity=severity, status=status
    )


@pytest.mark.parametrize(
    ("notes", "options", "value"),
    [
        ((), {}, 1.0),
        ((note("scope_creep", "medium"),), {}, 0.8),
        ((note("scope_creep", "medium"), note("data_leak", "high")), {}, 0.3),
        ((note("data_leak", "critical"), note("data_leak", "high")), {}, 0.0),
        ((note("scope_creep", "high", status="resolved"),), {}, 1.0),
        ((note("data_leak", "high", kind="unjudged"),), {}, 1.0),
        ((note("scope_creep", "medium"),), {"modes": {"scope_creep": 0}}, 1.0),
        ((note("scope_creep", "medium"),), {"modes": {"scope_creep": 2}}, 0.6),
        ((note("scope_creep", "medium"),), {"severities": {"medium": 0.5}}, 0.5),
    ],
)
def test_policy_findings(
    interaction: Any, notes: tuple[FindingNote, ...], options: dict[str, Any], value: float
) -> None:
    grader = PolicyFindings(**options)
    grade = grader.grade(interaction("Done.", findings=notes), None)
    assert grade.value == pytest.approx(value)
    assert grader.grade(interaction("Done.", findings=tuple(reversed(notes))), None).value == pytest.approx(value)
