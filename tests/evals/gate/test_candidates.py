"""What can be asked: callables, endpoints over real HTTP, recorded sessions and files."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest

from watchkeeper.evals.gate.answers import Answer, CandidateError, Identity, interaction_of
from watchkeeper.evals.gate.candidates import Candidate, EndpointOptions, Question, open_candidate
from watchkeeper.evals.interaction import Interaction, ToolUse, Turn
from watchkeeper.evals.suites.case import Case, Provenance
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.model import EARLIEST

NO_KEY = EndpointOptions(key="", body={})
MakeCase = Callable[..., Case]


def asked(candidate: Candidate, case: Case, *, repeat: int = 0, timeout_s: float = 30.0) -> Answer:
    try:
        return candidate.ask(Question(case, repeat, 17, timeout_s))
    finally:
        candidate.close()


@pytest.fixture
def module() -> Iterator[ModuleType]:
    made = ModuleType("an_agent")
    sys.modules["an_agent"] = made
    yield made
    del sys.modules["an_agent"]


def test_a_function_gets_messages_and_what_it_names(module: Any, case: MakeCase) -> None:
    got: dict[str, Any] = {}

    def answer(messages: list[dict[str, Any]], *, documents: dict[str, str], seed: int) -> str:
        got.update(messages=messages, documents=documents, seed=seed)
        return "Hello."

    module.answer = answer
    found = asked(open_candidate("an_agent:answer", NO_KEY), case(1, documents={"d1": "text"}))
    assert found.text == "Hello."
    assert got == {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Question 1?"}],
        "documents": {"d1": "text"},
        "seed": 17,
    }
    # What a good answer says is never shown.
    assert "Answer 1" not in str(got)


def test_an_async_function_and_an_object_are_called_too(module: Any, case: MakeCase) -> None:
    loops = set()

    async def answer(messages: list[dict[str, Any]]) -> dict[str, Any]:
        await asyncio.sleep(0)
        loops.add(asyncio.get_running_loop())
        return {"text": messages[-1]["content"], "tools": [{"name": "lookup", "arguments": {"id": 2**70}}]}

    class Agent:
        async def __call__(self, messages: list[dict[str, Any]], **_: Any) -> Answer:
            return Answer(text="rich", cost_usd=0.01, session_id="s-1")

    module.answer, module.agent = answer, Agent()
    candidate = open_candidate("an_agent:answer", NO_KEY)
    for _ in range(2):
        found = candidate.ask(Question(case(1), 0, 0, 30.0))
    assert found.text == "Question 1?"
    assert found.tools[0].arguments == {"id": 2**70}
    assert len(loops) == 1
    candidate.close()
    assert asked(open_candidate("an_agent:agent", NO_KEY), case(1)).session_id == "s-1"


def test_what_a_callable_does_wrong_is_its_failure(module: Any, case: MakeCase) -> None:
    release = threading.Event()

    def raises(messages: Any) -> str:
        raise KeyError("order")

    def unreachable(messages: Any) -> str:
        raise ConnectionRefusedError("no database")

    def hangs(messages: Any) -> str:
        release.wait(60)
        return ""

    async def hangs_too(messages: Any) -> str:
        await asyncio.sleep(60)
        return ""

    def leaves(messages: Any) -> str:
        sys.exit(3)

    wrong: dict[str, tuple[Callable[..., Any], str, bool, str]] = {
        "raises": (raises, "raised", False, "KeyError: 'order'"),
        "unreachable": (unreachable, "raised", True, "no database"),
        "hangs": (hangs, "timed_out", False, "no answer within 0.05 s: raise --timeout"),
        "hangs_too": (hangs_too, "timed_out", False, "no answer within 0.05 s"),
        "leaves": (leaves, "raised", False, "SystemExit"),
        "nothing": (lambda messages: None, "malformed", False, "returned a NoneType: return a text, or an Answer"),
        "strange": (lambda messages: {"txt": "x"}, "malformed", False, "txt: Extra inputs"),
    }
    for name, (function, kind, transient, text) in wrong.items():
        setattr(module, name, function)
        with pytest.raises(CandidateError, match=None) as caught:
            asked(open_candidate(f"an_agent:{name}", NO_KEY), case(1), timeout_s=0.05 if "hangs" in name else 30.0)
        assert (caught.value.kind, caught.value.transient) == (kind, transient), name
        assert text in str(caught.value)
    release.set()


def test_a_time_out_of_the_callable_s_own_is_tried_again(module: Any, case: MakeCase) -> None:
    def own(messages: Any) -> str:
        raise TimeoutError("the model took too long")

    module.own = own
    with pytest.raises(CandidateError, match="the model took too long") as caught:
        asked(open_candidate("an_agent:own", NO_KEY), case(1))
    assert (caught.value.kind, caught.value.transient) == ("raised", True)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("no_such_package.agent:answer", "there is no module no_such_package"),
        ("an_agent:answr", "an_agent has no answr"),
        ("an_agent:number", "is a int, and cannot be called"),
        ("an_agent:silent", "takes no messages"),
        ("answer", "names no candidate: give package.module:function"),
        ("https://llm.example/v1", "names no model: write https://llm.example/v1#gpt-4o-mini"),
        ("nowhere.jsonl", "nowhere.jsonl cannot be read: No such file or directory"),
    ],
)
def test_what_names_nothing_is_refused(named: str, told: str, module: Any) -> None:
    module.number = 7
    module.silent = lambda: "x"
    with pytest.raises(ConfigurationError) as caught:
        open_candidate(named, NO_KEY)
    assert told in str(caught.value)


def test_an_endpoint_is_asked_as_chat(chat_server: Any, case: MakeCase) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "refund", "arguments": '{"order": 7}'}}
    chat_server.answers = [(200, {}, chat_server.reply("Done.", tool_calls=[call]))]
    options = EndpointOptions(key="k-1", body={"temperature": 0, "seed": None})
    found = asked(open_candidate(f"{chat_server.address}#m", options), case(1, documents={"d1": "Thirty days."}))
    assert (found.text, found.model, found.input_tokens, found.output_tokens) == ("Done.", "m-2026", 40, 7)
    assert found.tools == (ToolUse(call_id="c1", name="refund", arguments={"order": 7}),)
    ((path, headers, body),) = chat_server.seen
    assert (path, headers["Authorization"]) == ("/v1/chat/completions", "Bearer k-1")
    assert body["model"] == "m"
    assert body["temperature"] == 0
    assert "seed" not in body
    assert "[d1]\nThirty days." in body["messages"][0]["content"]
    assert [message["role"] for message in body["messages"]] == ["system", "system", "user"]


@pytest.mark.parametrize(
    ("status", "headers", "document", "kind", "transient", "told"),
    [
        (429, {"Retry-After": "2.5"}, {"error": "slow down"}, "unavailable", True, "answered 429"),
        (503, {}, b"busy", "unavailable", True, "answered 503: busy"),
        (401, {}, b"who are you", "refused", False, "answered 401: who are you"),
        (200, {}, b"<html>", "malformed", False, "did not answer as a chat endpoint does: <html>"),
        (200, {}, {"choices": []}, "malformed", False, "did not answer as a chat endpoint does"),
    ],
)
def test_what_an_endpoint_does_wrong_is_told_by_kind(
    chat_server: Any,
    case: MakeCase,
    status: int,
    headers: dict[str, str],
    document: Any,
    kind: str,
    transient: bool,
    told: str,
) -> None:
    chat_server.answers = [(status, headers, document)]
    with pytest.raises(CandidateError) as caught:
        asked(open_candidate(f"{chat_server.address}#m", NO_KEY), case(1))
    assert (caught.value.kind, caught.value.transient) == (kind, transient)
    assert told in str(caught.value)
    assert caught.value.wait_s == (2.5 if headers else None)


def test_an_endpoint_that_is_away_may_come_back(case: MakeCase) -> None:
    with pytest.raises(CandidateError, match="cannot be reached") as caught:
        asked(open_candidate("http://127.0.0.1:1/v1#m", NO_KEY), case(1))
    assert caught.value.transient


def test_earlier_calls_are_shown_as_a_chat_shows_them(chat_server: Any, case: MakeCase) -> None:
    turns = (
        Turn(speaker="user", text="Refund 7."),
        Turn(
            speaker="assistant",
            text="I look.",
            tools=(ToolUse(call_id="c1", name="look", arguments={"id": 7}, result="paid"),),
        ),
        Turn(speaker="user", text="And?"),
    )
    shown = case(1).model_copy(update={"messages": turns})
    asked(open_candidate(f"{chat_server.address}#m", NO_KEY), shown)
    messages = chat_server.seen[0][2]["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "user"]
    assert messages[1]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"id":7}'}
    assert messages[2] == {"role": "tool", "tool_call_id": "c1", "content": "paid"}


def test_the_suite_s_own_sessions_answer_as_they_went_on(case: MakeCase) -> None:
    recorded = (Turn(speaker="assistant", text="As it was."),)
    whose = Provenance(session_id="s-9", agent_id="desk", agent_version="3")
    found = asked(open_candidate("recorded", NO_KEY), case(1, recorded=recorded, provenance=whose))
    assert (found.turns, found.agent_id, found.agent_version) == (recorded, "desk", "3")
    with pytest.raises(CandidateError, match="case-2 keeps no recorded turns") as caught:
        asked(open_candidate("recorded", NO_KEY), case(2))
    assert caught.value.kind == "missing"


def test_a_file_answers_by_case_or_by_session_repeats_in_order(tmp_path: Path, case: MakeCase) -> None:
    session = Interaction(
        interaction_id="s-9",
        agent_id="desk",
        turns=(*case(2).messages, Turn(speaker="assistant", text="From the export.")),
        started_at=EARLIEST,
        ended_at=EARLIEST,
        tokens=30,
    )
    lines = [
        orjson.dumps({"case_id": "case-1", "answer": "first"}),
        orjson.dumps({"case_id": "case-1", "answer": {"text": "second", "cost_usd": 0.02}}),
        session.model_dump_json().encode(),
    ]
    path = tmp_path / "answers.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n\n")
    candidate = open_candidate(str(path), NO_KEY)
    assert asked(candidate, case(1)).text == "first"
    assert asked(candidate, case(1), repeat=1).cost_usd == 0.02
    with pytest.raises(CandidateError, match="holds 2 answers to case case-1"):
        asked(candidate, case(1), repeat=2)
    drawn = case(2, provenance=Provenance(session_id="s-9"))
    answer = asked(candidate, drawn)
    # What the case shows is not told twice.
    assert [turn.text for turn in answer.turns] == ["From the export."]
    whole = interaction_of(drawn, answer, Identity(), run="r", repeat=0, begun=EARLIEST, ended=EARLIEST)
    assert [turn.text for turn in whole.turns] == ["Be brief.", "Question 2?", "From the export."]
    assert (whole.interaction_id, whole.answer) == ("s-9", "From the export.")
    path.write_text('{"case_id": "case-1"}\n')
    with pytest.raises(ConfigurationError, match=r"answers.jsonl:1: neither"):
        open_candidate(str(path), NO_KEY)
