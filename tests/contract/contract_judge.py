"""A real HTTP server on loopback that speaks chat completions, as well or as badly as a test wants."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from watchkeeper.evals.interaction import Interaction, ToolUse, Turn
from watchkeeper.evals.rubric import Criterion, Rubric

KEY = "sk-test-0123456789abcdef"
Body = dict[str, Any]
Behaviour = Callable[[Body], Response]


def completion(
    text: str | None, *, finish: str = "stop", usage: tuple[int, int] | None = (1000, 100), **more: Any
) -> Body:
    """A reply of the protocol."""
    found: Body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **more}}],
    }
    if usage is not None:
        found["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return found


def says(text: str | None, **more: Any) -> Behaviour:
    """Answers with a text."""
    return lambda _: JSONResponse(completion(text, **more))


def fails(status: int, body: Any = None, **headers: str) -> Behaviour:
    """Answers with a status."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: JSONResponse({"error": body or {}}, status, headers=told)


def finds(**findings: str) -> Behaviour:
    """Answers with a finding for each criterion."""
    return says(json.dumps({name: {"reason": f"It is {one}.", "finding": one} for name, one in findings.items()}))


class Desk:
    """The server. Behaviours are used up one by one, the last one stays.

    Attributes:
        asked: the requests' bodies.
        headers: and their headers.
        most: how many were under way at once.
    """

    def __init__(self) -> None:
        self.behaviours: list[Behaviour] = []
        self.asked: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        app = Starlette(routes=[Route("/v1/chat/completions", self._complete, methods=["POST"])])
        # A connection that was opened and never used has no end of its own: at the end it is not waited for long.
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=5)
        self.server = uvicorn.Server(config)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}/v1"

    def will(self, *behaviours: Behaviour) -> None:
        """What comes next; what was asked before is forgotten."""
        with self._lock:
            self.behaviours = list(behaviours)
            self.asked, self.headers, self.most = [], [], 0

    async def _complete(self, request: Request) -> Response:
        body = orjson.loads(await request.body())
        with self._lock:
            self.asked.append(body)
            self.headers.append(dict(request.headers))
            self._now += 1
            self.most = max(self.most, self._now)
            behaviour = self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]
        try:
            return await run_in_threadpool(behaviour, body)
        finally:
            with self._lock:
                self._now -= 1


@contextmanager
def desk_open() -> Iterator[Desk]:
    """A server that answers, for the length of a block."""
    desk = Desk()
    thread = threading.Thread(target=desk.server.run, kwargs={"sockets": [desk.socket]})
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not desk.server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        yield desk
    finally:
        desk.server.should_exit = True
        thread.join(60)
    assert not thread.is_alive(), "the server did not end"


def a_rubric(**given: Any) -> Rubric:
    criteria = (
        Criterion(name="correct", asks="Is the refund's amount right?", dimension="correctness", weight=3.0),
        Criterion(name="kind", asks="Is the tone friendly?", dimension="tone"),
        Criterion(name="safe", asks="Was no rule broken?", dimension="safety", must_pass=True),
    )
    return Rubric(**({"intent": "*", "criteria": criteria} | given))


def a_session(answer: str = "I refunded 12.50 to you.", **given: Any) -> Interaction:
    turns = (
        Turn(speaker="system", text="Be helpful."),
        Turn(speaker="user", text="Where is my refund?"),
        Turn(
            speaker="assistant",
            text=answer,
            tools=(ToolUse(name="refund", arguments={"amount": 12.5}, result='{"ok": true}'),),
        ),
    )
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    values: dict[str, Any] = {
        "interaction_id": "s-1",
        "intent": "refund",
        "turns": turns,
        "started_at": moment,
        "ended_at": moment,
    }
    return Interaction(**(values | given))


def blocks(prompt: str) -> dict[str, Any]:
    """The data of a prompt by name, read as a judge would: by the marks alone."""
    found = re.findall(r'<data name="(\w+)" id="(\w+)">\n(.*?)\n</data id="\2">', prompt, flags=re.DOTALL)
    return {name: orjson.loads(text) for name, _, text in found}
