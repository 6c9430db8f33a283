"""What a guard is told before a call agrees with what the rules find after it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.approvals import take_in
from watchkeeper.stream_processors.detection.calls import Call
from watchkeeper.stream_processors.detection.objections import objections
from watchkeeper.stream_processors.detection.rate_windows import new_window, take
from watchkeeper.stream_processors.detection.session_rules.scope_creep import ScopeCreep
from watchkeeper.stream_processors.detection.session_rules.tool_boundary import ToolBoundary
from watchkeeper.stream_processors.detection.session_rules.unapproved_action import UnapprovedActions

POLICY = AgentPolicy.model_validate(
    {
        "agent": "support",
        "allow_unlisted_tools": False,
        "goal": {"refuses_resources": ["payroll/*"], "tool_budget": 4},
        "tools": {
            "refund": {
                "effect": "irreversible",
                "bounds": {"amount": {"maximum": 500.0}},
                "approval": {"argument": "amount", "above": 100.0},
            },
            "read": {"rate_limit": {"calls": 2, "seconds": 60.0}},
        },
    }
)


def names(found: list[Any]) -> list[str]:
    return [type(one).__name__ for one in found]


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("refund", {"amount": 50}, []),
        ("refund", {"amount": 200}, ["Unapproved"]),
        ("refund", {"amount": 900}, ["ArgumentsOutOfBounds", "Unapproved"]),
        ("refund", {}, ["Unapproved"]),
        ("read", {"path": "payroll/1"}, ["Refusal"]),
        ("other", {}, ["ToolNotAllowed"]),
    ],
)
def test_what_the_policy_has_against_a_call(tool: str, arguments: Any, expected: list[str]) -> None:
    assert names(objections(Call(tool, "c", arguments, "support"), POLICY, at_us=1)) == expected


def test_an_approval_and_room_in_the_window_lift_the_objection(stories: Any) -> None:
    story = stories.Story()
    event = story.say("approval", {"approval_id": "a", "status": "granted", "action": "refund", "approver": "ann"})
    call = Call("refund", "c", {"amount": 200}, "support")
    assert objections(call, POLICY, at_us=stories.START_US + 1, given=[take_in(None, event)]) == []
    limit = POLICY.tools["read"].rate_limit
    assert limit is not None
    window = new_window()
    for at_us in (0, 10):
        assert objections(Call("read", "c", {}, "a"), POLICY, at_us=at_us, window=window) == []
        take(window, at_us, "c", limit)
    assert names(objections(Call("read", "c", {}, "a"), POLICY, at_us=20, window=window)) == ["TooOften"]
    assert objections(Call("read", "c", {}, "a"), POLICY, at_us=60_000_001, window=window) == []


def test_the_budget_is_objected_to_at_the_call_above_it() -> None:
    call = Call("read", "c", {}, "a")
    assert names(objections(call, POLICY, at_us=0, calls=3)) == []
    assert names(objections(call, POLICY, at_us=0, calls=4)) == ["OverBudget"]


CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("refund"), st.fixed_dictionaries({"amount": st.integers(0, 700)})),
        st.tuples(st.just("read"), st.fixed_dictionaries({"path": st.sampled_from(["payroll/1", "orders/1"])})),
        st.tuples(st.just("other"), st.just({"x": 1})),
    ),
    max_size=8,
)


@given(CALLS)
def test_what_is_objected_to_before_is_found_after(stories: Any, calls: list[tuple[str, Any]]) -> None:
    story = stories.Story(policy=POLICY)
    story.start()
    window = new_window()
    limit = POLICY.tools["read"].rate_limit
    assert limit is not None
    objected = 0
    for number, (tool, arguments) in enumerate(calls):
        call = Call(tool, f"c-{number}", arguments, "support")
        objected += bool(objections(call, POLICY, at_us=story.now_us, window=window, calls=number))
        if tool == "read":
            take(window, story.now_us, str(number), limit)
        story.call(tool, arguments, call_id=f"c-{number}")
        story.result("done", call_id=f"c-{number}")
    hall = stories.Hall([ToolBoundary(), UnapprovedActions(), ScopeCreep()], rules=[]).hear(story.events)
    assert bool(hall.findings) == bool(objected)
