from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.evidence import NeverClosed, SequenceGap, UnansweredCall
from watchkeeper.schemas.policy import AgentPolicy, Thresholds, ToolPolicy
from watchkeeper.stream_processors.detection.session_rules.audit_gap import AuditGap
from watchkeeper.stream_processors.detection.session_rules.open_calls import MAX_CALLS

POLICY = AgentPolicy(
    agent="support",
    tools={"slow": ToolPolicy(timeout_seconds=10.0)},
    thresholds=Thresholds(call_timeout_seconds=60.0, close_timeout_seconds=300.0),
)


def hall(stories: Any, story: Any) -> Any:
    return stories.Hall([AuditGap()]).hear(story.events)


def begun(stories: Any) -> Any:
    story = stories.Story(policy=POLICY)
    story.start()
    return story


def late(story: Any, kind: str, data: dict[str, Any], seq: int) -> None:
    """Adds an event under a number that was left out before."""
    story.say(kind, data, seq=seq)


def test_a_whole_record_has_no_gap(stories: Any) -> None:
    story = begun(stories)
    story.prompt("hello")
    story.ask("search", "found", q="x")
    story.ask("search", "found", q="x")
    story.response(10, 5)
    story.end()
    assert hall(stories, story).findings == []


@pytest.mark.parametrize(("lost", "said"), [(1, "Event 1 of writer w-1 is missing."), (3, "Events 1 to 3 of writer")])
def test_missing_numbers_are_a_gap(stories: Any, lost: int, said: str) -> None:
    story = begun(stories).lose(lost)
    story.prompt("hello")
    (found,) = hall(stories, story).findings
    assert found.summary.startswith(said)
    assert found.evidence == SequenceGap(writer_id="w-1", first_missing=1, last_missing=lost)
    assert (found.severity, found.status, found.revision) == ("medium", "open", 0)


def test_a_gap_is_resolved_when_all_of_it_came_late_in_any_order(stories: Any) -> None:
    story = begun(stories).lose(3)
    story.prompt("hello")
    for seq in (2, 1, 3):
        late(story, "reasoning", {"text": story.content(f"thought {seq}")}, seq)
    found = hall(stories, story).findings
    assert [(one.status, one.revision) for one in found] == [("open", 0), ("open", 1), ("open", 2), ("resolved", 3)]
    assert [(one.evidence.first_missing, one.evidence.last_missing) for one in found] == [
        (1, 3),
        (1, 3),
        (3, 3),
        (1, 3),
    ]
    assert len({one.finding_id for one in found}) == 1
    # All rows must fall into one partition of the table, or the first would never be replaced.
    assert len({one.first_event_at for one in found}) == 1


def test_a_gap_that_is_filled_in_part_stays_open(stories: Any) -> None:
    story = begun(stories).lose(3)
    story.prompt("hello")
    late(story, "reasoning", {"text": story.content("thought")}, 2)
    opened, revised = hall(stories, story).findings
    assert (revised.status, revised.revision, revised.finding_id) == ("open", 1, opened.finding_id)
    assert revised.summary == "Events 1 to 3 of writer w-1 came late but for 2."


def test_a_flood_of_late_events_is_told_by_halves(stories: Any) -> None:
    story = begun(stories).lose(1000)
    story.prompt("hello")
    for seq in range(1, 1001):
        late(story, "reasoning", {"text": story.content("thought")}, seq)
    found = hall(stories, story).findings
    assert len(found) < 30
    assert (found[-1].status, len({one.finding_id for one in found})) == ("resolved", 1)


def test_a_gap_within_the_rest_of_a_gap_is_the_first_ones_story(stories: Any) -> None:
    story = begun(stories).lose(2)
    story.prompt("hello")
    story.lose(2)
    story.prompt()
    late(story, "reasoning", {"text": story.content("a")}, 4)
    late(story, "reasoning", {"text": story.content("b")}, 1)
    shown = hall(stories, story).latest.values()
    assert [(one.evidence.first_missing, one.evidence.last_missing) for one in shown] == [(2, 2), (5, 5)]


def test_writers_are_numbered_apart(stories: Any) -> None:
    story = begun(stories)
    story.writer = "approvals"
    story.say("approval", {"approval_id": "a-1", "status": "granted"})
    story.writer = "w-1"
    story.end()
    assert hall(stories, story).findings == []


def test_the_same_number_with_other_content_is_a_conflict(stories: Any) -> None:
    story = begun(stories)
    judged = hall(stories, story)
    verdict = judged.judge.conflict(judged.state(), story.events[0], ["aa", "bb"], clock_us=story.now_us)
    (found,) = verdict.findings
    assert (found.kind, found.severity, found.evidence.digests) == ("conflicting_event", "high", ["aa", "bb"])
    (other,) = judged.judge.conflict(judged.state(), story.events[0], ["aa", "cc"], clock_us=story.now_us).findings
    assert other.finding_id != found.finding_id


def test_a_text_under_another_hash_is_found_and_the_right_one_is_not(stories: Any) -> None:
    story = begun(stories)
    content = story.content("the amount is 100")
    story.say("reasoning", {"text": content})
    story.say("reasoning", {"text": {**story.content("the amount is 900"), "text": "the amount is 9000"}})
    (found,) = hall(stories, story).findings
    assert (found.kind, found.severity, found.evidence.field) == ("content_mismatch", "high", "text")


def test_a_salted_text_is_not_judged_without_its_salt(stories: Any) -> None:
    story = stories.Story(policy=POLICY).lose(1)
    story.say("reasoning", {"text": {**story.content("a"), "text": "b"}})
    assert [found.kind for found in hall(stories, story).findings] == ["sequence_gap", "unjudged"]


def test_a_salt_told_later_does_not_excuse_a_text(stories: Any) -> None:
    story = begun(stories)
    forged = "ff" * 16
    content = {"address": address_of("b", forged), "size": 1, "text": "b"}
    story.say("reasoning", {"text": content}, writer_salt=forged)
    assert hall(stories, story).kinds() == ["content_mismatch"]


def test_every_kind_of_event_has_its_texts_hashed(stories: Any) -> None:
    story = begun(stories)

    def wrong() -> dict[str, Any]:
        return {**story.content(f"text {story.now_us}"), "text": "other"}

    story.say("prompt", {"request_id": "r", "system": wrong(), "messages": [{"role": "user", "content": wrong()}]})
    story.say("tool_call", {"tool_call_id": "c", "tool_name": "t", "arguments_content": wrong()})
    story.say("tool_result", {"tool_call_id": "c", "tool_name": "t", "result": wrong()})
    story.say("response", {"request_id": "r", "text": wrong()})
    story.say("decision", {"decision_id": "d", "name": "n", "reason": wrong()})
    part = {"part": 0, "size": 5, "text": "other"}
    story.say("content", {"address": story.content("whole")["address"], "parts": 1, **part})
    story.say("content", {"address": story.content("in two")["address"], "parts": 2, **part})
    fields = [found.evidence.field for found in hall(stories, story).findings]
    assert fields == ["messages[0]", "system", "arguments", "result", "text", "reason", "text"]


def test_a_session_joined_in_the_middle_is_told_until_its_start_comes(stories: Any) -> None:
    story = stories.Story(policy=POLICY).lose(1)
    story.prompt("hello")
    story.call("search")
    story.result()
    late(story, "session_started", {}, 0)
    shown = list(hall(stories, story).latest.values())
    assert [(one.kind, one.status) for one in shown] == [("sequence_gap", "resolved"), ("unjudged", "resolved")]


def test_texts_and_approvals_may_come_before_the_start(stories: Any) -> None:
    story = stories.Story(policy=POLICY)
    story.say("content", {"address": story.content("x")["address"], "part": 0, "parts": 1, "size": 1, "text": "x"})
    story.start()
    assert hall(stories, story).findings == []


def test_forgotten_calls_are_told_once_and_their_results_accuse_nobody(stories: Any) -> None:
    story = begun(stories)
    ids = [f"call-{index}" for index in range(MAX_CALLS + 10)]
    for call_id in ids:
        story.call("search", call_id=call_id)
    for call_id in ids:
        story.result(call_id=call_id)
    story.end()
    assert hall(stories, story).kinds() == ["unjudged"]


def test_a_call_without_a_result_is_found_at_the_end(stories: Any) -> None:
    story = begun(stories)
    call = story.call("search", q="x")
    story.end()
    (found,) = hall(stories, story).findings
    assert isinstance(found.evidence, UnansweredCall)
    assert (found.severity, found.first_event_id) == ("low", call.event_id)


@pytest.mark.parametrize(("tool", "quiet", "told"), [("slow", 9.0, 10.5), ("search", 59.0, 60.5)])
def test_a_call_that_hangs_is_found_by_the_tick_after_its_time_out(
    stories: Any, tool: str, quiet: float, told: float
) -> None:
    story = begun(stories)
    story.call(tool)
    judged = hall(stories, story)
    assert judged.tick(quiet) == []
    (found,) = judged.tick(told)
    assert (found.kind, found.severity) == ("unanswered_call", "medium")
    assert (found.last_event_at - found.first_event_at).total_seconds() == found.evidence.limit_seconds
    assert judged.tick(told + 1) == []


def test_a_result_after_the_time_out_resolves_the_finding(stories: Any) -> None:
    story = begun(stories)
    story.call("slow")
    judged = hall(stories, story)
    judged.tick(11.0)
    story.wait(20).result("at last")
    story.end()
    judged.hear(story.events[-2:])
    told, resolved = judged.findings
    assert told.finding_id == resolved.finding_id
    assert (resolved.status, resolved.first_event_at) == ("resolved", told.first_event_at)


def test_repeated_call_ids_are_matched_one_by_one(stories: Any) -> None:
    story = begun(stories)
    for _ in range(3):
        story.call("search", call_id="call_1")
    story.result(call_id="call_1")
    story.result(call_id="call_1")
    story.end()
    assert hall(stories, story).kinds() == ["unanswered_call"]


def test_a_result_that_nobody_asked_for_is_found(stories: Any) -> None:
    story = begun(stories)
    story.result("surprise", call_id="c-9")
    assert hall(stories, story).kinds() == ["unexplained_result"]


def test_a_result_whose_call_may_have_been_lost_is_explained_by_the_gap(stories: Any) -> None:
    story = begun(stories).lose(1)
    story.result("found", call_id="c-9")
    late(story, "tool_call", {"tool_call_id": "c-9", "tool_name": "search", "arguments": {}}, 1)
    story.end()
    assert [found.kind for found in hall(stories, story).latest.values()] == ["sequence_gap"]
    assert [found.status for found in hall(stories, story).latest.values()] == ["resolved"]


def test_a_late_result_answers_its_call(stories: Any) -> None:
    story = begun(stories)
    story.call("search", call_id="c-9")
    story.lose(1)
    story.response(1, 1)
    late(story, "tool_result", {"tool_call_id": "c-9", "tool_name": "search"}, 2)
    story.end()
    assert hall(stories, story).kinds() == ["sequence_gap", "sequence_gap"]


def test_silence_without_an_end_is_found_once_and_taken_back_when_it_speaks_again(stories: Any) -> None:
    story = begun(stories)
    judged = hall(stories, story)
    assert judged.tick(299.0) == []
    (found,) = judged.tick(301.0)
    assert isinstance(found.evidence, NeverClosed)
    assert judged.state().status == "silent"
    assert judged.tick(900.0) == []
    story.wait(1000).prompt("still there?")
    judged.hear(story.events[-1:])
    assert judged.state().status == "open"
    (shown,) = judged.latest.values()
    assert (shown.status, shown.first_event_at) == ("resolved", found.first_event_at)
    (again,) = judged.tick(301.0)
    assert again.finding_id != found.finding_id


def test_an_ended_session_may_be_silent(stories: Any) -> None:
    story = begun(stories)
    story.end()
    assert hall(stories, story).tick(10_000.0) == []


@given(st.lists(st.sampled_from(["call", "result", "prompt", "lose", "end"]), max_size=40))
def test_states_survive_the_store_at_any_point(stories: Any, steps: list[str]) -> None:
    def told() -> Any:
        story = begun(stories)
        for step in steps:
            {
                "call": lambda: story.call("search"),
                "result": story.result,
                "prompt": lambda: story.prompt("x"),
                "lose": story.lose,
                "end": story.end,
            }[step]()
        return story.events

    in_memory = stories.Hall([AuditGap()]).hear(told())
    stored = stories.Hall([AuditGap()], stored=True).hear(told())
    assert in_memory.findings == stored.findings


def test_the_state_is_bounded(stories: Any) -> None:
    story = begun(stories)
    for _ in range(2000):
        story.call("a_tool_with_a_rather_long_name")
        story.lose(1)
    judged = hall(stories, story)
    assert len(judged.state().dump()) < 8192
