"""Leads batches and ticks through a stage and into the checkpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial

from watchkeeper.stream_processors.engine.checkpoint import Checkpointer, persist
from watchkeeper.stream_processors.engine.ports import Bus, Clock, Record, Store
from watchkeeper.stream_processors.engine.stage import Counts, Output, Stage

BATCH_BYTES = 3_000_000
"""Of records judged together: some 2,000 to 5,000 events, 50 ms of the event loop."""

_IDLE_US = 3_000_000
"""After so long without a record a worker that has read none yet counts as caught up."""

Acknowledge = Callable[[Sequence[Record]], Awaitable[None]]


class Engine:
    """One stage, driven.

    `process`, `tick` and `assign` take turns: none begins before another has handed its output to the checkpoint.

    Args:
        acknowledge: told which records are kept for good, in the order in which they were processed.
        on_failure: see `Checkpointer`.
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
    ) -> None:
        self._stage = stage
        self._bus = bus
        self._clock = clock
        self._acknowledge = acknowledge
        self._checkpointer = Checkpointer(bus, store, clock, on_failure)
        self._turn = asyncio.Lock()
        self._caught_up = False
        self._quiet_since_us = clock.now_us()
        self.counts = Counts()

    async def assign(self, partitions: Collection[int]) -> None:
        """Takes over partitions: keeps what is under way, forgets all states and loads those of the partitions."""
        async with self._turn:
            await self._checkpointer.drain()
            await persist(self._clock, "loading states", lambda: self._stage.assign(partitions))
            self._caught_up = False
            self._quiet_since_us = self._clock.now_us()

    async def process(self, records: Sequence[Record], *, caught_up: bool) -> None:
        """Judges records and begins to keep what came of it.

        Returns when the last batch is under way, not when it is kept: `acknowledge` tells that.

        Args:
            records: in the order of their partitions' offsets.
            caught_up: whether no more records were waiting when these were read.
        """
        for batch in batches(records):
            async with self._turn:
                prepared = await persist(self._clock, "loading states", partial(self._stage.prepare, batch))
                output = self._stage.judge(prepared)
                await self._submit(output, batch)
        self._caught_up = caught_up
        self._quiet_since_us = self._clock.now_us()

    async def tick(self) -> None:
        """Lets time pass, if silence means something now: the worker is caught up and the broker answers."""
        if not self._may_tick() or not await self._bus.reachable():
            return
        async with self._turn:
            if not self._may_tick():
                return
            output = self._stage.tick()
            if output is not None:
                await self._submit(output, ())

    async def drain(self) -> None:
        """Returns when everything that was processed is kept."""
        await self._checkpointer.drain()

    @property
    def busy(self) -> bool:
        """Whether a batch is being judged or kept."""
        return self._turn.locked() or not self._checkpointer.idle

    def _may_tick(self) -> bool:
        if self._turn.locked():
            return False
        quiet_us = self._clock.now_us() - self._quiet_since_us
        return self._caught_up or (quiet_us > _IDLE_US and self._checkpointer.idle)

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
