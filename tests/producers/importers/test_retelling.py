"""What a recorded session becomes: the events that a live agent would have sent."""

from __future__ import annotations

import json
from typing import Any, Protocol

import pytest

from watchkeeper.schemas.contents import matches
from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.model import from_us


class Imported(Protocol):
    events: list[Any]
    reasons: list[str]
    report: Any

    def of(self, kind: str, session_id: str | None = None) -> list[Any]: ...


class RunImport(Protocol):
    def __call__(self, *contents: Any, choices: Any = None) -> Imported: ...


TOOLS = [{"name": "order_status", "description": "Where it is.", "parameters": {"type": "object"}}]


def neutral(*messages: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {"session_id": "s-1", "agent": "support", "model": "gpt-4.1", "messages": list(messages), **given}


def asked(content: Any = "Where is order 7?", **given: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **given}


def said(content: Any = "It is on its way.", **given: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **given}


def called(*calls: tuple[str, str, Any], content: Any = None, **given: Any) -> dict[str, Any]:
    listed = [{"id": i, "name": name, "arguments": arguments} for i, name, arguments in calls]
    return {"role": "assistant", "content": content, "tool_calls": listed, **given}


def result(call_id: str, content: Any = "shipped", **given: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **given}


def kinds(imported: Imported) -> list[str]:
    return [event.type for event in imported.events]


def test_a_session_is_told_as_the_agent_would_have_told_it(run_import: RunImport) -> None:
    session = neutral(
        {"role": "system", "content": "You help."},
        asked(timestamp="2025-03-01T10:00:00"),
        called(
            ("c1", "order_status", {"id": 7}),
            timestamp="2025-03-01T10:00:02",
            input_tokens=40,
            output_tokens=9,
            cost_usd=0.002,
            finish_reason="tool_calls",
        ),
        result("c1", timestamp="2025-03-01T10:00:02.5"),
        said(timestamp="2025-03-01T10:00:04", tokens={"prompt_tokens": 60, "completion_tokens": 12}),
        tools=TOOLS,
    )
    imported = run_import(session)
    assert kinds(imported) == [
        "session_started", "prompt", "response", "tool_call", "tool_result", "prompt", "response", "session_ended",
    ]  # fmt: skip
    assert [event.seq for event in imported.events] == list(range(8))
    assert {(e.origin, e.agent_id, e.session_id, e.environment, e.tenant_id) for e in imported.events} == {
        ("import", "support", "s-1", "recorded", "default")
    }
    seconds = [event.occurred_at.second + event.occurred_at.microsecond / 1e6 for event in imported.events]
    assert seconds == [0, 0, 2, 2, 2.5, 2.5, 4, 4]
    started, first, response, call, answer, second, last, ended = (event.data for event in imported.events)
    assert started.model == "gpt-4.1"
    assert json.loads(started.tools.text) == TOOLS
    assert [message.role for message in first.messages] == ["system", "user"]
    assert [message.role for message in second.messages] == ["system", "user", "assistant", "tool"]
    assert (response.request_id, response.model, response.finish_reason) == (first.request_id, "gpt-4.1", "tool_calls")
    assert (response.usage.input_tokens, response.usage.output_tokens, response.reported_cost_usd) == (40, 9, 0.002)
    assert (response.text, response.answer, response.duration_us) == (None, False, None)
    assert (call.tool_call_id, call.tool_name, call.arguments) == ("c1", "order_status", {"id": 7})
    assert (answer.tool_call_id, answer.tool_name, answer.status) == ("c1", "order_status", "ok")
    assert (answer.result.text, answer.duration_us, answer.trust) == ("shipped", None, "untrusted")
    assert (last.text.text, last.answer, last.usage.input_tokens) == ("It is on its way.", True, 60)
    assert (ended.status, ended.reason) == ("completed", "the recording ends here")
    assert ended.answer.address == last.text.address


def test_texts_are_sent_once_and_every_prompt_can_be_rebuilt(run_import: RunImport) -> None:
    messages = [asked("a"), said("b"), asked("c"), said("d"), asked("a"), said("e")]
    imported = run_import(neutral(*messages))
    salt = imported.events[0].writer_salt
    texts: dict[str, str] = {}
    for event in imported.events:
        for _, content in contents_of(event):
            if content.text is not None:
                assert content.address not in texts
                assert matches(content.address, content.text, salt)
                texts[content.address] = content.text
    prompts = imported.of("prompt")
    rebuilt = [[json.loads(texts[message.content.address]) for message in prompt.data.messages] for prompt in prompts]
    assert rebuilt == [messages[:1], messages[:3], messages[:5]]


def test_several_calls_in_one_message_are_answered_in_any_order(run_import: RunImport) -> None:
    calls = called(("a", "f", {"n": 1}), ("b", "g", {"n": 2}), ("c", "f", {"n": 3}))
    imported = run_import(neutral(asked(), calls, result("c", "3"), result("a", "1"), result("b", "2"), said()))
    assert [(e.data.tool_call_id, e.data.tool_name) for e in imported.of("tool_call")] == [
        ("a", "f"),
        ("b", "g"),
        ("c", "f"),
    ]
    answers = [(e.data.tool_call_id, e.data.tool_name, e.data.result.text) for e in imported.of("tool_result")]
    assert answers == [("c", "f", "3"), ("a", "f", "1"), ("b", "g", "2")]


def test_repeated_call_ids_stay_as_they_are_and_names_follow_the_latest_call(run_import: RunImport) -> None:
    messages = [asked(), called(("x", "f", {})), result("x"), called(("x", "g", {})), result("x")]
    messages += [called(("x", "f", {}), ("x", "h", {})), result("x"), result("x")]
    imported = run_import(neutral(*messages))
    assert {e.data.tool_call_id for e in imported.of("tool_call")} == {"x"}
    assert [e.data.tool_name for e in imported.of("tool_result")] == ["f", "g", "f", "h"]


def test_calls_and_results_without_ids_are_paired_by_name_and_order(run_import: RunImport) -> None:
    conversation = {
        "messages": [
            asked(),
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"n": 1}'}},
            {"role": "function", "name": "f", "content": "1"},
            said(),
        ],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
    }
    imported = run_import(conversation)
    (call,), (answer,) = imported.of("tool_call"), imported.of("tool_result")
    assert call.data.tool_call_id == answer.data.tool_call_id
    assert (call.data.arguments, answer.data.tool_name, answer.data.result.text) == ({"n": 1}, "f", "1")


def test_a_result_without_a_call_is_told_as_such(run_import: RunImport) -> None:
    imported = run_import(neutral(asked(), result("ghost"), {"role": "tool", "content": "x", "name": "f"}, said()))
    first, second = imported.of("tool_result")
    assert (first.data.tool_call_id, first.data.tool_name) == ("ghost", "(unknown)")
    assert second.data.tool_name == "f"
    assert second.data.tool_call_id not in {"", "ghost"}
    assert not imported.of("tool_call")


def test_a_call_without_a_result_stays_open(run_import: RunImport) -> None:
    imported = run_import(neutral(asked(), called(("c", "f", {}))))
    assert kinds(imported) == ["session_started", "prompt", "response", "tool_call", "session_ended"]


def test_thinking_and_acting_in_two_messages_is_one_request(run_import: RunImport) -> None:
    messages = [asked(), said("Thought: look it up."), called(("c", "f", {})), result("c"), said("Done.")]
    imported = run_import(neutral(*messages))
    assert kinds(imported)[1:-1] == ["prompt", "response", "tool_call", "tool_result", "prompt", "response"]


@pytest.mark.parametrize("own", [{"content": "And now:"}, {"input_tokens": 5}, {"reasoning": "hm"}, {"error": "x"}])
def test_an_assistant_message_with_anything_but_calls_is_a_request_of_its_own(
    run_import: RunImport, own: dict[str, Any]
) -> None:
    imported = run_import(neutral(asked(), said("Thought."), called(("c", "f", {}), **own)))
    assert len(imported.of("prompt")) == len(imported.of("response")) == 2


def test_arguments_that_were_not_recorded_are_not_taken_for_none(run_import: RunImport) -> None:
    messages = [asked(), called(("a", "f", None), ("b", "f", ""), ("c", "f", "no json {"), ("d", "f", {}))]
    imported = run_import(neutral(*messages))
    assert [e.data.arguments for e in imported.of("tool_call")] == [None, {}, "no json {", {}]
    assert all(e.data.arguments_content is None for e in imported.of("tool_call"))


def test_arguments_of_any_shape_and_size_arrive(run_import: RunImport) -> None:
    long = {"text": "x" * 300_000}
    messages = [asked(), called(("a", "f", [1]), ("b", "f", 10**24), ("c", "", {}), ("d", "f", long))]
    imported = run_import(neutral(*messages))
    a, b, c, d = (e.data for e in imported.of("tool_call"))
    assert (a.arguments, b.arguments, c.tool_name) == ([1], 10**24, "(unnamed)")
    assert d.arguments is None
    assert d.arguments_content.size == len('{"text":""}') + 300_000
    assert len(imported.of("content")) == 2
    assert imported.report.losses == {}


@pytest.mark.parametrize(
    ("given", "status", "kind", "text"),
    [
        ({"error": "TypeError: no such key", "content": None}, "error", "TypeError", "TypeError: no such key"),
        ({"error": "it broke", "content": None}, "error", "error", "it broke"),
        ({"error": "ReadTimeout: 30 s", "content": None}, "timeout", "ReadTimeout", "ReadTimeout: 30 s"),
        ({"is_error": True, "content": "Error: gone"}, "error", "error", "Error: gone"),
        (
            {"error": "KeyError: 7", "content": "partial"},
            "error",
            "KeyError",
            '{"content":"partial","error":"KeyError: 7"}',
        ),
        ({"error": "gone", "content": "Error: gone"}, "error", "error", "Error: gone"),
        ({"content": ""}, "ok", "", ""),
    ],
)
def test_failed_results_keep_status_kind_and_text(
    run_import: RunImport, given: dict[str, Any], status: str, kind: str, text: str
) -> None:
    imported = run_import(neutral(asked(), called(("c", "f", {})), {"role": "tool", "tool_call_id": "c", **given}))
    (answer,) = imported.of("tool_result")
    assert (answer.data.status, answer.data.error_type, answer.data.result.text) == (status, kind, text)


def test_a_result_without_content_has_none(run_import: RunImport) -> None:
    imported = run_import(neutral(asked(), called(("c", "f", {})), result("c", None)))
    assert imported.of("tool_result")[0].data.result is None


def test_a_failed_request_is_told_and_fails_a_session_that_ends_with_it(run_import: RunImport) -> None:
    imported = run_import(
        neutral(asked(), said(None, status="Error"), asked("again"), said(None, error="APIError: 500"))
    )
    assert [e.data.error_type for e in imported.of("response")] == ["error", "APIError"]
    assert [e.data.text for e in imported.of("response")] == [None, None]
    assert imported.of("session_ended")[0].data.status == "failed"


def test_reasoning_comes_before_the_response_and_is_said_to_be_exposed(run_import: RunImport) -> None:
    imported = run_import(neutral(asked(), said("b", reasoning="first"), said("c", reasoning_content="then")))
    assert kinds(imported)[1:-1] == ["prompt", "reasoning", "response"] * 2
    assert [e.data.text.text for e in imported.of("reasoning")] == ["first", "then"]
    assert imported.of("session_started")[0].data.reasoning_exposed == "full"


def test_a_refusal_abstains(run_import: RunImport) -> None:
    imported = run_import({"messages": [asked(), {"role": "assistant", "content": None, "refusal": "No."}]})
    (response,) = imported.of("response")
    assert (response.data.text.text, response.data.abstained) == ("No.", True)


def test_durations_are_those_that_were_measured(run_import: RunImport) -> None:
    messages = [
        asked(),
        called(("c", "f", {}), timestamp="2025-03-19T16:00:00Z", duration_s=2.5),
        result("c", duration_s=0.25),
    ]
    imported = run_import(neutral(*messages))
    prompt, response, call, answer = imported.events[1:5]
    base = prompt.occurred_at
    assert [(event.occurred_at - base).total_seconds() for event in (response, call, answer)] == [2.5, 2.5, 2.75]
    assert (imported.of("response")[0].data.duration_us, imported.of("tool_result")[0].data.duration_us) == (
        2_500_000,
        250_000,
    )


def test_labels_become_outcomes_of_a_writer_of_their_own(run_import: RunImport) -> None:
    labels = {
        "reward": 0.5, "success": True, "domain": "airline", "none": None, "steps": 7, "actions": [{"name": "f"}],
        "note": "x" * 300, "odd": "",
    }  # fmt: skip
    imported = run_import(neutral(asked(), said(), labels=labels))
    outcomes = imported.of("outcome")
    assert {e.writer_id for e in outcomes}.isdisjoint(e.writer_id for e in imported.events if e.type != "outcome")
    assert [e.seq for e in outcomes] == list(range(7))
    told = {
        e.data.name: (e.data.value, e.data.label, e.data.comment and e.data.comment.text, e.data.kind) for e in outcomes
    }
    assert told == {
        "reward": (0.5, "", None, "business"),
        "success": (1.0, "true", None, "business"),
        "domain": (None, "airline", None, "business"),
        "steps": (7.0, "", None, "business"),
        "actions": (None, "", '[{"name":"f"}]', "business"),
        "note": (None, "", "x" * 300, "business"),
        "odd": (None, "", None, "business"),
    }


def test_what_the_user_said_last_is_kept(run_import: RunImport) -> None:
    imported = run_import(neutral(asked(), said(), asked("Thanks, bye.")))
    (closing,) = imported.of("outcome")
    assert (closing.data.name, closing.data.kind, closing.data.label) == ("closing_message", "feedback", "user")
    assert closing.data.comment.text == "Thanks, bye."


def test_a_session_of_nothing_is_a_session(run_import: RunImport) -> None:
    imported = run_import(neutral())
    assert kinds(imported) == ["session_started", "session_ended"]
    assert imported.of("session_started")[0].data.tools is None


def test_the_recording_is_described_in_attributes(run_import: RunImport) -> None:
    imported = run_import(neutral(asked(), said("cut", truncated=True), source="a set " + "x" * 300))
    attributes = imported.events[0].attributes
    assert attributes["import.form"] == "neutral"
    assert attributes["import.times"] == "derived"
    assert attributes["import.cut_messages"] == 1
    assert len(str(attributes["import.source"])) == 200


def test_sessions_without_times_have_the_same_made_up_ones_each_time(run_import: RunImport) -> None:
    first, second = run_import(neutral(asked(), said())), run_import(neutral(asked(), said()))
    assert [e.occurred_at for e in first.events] == [e.occurred_at for e in second.events]
    assert first.events[0].occurred_at.date() == from_us(1_577_836_800_000_000).date()


@pytest.mark.parametrize(
    "given",
    [
        {"tools": [1, "f", None, {"name": 7}, {"no": "name"}, [TOOLS]]},
        {"agent": {"name": "x"}, "model": 7},
        {"session_id": "with\nbreaks\x00"},
        {"agent": "an agent\n", "session_id": "x" * 1000},
        {"labels": {"": 1, "a\x00": "b", "x" * 500: 10**30}},
    ],
)
def test_odd_values_lose_nothing(run_import: RunImport, given: dict[str, Any]) -> None:
    imported = run_import(neutral(asked("\ud83d half", name="\x00"), said({"a": [1]}), **given))
    assert imported.reasons == []
    assert imported.report.losses == {}
    assert {"session_started", "prompt", "response", "session_ended"} <= set(kinds(imported))
