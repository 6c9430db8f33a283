"""The thin adapter between a Faust stream and the engine.

What it must never do, each learnt the hard way:

- use `take()`, which acknowledges in `finally`, on errors and cancellation too; or acknowledge out of order, since
  Faust commits past a gap;
- let an exception leave the agent: `noack_take` turns acknowledgement back on when it is left, and everything is
  committed while nothing is stored. Only cancellation passes; whatever else is wrong ends the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Any

import faust

from watchkeeper.schemas.wire import CANONICAL, WRITER_HEADER
from watchkeeper.stream_processors.engine.engine import Engine
from watchkeeper.stream_processors.engine.ports import Bus, Clock, Record, Store
from watchkeeper.stream_processors.engine.stage import Stage

log = logging.getLogger(__name__)

MOST_RECORDS = 1000
TAKE_SECONDS = 0.05
TICK_SECONDS = 1.0
STOP_SECONDS = 5.0
EXIT_FAILED = 70
"""`EX_SOFTWARE`: the supervisor starts the worker again, and what was not acknowledged is read again."""


class StageRunner:
    """Feeds one stage from one topic."""

    def __init__(self, app: faust.App, topic: str, stage: Stage, *, bus: Bus, store: Store, clock: Clock) -> None:
        self._app = app
        self.topic = topic
        self.engine = Engine(
            stage, bus=bus, store=store, clock=clock, acknowledge=self._acknowledge, on_failure=end_process
        )
        self._stream: Any = None
        self._unacknowledged: dict[tuple[int, int], Any] = {}
        self._assignment: tuple[int, frozenset[int]] | None = None
        self._assigning = asyncio.Lock()

    async def run(self, stream: Any) -> None:
        """The agent's body: never returns, and never raises anything but cancellation."""
        self._stream = stream
        try:
            async for events in stream.noack_take(MOST_RECORDS, within=TAKE_SECONDS):
                await self._take(events)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, going on would acknowledge what is not kept
            end_process(error)
        if not self._app.should_stop:
            end_process(RuntimeError(f"the stream of {self.topic} ended"))

    async def tick(self) -> None:
        """Lets time pass for what is open on the partitions in hand."""
        try:
            await self._follow_assignment()
            await self.engine.tick()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, going on would acknowledge what is not kept
            end_process(error)

    async def stop(self) -> None:
        """Gives what is under way a moment to be kept; a slow store must not hold a stop."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.engine.drain()
        except TimeoutError:
            log.warning("%s: stopping before everything was kept; it will be read again", self.topic)

    async def _take(self, events: Sequence[Any]) -> None:
        await self._follow_assignment()
        records: list[Record] = []
        for event in events:
            message = event.message
            # What was read before a rebalance is read again by whoever has the partition now.
            if self._assignment is not None and message.generation_id == self._assignment[0]:
                self._unacknowledged[message.partition, message.offset] = event
                records.append(_record(message))
        if records:
            await self.engine.process(records, caught_up=len(events) < MOST_RECORDS)

    async def _follow_assignment(self) -> None:
        async with self._assigning:
            partitions = frozenset(tp.partition for tp in self._app.consumer.assignment() if tp.topic == self.topic)
            # Both: the first generation of a group may have the number that stands before there is one.
            assignment = (self._app.consumer_generation_id, partitions)
            if assignment == self._assignment:
                return
            await self.engine.assign(partitions)
            self._unacknowledged.clear()
            self._assignment = assignment
            log.info("%s: generation %s has partitions %s", self.topic, assignment[0], sorted(partitions))

    async def _acknowledge(self, records: Sequence[Record]) -> None:
        for record in records:
            event = self._unacknowledged.pop((record.partition, record.offset), None)
            if event is not None:
                await self._stream.ack(event)


def _record(message: Any) -> Record:
    headers = message.headers or ()
    pairs = headers.items() if isinstance(headers, dict) else headers
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value or b"",
        timestamp_ms=int((message.timestamp or 0) * 1000),
        canonical=any(name == WRITER_HEADER and value == CANONICAL for name, value in pairs),
    )


def end_process(error: BaseException) -> None:
    """Ends the process at once: after an error that nobody handled, going on would acknowledge what is not kept."""
    log.critical("the worker cannot go on: %s: %s", type(error).__name__, error, exc_info=error)
    logging.shutdown()
    os._exit(EXIT_FAILED)
