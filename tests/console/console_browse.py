"""The console served on a free port, and what asks its pages over HTTP, with no rules of a browser's own."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

from watchkeeper.cli.console.filled import filled_sources
from watchkeeper.cli.console.server import listening, server_of
from watchkeeper.dashboards.console.app import COOKIE, build_app
from watchkeeper.dashboards.console.keys import Keys

KEYS = Keys("a-token-for-tests-alone")


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass(slots=True)
class Browse:
    """Asks the console's pages, with the cookie of somebody who was let in unless told otherwise."""

    port: int
    cookies: dict[str, str] = field(default_factory=lambda: {COOKIE: KEYS.cookie})

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """One question; headers by name, `Sec_Fetch_Site` for `Sec-Fetch-Site`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **query: str) -> Answer:
        """A page."""
        return self.ask("GET", path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, **fields: str) -> Answer:
        """A form with its seal."""
        body = urlencode({"seal": KEYS.form} | fields)
        return self.ask("POST", path, body, Content_Type="application/x-www-form-urlencoded")


@contextmanager
def served_console(dsn: str, bootstrap: str) -> Iterator[Browse]:
    """The console over a store and a broker, on a free port, and what asks it."""
    app = build_app(filled_sources(dsn, bootstrap), KEYS)
    server, opened = server_of(app), listening("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([opened],), name="console", daemon=True)
    thread.start()
    try:
        yield Browse(opened.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(30)
        opened.close()
