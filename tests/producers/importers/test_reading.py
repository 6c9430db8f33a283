"""What is read out of lines, and what is said about lines that cannot be read."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.producers.importers.forms import OwnEvent, form_of, read_line
from watchkeeper.producers.importers.lines import Line, LineReader
from watchkeeper.producers.importers.model import (
    NOT_RECORDED,
    Problem,
    RecordedMessage,
    RecordedSession,
    UnreadableError,
)

Write = Callable[..., Path]


def session_of(**given: Any) -> RecordedSession:
    held = read_line(json.dumps({"messages": [], **given}).encode())
    assert isinstance(held, RecordedSession)
    return held


def message_of(**given: Any) -> RecordedMessage:
    return session_of(messages=[{"role": "assistant", **given}]).messages[0]


class TestLines:
    def test_blank_lines_and_a_byte_order_mark_are_no_lines(self, write: Write) -> None:
        path = write(b'\xef\xbb\xbf{"a":1}\r\n\n   \n{"b":2}')
        assert list(LineReader(path)) == [Line(path, 1, b'{"a":1}'), Line(path, 4, b'{"b":2}')]

    def test_compression_is_told_by_the_bytes_and_not_by_the_name(self, write: Write) -> None:
        path = write(gzip.compress(b"one\ntwo\n"), "plain.jsonl")
        assert [line.raw for line in LineReader(path) if isinstance(line, Line)] == [b"one", b"two"]

    def test_a_damaged_archive_gives_what_came_before_the_damage(self, write: Write) -> None:
        whole = gzip.compress("\n".join(f'{{"line": {i}, "x": "{i * 7919}"}}' for i in range(9000)).encode())
        *lines, last = LineReader(write(whole[: len(whole) // 2]))
        assert lines
        assert isinstance(last, Problem)
        assert last.line == len(lines) + 1
        assert "damaged" in last.reason

    def test_a_line_that_is_too_long_is_skipped_whole(self, write: Write) -> None:
        path = write(b"short\n" + b"x" * 3_000_000 + b"\nnext\n")
        first, problem, third = LineReader(path, longest=100)
        assert first == Line(path, 1, b"short")
        assert isinstance(problem, Problem)
        assert str(problem) == f"{path}:2: the line is longer than 100 bytes: it was skipped"
        assert third == Line(path, 3, b"next")

    def test_a_file_that_is_not_there_is_a_problem_with_its_name(self, tmp_path: Path) -> None:
        (problem,) = LineReader(tmp_path / "missing.jsonl")
        assert isinstance(problem, Problem)
        assert "No such file" in problem.reason

    def test_the_position_reaches_the_file_s_size(self, write: Write) -> None:
        path = write(gzip.compress(b"one\ntwo\n"))
        reader = LineReader(path)
        assert len(list(reader)) == 2
        assert reader.position == path.stat().st_size


class TestForms:
    @pytest.mark.parametrize(
        ("keys", "form"),
        [
            (("session_id", "messages"), "neutral"),
            (("messages", "labels"), "neutral"),
            (("messages", "tools"), "chat"),
            (("messages",), "chat"),
            (("type", "event_id", "data"), "events"),
            (("type", "seq"), "events"),
        ],
    )
    def test_the_keys_tell_the_form(self, keys: tuple[str, ...], form: str) -> None:
        assert form_of(dict.fromkeys(keys)) == form

    @pytest.mark.parametrize(
        ("raw", "said"),
        [
            (b"[{}]", "the line is a list: write its items on lines of their own"),
            (b'"text"', "the line is a text"),
            (b"{", "not JSON"),
            (
                b'{"prompt": "a", "completion": "b"}',
                "neither a session (messages) nor an event (type, event_id), but completion",
            ),
            (b'{"messages": [], "x": "\xff"}', "not UTF-8"),
            (b"[" * 100_000, "not JSON"),
            (b'{"messages": {}}', "messages is an object: write a list of messages"),
            (b'{"messages": ["hi"]}', "messages[0] is a text: write an object with role and content"),
            (b'{"messages": [{"content": "hi"}]}', "messages[0].role is missing"),
            (b'{"messages": [{"role": "assistant", "tool_calls": {}}]}', "messages[0].tool_calls is an object"),
            (b'{"messages": [{"role": "assistant", "tool_calls": [7]}]}', "messages[0].tool_calls[0] is a number"),
            (
                b'{"messages": [{"role": "assistant", "tool_calls": [{"function": "f"}]}]}',
                "messages[0].tool_calls[0].function is a text",
            ),
            (b'{"messages": [], "tools": "none"}', "tools is a text"),
            (b'{"type": "reasoning", "seq": -1}', "no event of this version: "),
            (b'{"type": "thought", "seq": 1}', "no event of this version: "),
        ],
    )
    def test_what_cannot_be_read_is_told_with_its_place(self, raw: bytes, said: str) -> None:
        with pytest.raises(UnreadableError, match=re.escape(said)):
            read_line(raw)

    def test_a_form_can_be_forced(self) -> None:
        held = read_line(b'{"messages": [], "session_id": "s", "agent": "a"}', "chat")
        assert isinstance(held, RecordedSession)
        assert held.form == "chat"
        assert held.labels == {"session_id": "s", "agent": "a"}

    def test_what_python_writes_is_read(self) -> None:
        raw = json.dumps({"messages": [], "labels": {"score": float("nan"), "id": 10**24, "half": "\ud83d"}}).encode()
        held = read_line(raw)
        assert isinstance(held, RecordedSession)
        assert held.labels == {"score": None, "id": 10**24, "half": "\ud83d"}

    def test_an_event_keeps_its_bytes(self) -> None:
        raw = (
            b'{"data": {"text": {"address": "u-%b", "size": 1}}, "type":"reasoning","session_id":"s","writer_id":"w",'
            b'"seq":0,"event_id":"0190f3a2-0000-7000-8000-000000000000","occurred_at":"2025-01-01T00:00:00Z",'
            b'"agent_id":"a"}' % (b"0" * 64)
        )
        held = read_line(raw)
        assert isinstance(held, OwnEvent)
        assert held.raw == raw

    def test_an_event_that_a_worker_would_not_read_is_refused(self) -> None:
        raw = b'{"type":"reasoning","seq":0,"data":{"text":"%b"}}' % (b"x" * 2_100_000)
        with pytest.raises(UnreadableError, match="a worker reads lines of up to"):
            read_line(raw)


class TestSessions:
    def test_the_id_is_the_recorded_one_or_follows_from_the_line(self) -> None:
        assert session_of(session_id="s-7").session_id == "s-7"
        assert session_of(session_id=7).session_id == "7"
        assert session_of(id="conv-1", tools=[]).session_id == "conv-1"
        unnamed = session_of()
        assert unnamed.session_id == session_of().session_id == f"recorded-{unnamed.fingerprint[:32]}"
        assert session_of(model="m").session_id != unnamed.session_id

    def test_no_tools_and_no_list_of_tools_are_two_things(self) -> None:
        assert session_of(session_id="s", tools=[]).tools == []
        assert session_of(session_id="s").tools is None
        assert session_of(session_id="s", tools=None).tools is None

    def test_functions_are_tools(self) -> None:
        assert session_of(functions=[{"name": "f"}]).tools == [{"name": "f"}]
        assert session_of(tools=[{"name": "t"}], functions=[{"name": "f"}]).tools == [{"name": "t"}, {"name": "f"}]

    def test_labels_come_as_an_object_a_list_or_one(self) -> None:
        assert session_of(session_id="s", labels={"reward": 1.0}).labels == {"reward": 1.0}
        assert session_of(session_id="s", labels=["good", "short"]).labels == {"good": True, "short": True}
        assert session_of(session_id="s", labels="good").labels == {"good": True}
        assert session_of(session_id="s", labels=None).labels == {}

    def test_what_a_chat_file_has_beside_its_messages_is_a_label(self) -> None:
        held = session_of(tools=[], metadata={"split": "train"}, rating=4, parallel_tool_calls=False)
        assert held.labels == {"split": "train", "rating": 4}


class TestMessages:
    def test_calls_are_read_in_every_spelling(self) -> None:
        arguments = {"id": 7}
        neutral = message_of(content=None, tool_calls=[{"id": "c", "name": "f", "arguments": arguments}])
        chat = message_of(
            content=None,
            tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"id": 7}'}}],
        )
        old = message_of(content=None, function_call={"name": "f", "arguments": '{"id": 7}'})
        assert [(c.call_id, c.name, c.arguments) for c in neutral.calls] == [("c", "f", arguments)]
        assert [(c.call_id, c.name, c.arguments) for c in chat.calls] == [("c", "f", '{"id": 7}')]
        assert [(c.call_id, c.name, c.arguments) for c in old.calls] == [("", "f", '{"id": 7}')]

    def test_arguments_that_were_cut_or_left_out_are_not_recorded(self) -> None:
        cut = message_of(tool_calls=[{"id": "c", "name": "f", "arguments": '{"q": "lon', "arguments_truncated": True}])
        none = message_of(tool_calls=[{"id": "c", "name": "f", "arguments": None}])
        missing = message_of(tool_calls=[{"id": "c", "name": "f"}])
        empty = message_of(tool_calls=[{"id": "c", "name": "f", "arguments": ""}])
        assert [m.calls[0].arguments for m in (cut, none, missing)] == [NOT_RECORDED] * 3
        assert empty.calls[0].arguments == ""
        assert (cut.cut, none.cut) == (True, False)

    @pytest.mark.parametrize(
        ("content", "text"),
        [
            ("hi", "hi"),
            ("", ""),
            (None, None),
            ([], ""),
            ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
            ([{"type": "image_url", "image_url": {"url": "data:"}}, "b"], "[image_url]\nb"),
            ([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "b"}], "b"),
            ({"answer": 1}, '{"answer":1}'),
            (7, "7"),
        ],
    )
    def test_contents_are_texts_parts_or_anything(self, content: Any, text: str | None) -> None:
        assert message_of(content=content).text == text

    def test_reasoning_is_read_from_keys_and_parts(self) -> None:
        assert message_of(content="b", reasoning_content="hm").reasoning == ["hm"]
        parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "b"}]
        assert message_of(content=parts).reasoning == ["hm"]
        assert message_of(content="b", reasoning=None, thinking="").reasoning == []

    def test_a_refusal_is_an_answer_that_abstains(self) -> None:
        refused = message_of(content=None, refusal="I cannot do that.")
        assert (refused.text, refused.refused) == ("I cannot do that.", True)
        assert message_of(content="yes").refused is None

    @pytest.mark.parametrize(
        ("given", "usage"),
        [
            ({"input_tokens": "417", "output_tokens": 12}, {"input_tokens": "417", "output_tokens": 12}),
            ({"tokens": {"prompt_tokens": 1, "completion_tokens": 2}}, {"prompt_tokens": 1, "completion_tokens": 2}),
            ({"usage": {"input_tokens": 1}}, {"input_tokens": 1}),
            ({"tokens": 12}, {"output_tokens": 12.0}),
            ({"input_tokens": 9, "cached_input_tokens": 3}, {"input_tokens": 9, "cache_read_input_tokens": 3}),
            ({"tokens": None}, {}),
            ({"tokens": "many"}, {}),
        ],
    )
    def test_tokens_are_read_in_every_spelling(self, given: dict[str, Any], usage: dict[str, Any]) -> None:
        assert message_of(**given).usage == usage

    @pytest.mark.parametrize(
        ("given", "failed", "error"),
        [
            ({}, False, ""),
            ({"error": None, "is_error": False}, False, ""),
            ({"error": "KeyError: 7"}, True, "KeyError: 7"),
            ({"error": True}, True, "true"),
            ({"error": {"code": 404}}, True, '{"code":404}'),
            ({"is_error": True}, True, ""),
            ({"status": "Error"}, True, ""),
            ({"status": "ok"}, False, ""),
        ],
    )
    def test_failures_are_read_in_every_spelling(self, given: dict[str, Any], failed: bool, error: str) -> None:
        message = message_of(**given)
        assert (message.failed, message.error) == (failed, error)

    def test_cost_is_money_and_not_below_nothing(self) -> None:
        assert message_of(cost_usd=0.25).cost_usd == 0.25
        assert message_of(cost=0).cost_usd == 0.0
        assert message_of(cost=-1).cost_usd is None
        assert message_of(cost="free").cost_usd is None

    def test_what_was_measured_was_not_shown_to_the_model(self) -> None:
        message = message_of(content="hi", timestamp="2025-01-01", input_tokens=4, cost=0.1, error=None, span_id="x")
        assert message.shown == {"role": "assistant", "content": "hi", "span_id": "x"}

    @pytest.mark.parametrize(
        ("given", "role"),
        [("function", "tool"), ("developer", "system"), ("human", "user"), ("critic", "critic")],
    )
    def test_roles_have_other_names(self, given: str, role: str) -> None:
        assert session_of(messages=[{"role": given, "content": "x"}]).messages[0].role == role
