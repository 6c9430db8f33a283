"""The dead man's switch: an address is asked while all is well, so that silence is noticed by somebody else."""

from __future__ import annotations

import threading
import time
from typing import Final

from watchkeeper.dashboards.alerting.channels.http import Poster
from watchkeeper.dashboards.alerting.totals import Totals

FRESH_SECONDS: Final = 45.0
"""A word of the router that all is well counts for so long: a router that stands still sends no heartbeat."""


class Heartbeat:
    """Asks from a thread of its own.

    Args:
        poster: the address.
        every_seconds: how often.
        totals: where it is counted.
    """

    def __init__(self, poster: Poster, every_seconds: float, totals: Totals) -> None:
        self._poster, self._every, self._totals = poster, every_seconds, totals
        self._well_at = float("-inf")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts-heartbeat", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def well(self) -> None:
        """All is well at this moment: the router turns, and the pipeline does its work."""
        self._well_at = time.monotonic()

    def ill(self) -> None:
        """It is not: nothing is asked until it is again."""
        self._well_at = float("-inf")

    def stop(self) -> None:
        """Ends it."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._beat()):
            pass

    def _beat(self) -> float:
        """Asks if all is well; how long to wait until the next time."""
        if time.monotonic() - self._well_at > FRESH_SECONDS:
            self._totals.heartbeats["withheld"] += 1
            return min(1.0, self._every)
        answer = self._poster.ask("GET")
        self._totals.heartbeats["sent" if answer.ok else "failed"] += 1
        return self._every if answer.ok else min(self._every, 10.0)
