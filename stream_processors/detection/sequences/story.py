"""Event streams, told in a few words: `story.start(); story.call("search", q="x"); story.result("nothing")`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from watchkeeper.schemas.contents import Content, address_of
from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy

START_US = 1_767_225_600_000_000
SALT = "00112233445566778899aabbccddeeff"


def tool(name: str, schema: dict[str, Any] | bool | None = None) -> dict[str, Any]:
    """A tool as registered."""
    return {"name": name, "description": "", "parameters": schema}


def obj(required: Iterable[str] = (), **properties: Any) -> dict[str, Any]:
    """The JSON Schema of an object; a property given as a string is of that type."""
    spelled = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in properties.items()}
    return {"type": "object", "properties": spelled, "required": list(required)}


class Story:
    """Tells the events of one session; every event takes a tenth of a second.

    Attributes:
        header: what stands in the header of each event beside what is told here.
    """

    def __init__(
        self,
        *,
        session: str = "s-1",
        tenant: str = "default",
        agent: str = "support",
        origin: str = "live",
        start_us: int = START_US,
        policy: AgentPolicy | None = None,
        tools: list[Any] | None = None,
        header: dict[str, Any] | None = None,
    ) -> None:
        self.header = header or {}
        self.session, self.tenant, self.agent, self.origin = session, tenant, agent, origin
        self.now_us = start_us
        self.policy, self.tools = policy, tools
        self.writer = "w-1"
        self.turn: int | None = None
        self.events: list[Event] = []
        self._seqs: dict[str, int] = {}
        self._sent: set[tuple[str, str]] = set()
        self._calls: list[tuple[str, str]] = []
        self._count = 0
        self._users: list[str] = []

    def wait(self, seconds: float) -> Story:
        """Lets time pass."""
        self.now_us += round(seconds * 1_000_000)
        return self

    def lose(self, count: int = 1) -> Story:
        """Leaves out that many numbers of the writer."""
        self._seqs[self.writer] = self._seqs.get(self.writer, 0) + count
        return self

    def say(self, kind: str, data: dict[str, Any], *, seq: int | None = None, **header: Any) -> Event:
        """Adds an event of any type."""
        self._count += 1
        expected = self._seqs.get(self.writer, 0)
        if seq is None:
            seq = expected
            self._seqs[self.writer] = expected + 1
        entropy = f"{self.session}/{self.writer}/{seq}/{self._count}".encode()[-10:].rjust(10, b"-")
        event = EVENT_ADAPTER.validate_python(
            {
                "type": kind,
                "event_id": uuid7(START_US // 1000, entropy),
                "tenant_id": self.tenant,
                "session_id": self.session,
                "writer_id": self.writer,
                "writer_salt": SALT if seq == 0 else None,
                "seq": seq,
                "occurred_at": from_us(self.now_us),
                "agent_id": self.agent,
                "origin": self.origin,
                "turn": self.turn,
                "data": data,
            }
            | self.header
            | header
        )
        self.events.append(event)
        self.now_us += 100_000
        return event

    def content(self, text: str, *, shared: bool = False) -> dict[str, Any]:
        """A text as an event carries it: whole at the writer's first use, by address afterwards."""
        address = address_of(text, None if shared else SALT)
        first = (self.writer, address) not in self._sent
        self._sent.add((self.writer, address))
        return Content(address=address, size=len(text.encode()), text=text if first else None).model_dump()

    def start(self, **data: Any) -> Event:
        """`session_started`, with the story's policy and tools."""
        if self.tools is not None:
            data.setdefault("tools", self.content(json.dumps(self.tools), shared=True))
        if self.policy is not None:
            body = self.content(self.policy.canonical().decode(), shared=True)
            data.setdefault("policy", {"name": self.policy.agent, "content": body})
        return self.say("session_started", data)

    def prompt(self, user: str | None = None, **data: Any) -> Event:
        """A prompt with all that users said so far; `user` says something new."""
        if user is not None:
            self._users.append(user)
        messages = [
            {"role": "user", "content": self.content(json.dumps({"role": "user", "content": text}))}
            for text in self._users
        ]
        return self.say("prompt", {"request_id": f"r-{self._count}", "messages": messages} | data)

    def call(self, name: str, arguments: Any = None, *, call_id: str | None = None, **named: Any) -> Event:
        """A tool call; arguments by name, or as they stand."""
        call_id = call_id or f"c-{self._count}"
        self._calls.append((call_id, name))
        given = named if arguments is None else arguments
        return self.say("tool_call", {"tool_call_id": call_id, "tool_name": name, "arguments": given})

    def result(self, text: str | None = "ok", *, call_id: str | None = None, **data: Any) -> Event:
        """The result of the latest call, or of the one named."""
        known, name = next(
            ((known, name) for known, name in reversed(self._calls) if call_id in {None, known}), ("c-?", "unknown")
        )
        body = {"result": self.content(text)} if text is not None else {}
        return self.say("tool_result", {"tool_call_id": call_id or known, "tool_name": name} | body | data)

    def ask(self, name: str, text: str | None = "ok", /, **named: Any) -> Event:
        """A call and its result."""
        self.call(name, **named)
        return self.result(text)

    def response(self, input_tokens: int = 0, output_tokens: int = 0, cached: int = 0, **data: Any) -> Event:
        """A model's answer with its usage."""
        usage = {
            "input_tokens": input_tokens,
            "output_tokens": output_tokens,
            "cache_read_input_tokens": cached,
        }
        return self.say("response", {"request_id": f"r-{self._count}", "model": "gpt-4o", "usage": usage} | data)

    def end(self, status: str = "completed") -> Event:
        """`session_ended`."""
        return self.say("session_ended", {"status": status})
