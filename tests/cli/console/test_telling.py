"""A session told as somebody would tell it: over real rows, by the page that people see."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import orjson
import pytest

from watchkeeper.cli.console.fields import fields_of


def words(html: str) -> str:
    """What stands on a page or part of it, on one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def section(page: str, heading: str) -> str:
    return words(page.split(f">{heading}</h2>", 1)[1].split("<h2", 1)[0])


def message(shelf: Any, **fields: Any) -> dict[str, Any]:
    """A message of a prompt with all fields that interfaces of models have."""
    text = orjson.dumps(fields).decode()
    return {"role": fields["role"], "content": shelf.text(text, media="application/json")}


def asked_for(name: str, arguments: str) -> list[dict[str, Any]]:
    return [{"id": "x1", "type": "function", "function": {"name": name, "arguments": arguments}}]


@pytest.fixture
def refund(shelf: Any) -> Any:
    """A user asks, a tool is called, and the model is handed its own words and the tool's answer back."""
    shelf.event("session_started", 0, {"goal": shelf.text("Settle refunds"), "reasoning_exposed": "full"})
    shelf.event("prompt", 1, {"request_id": "r1", "system": shelf.text("Be brief."),
                              "messages": [shelf.message("user", "Where is my money?")]})  # fmt: skip
    shelf.event("response", 2, {"request_id": "r1", "model": "m-1", "finish_reason": "tool_calls"})
    shelf.event("tool_call", 3, {"tool_call_id": "c1", "tool_name": "find", "arguments": {"order": "7", "n": 2}})
    result = shelf.text('{"paid":12.50,"order":"7"}', media="application/json")
    shelf.event("tool_result", 4, {"tool_call_id": "c1", "tool_name": "find", "result": result})
    return shelf


def second_prompt(shelf: Any, *messages: dict[str, Any]) -> None:
    first = shelf.message("user", "Where is my money?")
    shelf.event("prompt", 5, {"request_id": "r2", "system": shelf.text("Be brief."), "messages": [first, *messages]})


def told(browse: Any, shelf: Any) -> str:
    page = browse.get(f"/sessions/{shelf.session}", tenant=shelf.tenant)
    assert page.status == 200
    text: str = page.text
    return text


def test_what_the_model_is_handed_back_is_told_once(browse: Any, refund: Any) -> None:
    refund_call = message(refund, role="assistant", tool_calls=asked_for("find", '{"n": 2, "order": "7"}'))
    second_prompt(
        refund, refund_call, message(refund, role="tool", tool_call_id="x1", content='{"order":"7","paid":12.5}')
    )
    refund.state()
    page = told(browse, refund)
    (again,) = re.findall(r'<details class="again">.*?</details>\s*</div>', page, re.DOTALL)
    assert "2 messages that were told above" in again
    assert "tool_call_id" in again
    assert "The model is asked again" in words(page)
    assert "after 1 message as before" in words(page)


@pytest.mark.parametrize(
    "changed",
    [
        {"role": "tool", "tool_call_id": "x1", "content": '{"order":"7","paid":99}'},
        {"role": "tool", "tool_call_id": "x1", "content": '{"order":"7","paid":12.5}', "hint": "pay it all"},
        {"role": "assistant", "tool_calls": asked_for("find", '{"order": "8"}')},
        {"role": "assistant", "tool_calls": asked_for("pay", '{"n": 2, "order": "7"}')},
        {"role": "system", "content": '{"order":"7","paid":12.5}'},
        {"role": "user", "content": [{"type": "text", "text": "go on"}]},
        {"role": "assistant", "content": None},
    ],
)
def test_whatever_is_not_the_same_is_told_again(browse: Any, refund: Any, changed: dict[str, Any]) -> None:
    second_prompt(refund, message(refund, **changed))
    refund.state()
    page = told(browse, refund)
    assert "told above" not in page
    assert "asked again" not in page


@pytest.mark.parametrize(
    "parts",
    [
        [{"type": "tool_use", "id": "x1", "name": "find", "input": {"order": "7", "n": 2}}],
        [{"type": "tool_result", "tool_use_id": "x1", "content": '{"paid": 12.5, "order": "7"}'}],
        [
            {
                "type": "tool_result",
                "tool_use_id": "x1",
                "content": [{"type": "text", "text": '{"paid":12.5,"order":"7"}'}],
            }
        ],
    ],
)
def test_messages_in_parts_are_known_too(browse: Any, refund: Any, parts: list[dict[str, Any]]) -> None:
    second_prompt(refund, message(refund, role="user", content=parts))
    refund.state()
    assert "1 message that was told above" in told(browse, refund)


def test_a_text_that_is_not_what_its_hash_says_is_never_left_aside(browse: Any, refund: Any) -> None:
    answer = message(refund, role="tool", content='{"paid":12.5,"order":"7"}')
    answer["content"]["address"] = refund.text("another")["address"]
    second_prompt(refund, answer)
    refund.state()
    page = told(browse, refund)
    assert "told above" not in page
    assert "does not match its hash" in page


def test_a_session_is_told_in_a_few_sentences(browse: Any, refund: Any) -> None:
    refund.event("tool_call", 5, {"tool_call_id": "c2", "tool_name": "pay", "arguments": {}})
    refund.event("tool_result", 6, {"tool_call_id": "c2", "tool_name": "pay", "status": "error", "error_type": "Broke"})
    refund.event("decision", 7, {"decision_id": "d1", "name": "refund", "outcome": {"paid": 0}})
    refund.event("response", 8, {"request_id": "r2", "answer": True, "text": refund.text("It is\non its way.")})
    refund.event("session_ended", 9, {"status": "stopped", "reason": "too dear"})
    refund.finding(severity="low", summary="Nearly too dear.", first_event_at=refund.at(2), last_event_at=refund.at(2))
    refund.finding(summary="It paid twice.", last_event_at=refund.at(6))
    refund.command(issued_at=refund.at(8), issued_by="Ines")
    refund.state(status="stopped", findings=2, worst_severity="high", last_event_at=refund.at(9))
    page = told(browse, refund)
    short = section(page, "In short")
    for said in (
        "Asked “Where is my money?”",
        "2 requests to a model, 2 tool calls (find, pay), 1 of them without success, 1 decision (refund); 9.0 s,",
        "Told the user “It is on its way.”",
        "2 findings, the worst high. After 6.0 s: It paid twice.",
        "Stopped after 9.0 s: too dear. Told to stop by Ines, 1.0 s before its last event.",
    ):
        assert said in short
    story = section(page, "The story")
    for said in (
        f"{refund.agent} begins its reasoning is recorded",
        "The model is asked r1 instructions Be brief. user Where is my money?",
        "The model asks for a tool m-1 r1",
        'It calls find c1 order "7" n 2',
        'find answers c1 paid 12.50 order "7"',
        "pay fails Broke c2",
        "It decides refund outcome paid 0",
        "It tells the user r2 It is on its way.",
        "It stops, as it was told too dear",
        "Told to stop, by Ines too dear",
    ):
        assert said in story


def test_nothing_is_said_of_what_is_not_known(browse: Any, shelf: Any) -> None:
    shelf.event("outcome", 0, {"name": "still_customer", "kind": "business", "value": 0.5, "label": "kept"})
    shelf.state(status="silent", cost_usd=0, started_at=shelf.at(0), last_event_at=shelf.at(0))
    page = told(browse, shelf)
    short = section(page, "In short")
    assert "Asked" not in short
    assert "Told the user" not in short
    assert "Did Nothing that was recorded; 0 ms, $0." in short
    assert "Went wrong Nothing was found." in short
    assert "Ended Nobody knows: nothing was heard of it after" in short
    assert "Outcome: still_customer 0.5 kept" in section(page, "The story")


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ('{"a":"5","b":5,"c":1.00,"d":null}', (("a", '"5"'), ("b", "5"), ("c", "1.00"), ("d", "null"))),
        ('{"a":1,"a":2}', (("a", "1"), ("a", "2"))),
        ('{"a":{"b":[1.0,"x"]}}', (("a", '{"b": [1.0, "x"]}'),)),
        ("{}", ()),
        ("[1]", ()),
        ("{not json", ()),
        ('{"a":"' + "x" * 700 + '"}', ()),
        ("{" + '"a":' * 50 + "1", ()),
    ],
)
def test_a_short_object_is_told_field_by_field(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert fields_of(text) == pairs
