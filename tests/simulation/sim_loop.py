"""An event loop without threads, sockets or time: when nobody can go on, whoever sleeps for the shortest is woken.

How long each call to the outside takes is drawn from the seed, so the seed alone decides who goes on next. The order
of callbacks that are ready at once is asyncio's own: its locks and task groups rest on it.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections.abc import Coroutine
from typing import Any

from watchkeeper.stream_processors.engine.memory import MemoryClock

START_US = 1_767_225_600_000_000

OWNER: contextvars.ContextVar[str] = contextvars.ContextVar("owner", default="")
"""The worker on whose behalf code runs."""


class StuckError(AssertionError):
    """Nobody can ever go on."""


class SimLoop(asyncio.SelectorEventLoop):
    """Virtual time in microseconds since 1970."""

    def __init__(self) -> None:
        super().__init__()
        self.now_us = START_US
        self._count = 0
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def time(self) -> float:
        """Seconds, for asyncio's own timers: they do not run here, but must be able to ask."""
        return self.now_us / 1e6

    def wake_at(self, at_us: int) -> asyncio.Future[None]:
        """Done at that moment."""
        woken: asyncio.Future[None] = self.create_future()
        heapq.heappush(self._sleepers, (max(at_us, self.now_us), self._count, woken))
        self._count += 1
        return woken

    async def pause(self, duration_us: int) -> None:
        """Lets others go on for so long."""
        await self.wake_at(self.now_us + duration_us)

    def _run_once(self) -> None:
        while not self._ready and not self._stopping:  # type: ignore[attr-defined] # asyncio's own queue
            due_us = self._sleepers[0][0] if self._sleepers else None
            # asyncio's own heap of timers, of which its types say nothing.
            timer_us = round(self._scheduled[0].when() * 1e6) if self._scheduled else None  # type: ignore[attr-defined]
            if timer_us is not None and (due_us is None or timer_us < due_us):
                self.now_us = max(self.now_us, timer_us + 1)
                break
            if due_us is None:
                raise StuckError("nobody can go on")
            woken = heapq.heappop(self._sleepers)
            self.now_us = max(self.now_us, woken[0])
            if not woken[2].done():
                woken[2].set_result(None)
        super()._run_once()  # type: ignore[misc] # the one place where a loop decides who goes on

    def spawn(self, owner: str, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task, and all that it starts, on behalf of a worker."""
        context = contextvars.copy_context()
        context.run(OWNER.set, owner)
        return self.create_task(coroutine, context=context)


class SimClock(MemoryClock):
    """A worker's clock, a little off. See `watchkeeper.stream_processors.engine.ports.Clock`."""

    def __init__(self, loop: SimLoop, skew_us: int = 0) -> None:
        super().__init__()
        self._loop = loop
        self._skew_us = skew_us

    def now_us(self) -> int:
        """See `Clock.now_us`."""
        return self._loop.now_us + self._skew_us

    def elapsed_us(self) -> int:
        """See `Clock.elapsed_us`."""
        return self._loop.now_us

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await self._loop.pause(round(seconds * 1e6))
