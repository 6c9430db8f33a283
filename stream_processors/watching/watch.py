"""Puts the parts together: figures, liveness, the page that tells them, and the rows."""

from __future__ import annotations

import asyncio
import logging
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from watchkeeper.schemas.errors import TransientError
from watchkeeper.stream_processors.engine.ports import Bus, Store
from watchkeeper.stream_processors.watching.figures import StageFigures
from watchkeeper.stream_processors.watching.liveness import Liveness, StallLimits, Watchdog
from watchkeeper.stream_processors.watching.meters import Meters
from watchkeeper.stream_processors.watching.ports import WatchedBus, WatchedStore
from watchkeeper.stream_processors.watching.rows import RowWriter
from watchkeeper.stream_processors.watching.server import serve

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
ASK_BROKER_SECONDS = 10.0


class Watch:
    """A worker's self-watch.

    Args:
        home: where the file stands that tells the port: `watch/PID.json`.
        port: where the figures are served on 127.0.0.1; 0 takes a free one.
        dsn: where rows of the figures go.
        limits: when it counts as stalled.

    Attributes:
        is_ready: whether there were partitions of every topic in hand.
    """

    def __init__(self, home: Path, port: int, dsn: str, limits: StallLimits | None = None) -> None:
        limits = limits or StallLimits()
        self.meters, self.liveness = Meters(), Liveness(limits=limits)
        self.is_ready = False
        self._watchdog = Watchdog(self.liveness)
        self._rows = RowWriter(self.meters, dsn, self._note_process)
        self._home, self._port = home, port
        self._ask_seconds = min(ASK_BROKER_SECONDS, limits.fetch / 4)
        self._cpu = 0.0

    def store(self, store: Store) -> Store:
        """The store, watched."""
        return WatchedStore(store, self.meters, self.liveness)

    def bus(self, topic: str, bus: Bus) -> Bus:
        """The bus of the stage that reads `topic`, watched."""
        return WatchedBus(bus, topic, self.meters, self.liveness)

    def stage(self, topic: str) -> StageFigures:
        """The figures of the stage that reads `topic`."""
        return StageFigures(topic, self.meters, self.liveness)

    def start(self) -> None:
        """Serves, watches and writes, from threads of its own; called when the event loop runs."""
        self.liveness.restart()
        serve(self, self._port, self._home)
        self._rows.start()
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
            if self.liveness.is_fetch_late(self._ask_seconds) and before - asked > self._ask_seconds:
                asked = before
                try:
                    await buses[0].log_id()
                except TransientError as error:
                    log.warning(
                        "fetches are not answered, and the broker is away", extra={"error": type(error).__name__}
                    )

    def problem(self) -> str:
        """Why the worker is stalled; empty where it is not."""
        return self._watchdog.problem or self.liveness.problem()

    def unready(self) -> str:
        """Why the worker does not take events yet, or not now; empty where it does."""
        away = self.liveness.waits_for()
        if away:
            return f"not ready: the {' and the '.join(away)} {'is' if len(away) == 1 else 'are'} away"
        return "" if self.is_ready else "not ready: waiting for partitions and their states"

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
        self.meters.set("watchkeeper_ready", self.is_ready)
        for side, away in self.liveness.waiting.items():
            self.meters.set("watchkeeper_waiting", away, side=side)
