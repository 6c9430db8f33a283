"""What a worker answers on loopback: its figures, whether it does its work, whether it is ready."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol

from watchkeeper.stream_processors.watching.place import watch_file

log = logging.getLogger(__name__)


class Told(Protocol):
    """Whoever knows."""

    def page(self) -> bytes:
        """The figures in Prometheus' text form."""

    def problem(self) -> str:
        """Why the worker is stalled; empty where it is not."""

    def unready(self) -> str:
        """Why the worker does not take events yet, or not now; empty where it does."""


def serve(told: Told, port: int, home: Path) -> None:
    """Serves from a thread of its own, and tells the port in `watch/PID.json`."""
    server = _Server(("127.0.0.1", port), _handler(told))
    file = watch_file(home, os.getpid())
    file.parent.mkdir(parents=True, exist_ok=True)
    for old in file.parent.glob("*.json"):
        if not Path(f"/proc/{old.stem}").exists() and sys.platform.startswith("linux"):
            old.unlink(missing_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps({"pid": os.getpid(), "port": server.server_port}))
    new.replace(file)
    threading.Thread(target=server.serve_forever, name="watch-http", daemon=True).start()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Told as all else is: the inherited one prints the whole stack, with values, past the log."""
        del request, client_address
        log.warning("an answer of the self-watch failed", extra={"error": type(sys.exception()).__name__})


def _handler(told: Told) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, told.page())
            elif self.path == "/healthz":
                self._say(told.problem(), "ok")
            elif self.path == "/readyz":
                self._say(told.unready(), "ready")
            else:
                self._answer(404, b"/metrics, /healthz and /readyz are here")

        def _say(self, problem: str, well: str) -> None:
            self._answer(503 if problem else 200, (problem or well).encode())

        def _answer(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: whoever scrapes asks every few seconds."""

    return Handler
