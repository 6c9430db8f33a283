"""The worker itself, which stalls when it is told to: by a file in its directory, which it takes away as it does so.

`block`: the event loop stands still. `swallow`: fetches are sent and never answered. `starve`: fetches are answered,
and what they bring is never handed on.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from watchkeeper.schemas.topics import EVENTS
from watchkeeper.stream_processors.engine.ports import Horizon
from watchkeeper.stream_processors.intake import Intake
from watchkeeper.stream_processors.wiring import Offsets, Wiring
from watchkeeper.stream_processors.worker import main


class Stalling:
    """What the runner asks every second, from the event loop."""

    def __init__(self, offsets: Any, home: Path) -> None:
        self._offsets, self._home = offsets, home

    def __getattr__(self, name: str) -> Any:
        return getattr(self._offsets, name)

    def horizons(self, partitions: Collection[int]) -> dict[int, Horizon]:
        found: dict[int, Horizon] = self._offsets.horizons(partitions)
        if self._is_told("block"):
            time.sleep(3600)
        if self._is_told("swallow"):
            self._offsets._consumer._thread._ensure_consumer()._fetcher._proc_fetch_request = never
        if self._is_told("starve"):
            # A fault from outside: the method is replaced on purpose.
            Intake.add = nothing  # type: ignore[method-assign, assignment]
        return found

    def _is_told(self, what: str) -> bool:
        file = self._home / what
        if not file.exists():
            return False
        file.unlink()
        return True


async def never(*_: Any) -> None:
    """Whoever waits for this waits for ever."""
    await asyncio.Event().wait()


def nothing(*_: Any) -> None:
    """Forgets what it is given."""


class StallingWiring(Wiring):
    """The offsets of the events' stage stall."""

    def offsets(self, topic: str, offsets: Offsets) -> Offsets:
        stalling: Any = Stalling(offsets, Path(os.environ["WATCHKEEPER_HOME"]))
        return stalling if topic == EVENTS.name else offsets


if __name__ == "__main__":
    main(wiring=StallingWiring())
