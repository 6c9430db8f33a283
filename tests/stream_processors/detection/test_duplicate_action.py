from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.events import ToolResultData
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_tools import ToolPolicy
from watchkeeper.stream_processors.detection.actions import _FAILED, _MAY_HAVE_FAILED, MAX_LEAVES, leaves_of, outcome_of
from watchkeeper.stream_processors.detection.hearing import Verdict
from watchkeeper.stream_processors.detection.session_rules.deed_ledger import MAX_ACTIONS
from watchkeeper.stream_processors.detection.session_rules.duplicate_action import DuplicateActions
from watchkeeper.stream_processors.detection.subject_rules.repeated_across import RepeatedAcross

PAY: dict[str, Any] = {"effect": "irreversible", "idempotency_key": "key"}
ARGS: dict[str, Any] = {"order": "orders/7", "amount": 42.5}


def policy(**tools: Any) -> AgentPolicy:
    return AgentPolicy.model_validate({"agent": "support", "tools": tools or {"pay": PAY}})


def told(stories: Any, *steps: tuple[Any, ...] | str, rules: AgentPolicy | None = None) -> Any:
    """Judges calls and what happened between them: `(tool, arguments, status, text)`, or what a person says."""
    story = stories.Story(policy=rules or policy(look={"effect": "read"}, pay=PAY, note={"effect": "write"}))
    story.start()
    for step in steps:
        if isinstance(step, str):
            story.prompt(step)
            continue
        defaults: tuple[Any, ...] = ("ok", "done")
        tool, arguments, status, text = (*step, *defaults[len(step) - 2 :])
        story.call(tool, arguments)
        if status is not None:
            story.result(text, status=status)
    return stories.Hall([DuplicateActions()], rules=[]).hear(story.events)


@pytest.mark.parametrize(
    ("first", "between", "again", "reason"),
    [
        (("pay", ARGS), [], ("pay", ARGS), "done"),
        (("pay", ARGS), [], ("pay", {"amount": 42.5, "order": "orders/7"}), "done"),
        (("pay", ARGS), [], ("pay", ARGS | {"amount": 42.4}), None),
        (("pay", ARGS, "timeout", None), [], ("pay", ARGS), "unsure"),
        (("pay", ARGS, None), [], ("pay", ARGS), "running"),
        (("pay", ARGS, "error", "no such order"), [], ("pay", ARGS), None),
        (("pay", ARGS, "error", "HTTP 502 from the bank"), [], ("pay", ARGS), "unsure"),
        (("pay", ARGS, "error", "connect timeout"), [], ("pay", ARGS), None),
        (("pay", ARGS, "rejected", None), [], ("pay", ARGS), None),
        (("pay", ARGS, "cancelled", None), [], ("pay", ARGS), None),
        (("pay", ARGS, "ok", "Error: try later"), [], ("pay", ARGS), None),
        (("pay", ARGS, "ok", '{"error": null, "paid": true}'), [], ("pay", ARGS), "done"),
        (("pay", ARGS), ["once more please"], ("pay", ARGS), None),
        (("pay", ARGS, "timeout", None), ["did it work?"], ("pay", ARGS), "unsure"),
        (("pay", ARGS, "timeout", None), [("look", {"id": "orders/7"})], ("pay", ARGS), None),
        (("pay", ARGS, "timeout", None), [("look", {"id": "orders/8"})], ("pay", ARGS), "unsure"),
        (("pay", ARGS), [("look", {"id": "orders/7"})], ("pay", ARGS), "done"),
        (("pay", ARGS | {"key": "a"}), [], ("pay", ARGS | {"key": "a"}), None),
        (("pay", ARGS | {"key": "a"}), [], ("pay", ARGS | {"key": "b"}), None),
        (("pay", ARGS | {"key": "a"}, "timeout", None), [], ("pay", ARGS | {"key": "b"}), "new_key"),
        (("pay", ARGS | {"key": "a"}, "timeout", None), [], ("pay", ARGS | {"key": "a"}), None),
        (("pay", ARGS | {"key": "a"}), [], ("pay", ARGS), "done"),
        (("pay", ARGS | {"key": ["a"]}), [], ("pay", ARGS | {"key": ["a"]}), None),
        (("note", {"on": "c-7", "text": "a"}), [], ("note", {"on": "c-7", "text": "a"}), "done"),
        (
            ("note", {"on": "c-7", "text": "a"}),
            [("note", {"on": "c-7", "text": "b"})],
            ("note", {"on": "c-7", "text": "a"}),
            None,
        ),
        (("pay", ARGS), [("pay", ARGS | {"amount": 1})], ("pay", ARGS), "done"),
        (("look", ARGS), [], ("look", ARGS), None),
        (("unlisted", ARGS), [], ("unlisted", ARGS), None),
        (("pay", {}), [], ("pay", {}), None),
        (("pay", {}, "timeout", None), [], ("pay", {}), "unsure"),
        (("pay", {"n": 2**70}), [], ("pay", {"n": 2**70}), "done"),
    ],
)
def test_what_repeats_a_deed(stories: Any, first: Any, between: Any, again: Any, reason: str | None) -> None:
    hall = told(stories, first, *between, again)
    assert [finding.evidence.reason for finding in hall.findings] == ([] if reason is None else [reason])


def test_a_repeat_that_fails_is_taken_back_and_one_that_does_not_is_told_again(stories: Any) -> None:
    hall = told(
        stories,
        ("pay", ARGS, "timeout", None),
        ("pay", ARGS, "error", "paid already"),
        ("pay", ARGS, "error", "paid already"),
        ("pay", ARGS, "ok", "paid"),
    )
    assert [finding.status for finding in hall.findings] == ["open", "resolved"] * 2 + ["open"]
    assert [finding.revision for finding in hall.findings] == [0, 1, 2, 3, 4]
    assert len({finding.finding_id for finding in hall.findings}) == 1


def test_when_the_first_call_turns_out_to_have_failed_its_repeat_is_the_first(stories: Any) -> None:
    story = stories.Story(policy=policy())
    story.start()
    for number in range(2):
        story.call("pay", ARGS, call_id=f"c-{number}")
    story.result("no such account", call_id="c-0", status="error")
    story.result("paid", call_id="c-1")
    hall = stories.Hall([DuplicateActions()], rules=[]).hear(story.events)
    assert [finding.status for finding in hall.findings] == ["open", "resolved"]
    story.call("pay", ARGS, call_id="c-2")
    hall.hear(story.events[-1:])
    last = hall.findings[-1]
    assert (last.status, last.revision, last.evidence.again.event_id) == ("open", 2, story.events[-1].event_id)


def test_a_loop_is_told_when_its_repeats_have_doubled(stories: Any) -> None:
    hall = told(stories, *[("pay", ARGS)] * 10)
    assert [finding.evidence.repeats for finding in hall.findings] == [1, 2, 4, 8]
    assert len(hall.latest) == 1


def test_a_failure_that_is_told_by_address_alone_is_known_again(stories: Any) -> None:
    story = stories.Story(policy=policy())
    story.start()
    for _ in range(2):
        story.call("pay", ARGS)
        event = story.result("Error: the bank is closed")
    story.call("pay", ARGS)
    assert event.data.result.text is None
    assert stories.Hall([DuplicateActions()], rules=[]).hear(story.events).findings == []


@pytest.mark.parametrize(("seconds", "found"), [(3590, 1), (3601, 0)])
def test_after_the_window_the_same_call_is_another_deed(stories: Any, seconds: float, found: int) -> None:
    story = stories.Story(policy=policy())
    story.start()
    story.ask("pay", "paid", **ARGS)
    story.wait(seconds)
    story.ask("pay", "paid", **ARGS)
    assert len(stories.Hall([DuplicateActions()]).hear(story.events).findings) == found


def test_a_tool_that_is_repeatable_is_not_judged_and_costs_no_signal(stories: Any) -> None:
    rules = policy(pay=PAY | {"repeatable": True})
    hall = told(stories, ("pay", ARGS), ("pay", ARGS), rules=rules)
    assert hall.findings == hall.signals == []


def test_repeatable_is_about_tools_that_change_something() -> None:
    with pytest.raises(ValueError, match="set effect, or leave repeatable out"):
        ToolPolicy(repeatable=True)


def test_a_policy_of_before_keeps_its_name() -> None:
    canonical = policy().canonical()
    assert b"repeatable" not in canonical
    assert b"repeat_window" not in canonical


def test_arguments_that_were_not_recorded_are_told_once(stories: Any) -> None:
    story = stories.Story(policy=policy())
    story.start()
    for _ in range(2):
        story.say("tool_call", {"tool_call_id": "c", "tool_name": "pay"})
    assert stories.Hall([DuplicateActions()]).hear(story.events).kinds() == ["unjudged"]


def test_what_stood_in_the_arguments_is_described_and_not_quoted(stories: Any) -> None:
    secret = "Ann Smith, 12 Mill Lane"
    hall = told(stories, ("pay", {"to": secret, "key": "k 1"}), ("pay", {"to": secret}))
    dumped = "".join(one.model_dump_json() for one in (*hall.findings, *hall.signals)) + str(hall.state().dump())
    assert secret not in dumped
    assert "k 1" not in dumped
    assert hall.findings[0].evidence.arguments == "to: a string of 23 characters"


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        ("ok", None, "ok"),
        ("ok", "An error-free day", "ok"),
        ("ok", '{"success": false}', "failed"),
        ("ok", "Error: request timed out", "unsure"),
        ("error", "ReadTimeout", "unsure"),
        ("error", "lock wait timeout exceeded", "failed"),
        ("error", "amount 500 is above the limit", "failed"),
        ("error", "status code: 500", "unsure"),
        ("error", "the connection was reset by the peer", "unsure"),
        ("timeout", None, "unsure"),
    ],
)
def test_whether_a_call_took_effect(stories: Any, status: str, text: str | None, outcome: str) -> None:
    told = {"tool_call_id": "c", "tool_name": "t", "status": status}
    story = stories.Story()
    data = told if text is None else told | {"result": story.content(text)}
    assert outcome_of(ToolResultData.model_validate(data)) == outcome


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_leaves_are_few_and_of_values_that_name_something(arguments: Any) -> None:
    leaves = leaves_of(arguments)
    assert len(leaves) <= MAX_LEAVES
    assert leaves == leaves_of([arguments])


def sessions(stories: Any, *told: dict[str, Any], order: list[int] | None = None) -> Any:
    """Judges one call in each session: `at` in seconds, `key`, `status`; by stage 2 alone, in any order."""
    halls = []
    for index, one in enumerate(told):
        at_us = stories.START_US + round(one.get("at", index) * 1_000_000)
        story = stories.Story(policy=policy(), session=one.get("session", f"s-{index}"), start_us=at_us)
        story.start()
        story.call("pay", ARGS | ({"key": one["key"]} if "key" in one else {}))
        story.result("done", status=one.get("status", "ok"))
        halls.append(stories.Hall([DuplicateActions()], rules=[]).hear(story.events).signals)
    hall = stories.Hall([], rules=[RepeatedAcross()])
    signals = [signal for index in (order or range(len(told))) for signal in halls[index]]
    for place, signal in enumerate(signals):
        hall._take(_of(signal, place), 0)
    return hall


def _of(signal: Any, place: int) -> Any:
    return Verdict(signals=[signal.model_copy(update={"source_offset": place})])


@pytest.mark.parametrize(
    ("told", "statuses"),
    [
        ([{}, {}], ["open"]),
        ([{}, {"at": 3599}], ["open"]),
        ([{}, {"at": 3601}], []),
        ([{}, {"at": 3601}, {"at": 3700}], ["open"]),
        ([{"key": "a"}, {"key": "a"}], []),
        ([{"key": "a"}, {"key": "b"}], []),
        ([{"key": "a"}, {}], ["open"]),
        ([{"status": "error"}, {}], []),
        ([{}, {"status": "error"}], ["open", "resolved"]),
        ([{}, {}, {}], ["open", "open"]),
        ([{"session": "s"}, {"session": "s", "at": 5}], []),
    ],
)
def test_what_repeats_a_deed_of_another_session(stories: Any, told: Any, statuses: list[str]) -> None:
    assert [finding.status for finding in sessions(stories, *told).findings] == statuses


@given(st.permutations(range(4)), st.lists(st.sampled_from(["ok", "error"]), min_size=4, max_size=4))
def test_the_order_in_which_sessions_are_read_does_not_matter_in_the_end(
    stories: Any, order: list[int], statuses: list[str]
) -> None:
    told = [{"status": status} for status in statuses]
    found = sessions(stories, *told, order=order).latest.values()
    standing = {finding.evidence.again.session_id for finding in found if finding.status == "open"}
    # The order decides which pairs are named; that there is a repeat, or none, it does not.
    assert bool(standing) == (statuses.count("ok") > 1)


def test_a_call_told_late_is_the_first_all_the_same(stories: Any) -> None:
    [finding] = sessions(stories, {}, {}, order=[1, 0]).findings
    assert (finding.evidence.first.session_id, finding.evidence.again.session_id) == ("s-0", "s-1")
    assert finding.session_id == "s-1"


def test_the_state_of_a_deed_that_many_sessions_do_stays_small(stories: Any) -> None:
    hall = sessions(stories, *({"at": index} for index in range(60)))
    [subject] = hall.subjects.values()
    assert len(subject.dump()) < 8192


LONG: dict[str, Any] = {
    "many deeds": lambda s, i: s.ask("pay", "paid", order=f"orders/{i}", to=f"a name {i}", a=f"aaa{i}", b=f"bbb{i}"),
    "one deed": lambda s, i: s.call("pay", order="orders/1"),
    "failures": lambda s, i: s.ask("pay", f"Error: number {i}", order="orders/1"),
    "notes": lambda s, i: s.ask("note", "noted", text=f"some text {i}", on=f"customer-{i % 20}"),
}


@pytest.mark.parametrize("name", LONG)
def test_the_state_of_a_long_session_stays_small(stories: Any, name: str) -> None:
    story = stories.Story(policy=policy(pay=PAY, note={"effect": "write"}))
    story.start()
    empty = len(stories.Hall([DuplicateActions()]).hear(story.events).state().dump())
    for index in range(300):
        LONG[name](story, index)
    hall = stories.Hall([DuplicateActions()], rules=[]).hear(story.events)
    [_, state] = hall.state().detectors["duplicate_action"]
    assert len(state.deeds) <= MAX_ACTIONS
    assert len(hall.state().dump()) - empty < 3200


@given(st.from_regex(re.compile(_FAILED.pattern, re.ASCII | re.IGNORECASE)))
def test_what_tells_of_a_failure_passes_the_first_look(text: str) -> None:
    if _FAILED.search(text):
        assert _MAY_HAVE_FAILED.isinstance_python(text)
