from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as every
from hypothesis import strategies as st

from watchkeeper.schemas.evidence import UnapprovedAction
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy, ApprovalThreshold
from watchkeeper.stream_processors.detection.approvals import (
    Asked,
    Need,
    Shortfall,
    need_of,
    shortfall_of,
    take_in,
)
from watchkeeper.stream_processors.detection.argument_leaves import leaves_of
from watchkeeper.stream_processors.detection.session_rules.approval_ledger import MAX_GIVEN, MAX_WATCHED
from watchkeeper.stream_processors.detection.session_rules.unapproved_action import GRACE_US, UnapprovedActions

POLICY = AgentPolicy.model_validate(
    {
        "agent": "support",
        "tools": {
            "refund": {"approval": {"argument": "amount", "above": 100.0}},
            "delete": {"approval": {}},
            "pay": {"approval": {"argument": "lines[*].sum", "above": 10.0, "approvers": ["*@example.com"]}},
        },
    }
)


def story_of(stories: Any, **more: Any) -> Any:
    one = stories.Story(policy=POLICY, **more)
    one.start()
    return one


def word(story: Any, status: str, approval: str = "a-1", **data: Any) -> Any:
    header = {name: data.pop(name) for name in ("occurred_at",) if name in data}
    return story.say("approval", {"approval_id": approval, "status": status, "approver": "ann"} | data, **header)


def heard(stories: Any, story: Any, **more: Any) -> Any:
    return stories.Hall([UnapprovedActions()], rules=[], **more).hear(story.events)


def told(hall: Any) -> list[tuple[str, str, int]]:
    return [(one.evidence.reason, one.status, one.revision) for one in hall.findings if one.kind != "unjudged"]


@pytest.mark.parametrize(
    ("argument", "arguments", "needed"),
    [
        (None, {}, True),
        (None, None, True),
        ("amount", {"amount": 100}, False),
        ("amount", {"amount": 100.01}, True),
        ("amount", {"amount": "250"}, True),
        ("amount", {"amount": "99.5"}, False),
        ("amount", {"amount": "all of it"}, True),
        ("amount", {"amount": None}, "unknown"),
        ("amount", {}, "unknown"),
        ("lines[*].sum", {"lines": [{"sum": 3}, {"sum": 300}]}, True),
        ("lines[*].sum", {"lines": [{"sum": 3}, {"sum": 30}]}, False),
        ("lines[*].sum", {"lines": []}, "unknown"),
    ],
)
def test_when_approval_is_needed(argument: str | None, arguments: Any, needed: Any) -> None:
    above = None if argument is None else 100.0
    found = need_of(ApprovalThreshold(argument=argument, above=above), arguments)
    assert (found if found == "unknown" else isinstance(found, Need)) == needed


@pytest.mark.parametrize(
    ("data", "arguments", "reason"),
    [
        ({"tool_call_id": "c-1"}, {"amount": 250}, None),
        ({"tool_call_id": "c-2"}, {"amount": 250}, "nobody_asked"),
        ({"action": "refund"}, {"amount": 250}, None),
        ({"action": "Refund order 7 in full"}, {"amount": 250}, None),
        ({"action": "the repayment"}, {"amount": 250}, "nobody_asked"),
        ({}, {"amount": 250}, "nobody_asked"),
        ({"action": "refund", "limits": {"amount": 250}}, {"amount": 250}, None),
        ({"action": "refund", "limits": {"amount": 249.99}}, {"amount": 250}, "beyond_its_limits"),
        ({"action": "refund", "limits": {"max_amount": 300}}, {"amount": 250}, None),
        ({"action": "refund", "limits": {"amount": {"minimum": 1, "maximum": 300}}}, {"amount": 250}, None),
        ({"action": "refund", "limits": {"amount": {"minimum": 300}}}, {"amount": 250}, "beyond_its_limits"),
        ({"action": "refund", "limits": {"order_id": 7}}, {"amount": 250, "order_id": 7}, None),
        ({"action": "refund", "limits": {"order_id": 7}}, {"amount": 250, "order_id": 6}, "beyond_its_limits"),
        ({"action": "refund", "limits": {"order_id": ["7", "8"]}}, {"amount": 250, "order_id": "8"}, None),
        ({"action": "refund", "limits": {"order": {"id": "7"}}}, {"amount": 250, "order": {"id": "7"}}, None),
        ({"action": "refund", "limits": {"currency": "EUR"}}, {"amount": 250}, "beyond_its_limits"),
        ({"action": "refund", "limits": {"gift": True}}, {"amount": 250, "gift": True}, None),
        ({"action": "refund", "limits": {"gift": True}}, {"amount": 250, "gift": 1}, "beyond_its_limits"),
        ({"action": "refund", "limits": {"tool": "refund"}}, {"amount": 250}, None),
        ({"action": "refund", "limits": {f"x{n}": n for n in range(20)}}, {"amount": 250}, "beyond_its_limits"),
        ({"action": "refund", "status": "denied"}, {"amount": 250}, "denied"),
        ({"action": "refund", "status": "requested"}, {"amount": 250}, "not_answered"),
        ({"action": "refund", "status": "expired"}, {"amount": 250}, "expired"),
        ({"action": "refund", "approver": "SUPPORT"}, {"amount": 250}, "by_the_agent"),
        ({"action": "refund", "approver": ""}, {"amount": 250}, None),
    ],
)
def test_what_an_approval_covers(stories: Any, data: dict[str, Any], arguments: Any, reason: str | None) -> None:
    story = story_of(stories)
    word(story, **({"status": "granted"} | data))
    story.call("refund", arguments, call_id="c-1")
    story.result("done")
    hall = heard(stories, story)
    assert told(hall) == ([] if reason is None else [(reason, "open", 0)])


@pytest.mark.parametrize(("approver", "reason"), [("ann@example.com", None), ("ann", "not_entitled")])
def test_who_may_approve(stories: Any, approver: str, reason: str | None) -> None:
    story = story_of(stories)
    word(story, "granted", action="pay", approver=approver)
    story.ask("pay", "done", lines=[{"sum": 11}])
    assert [one[0] for one in told(heard(stories, story))] == ([] if reason is None else [reason])


@pytest.mark.parametrize(("wait", "reason"), [(59.8, None), (60.2, "expired")])
def test_an_approval_that_expires(stories: Any, wait: float, reason: str | None) -> None:
    story = story_of(stories)
    word(story, "granted", action="refund", expires_at=from_us(story.now_us + 60_000_000))
    story.wait(wait)
    story.ask("refund", "done", amount=250)
    assert [one[0] for one in told(heard(stories, story))] == ([] if reason is None else [reason])


def test_what_an_answer_does_not_say_again_stays_as_it_was_asked_for(stories: Any) -> None:
    story = story_of(stories)
    word(story, "requested", tool_call_id="c-1", limits={"amount": 200})
    word(story, "granted", approver="bo")
    story.call("refund", call_id="c-1", amount=250)
    story.result("done")
    [finding] = heard(stories, story).findings
    assert (finding.evidence.reason, finding.evidence.approver, finding.evidence.limit) == (
        "beyond_its_limits",
        "bo",
        "amount",
    )


@pytest.mark.parametrize(
    ("status", "found"),
    [("ok", True), ("error", True), ("timeout", True), ("rejected", False), ("cancelled", False)],
)
def test_what_did_not_run_is_not_found(stories: Any, status: str, found: bool) -> None:
    story = story_of(stories)
    story.call("delete", path="x")
    assert heard(stories, story).findings == []
    story.result(None, status=status)
    hall = heard(stories, story)
    assert told(hall) == ([("nobody_asked", "open", 0)] if found else [])
    assert not found or hall.findings[0].evidence.outcome == status


@pytest.mark.parametrize(("status", "again"), [("error", False), ("rejected", False), ("ok", True), ("timeout", True)])
def test_what_failed_leaves_its_approval_for_the_retry(stories: Any, status: str, again: bool) -> None:
    story = story_of(stories)
    word(story, "granted", action="delete")
    story.call("delete", path="x", call_id="c-1")
    story.result(None, status=status)
    story.call("delete", path="x", call_id="c-1")
    story.result("done")
    assert [one[0] for one in told(heard(stories, story))] == (["used_before"] if again else [])


def test_a_call_that_hangs_is_found_when_the_grace_is_over_and_taken_back_when_it_did_not_run(stories: Any) -> None:
    story = story_of(stories)
    story.call("delete", path="x")
    hall = heard(stories, story)
    assert hall.tick(GRACE_US / 1e6 - 0.001) == []
    [finding] = hall.tick(GRACE_US / 1e6)
    assert (finding.evidence.outcome, finding.last_event_at) == (
        "running",
        from_us(stories.START_US + 100_000 + GRACE_US),
    )
    assert hall.tick(3600) == []
    story.result("not allowed", status="rejected")
    hall.hear(story.events[-1:], offset=10)
    assert told(hall) == [("nobody_asked", "open", 0), ("nobody_asked", "resolved", 1)]


@pytest.mark.parametrize("answer", ["granted", "denied", None])
def test_while_an_answer_is_waited_for_the_result_decides(stories: Any, answer: str | None) -> None:
    story = story_of(stories)
    story.call("delete", path="x", call_id="c-1")
    word(story, "requested", tool_call_id="c-1")
    hall = heard(stories, story)
    assert hall.tick(600) == []
    seen = len(story.events)
    story.wait(700)
    if answer:
        word(story, answer)
    story.result("done", call_id="c-1")
    hall.hear(story.events[seen:], offset=10)
    expected = {"granted": [], "denied": [("denied", "open", 0)], None: [("not_answered", "open", 0)]}
    assert told(hall) == expected[answer]


def test_a_grant_that_nobody_asked_for_while_the_call_runs_comes_too_late(stories: Any) -> None:
    story = story_of(stories)
    story.call("delete", path="x", call_id="c-1")
    word(story, "granted", tool_call_id="c-1")
    story.result("done", call_id="c-1")
    assert told(heard(stories, story)) == [("after_the_fact", "open", 0)]


def test_an_approval_that_comes_later_is_told_with_the_finding(stories: Any) -> None:
    story = story_of(stories)
    story.ask("delete", "done", path="x")
    word(story, "requested", action="delete")
    word(story, "granted")
    hall = heard(stories, story)
    assert told(hall) == [("nobody_asked", "open", 0), ("after_the_fact", "open", 1)]
    assert len({finding.finding_id for finding in hall.findings}) == 1


def test_an_approval_that_was_late_on_its_way_takes_the_finding_back(stories: Any) -> None:
    story = story_of(stories)
    at = from_us(story.now_us)
    story.wait(5)
    story.ask("delete", "done", path="x")
    word(story, "granted", action="delete", occurred_at=at)
    assert told(heard(stories, story)) == [("nobody_asked", "open", 0), ("nobody_asked", "resolved", 1)]


def test_an_approval_that_fills_a_gap_covers_too(stories: Any) -> None:
    story = story_of(stories)
    at = from_us(story.now_us)
    story.wait(1).lose()
    story.ask("delete", "done", path="x")
    said = {"approval_id": "a", "status": "granted", "action": "delete"}
    story.say("approval", said, seq=1, occurred_at=at)
    assert told(heard(stories, story))[-1] == ("nobody_asked", "resolved", 1)


def test_a_call_of_which_the_amount_is_not_known_is_unjudged_once(stories: Any) -> None:
    story = story_of(stories)
    for _ in range(3):
        story.say("tool_call", {"tool_call_id": "c", "tool_name": "refund"})
        story.say("tool_call", {"tool_call_id": "c", "tool_name": "refund", "arguments": {}})
    assert heard(stories, story).kinds() == ["unjudged", "unjudged"]


def test_where_approvals_were_forgotten_nothing_is_claimed(stories: Any) -> None:
    story = story_of(stories)
    for number in range(MAX_GIVEN + 1):
        word(story, "granted", f"a-{number}", tool_call_id=f"c-{number}")
    story.call("delete", path="x", call_id="c-0")
    story.result("done")
    story.call("delete", path="x", call_id="c-9")
    story.result("done")
    assert heard(stories, story).kinds() == ["unjudged"]


def test_a_session_that_ends_tells_what_was_never_answered(stories: Any) -> None:
    story = story_of(stories)
    story.call("delete", path="x")
    story.end()
    assert told(heard(stories, story)) == [("nobody_asked", "open", 0)]


def test_what_stood_in_the_arguments_is_not_quoted(stories: Any) -> None:
    story = story_of(stories)
    story.ask("refund", "done", amount="everything that Ann Smith ever paid")
    [finding] = heard(stories, story).findings
    assert isinstance(finding.evidence, UnapprovedAction)
    assert finding.evidence.got == "a string of 35 characters"
    assert "Smith" not in finding.model_dump_json()


@every(
    st.dictionaries(st.sampled_from(["amount", "fee", "order_id"]), st.integers(0, 20), max_size=3),
    st.dictionaries(st.sampled_from(["amount", "fee", "order_id"]), st.integers(0, 20), max_size=3),
)
def test_limits_are_kept_exactly(stories: Any, limits: dict[str, int], arguments: dict[str, int]) -> None:
    given = take_in(None, word(story_of(stories), "granted", action="t", limits=limits))
    asked = Asked("c", "t", leaves_of(arguments), given["us"] + 1, frozenset())
    kept = all(
        name in arguments and (arguments[name] == edge if name == "order_id" else arguments[name] <= edge)
        for name, edge in limits.items()
    )
    assert isinstance(shortfall_of([given], asked, None), Shortfall) is not kept


def _grants(story: Any, number: int) -> None:
    limits = {f"a_rather_long_name_of_a_limit_{n}": "x" for n in range(20)}
    word(story, "granted", f"approval-{number:032d}", action="a b c d e f g h " * 9, limits=limits, approver="a" * 60)


def _calls(story: Any, number: int) -> None:
    arguments = {f"a_rather_long_name_of_an_argument_that_goes_on_{n}": "x" * 50 for n in range(40)}
    story.call("delete", arguments, call_id=f"call-{number:032d}")
    story.result("done")


@pytest.mark.parametrize("tell", [_grants, _calls])
def test_the_state_of_a_long_session_stays_small(stories: Any, tell: Any) -> None:
    story = story_of(stories)
    for number in range(200):
        tell(story, number)
    hall = heard(stories, story, stored=True)
    assert len(hall.state().dump()) < 6000
    [_, state] = hall.state().detectors["unapproved_action"]
    assert len(state["given"]) <= MAX_GIVEN
    assert len(state["watched"]) <= MAX_WATCHED
