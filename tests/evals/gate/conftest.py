"""Cases, graders and agents with which the gate's parts are tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import orjson
import pytest

from watchkeeper.evals.grading.grade import Grade, number, passed
from watchkeeper.evals.interaction import Interaction, Turn
from watchkeeper.evals.suites.case import Case


def made_case(number_: int, *, intent: str = "refund", **given: Any) -> Case:
    messages = (Turn(speaker="system", text="Be brief."), Turn(speaker="user", text=f"Question {number_}?"))
    return Case(
        case_id=f"case-{number_}", intent=intent, messages=messages, reference_answer=f"Answer {number_}", **given
    )


class Matches:
    """Passes what is the reference answer."""

    name = "matches"
    version = "1"

    def applies(self, interaction: Interaction, case: Case | None) -> bool:
        return case is not None and bool(case.reference_answer)

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        assert case is not None
        good = interaction.answer == case.reference_answer
        return passed(good, "" if good else f"It says {interaction.answer!r}.")


class Brevity:
    """A number: 1 for the empty answer, less for longer ones."""

    name = "brevity"
    version = "1"

    def applies(self, interaction: Interaction, case: Case | None) -> bool:
        return True

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        return number(1 / (1 + len(interaction.answer)))


@pytest.fixture
def case() -> Callable[..., Case]:
    return made_case


@pytest.fixture
def matches() -> Matches:
    return Matches()


@pytest.fixture
def brevity() -> Brevity:
    return Brevity()


class ChatServer:
    """A real server that speaks the chat protocol; `answers` are (status, headers, document) in the order of requests.

    Attributes:
        seen: the requests: path, headers, body.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], Any]] = []
        self.seen: list[tuple[str, dict[str, str], Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.seen.append((self.path, dict(self.headers), body))
                status, headers, document = outer.answers.pop(0) if outer.answers else (200, {}, outer.reply("Hello."))
                raw = document if isinstance(document, bytes) else orjson.dumps(document)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @staticmethod
    def reply(text: str, **message: Any) -> dict[str, Any]:
        return {
            "model": "m-2026",
            "choices": [{"message": {"role": "assistant", "content": text, **message}}],
            "usage": {"prompt_tokens": 40, "completion_tokens": 7},
        }

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def chat_server() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.stop()
