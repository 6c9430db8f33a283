"""What agents publish: records in phases, with a long silence after each.

The same records, at the same places, reach the undisturbed run and the disturbed one: duplicates and conflicts by
producers, late numbers and unreadable lines are part of the work, not of what goes wrong with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import orjson
from sim_choices import Choices
from sim_loop import START_US

from watchkeeper.schemas.contents import MAX_LINE_BYTES, address_of
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.model import format_utc, from_us
from watchkeeper.schemas.policy import AgentPolicy, Caps, Thresholds, ToolPolicy
from watchkeeper.schemas.scores import Score, score_id_of, subject_of_scores
from watchkeeper.schemas.topics import EVENTS, MAX_RECORD_BYTES, SCORES
from watchkeeper.schemas.wire import record_key

CANONICAL = {"wk-writer": "canonical/1"}
TOOLS = json.dumps([{"name": "search", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}])
_CALLED = {
    0: ("search", "same"),
    1: ("search", ""),
    2: ("search", ""),
    3: ("search", ""),
    4: ("serch", "x"),
    9: ("poisoned", "same"),
    10: ("search", "same"),
}
"""By the number that is drawn: a tool, and what it is asked; without, something new."""
POLICIES = [
    AgentPolicy(agent="support", version="1", mode="enforce", caps=Caps(tool_calls=3, wall_clock_seconds=100)),
    AgentPolicy(
        agent="support",
        version="2",
        tools={"search": ToolPolicy(timeout_seconds=0.05)},
        thresholds=Thresholds(call_timeout_seconds=7200, close_timeout_seconds=900),
    ),
]
"""One stops sessions, by calls and by time; by the other a call has waited too long at once, or after the silence."""
LOST_POLICY = AgentPolicy(agent="support", version="never sent")
LONG = ["one half of a long text, ", "and the other"]


@dataclass(frozen=True, slots=True)
class Told:
    """A record, and how long after the phase's beginning it is published."""

    after_us: int
    key: bytes
    value: bytes
    canonical: bool
    topic: str = EVENTS.name

    @property
    def repeats(self) -> bool:
        """Whether it may come twice: each copy of what is no event is a dead letter of its own."""
        return (
            self.topic == EVENTS.name
            and len(self.value) < MAX_LINE_BYTES
            and b"poisoned" not in self.value
            and all(line.startswith(b'{"type":"') for line in self.value.split(b"\n"))
        )


@dataclass(slots=True)
class _Writer:
    session: str
    name: str
    first: bool
    parent: str = ""
    seq: int = 0
    calls: int = 0
    ended: bool = False


def workload(choices: Choices) -> list[list[Told]]:
    """The phases."""
    return _Telling(choices).phases()


class _Telling:
    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._writers = [_Writer(f"s-{number}", "w-1", first=True) for number in range(1 + self._pick(6))]
        self._writers += [_Writer(f"s-{number}", "w-2", first=False) for number in range(self._pick(3))]
        for writer in self._writers[1:]:
            if self._pick(4) == 3 and writer.session != "s-0":
                writer.parent = "s-0"
        self._now_us = START_US
        self._told: list[tuple[_Writer, bytes]] = []
        self._held_back: list[tuple[_Writer, bytes]] = []

    def _pick(self, count: int) -> int:
        return self._choices.pick("work", count)

    def phases(self) -> list[list[Told]]:
        phases = []
        for number in range(1 + self._pick(2)):
            start_us = self._now_us = START_US + number * 4 * 3_600_000_000
            told = self._crowd() if number == 0 and self._choices.chance("work", 200) else []
            for _ in range(2 + self._pick(30)):
                told += self._record(start_us)
                if self._pick(4) == 3:
                    told.append(self._scores(start_us))
            phases.append(told)
        return phases

    def _scores(self, start_us: int) -> Told:
        """Some sessions are graded, some of them once more; some graders fail at first, or write what is no score."""
        key = subject_of_scores("default", "live", "support")
        lines = [self._score(key) for _ in range(1 + self._pick(3))]
        if self._pick(8) == 7:
            lines.insert(self._pick(2), (b'{"score_id": "x"}', b"not JSON")[self._pick(2)])
        return Told(self._now_us - start_us, key.encode(), b"\n".join(lines), canonical=False, topic=SCORES.name)

    def _score(self, key: str) -> bytes:
        session, failed = f"s-{self._pick(6)}", self._pick(5) == 4
        said: dict[str, Any] = {"result_type": "pass", "passed": session != "s-1", "value": float(session != "s-1")}
        return (
            Score(
                score_id=score_id_of(tenant_id="default", source="live", session_id=session, grader="exact@1"),
                subject=key,
                tenant_id="default",
                origin="live",
                source="live",
                session_id=session,
                agent_id="support",
                grader="exact@1",
                occurred_at=from_us(START_US),
                graded_at=from_us(START_US if failed else START_US + 1),
                **({"result_type": "failure", "reason": "the judge did not answer"} if failed else said),
            )
            .model_dump_json()
            .encode()
        )

    def _crowd(self) -> list[Told]:
        """Many sessions of one agent, of which some hit their cap: more than a share that a policy allows."""
        told = []
        for number in range(24):
            writer = _Writer(f"crowd-{number}", "w-1", first=True)
            lines = [self._line(writer, "session_started", self._started(cap=1))]
            if number % 5 == 0:
                lines += [self._call(writer, "search", "a"), self._call(writer, "search", "b")]
            told.append(self._publish(writer, lines, START_US, canonical=True))
        return told

    def _record(self, start_us: int) -> list[Told]:
        writer = self._writers[self._pick(len(self._writers))]
        lines = [self._one(writer) for _ in range(1 + self._pick(4))]
        fate = self._pick(20)
        if fate == 14 and self._choices.chance("work", 40):
            return [self._too_large(writer, lines, start_us)]
        if fate == 19:
            self._held_back += [(writer, line) for line in lines]
            return []
        if fate == 18:
            lines.insert(0, (b'{"type": "tool_call"}', b"not JSON", b"\xff\xfe")[self._pick(3)])
        if fate == 17 and self._told:
            writer, line = self._told[self._pick(len(self._told))]
            lines = [line]
        # Not those that the store refuses: no row tells what they said, so nothing contradicts it.
        if fate == 16 and (kept := [one for one in self._told if b"poisoned" not in one[1]]):
            writer, line = kept[self._pick(len(kept))]
            lines = [line.replace(b'"agent_id":"support"', b'"agent_id":"someone"')]
        if fate == 15 and self._held_back:
            writer, line = self._held_back.pop(0)
            lines = [line]
        self._told += [(writer, line) for line in lines if line.startswith(b'{"type":"')]
        return [self._publish(writer, lines, start_us, canonical=self._pick(4) < 3)]

    def _too_large(self, writer: _Writer, lines: list[bytes], start_us: int) -> Told:
        """The events in it are lost to everybody but whoever reads dead letters."""
        by = (MAX_RECORD_BYTES, MAX_LINE_BYTES)[self._pick(2)]
        return self._publish(writer, [*lines[:-1], lines[-1] + b" " * by], start_us, canonical=False)

    def _publish(self, writer: _Writer, lines: list[bytes], start_us: int, *, canonical: bool) -> Told:
        key = record_key("default", writer.session)
        return Told(self._now_us - start_us, key, b"\n".join(lines), canonical)

    def _one(self, writer: _Writer) -> bytes:
        if writer.seq == 0 and writer.first:
            return self._line(writer, "session_started", self._started(cap=3 * self._pick(3)))
        kind = self._pick(14)
        if kind == 5:
            # A number that is never told.
            writer.seq += 1
        if kind == 6 and writer.first:
            return self._line(writer, "session_ended", {"status": "completed"})
        if kind in _CALLED:
            tool, q = _CALLED[kind]
            return self._call(writer, tool, q or str(writer.seq))
        if kind == 7:
            return self._content(writer)
        if kind == 8:
            usage = {"input_tokens": 500, "output_tokens": 20}
            return self._line(writer, "response", {"request_id": "r", "model": "gpt-4.1", "usage": usage})
        return self._delegation(writer) if kind == 13 else self._result(writer)

    def _delegation(self, writer: _Writer) -> bytes:
        child = {"child_session_id": f"s-{self._pick(6)}", "child_agent_id": "support"}
        return self._line(writer, "delegation", {"delegation_id": f"d{writer.seq}", **child})

    def _result(self, writer: _Writer) -> bytes:
        called = f"c{self._pick(1 + writer.calls)}"
        return self._line(writer, "tool_result", {"tool_call_id": called, "tool_name": "search"})

    def _call(self, writer: _Writer, tool: str, q: str) -> bytes:
        called = f"c{writer.calls}"
        writer.calls += 1
        return self._line(writer, "tool_call", {"tool_call_id": called, "tool_name": tool, "arguments": {"q": q}})

    def _content(self, writer: _Writer) -> bytes:
        text, part = "".join(LONG), self._pick(2)
        data = {"address": address_of(text), "part": part, "parts": 2, "size": len(text), "text": LONG[part]}
        return self._line(writer, "content", {**data, "media_type": "text/plain"})

    def _started(self, *, cap: int) -> dict[str, Any]:
        # A recorder sends a text once per session; one that nobody ever sends is another text.
        tools: dict[str, Any] = {"address": address_of(TOOLS), "size": len(TOOLS), "text": TOOLS}
        if self._pick(3) == 2:
            tools = {"address": address_of("lost"), "size": 4}
        data: dict[str, Any] = {"tools": tools}
        if cap:
            data["caps"] = {"tool_calls": cap}
        if (named := self._pick(6)) > 2:
            data["policy"] = _named(named - 3)
        return data

    def _line(self, writer: _Writer, kind: str, data: dict[str, Any]) -> bytes:
        self._now_us += 1_000 + 40_000 * self._pick(3)
        entropy = f"{writer.session}/{writer.name}/{writer.seq}".encode()[-10:].rjust(10, b"-")
        document: dict[str, Any] = {"type": kind, "event_id": uuid7(START_US // 1000, entropy)}
        document |= {"session_id": writer.session, "writer_id": writer.name, "seq": writer.seq}
        document |= {"occurred_at": format_utc(from_us(self._now_us)), "agent_id": "support"}
        if writer.parent:
            document |= {"parent_session_id": writer.parent, "root_session_id": writer.parent}
        if writer.seq == 0:
            document["writer_salt"] = "00112233445566778899aabbccddeeff"
        writer.seq += 1
        return orjson.dumps(document | {"data": data})


def _named(number: int) -> dict[str, Any]:
    """A policy by its hash; the last is never sent."""
    policy = [*POLICIES, LOST_POLICY][number]
    text = policy.model_dump_json()
    content: dict[str, Any] = {"address": address_of(text), "size": len(text)}
    if policy is not LOST_POLICY:
        content["text"] = text
    return {"name": "own", "version": policy.version, "content": content}
