"""Puts the parts together: figures, liveness, the page that tells them, and the rows."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import orjson
from clickhouse_connect.driver import Client

from watchkeeper.schemas.errors import TransientError
from watchkeeper.schemas.rows import INSERT_SETTINGS, MetricRow
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.engine.ports import Bus, Store
from watchkeeper.stream_processors.engine.stage import Counts
from watchkeeper.stream_processors.watching.liveness import Liveness, Watchdog
from watchkeeper.stream_processors.watching.meters import Meters
from watchkeeper.stream_processors.watching.names import MetricName
from watchkeeper.stream_processors.watching.place import watch_file
from watchkeeper.stream_processors.watching.ports import WatchedBus, WatchedStore

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
ROWS_SECONDS = 15.0
ASK_BROKER_SECONDS = 10.0
_ANSWER_SECONDS = 5

_COUNTS: dict[str, MetricName] = {
    "records": "watchkeeper_records_total",
    "events": "watchkeeper_events_total",
    "rejected": "watchkeeper_dead_letters_total",
    "duplicates": "watchkeeper_duplicates_total",
    "replayed": "watchkeeper_replays_total",
    "late": "watchkeeper_late_events_total",
    "conflicts": "watchkeeper_conflicts_total",
    "findings": "watchkeeper_findings_total",
    "signals": "watchkeeper_signals_total",
    "commands": "watchkeeper_commands_total",
}


class Watch:
    """A worker's self-watch.

    Args:
        home: where the file stands that tells the port: `watch/PID.json`.
        port: where the figures are served on 127.0.0.1; 0 takes a free one.
    """

    def __init__(self, home: Path, port: int, dsn: str) -> None:
        self.meters, self.liveness = Meters(), Liveness()
        self.is_ready = False
        self._watchdog = Watchdog(self.liveness)
        self._file = watch_file(home, os.getpid())
        self._port, self._dsn = port, dsn
        self._told: dict[str, dict[str, int]] = {}
        self._cpu = 0.0

    def store(self, store: Store) -> Store:
        """The store, watched."""
        return WatchedStore(store, self.meters, self.liveness)

    def bus(self, topic: str, bus: Bus) -> Bus:
        """The bus of the stage that reads `topic`, watched."""
        return WatchedBus(bus, topic, self.meters, self.liveness)

    def start(self) -> None:
        """Serves, watches and writes, from threads of its own; called when the event loop runs."""
        self.liveness.restart()
        server = ThreadingHTTPServer(("127.0.0.1", self._port), _handler(self))
        self._file.parent.mkdir(parents=True, exist_ok=True)
        for old in self._file.parent.glob("*.json"):
            if not Path(f"/proc/{old.stem}").exists() and sys.platform.startswith("linux"):
                old.unlink(missing_ok=True)
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps({"pid": os.getpid(), "port": server.server_port}))
        new.replace(self._file)
        threading.Thread(target=server.serve_forever, name="watch-http", daemon=True).start()
        threading.Thread(target=self._write_rows, name="watch-rows", daemon=True).start()
        self._watchdog.start()

    async def beating(self, buses: Sequence[Bus]) -> None:
        """The event loop's heartbeat; where fetches are late it asks whether the broker answers at all."""
        asked = 0.0
        while True:
            before = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)
            self.liveness.beat()
            late = time.monotonic() - before - BEAT_SECONDS
            self.meters.set("watchkeeper_loop_delay_seconds", max(0.0, late))
            if self.liveness.is_fetch_late(ASK_BROKER_SECONDS) and before - asked > ASK_BROKER_SECONDS:
                asked = before
                try:
                    await buses[0].log_id()
                except TransientError as error:
                    log.warning("fetches are not answered, and the broker is away: %s", type(error).__name__)

    def note_counts(self, topic: str, counts: Counts) -> None:
        """Takes over what a stage has counted since it began."""
        told = self._told.setdefault(topic, {})
        for field, name in _COUNTS.items():
            value: int = getattr(counts, field)
            self.meters.count(name, value - told.get(field, 0), topic=topic)
            told[field] = value

    def problem(self) -> str:
        """Why the worker is stalled; empty where it is not."""
        return self._watchdog.problem or self.liveness.problem()

    def page(self) -> bytes:
        """The figures as they stand."""
        self._note_process()
        return self.meters.text()

    def _note_process(self) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu = used.ru_utime + used.ru_stime
        self.meters.count("watchkeeper_cpu_seconds_total", max(0.0, cpu - self._cpu))
        self._cpu = cpu
        unit = 1 if sys.platform == "darwin" else 1024
        self.meters.set("watchkeeper_memory_peak_bytes", used.ru_maxrss * unit)
        for side, away in self.liveness.waiting.items():
            self.meters.set("watchkeeper_waiting", away, side=side)

    def _write_rows(self) -> None:
        client: Client | None = None
        while True:
            time.sleep(ROWS_SECONDS)
            self._note_process()
            rows = self._rows()
            try:
                client = client or connect(self._dsn, connect_timeout=2, send_receive_timeout=_ANSWER_SECONDS)
                client.raw_insert("pipeline_metrics", None, b"\n".join(rows), INSERT_SETTINGS, "JSONEachRow")
            except Exception as error:  # noqa: BLE001 - figures are dropped and counted, whatever is wrong
                client = None
                self.meters.count("watchkeeper_rows_dropped_total", len(rows))
                log.warning("figures were not stored: %s", type(error).__name__)

    def _rows(self) -> list[bytes]:
        at, worker = datetime.now(UTC), f"{socket.gethostname()}/{os.getpid()}"
        return [
            MetricRow(
                at=at,
                worker_id=worker,
                name=reading.name,
                series=orjson.dumps(reading.labels, option=orjson.OPT_SORT_KEYS).decode(),
                labels=reading.labels,
                value=reading.value,
            )
            .model_dump_json()
            .encode()
            for reading in self.meters.readings()
        ]


def _handler(watch: Watch) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, watch.page())
            elif self.path == "/healthz":
                problem = watch.problem()
                self._answer(503 if problem else 200, (problem or "ok").encode())
            elif self.path == "/readyz":
                self._answer(200 if watch.is_ready else 503, b"ready" if watch.is_ready else b"not ready")
            else:
                self._answer(404, b"/metrics, /healthz and /readyz are here")

        def _answer(self, code: int, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: whoever scrapes asks every few seconds."""

    return Handler
