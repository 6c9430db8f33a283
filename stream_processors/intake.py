"""What was read and is not judged yet, between a stream and the engine.

Batches cost: an insert into each table, a row for every session that they touch. So while two batches are being kept
records pile up, and the next batch is as large as the load: a worker that is idle begins at once, one under load
takes thousands of events together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from watchkeeper.stream_processors.engine.engine import BATCH_BYTES
from watchkeeper.stream_processors.engine.ports import Clock
from watchkeeper.stream_processors.fetching import Bundle

PACE_SECONDS = 0.05
"""Between the beginnings of two batches, at least: a store likes few large inserts."""
ENOUGH_BYTES = 2 * BATCH_BYTES
"""As much as a topic may have waiting before no more of it is fetched."""


class Intake:
    """One topic's bundles, in the order in which they were read.

    Args:
        room: returns when another batch may be kept beside those under way.
    """

    def __init__(self, clock: Clock, room: Callable[[], Awaitable[None]]) -> None:
        self._clock = clock
        self._room = room
        self._waiting: list[Bundle] = []
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._began_us = 0

    @property
    def is_crowded(self) -> bool:
        """Whether there is enough for now."""
        return self._bytes >= ENOUGH_BYTES

    def add(self, bundle: Bundle) -> None:
        """Takes in what was read."""
        self._waiting.append(bundle)
        self._bytes += sum(len(record.value or b"") for record in bundle.records)
        self._arrived.set()

    async def take(self) -> list[Bundle]:
        """All that waits, as soon as there is something and a batch may begin."""
        await self._arrived.wait()
        since_us = self._clock.now_us() - self._began_us
        # Less than nothing where somebody has set the clock back.
        if 0 <= since_us < PACE_SECONDS * 1e6:
            await self._clock.sleep(PACE_SECONDS - since_us / 1e6)
        if self._bytes < BATCH_BYTES:
            await self._room()
        self._began_us = self._clock.now_us()
        taken, self._waiting, self._bytes = self._waiting, [], 0
        self._arrived.clear()
        return taken
