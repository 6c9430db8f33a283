"""Leads batches and ticks through a stage and into the checkpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial

from watchkeeper.stream_processors.engine.checkpoint import Checkpointer, persist
from watchkeeper.stream_processors.engine.ports import Bus, Clock, Horizon, Record, Store
from watchkeeper.stream_processors.engine.stage import Counts, Output, Stage

BATCH_BYTES = 3_000_000
"""Of records judged together: some 2,000 to 5,000 events, 50 ms of the event loop."""

Acknowledge = Callable[[Sequence[Record]], Awaitable[None]]


class Engine:
    """One stage, driven.

    `process`, `tick` and `assign` take turns: none begins before another has handed its outputs to the checkpoint.
    Once something could not be kept, each of them raises what was told to `on_failure`.

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
        self._clock = clock
        self._acknowledge = acknowledge
        self._checkpointer = Checkpointer(bus, store, clock, on_failure)
        self._turn = asyncio.Lock()
        self._judged: dict[int, int] = {}
        self.counts = Counts()

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
            for batch in batches(records):
                prepared = await persist(self._clock, "loading states", partial(self._stage.prepare, batch))
                output = self._stage.judge(prepared)
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
            until_us = {
                partition: horizon.at_us
                for partition, horizon in horizons.items()
                if self._is_judged(partition, horizon)
            }
            output = self._stage.tick(until_us) if until_us else None
            if output is not None:
                await self._submit(output, ())

    async def drain(self) -> None:
        """Returns when everything that was processed is kept."""
        await self._checkpointer.drain()

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
