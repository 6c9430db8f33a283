"""The real clock."""

from __future__ import annotations

import asyncio
import time


class SystemClock:
    """See `watchkeeper.stream_processors.engine.ports.Clock`."""

    def now_us(self) -> int:
        """Microseconds since 1970."""
        return time.time_ns() // 1000

    def elapsed_us(self) -> int:
        """See `Clock.elapsed_us`."""
        return time.monotonic_ns() // 1000

    async def sleep(self, seconds: float) -> None:
        """Lets others go on for so long."""
        await asyncio.sleep(seconds)
