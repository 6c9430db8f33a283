"""A worker: the product's own runners, engine, stages and judges, on a consumer of the simulation's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sim_loop import OWNER, SimClock
from sim_world import WayToBus, WayToStore, World

from watchkeeper.schemas.topics import EVENTS, SCORES, SIGNALS
from watchkeeper.schemas.wire import CANONICAL, WRITER_HEADER
from watchkeeper.stream_processors import runner as runners
from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.subjects import SubjectJudge
from watchkeeper.stream_processors.engine.ports import Horizon, Record
from watchkeeper.stream_processors.engine.stage import Stage
from watchkeeper.stream_processors.engine.stage_one import StageOne
from watchkeeper.stream_processors.engine.stage_scores import StageScores
from watchkeeper.stream_processors.engine.stage_two import StageTwo
from watchkeeper.stream_processors.offsets import Assignment
from watchkeeper.stream_processors.wiring import Wiring

TOPICS = (EVENTS.name, SIGNALS.name, SCORES.name)
POLL_US = 200_000


class Consumer(Wiring):
    """One worker's consumer: it learns of a rebalance late, and reads on until then."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.known: Assignment = (-1, frozenset())
        self.positions: dict[tuple[str, int], int] = {}
        self.started: dict[tuple[str, int], bool] = {}
        self.polled: dict[tuple[str, int], tuple[int, int]] = {}

    def offsets(self, topic: str, offsets: Any) -> SimOffsets:
        """See `Wiring.offsets`."""
        return SimOffsets(self, topic)

    def learn(self) -> None:
        """Hears from the group, if there is anything new, and reads from the committed offsets on."""
        world = self.world
        now = world.generation, world.members.get(self.name, frozenset())
        if now == self.known or self.name in world.dead:
            return
        if world.severity and world.choices.chance("world", 600):
            world.counted["rebalance learnt late"] += 1
            return
        self.known = now
        self.polled.clear()
        # Once in a while somebody sets a group back: to the beginning, where everything is a replay.
        reset = bool(world.severity) and world.choices.chance("world", 60)
        world.counted["offsets reset"] += reset
        self.positions = {
            (topic, number): 0 if reset else world.bus.committed.get((topic, number), 0)
            for topic in TOPICS
            for number in now[1]
        }
        self.started = dict.fromkeys(self.positions, False)

    def poll(self, topic: str, clock: SimClock) -> list[Any]:
        """Records, partition by partition, stamped with the generation that this worker knows of."""
        world, found = self.world, []
        numbers = [number for name, number in self.positions if name == topic]
        if world.severity and numbers:
            turn = world.choices.pick("world", len(numbers))
            numbers = numbers[turn:] + numbers[:turn]
        for number in numbers:
            place = topic, number
            most = 1 + world.choices.pick("world", 8) if world.severity else 1000
            read = world.bus.read(topic, number, self.positions[place], most)
            self.positions[place] += len(read)
            self.started[place] |= bool(read)
            self.polled[place] = world.bus.horizon(topic, number).end, clock.now_us()
            if read:
                found.append(_event(read, self.known[0]))
        return found


def _event(read: Sequence[Record], generation: int) -> Any:
    names = "topic", "partition", "offset", "key", "value"
    records = [
        SimpleNamespace(
            timestamp=record.timestamp_ms,
            headers=((WRITER_HEADER, CANONICAL),) if record.canonical else (),
            **{name: getattr(record, name) for name in names},
        )
        for record in read
    ]
    message = SimpleNamespace(partition=read[0].partition, generation_id=generation, records=records)
    return SimpleNamespace(message=message)


class SimOffsets:
    """See `watchkeeper.stream_processors.wiring.Offsets`."""

    def __init__(self, consumer: Consumer, topic: str) -> None:
        self._consumer, self._topic = consumer, topic

    def assignment(self) -> Assignment:
        """See `Offsets.assignment`."""
        return self._consumer.known

    def hasten(self) -> None:
        """See `Offsets.hasten`."""

    def forget(self) -> None:
        """See `Offsets.forget`."""

    def horizons(self, partitions: Collection[int]) -> dict[int, Horizon]:
        """See `Offsets.horizons`."""
        consumer, found = self._consumer, {}
        for number in sorted(partitions):
            place = self._topic, number
            if place in consumer.polled and place in consumer.positions:
                end, at_us = consumer.polled[place]
                start = consumer.positions[place] - consumer.started[place]
                found[number] = Horizon(start, end, at_us)
        return found

    def began(self, partition: int) -> int | None:
        """See `Offsets.began`: the simulation's broker forgets nothing."""

    async def starts(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See `Offsets.starts`."""
        return dict.fromkeys(partitions, 0)

    async def commit(self, offsets: Mapping[int, int], generation: int) -> bool:
        """See `Offsets.commit`."""
        consumer, world = self._consumer, self._consumer.world
        fault = world.fault("commit", ("commit lost", "crash_before", "slow", "crash_after"))
        await world.hop(slow=fault == "slow")
        if fault == "crash_before":
            world.kill(OWNER.get())
            await world.never()
        if generation != world.generation or consumer.name not in world.members or fault == "commit lost":
            world.counted["commit of an older generation"] += generation != world.generation
            return False
        # Faust's consumer leaves out, without a word, what is not in its hands any more.
        for number, offset in ((one, at) for one, at in offsets.items() if one in consumer.known[1]):
            world.watch.before_commit(self._topic, number, offset)
            world.bus.committed[self._topic, number] = offset
        if fault == "crash_after":
            world.kill(OWNER.get())
            await world.never()
        return True


class SimWorker:
    """All stages, as the product's worker runs them."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        skew = world.choices.pick("world", 400) * 1000 if world.severity else 0
        self.clock = SimClock(world.loop, skew)
        self.consumer = Consumer(world, name)
        bus, store = WayToBus(world), WayToStore(world)
        one = StageOne(Judge(default_detectors(), strict=True), store, self.clock, capacity=1000)
        two = StageTwo(SubjectJudge(strict=True), store, self.clock)
        app: Any = SimpleNamespace(should_stop=False)
        self.runners: list[runners.StageRunner] = []
        stages: tuple[Stage, ...] = (one, two, StageScores(store, self.clock))
        for topic, stage in zip(TOPICS, stages, strict=True):
            self._overhear(stage)
            made = runners.StageRunner(app, topic, stage, bus=bus, store=store, clock=self.clock, wiring=self.consumer)
            self.runners.append(made)
        self.tasks: list[asyncio.Task[Any]] = []

    def start(self) -> None:
        """Begins to read, to commit and to tick."""
        for one in self.runners:
            self.tasks.append(self.world.loop.spawn(self.name, one.run(Stream(self, one.topic))))
            self.tasks.append(self.world.loop.spawn(self.name, self._commit(one)))
        self.tasks.append(self.world.loop.spawn(self.name, self._tick()))

    def _overhear(self, stage: Any) -> None:
        judge, tick = stage.judge, stage.tick

        def judged(prepared: Any) -> Any:
            output = judge(prepared)
            self.world.watch.judged(output)
            return output

        def ticked(until_us: Mapping[int, int]) -> Any:
            output = tick(until_us)
            self.world.watch.judged(output)
            return output

        stage.judge, stage.tick = judged, ticked

    async def _commit(self, one: runners.StageRunner) -> None:
        while self.name not in self.world.dead:
            await self.world.loop.pause(500_000)
            await one.commit()

    async def _tick(self) -> None:
        while self.name not in self.world.dead:
            await self.world.loop.pause(1_000_000)
            await self.runners[0].tick()


class Stream:
    """Faust's stream, as far as the runner knows it."""

    def __init__(self, worker: SimWorker, topic: str) -> None:
        self._worker, self._topic = worker, topic

    async def events(self) -> AsyncIterator[Any]:
        """Records as they come. What was read before a rebalance may be handed over after it."""
        worker, world = self._worker, self._worker.world
        while worker.name not in world.dead:
            worker.consumer.learn()
            taken = worker.consumer.poll(self._topic, worker.clock)
            await world.loop.pause(POLL_US)
            if world.severity and world.choices.chance("world", 300):
                worker.consumer.learn()
            for event in taken:
                yield event
        await world.never()
