"""One seed: the undisturbed run, the disturbed one, and whether they end alike.

python tests/simulation/sim_run.py 123            replays seed 123 and prints its trace
python tests/simulation/sim_run.py 123 --shrink   reduces work and faults to what still fails
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sim_choices import Choices, Recorded
from sim_invariants import BrokenError
from sim_loop import OWNER, START_US, SimLoop, StuckError
from sim_outcome import Places, differences, outcome
from sim_worker import TOPICS, SimWorker
from sim_workload import CANONICAL, Told, workload
from sim_world import World

from watchkeeper.schemas.topics import EVENTS, PARTITIONS
from watchkeeper.stream_processors import runner as runners

PHASE_US = 4 * 3_600_000_000
_MOST_WAIT = 2000


@dataclass(slots=True)
class Result:
    """How a seed ended; `broken` is empty where all is well."""

    seed: int
    broken: list[str] = field(default_factory=list)
    counted: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)
    drawn: Recorded = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)


def run(seed: int, recorded: Recorded | None = None) -> Result:
    """Plays a seed, or the choices that were recorded of one."""
    choices = Choices(seed, recorded)
    phases = workload(choices)
    forgets = choices.chance("work", 80)
    calm = _Play(phases, Choices(seed), forgets=forgets, disturbed=False).play()
    storm = _Play(phases, choices, forgets=forgets, disturbed=True).play()
    broken = calm.broken or storm.broken or differences(calm.told, storm.told)
    return Result(seed, broken, storm.counted, storm.trace, choices.drawn, storm.told)


class _Play:
    def __init__(self, phases: list[list[Told]], choices: Choices, *, forgets: bool, disturbed: bool) -> None:
        self.phases, self.choices, self.forgets, self.disturbed = phases, choices, forgets, disturbed
        self.loop = SimLoop()
        self.world = World(self.loop, choices)
        self.workers: list[SimWorker] = []
        self.places = Places()
        self.failures: list[BaseException] = []
        self.over = False

    def play(self) -> Result:
        """Runs to the end, or until something is broken."""
        result = Result(0, counted=self.world.counted, trace=self.world.trace)
        with self._ending():
            try:
                self.loop.run_until_complete(self.loop.spawn("", self._phases()))
            except (AssertionError, StuckError) as error:
                result.broken = [f"{type(error).__name__}: {error}"]
            finally:
                self._end()
        result.broken += [f"a worker ended: {type(one).__name__}: {one}" for one in self.failures if not result.broken]
        result.broken = self.world.watch.broken or result.broken
        result.told = outcome(self.world.bus, self.world.store, self.places)
        counted = self.world.counted
        counted["state writes checked"] += self.world.watch.states
        counted["commits checked"] += self.world.watch.commits
        counted["events"] += len(self.world.store.rows("events"))
        for letter in self.world.store.rows("dead_letters"):
            counted[letter["reason"]] += 1
        for finding in self.world.store.rows("findings"):
            counted[f"found {finding['kind']}"] += 1
        return result

    @contextmanager
    def _ending(self) -> Iterator[None]:
        ends = runners.end_process

        def noted(error: BaseException) -> None:
            # Whoever is dead already, or is cleared away at the end, has nothing to tell.
            if OWNER.get() not in self.world.dead and not self.over:
                self.failures.append(error)
                self.world.dead.add(OWNER.get())

        runners.end_process = noted
        try:
            yield
        finally:
            runners.end_process = ends

    def _end(self) -> None:
        self.over = True
        rest = asyncio.all_tasks(self.loop)
        for task in rest:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
        self.loop.close()

    async def _phases(self) -> None:
        if self.disturbed and self.choices.chance("world", 150):
            self.world.counted["store away from the start"] += 1
            self.world.away_until_us = self.loop.now_us + 1_000_000 * (1 + self.choices.pick("world", 30))
        self._hire()
        for number, told in enumerate(self.phases):
            if number and self.forgets:
                self._forget()
            if number:
                self.loop.now_us = START_US + number * PHASE_US - 60_000_000
            self._disturb()
            await self._until_all(self.loop.spawn("", self._publish(number, told)))
            for seconds in (200, 2000):
                self.loop.now_us += seconds * 1_000_000
                await self._weather(2)
            await self._settle()
            self.loop.now_us += 4_000_000_000
            await self.loop.pause(5_000_000)
            await self._settle()
            if self.failures or self.world.watch.broken:
                return

    def _disturb(self) -> None:
        if self.disturbed:
            self.world.severity = (0, 10, 40, 120)[self.choices.pick("world", 4)]

    async def _publish(self, phase: int, told: list[Told]) -> None:
        start_us, again = START_US + phase * PHASE_US, []
        for number, one in enumerate(told):
            await self.loop.wake_at(start_us + one.after_us)
            self._produce(one, phase * PHASE_US + number, (start_us + one.after_us) // 1000)
            # After the broker forgot everything, the places of its first life and of its second would be mixed up.
            if self.disturbed and not self.forgets and one.repeats and self.choices.chance("world", 50):
                again.append(self.loop.spawn("", self._repeat(one)))
        await asyncio.gather(*again)

    async def _repeat(self, one: Told) -> None:
        """Its producer heard no answer, and sent it again."""
        await self.loop.pause(50_000 * self.choices.pick("world", 100))
        self.world.counted["sent again"] += 1
        self._produce(one, None, self.loop.now_us // 1000)

    def _produce(self, one: Told, number: int | None, at_ms: int) -> None:
        headers = CANONICAL if one.canonical else None
        record = self.world.bus.produce(one.topic, one.key, one.value, headers, timestamp_ms=at_ms)
        if not self.forgets and one.topic == EVENTS.name:
            self.places.note(record, number)

    async def _until_all(self, told: asyncio.Task[None]) -> None:
        while not told.done():
            await self._weather(1)
        await told

    async def _weather(self, turns: int) -> None:
        """What befalls the group as a whole."""
        for _ in range(turns):
            await self.loop.pause(2_000_000)
            alive = [one for one in self.workers if one.name not in self.world.dead]
            if len(alive) < len(self.workers):
                self.workers = alive
                self._hire(instead=True)
            act = self.choices.pick("world", 12) if self.world.severity else 0
            if act == 8 and len(self.workers) < 3:
                self.world.counted["worker added"] += 1
                self._hire()
            elif act == 9:
                self.world.counted["worker killed"] += 1
                self.world.kill(self.workers[0].name)
                self.workers.pop(0)
                self._hire(instead=True)
            elif act == 10 and len(self.workers) > 1:
                self.world.counted["zombie"] += 1
                # It lives, writes on and is not told: the group has given its partitions away.
                self.loop.spawn("", self._bury(self.workers.pop(0)))
                self._rebalance()
            elif act == 11:
                self.world.counted["store away"] += 1
                self.world.away_until_us = self.loop.now_us + 4_000_000
            elif act == 7 and len(self.workers) > 1:
                self.world.counted["worker stopped"] += 1
                leaving = self.workers.pop(0)
                self.loop.spawn(leaving.name, self._stop(leaving))

    def _hire(self, *, instead: bool = False) -> None:
        if instead and self.workers and self.choices.pick("world", 2):
            self._rebalance()
            return
        self.world.counted["workers"] += 1
        worker = SimWorker(self.world, f"worker-{self.world.counted['workers']}")
        self.workers.append(worker)
        self._rebalance()
        worker.start()

    def _rebalance(self) -> None:
        self.world.counted["rebalances"] += 1
        self.world.rebalance([one.name for one in self.workers])

    async def _bury(self, zombie: SimWorker) -> None:
        await self.loop.pause(6_000_000)
        self.world.kill(zombie.name)

    async def _stop(self, leaving: SimWorker) -> None:
        for one in leaving.runners:
            await one.stop()
        self.world.kill(leaving.name)
        self._rebalance()

    def _forget(self) -> None:
        """The broker keeps everything in memory, and was started again."""
        self.world.counted["log forgotten"] += 1
        self.world.bus.forget()
        self.world.watch.forget()
        # Their consumers cannot go on where they were.
        for one in self.workers:
            self.world.kill(one.name)
        self.workers.clear()
        self._hire()

    async def _settle(self) -> None:
        """All is well again: everything is kept, in the end."""
        self.world.severity = 0
        for _ in range(_MOST_WAIT):
            await self.loop.pause(500_000)
            alive = [one for one in self.workers if one.name not in self.world.dead]
            if len(alive) < len(self.workers) or not alive:
                self.workers = alive
                self._hire()
            if self.failures or self.world.watch.broken or self._is_all_kept():
                return
        raise BrokenError("it never ends")

    def _is_all_kept(self) -> bool:
        bus = self.world.bus
        return all(
            bus.committed.get((topic, number), 0) >= bus.horizon(topic, number).end
            for topic in TOPICS
            for number in range(PARTITIONS)
        )


def shrink(seed: int, drawn: Recorded, limit: int = 600) -> Result:
    """Reduces the choices, chunk by chunk to nothing and to the plainest, for as long as something is broken."""
    best, tries = run(seed, drawn), 0
    for stream in ("world", "work"):
        size = len(best.drawn[stream])
        while size and tries < limit:
            start, moved = 0, False
            while start < len(best.drawn[stream]) and tries < limit:
                for middle in ([0] * size, []):
                    listed = best.drawn[stream]
                    changed = [*listed[:start], *middle, *listed[start + size :]]
                    if not any(listed[start : start + size]):
                        break
                    tries += 1
                    tried = run(seed, {**best.drawn, stream: changed})
                    if tried.broken and sum(map(bool, changed)) < sum(map(bool, listed)):
                        best, moved = tried, True
                        break
                start += size
            size = size if moved and size == 1 and tries < limit // 2 else size // 2
    return best


def main(arguments: list[str]) -> int:
    """Replays one seed for a person."""
    logging.disable(logging.CRITICAL)
    seed = int(arguments[0])
    result = run(seed)
    if result.broken and "--shrink" in arguments:
        result = shrink(seed, result.drawn)
        print(f"work {result.drawn['work']}")
    print("\n".join(result.trace))
    for key, value in sorted(result.counted.items()):
        print(f"{value:>8} {key}")
    print("\n".join(result.broken) or f"seed {seed}: nothing is lost, nothing is double")
    return bool(result.broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
