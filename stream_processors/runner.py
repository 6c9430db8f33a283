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
from collections.abc import Mapping, Sequence
from typing import Any

import faust

from watchkeeper.schemas.wire import CANONICAL, WRITER_HEADER
from watchkeeper.stream_processors.engine.checkpoint import persist
from watchkeeper.stream_processors.engine.engine import Engine
from watchkeeper.stream_processors.engine.ports import Bus, Clock, Horizon, Record, Store
from watchkeeper.stream_processors.engine.stage import Stage
from watchkeeper.stream_processors.offsets import Assignment, TopicOffsets
from watchkeeper.stream_processors.watching.watch import Watch
from watchkeeper.stream_processors.wiring import Offsets, Wiring

log = logging.getLogger(__name__)

MOST_RECORDS = 1000
TAKE_SECONDS = 0.05
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
        self.engine = Engine(
            stage,
            bus=bus,
            store=store,
            clock=clock,
            acknowledge=wiring.noting(topic, self._acknowledge),
            on_failure=end_process,
        )
        self.bus, self._clock, self._watch = bus, clock, watch
        self._positions: dict[int, int] = {}
        self._answers: dict[int, int] = {}
        self._log_id = ""
        self._offsets: Offsets = wiring.offsets(topic, TopicOffsets(app, topic))
        self._assignment: Assignment | None = None
        self._assigning = asyncio.Lock()
        self._to_commit: dict[int, int] = {}
        self.ready = asyncio.Event()

    async def run(self, stream: Any) -> None:
        """The agent's body: never returns, and never raises anything but cancellation."""
        try:
            async for events in stream.noack_take(MOST_RECORDS, within=TAKE_SECONDS):
                await self._take(events)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, going on would leave records half judged
            end_process(error)
        if not self._app.should_stop:
            end_process(RuntimeError(f"the stream of {self.topic} ended"))

    async def tick(self) -> None:
        """Lets time pass for what is open on the partitions in hand."""
        try:
            await self._follow_assignment()
            partitions = self._assignment[1] if self._assignment is not None else ()
            horizons = self._offsets.horizons(partitions)
            self._note_horizons(horizons, len(partitions))
            await self.engine.tick(horizons)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - as above
            end_process(error)

    def observe(self) -> None:
        """Tells the watch what was counted, and whether the group is being shared out anew."""
        if self._watch is not None:
            self._watch.note_counts(self.topic, self.engine.counts)
            self._watch.liveness.rebalancing(is_so=bool(self._app.rebalancing))

    def _note_horizons(self, horizons: Mapping[int, Horizon], in_hand: int) -> None:
        if self._watch is None:
            return
        meters = self._watch.meters
        for partition, horizon in horizons.items():
            judged = self._positions.get(partition, horizon.start)
            if judged is not None:
                lag = max(0, horizon.end - judged)
                meters.set("watchkeeper_lag_records", lag, topic=self.topic, partition=str(partition))
        meters.set("watchkeeper_partitions", in_hand, topic=self.topic)
        answers = {partition: horizon.at_us for partition, horizon in horizons.items()}
        if not in_hand:
            self._watch.liveness.released(self.topic)
        elif answers != self._answers:
            self._watch.liveness.fetched(self.topic)
        self._answers = answers

    async def commit(self) -> None:
        """Commits what was kept since the last time."""
        offsets, self._to_commit = self._to_commit, {}
        assignment = self._assignment
        if offsets and not await self._offsets.commit(offsets) and self._assignment == assignment:
            # Where nothing follows, nothing else would commit them.
            self._to_commit = offsets | self._to_commit

    async def stop(self) -> None:
        """Gives what is under way a moment to be kept; a slow store or broker must not hold a stop."""
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.engine.drain()
        except TimeoutError:
            log.warning("%s: stopping before everything was kept; it will be read again", self.topic)
        try:
            async with asyncio.timeout(COMMIT_AT_STOP_SECONDS):
                await self.commit()
        except TimeoutError:
            log.warning("%s: stopping before everything was committed; it will be read again", self.topic)

    async def _take(self, events: Sequence[Any]) -> None:
        await self._follow_assignment()
        if self._assignment is None:
            return
        generation, partitions = self._assignment
        # What was read before a rebalance is read again by whoever has the partition now.
        records = [
            _record(event.message, self._log_id)
            for event in events
            if event.message.generation_id == generation and event.message.partition in partitions
        ]
        if records:
            self._positions.update((record.partition, record.offset + 1) for record in records)
            if self._watch is not None:
                self._watch.liveness.fetched(self.topic)
            await self.engine.process(records)

    async def _follow_assignment(self) -> None:
        async with self._assigning:
            assignment = self._offsets.assignment()
            if assignment == self._assignment:
                return
            self._log_id = await persist(self._clock, "asking which broker this is", self.bus.log_id)
            await self.engine.assign(assignment[1])
            self._offsets.forget()
            if assignment[1]:
                self._offsets.hasten()
            # What was kept for the assignment before is read again, and is a replay.
            self._to_commit.clear()
            self._positions.clear()
            self._assignment = assignment
            log.info("%s: generation %s has partitions %s", self.topic, assignment[0], sorted(assignment[1]))
            if assignment[1]:
                self.ready.set()

    async def _acknowledge(self, records: Sequence[Record]) -> None:
        for record in records:
            self._to_commit[record.partition] = record.offset + 1


def _record(message: Any, log_id: str) -> Record:
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
        log=log_id,
    )


def end_process(error: BaseException) -> None:
    """Ends the process at once: after an error that nobody handled, going on would leave records half judged."""
    log.critical("the worker cannot go on: %s", error, exc_info=error)
    logging.shutdown()
    os._exit(EXIT_FAILED)
