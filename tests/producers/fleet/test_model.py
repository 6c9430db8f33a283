from __future__ import annotations

import json
from typing import Any

import pytest

from watchkeeper.producers.fleet.model import CACHED_STEP, Call, Conversation, ScriptedModel, Turn, steps, tokens_of

TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]
SCRIPT = steps(
    Turn(calls=(Call("look", {"at": 1}), Call("look", {"at": 2})), reasoning="Two at once."),
    lambda seen: Turn(f"I saw {seen.last['seen']}."),
)


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


TALK = steps(Turn("yes"), Turn("no"))


def _usage(messages: list[dict[str, Any]], **options: Any) -> Any:
    return ScriptedModel("gpt-4.1", TALK, "seed", **options).complete(messages, TOOLS).body["usage"]


def _model(seed: str = "seed") -> ScriptedModel:
    return ScriptedModel("gpt-4.1", SCRIPT, seed)


def test_one_seed_gives_one_answer_to_the_same_messages() -> None:
    assert _model().complete([_user("hello")], TOOLS) == _model().complete([_user("hello")], TOOLS)


def test_another_seed_gives_other_ids_and_another_latency() -> None:
    one, other = _model().complete([_user("hello")]), _model("other").complete([_user("hello")])
    assert one.body["id"] != other.body["id"]
    assert one.seconds != other.seconds


def test_answers_have_the_shape_of_openais_chat_interface() -> None:
    body = _model().complete([_user("hello")], TOOLS).body
    choice = body["choices"][0]
    assert (choice["index"], choice["finish_reason"]) == (0, "tool_calls")
    assert choice["message"]["content"] is None
    assert choice["message"]["reasoning_content"] == "Two at once."
    first, second = choice["message"]["tool_calls"]
    assert first["type"] == "function"
    assert json.loads(first["function"]["arguments"]) == {"at": 1}
    assert first["id"] != second["id"]
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]
    assert body["usage"]["completion_tokens_details"]["reasoning_tokens"] == tokens_of("Two at once.")


def test_the_messages_alone_say_where_the_script_stands_so_another_process_can_go_on() -> None:
    messages = [_user("hello")]
    asked = _model().complete(messages)
    messages.append(asked.message)
    messages += [
        {"role": "tool", "tool_call_id": one["id"], "content": '{"seen": "a hill"}'}
        for one in asked.message["tool_calls"]
    ]
    answer = _model().complete(messages)
    assert answer.message["content"] == "I saw a hill."
    assert answer.body["choices"][0]["finish_reason"] == "stop"


def test_the_last_step_is_repeated_for_as_long_as_it_is_asked() -> None:
    script = steps(Turn("one"), Turn("two"))
    messages = [_user("x"), *[{"role": "assistant", "content": "…"}] * 7]
    assert ScriptedModel("m", script, "s").complete(messages).message["content"] == "two"


@pytest.mark.parametrize(("caches", "cached_at_least"), [(True, 2000), (False, 0)])
def test_what_was_sent_before_comes_from_the_cache_where_the_provider_has_one(
    caches: bool, cached_at_least: int
) -> None:
    messages = [_user("long " * 2000), {"role": "assistant", "content": "yes"}, _user("and?")]
    usage = _usage(messages, caches=caches)
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    assert cached % CACHED_STEP == 0
    assert cached_at_least <= cached < usage["prompt_tokens"]
    assert bool(cached) is caches


def test_short_prompts_are_not_cached() -> None:
    messages = [_user("short"), {"role": "assistant", "content": "yes"}, _user("and?")]
    assert _usage(messages)["prompt_tokens_details"]["cached_tokens"] == 0


def test_a_request_that_hangs_has_no_answer() -> None:
    completion = ScriptedModel("m", steps(Turn(hangs=True)), "s").complete([_user("x")])
    assert completion.hangs
    assert completion.body == {}


def test_a_conversation_reads_results_as_json_where_they_are() -> None:
    seen = Conversation([{"role": "tool", "content": '{"a": 1}'}, {"role": "tool", "content": "TimeoutError: late"}])
    assert seen.results == [{"a": 1}, "TimeoutError: late"]
