"""An HTTP server on loopback that takes webhooks, for measurements and tests: it keeps what came, and when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Hook:
    """One request.

    Attributes:
        at: seconds since 1970, when its body was there.
        status: what was answered.
    """

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """What came so far.

    Attributes:
        answer: says for the number of a request, from 0, which status, headers and body it gets.
    """

    port: int = 0
    hooks: list[Hook] = field(default_factory=list)
    answer: Callable[[int], tuple[int, dict[str, str], bytes]] = lambda _: (200, {}, b"ok")
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def taken(self) -> list[Hook]:
        """Those that were answered with success."""
        with self.changed:
            return [hook for hook in self.hooks if 200 <= hook.status < 300]

    def wait_for(self, true: Callable[[list[Hook]], bool], seconds: float) -> list[Hook]:
        """Waits until what came fulfils a condition.

        Raises:
            AssertionError: it does not in time.
        """
        deadline = time.monotonic() + seconds
        with self.changed:
            while not true(self.hooks):
                left = deadline - time.monotonic()
                if left <= 0:
                    said = [(hook.path, hook.status, hook.body[:120]) for hook in self.hooks[-5:]]
                    raise AssertionError(
                        f"not within {seconds:.0f} s; {len(self.hooks)} requests came, the last: {said}"
                    )
                self.changed.wait(left)
            return list(self.hooks)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of 127.0.0.1, for the length of a block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with receiver.changed:
                status, headers, said = receiver.answer(len(receiver.hooks))
                sent = dict(self.headers.items())
                receiver.hooks.append(Hook(time.time(), self.command, self.path, sent, body, status))
                receiver.changed.notify_all()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = _take  # noqa: N815 - the server's names

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, name="receiver", daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
