"""Findings as they come: one question to the store for all who watch, and server-sent events for each of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

import anyio
import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from watchkeeper.dashboards.console.finding_source import Findings
from watchkeeper.dashboards.console.looks import Looks
from watchkeeper.dashboards.console.rows import Row
from watchkeeper.schemas.errors import WatchkeeperError

POLL_SECONDS: Final = 2.0
KEPT: Final = 200
MAX_WATCHERS: Final = 20
QUIET_SECONDS: Final = 15.0
"""After so long without news something is sent all the same, so that nobody takes the connection for dead."""

_OVERLAP: Final = timedelta(seconds=15)
"""Rows are visible a moment after the time of storage that they carry."""


class Feed:
    """The latest findings, each with its number; asked for while somebody watches.

    Args:
        findings: where they are.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._lock = threading.Lock()
        self._kept: deque[tuple[int, Row]] = deque(maxlen=KEPT)
        self._seen: dict[tuple[str, str, int], datetime] = {}
        self._asked_at = 0.0
        self._from = datetime.now(UTC)
        self._number = 0

    @property
    def number(self) -> int:
        """Of the latest finding."""
        return self._number

    def after(self, number: int) -> list[tuple[int, Row]]:
        """What came after that number, the earliest first.

        Raises:
            StoreUnavailableError: the store is away; nothing is lost by it.
        """
        with self._lock:
            if time.monotonic() >= self._asked_at + POLL_SECONDS:
                self._ask()
                self._asked_at = time.monotonic()
            return [(one, row) for one, row in self._kept if one > number]

    def _ask(self) -> None:
        # Nobody may have watched for days: what is old is for the list.
        since = max(self._from - _OVERLAP, datetime.now(UTC) - timedelta(minutes=5))
        for row in reversed(self._findings.listed(stored_since=since, limit=KEPT, muted=0)):
            key = (row["tenant_id"], row["finding_id"], row["revision"])
            if key not in self._seen:
                self._number += 1
                self._kept.append((self._number, row))
            self._seen[key] = row["stored_at"]
            self._from = max(self._from, row["stored_at"])
        for key in [key for key, stored in self._seen.items() if stored < since]:
            del self._seen[key]


class Live:
    """Serves the feed.

    Args:
        feed: of findings.
        looks: by which a finding is shown as a row.
    """

    def __init__(self, feed: Feed, looks: Looks) -> None:
        self._feed = feed
        self._looks = looks
        self._watchers = 0

    async def answer(self, request: Request) -> Response:
        """The events, until the browser goes away."""
        if self._watchers >= MAX_WATCHERS:
            return PlainTextResponse(f"{MAX_WATCHERS} pages watch already: close one", 503, {"Retry-After": "60"})
        last = request.headers.get("last-event-id", "")
        begin = int(last) if last.isdecimal() and len(last) < 18 else max(0, self._feed.number - KEPT)
        # A number of an earlier process would wait for findings that have come already.
        events = self._events(begin if begin <= self._feed.number else 0)
        return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def _events(self, begin: int) -> AsyncIterator[str]:
        self._watchers += 1
        told_at, last = time.monotonic(), begin
        yield "retry: 3000\n\n"
        try:
            while True:
                try:
                    fresh = await anyio.to_thread.run_sync(self._feed.after, last)
                    for number, row in fresh:
                        last = number
                        yield self._event(number, row)
                except WatchkeeperError as error:
                    fresh = []
                    yield f"event: away\ndata: {orjson.dumps(str(error)).decode()}\n\n"
                if fresh or time.monotonic() > told_at + QUIET_SECONDS:
                    told_at = time.monotonic()
                    yield ": on\n\n"
                await anyio.sleep(POLL_SECONDS)
        finally:
            self._watchers -= 1

    def _event(self, number: int, row: Row) -> str:
        said = f"{row['severity']}: {row['failure_mode'].replace('_', ' ')} of {row['agent_id']}"
        data = {"id": row["finding_id"], "html": self._looks.render("finding_row.html", row=row), "said": said}
        return f"id: {number}\nevent: finding\ndata: {orjson.dumps(data).decode()}\n\n"
