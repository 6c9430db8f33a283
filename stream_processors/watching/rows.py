"""Writes the figures as rows, and asks the store how it is, from a thread of its own."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson
from clickhouse_connect.driver import Client

from watchkeeper.schemas.rows import INSERT_SETTINGS, MetricRow
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.watching.meters import Meters
from watchkeeper.stream_processors.watching.store_health import StoreHealth

log = logging.getLogger(__name__)

ROWS_SECONDS = 15.0
_FIRST_SECONDS = 3.0
_ANSWER_SECONDS = 5


def worker_name() -> str:
    """How this worker is called in rows: host and process."""
    return f"{socket.gethostname()}/{os.getpid()}"


class RowWriter:
    """Writes rows of `pipeline_metrics`.

    Args:
        dsn: `http://user:password@host:port/database`.
        note: called before the figures are read.
    """

    def __init__(self, meters: Meters, dsn: str, note: Callable[[], None]) -> None:
        self._meters, self._dsn, self._note = meters, dsn, note
        self._health = StoreHealth(meters)
        self._client: Client | None = None

    def start(self) -> None:
        """Begins to write."""
        threading.Thread(target=self._run, name="watch-rows", daemon=True).start()

    def write(self) -> None:
        """Asks the store how it is, and writes the figures once; where it is away they are dropped and counted."""
        self._note()
        try:
            self._client = self._client or connect(
                self._dsn, connect_timeout=2, send_receive_timeout=_ANSWER_SECONDS, max_execution_time=_ANSWER_SECONDS
            )
            self._health.ask(self._client)
            self._meters.set("watchkeeper_store_up", 1)
            self._insert(self._client)
        except Exception as error:  # noqa: BLE001 - figures are dropped and counted, whatever is wrong
            self._client = None
            self._meters.set("watchkeeper_store_up", 0)
            self._meters.count("watchkeeper_rows_dropped_total", sum(1 for _ in self._meters.readings()))
            log.warning("figures were not stored", extra={"error": type(error).__name__})

    def _insert(self, client: Client) -> None:
        at, worker = datetime.now(UTC), worker_name()
        rows = [
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
            for reading in self._meters.readings()
        ]
        client.raw_insert("pipeline_metrics", None, b"\n".join(rows), INSERT_SETTINGS, "JSONEachRow")

    def _run(self) -> None:
        time.sleep(_FIRST_SECONDS)
        while True:
            self.write()
            time.sleep(ROWS_SECONDS)
