"""Leads batches and ticks through a stage and into the checkpoint."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial

from watchkeeper.stream_processors.engine.checkpoint import Checkpointer, persist
from watchkeeper.stream_processors.engine.observer import Observer, Unobserved
from watchkeeper.stream_processors.engine.ports import Bus, Clock, Horizon, Record, Store
from watchkeeper.stream_processors.engine.stage import Counts, Output, Stage, StateSize

BATCH_BYTES = 3_000_000
"""Of records judged together: some 2,000 to 5,000 events, 50 ms of the event loop."""

CLOCK_WAS_SET_US = 1_000_000
"""Less than that is left to pass: a clock that is kept right moves by milliseconds."""

log = logging.getLogger(__name__)

Acknowledge = Callable[[Sequence[Record]], Awaitable[None]]


class Engine:
    """One stage, driven.

    `process`, `tick` and `assign` take turns: none begins before another has handed its outputs to the checkpoint.
    Once something could not be kept, each of them raises what was told to `on_failure`.

    Args:
        acknowledge: told which records are kept for good, in the order in which they were processed.
        on_failure: see `Checkpointer`.
        observer: told what was done, batch by batch.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        bus: Bus,
        store: Store,
        clock: Clock,
        acknowledge: Acknowledge,
        on_failure: Callable[[BaseException], None],
        observer: Observer | None = None,
    ) -> None:
        self._stage = stage
        self._clock = clock
        self._acknowledge = acknowledge
        self._observer = observer or Unobserved()
        self.counts = Counts()
        self._checkpointer = Checkpointer(bus, store, clock, on_failure, counts=self.counts, observer=self._observer)
        self._turn = asyncio.Lock()
        self._judged: dict[int, int] = {}
        self._ahead_us: int | None = None

    async def assign(self, partitions: Collection[int]) -> None:
        """Takes over partitions: keeps what is under way, forgets all states and loads those of the partitions."""
        async with self._turn:
            await self._checkpointer.drain()
            await persist(self._clock, "loading states", lambda: self._stage.assign(partitions))
            self._judged.clear()

    async def process(self, records: Sequence[Record]) -> None:
        """Judges records and begins to keep what came of it.

        Returns when the last batch is under way, not when it is kept: `acknowledge` tells that.

        Args:
            records: in the order of their partitions' offsets.
        """
        async with self._turn:
            self._mind_the_clock()
            for batch in batches(records):
                with self._observer.step("load"):
                    prepared = await persist(self._clock, "loading states", partial(self._stage.prepare, batch))
                with self._observer.step("judge"):
                    output = self._stage.judge(prepared)
                output.oldest_ms = min(record.timestamp_ms for record in batch)
                self._observer.judged(batch, output)
                for record in batch:
                    self._judged[record.partition] = record.offset + 1
                await self._submit(output, batch)

    async def tick(self, horizons: Mapping[int, Horizon]) -> None:
        """Lets time pass where silence means something.

        A partition's time advances to the moment until which all that had arrived there is judged, and no further:
        neither a backlog nor a slow store nor a worker that was stopped for a while makes a busy session look
        silent.

        Args:
            horizons: how far the log of each partition in hand reached, and when.
        """
        async with self._turn:
            self._mind_the_clock()
            # A clock that was set back has seen moments that are still to come.
            now_us = self._clock.now_us()
            until_us = {
                partition: min(horizon.at_us, now_us)
                for partition, horizon in horizons.items()
                if self._is_judged(partition, horizon)
            }
            if not until_us:
                return
            await persist(self._clock, "loading texts", lambda: self._stage.prepare_tick(until_us))
            output = self._stage.tick(until_us)
            if output is not None:
                await self._submit(output, ())

    def state_size(self) -> StateSize:
        """How much state is in memory; it looks at every state."""
        return self._stage.size()

    async def room(self) -> None:
        """Returns when another batch would be kept at once, beside those under way."""
        await self._checkpointer.room()

    async def drain(self) -> None:
        """Returns when everything that was processed is kept."""
        await self._checkpointer.drain()

    def _mind_the_clock(self) -> None:
        """A machine that slept, or whose clock was wrong, would have every session wait too long at once."""
        ahead_us = self._clock.now_us() - self._clock.elapsed_us()
        if self._ahead_us is not None and abs(ahead_us - self._ahead_us) >= CLOCK_WAS_SET_US:
            log.warning("the clock was set by %+.1f s", (ahead_us - self._ahead_us) / 1e6)
            self._stage.clock_was_set(ahead_us - self._ahead_us)
        self._ahead_us = ahead_us

    def _is_judged(self, partition: int, horizon: Horizon) -> bool:
        judged = self._judged.get(partition, horizon.start)
        return judged is not None and judged >= horizon.end

    async def _submit(self, output: Output, records: Sequence[Record]) -> None:
        self.counts.add(output.counts)

        async def kept() -> None:
            self._stage.settled(output)
            if records:
                await self._acknowledge(records)

        await self._checkpointer.submit(output, kept)


def batches(records: Sequence[Record], most_bytes: int = BATCH_BYTES) -> list[list[Record]]:
    """Cuts records into consecutive batches of about `most_bytes`; a larger record stands alone."""
    cut: list[list[Record]] = []
    size = 0
    for record in records:
        if not cut or size + len(record.value) > most_bytes:
            cut.append([])
            size = 0
        cut[-1].append(record)
        size += len(record.value)
    return cut
