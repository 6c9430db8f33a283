"""The thin adapter between a Faust stream and the engine.

What it must never do, each learnt the hard way:

- let Faust commit: see `offsets`. What was kept is committed here, partition by partition, never beyond;
- let an exception leave the agent: Faust would start it again, or stop the app, with records half judged. Only
  cancellation passes; whatever else is wrong ends the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Any

import faust

from watchkeeper.schemas.wire import CANONICAL, WRITER_HEADER
from watchkeeper.stream_processors.continuity import Continuity
from watchkeeper.stream_processors.engine.checkpoint import persist
from watchkeeper.stream_processors.engine.engine import Engine
from watchkeeper.stream_processors.engine.ports import Bus, Clock, Record, Store
from watchkeeper.stream_processors.engine.stage import Stage
from watchkeeper.stream_processors.fetching import Bundle
from watchkeeper.stream_processors.intake import Intake
from watchkeeper.stream_processors.offsets import Assignment, TopicOffsets
from watchkeeper.stream_processors.watching.watch import Watch
from watchkeeper.stream_processors.wiring import Offsets, Wiring

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
COMMIT_AT_STOP_SECONDS = 2.0
EXIT_FAILED = 70
"""`EX_SOFTWARE`: the supervisor starts the worker again, and what was not committed is read again."""


class StageRunner:
    """Feeds one stage from one topic.

    Args:
        app: its topic must be declared with acknowledgement off.
        watch: told what moves.
        wiring: what stands before commits; `bus`, `store` and `clock` are handed in as they are used.

    Attributes:
        ready: set once there are partitions in hand and their states are loaded.
    """

    def __init__(
        self,
        app: faust.App,
        topic: str,
        stage: Stage,
        *,
        bus: Bus,
        store: Store,
        clock: Clock,
        wiring: Wiring | None = None,
        watch: Watch | None = None,
    ) -> None:
        wiring = wiring or Wiring()
        self._app = app
        self.topic = topic
        self._figures = watch.stage(topic) if watch is not None else None
        self.engine = Engine(
            stage,
            bus=bus,
            store=store,
            clock=clock,
            acknowledge=wiring.noting(topic, self._acknowledge),
            on_failure=end_process,
            observer=self._figures,
        )
        self._intake = Intake(clock, self.engine.room)
        self._is_stopping = False
        self.bus, self._clock, self._watch = bus, clock, watch
        self._log_id = ""
        self._offsets: Offsets = wiring.offsets(topic, TopicOffsets(app, topic))
        self._continuity = Continuity(topic, self._offsets, clock, watch.meters if watch is not None else None)
        self._assignment: Assignment | None = None
        self._assigning = asyncio.Lock()
        self._to_commit: dict[int, int] = {}
        self.ready = asyncio.Event()

    async def run(self, stream: Any) -> None:
        """The agent's body: never returns, and never raises anything but cancellation."""
        processing = asyncio.create_task(self._process())
        try:
            async for event in stream.events():
                self._intake.add(event.message)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, going on would leave records half judged
            end_process(error)
        finally:
            processing.cancel()
        if not self._app.should_stop:
            end_process(RuntimeError(f"the stream of {self.topic} ended"))

    def is_crowded(self) -> bool:
        """Whether as much as may wait to be judged does."""
        return self._intake.is_crowded

    async def tick(self) -> None:
        """Lets time pass for what is open on the partitions in hand."""
        try:
            await self._follow_assignment()
            partitions = self._assignment[1] if self._assignment is not None else ()
            horizons = self._offsets.horizons(partitions)
            if self._figures is not None:
                self._figures.reached(horizons, len(partitions))
            await self._continuity.look(horizons.keys())
            await self.engine.tick(horizons)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - the process ends by it, loudly
            end_process(error)

    def observe(self) -> None:
        """Tells the watch what was counted, and whether the group is being shared out anew."""
        if self._watch is not None:
            self._watch.liveness.rebalancing(is_so=bool(self._app.rebalancing))
        if self._figures is not None:
            self._figures.note(self.engine.counts)
            self._figures.measure(self.engine.state_size)

    async def commit(self) -> None:
        """Commits what was kept since the last time."""
        offsets, self._to_commit = self._to_commit, {}
        assignment = self._assignment
        # What was kept under an assignment that is no more is read again: another owner may have read further, and in a
        # log that began anew the same offsets are other records.
        if assignment is None or not offsets or self._offsets.assignment() != assignment:
            return
        if await self._offsets.commit(offsets, assignment[0]):
            if self._figures is not None:
                self._figures.committed(offsets)
        elif self._assignment == assignment:
            # Where nothing follows, nothing else would commit them.
            self._to_commit = offsets | self._to_commit

    async def stop(self) -> None:
        """Gives what is under way a moment to be kept; a slow store or broker must not hold a stop."""
        self._is_stopping = True
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.engine.drain()
        except TimeoutError:
            log.warning("stopping before everything was kept; it will be read again", extra={"topic": self.topic})
        try:
            async with asyncio.timeout(COMMIT_AT_STOP_SECONDS):
                await self.commit()
        except TimeoutError:
            log.warning("stopping before everything was committed; it will be read again", extra={"topic": self.topic})

    async def _process(self) -> None:
        try:
            while not self._is_stopping:
                await self._take(await self._intake.take())
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - the process ends by it, loudly
            end_process(error)

    async def _take(self, bundles: Sequence[Bundle]) -> None:
        await self._follow_assignment()
        if self._assignment is None:
            return
        generation, partitions = self._assignment
        # What was read before a rebalance is read again by whoever has the partition now.
        records = [
            _record(record, self._log_id)
            for bundle in bundles
            if bundle.generation_id == generation and bundle.partition in partitions
            for record in bundle.records
        ]
        if records:
            if self._figures is not None:
                self._figures.taken(records)
            await self._continuity.follow(records)
            await self.engine.process(records)

    async def _follow_assignment(self) -> None:
        async with self._assigning:
            assignment = self._offsets.assignment()
            if assignment == self._assignment:
                return
            self._log_id = await persist(self._clock, "asking which broker this is", self.bus.log_id)
            await self.engine.assign(assignment[1])
            self._offsets.forget()
            self._continuity.forget()
            if assignment[1]:
                self._offsets.hasten()
            # What was kept for the assignment before is read again, and is a replay.
            self._to_commit.clear()
            if self._figures is not None:
                self._figures.assigned()
            self._assignment = assignment
            log.info(
                "%s: generation %s has partitions %s",
                self.topic,
                assignment[0],
                sorted(assignment[1]),
                extra={"topic": self.topic, "generation": assignment[0], "partitions": len(assignment[1])},
            )
            if assignment[1]:
                self.ready.set()

    async def _acknowledge(self, records: Sequence[Record]) -> None:
        for record in records:
            self._to_commit[record.partition] = record.offset + 1


def _record(read: Any, log_id: str) -> Record:
    return Record(
        topic=read.topic,
        partition=read.partition,
        offset=read.offset,
        key=read.key,
        value=read.value or b"",
        timestamp_ms=read.timestamp or 0,
        canonical=any(name == WRITER_HEADER and value == CANONICAL for name, value in read.headers or ()),
        log=log_id,
    )


def end_process(error: BaseException) -> None:
    """Ends the process at once: after an error that nobody handled, going on would leave records half judged."""
    log.critical("the worker cannot go on: %s", error, exc_info=error)
    logging.shutdown()
    os._exit(EXIT_FAILED)
