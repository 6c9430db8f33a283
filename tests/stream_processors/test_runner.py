"""The adapter between a stream and the engine: which records it takes, what it commits, and how it ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import faust
import pytest

from watchkeeper.schemas.topics import EVENTS
from watchkeeper.stream_processors import runner as runner_module
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.engine.memory import MemoryBus, MemoryClock, Script
from watchkeeper.stream_processors.engine.memory_store import MemoryStore
from watchkeeper.stream_processors.engine.ports import Record
from watchkeeper.stream_processors.engine.stage_one import StageOne
from watchkeeper.stream_processors.runner import EXIT_FAILED, StageRunner


class Group:
    """A consumer group as `TopicOffsets` knows it, with what was committed."""

    def __init__(self) -> None:
        self.now: tuple[int, frozenset[int]] = (1, frozenset({0, 1}))
        self.committed: dict[int, int] = {}
        self.gone = False
        self.refusals = 0
        self.meanwhile: Callable[[], Any] | None = None

    def assignment(self) -> tuple[int, frozenset[int]]:
        return self.now

    def forget(self) -> None:
        pass

    def hasten(self) -> None:
        pass

    def horizons(self, partitions: Any) -> dict[int, Any]:
        return {}

    def began(self, partition: int) -> int | None:
        return None

    async def starts(self, partitions: Any) -> dict[int, int]:
        return dict.fromkeys(partitions, 0)

    async def commit(self, offsets: dict[int, int], generation: int) -> bool:
        assert generation == self.assignment()[0]
        if self.gone:
            await asyncio.Event().wait()
        if self.refusals:
            self.refusals -= 1
            if self.meanwhile is not None:
                await self.meanwhile()
            return False
        self.committed |= offsets
        return True


class Bench:
    """A runner with everything around it in memory."""

    def __init__(self, plan: Callable[[str], Any] = lambda _: None) -> None:
        self.clock = MemoryClock(restless=True)
        self.store = MemoryStore(self.clock, trouble=plan)
        self.bus = MemoryBus(self.clock)
        self.app = SimpleNamespace(should_stop=False)
        stage = StageOne(Judge([]), self.store, self.clock)
        self.runner = StageRunner(
            cast("faust.App", self.app), EVENTS.name, stage, bus=self.bus, store=self.store, clock=self.clock
        )
        self.group = Group()
        self.runner._offsets = self.runner._continuity._offsets = cast("Any", self.group)
        self.taken: list[list[Record]] = []
        self.seen = 0
        process = self.runner.engine.process

        async def noted(records: Any) -> None:
            self.taken.append(list(records))
            await process(records)

        self.runner.engine.process = noted  # type: ignore[method-assign] # listens in
        take = self.runner._take

        async def taking(bundles: Any) -> None:
            await take(bundles)
            self.seen += len(bundles)

        self.runner._take = taking  # type: ignore[method-assign] # listens in

    async def until_it_waits(self) -> None:
        """Returns when somebody waits for the clock."""
        while not self.clock._sleepers:  # noqa: ASYNC110 - the clock tells nobody
            await asyncio.sleep(0)


def bundle(partition: int, *offsets: int, generation: int = 1, value: bytes | None = b"x", **record: Any) -> Any:
    """Records that one fetch brought from one partition, as Faust's message."""
    fields = {"topic": EVENTS.name, "partition": partition, "key": b"k", "timestamp": 1500, "headers": ()} | record
    records = [SimpleNamespace(offset=offset, value=value, **fields) for offset in offsets]
    return SimpleNamespace(partition=partition, generation_id=generation, records=records)


class Stream:
    """A stream that hands out what it was given, and then waits, ends or fails."""

    def __init__(self, *bundles: Any, then: Callable[[], Any]) -> None:
        self._bundles, self._then = bundles, then

    async def events(self) -> AsyncIterator[Any]:
        for one in self._bundles:
            yield SimpleNamespace(message=one)
        await self._then()


@pytest.fixture(autouse=True)
def alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would end this process fails the test."""

    def told(error: BaseException) -> None:
        raise AssertionError(f"the process would have ended: {error!r}") from error

    monkeypatch.setattr(runner_module, "end_process", told)


def run(bench: Bench, *bundles: Any) -> None:
    """Has a runner read these and commits what was kept once all of it is judged."""

    async def play() -> None:
        running = asyncio.create_task(bench.runner.run(Stream(*bundles, then=asyncio.Event().wait)))
        async with asyncio.timeout(10):
            while bench.seen < len(bundles):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
        await bench.runner.engine.drain()
        await bench.runner.commit()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(play())


def test_what_was_kept_is_committed_and_no_more() -> None:
    bench = Bench()
    run(bench, bundle(0, 5), bundle(1, 7), bundle(0, 6))
    assert bench.group.committed == {0: 7, 1: 8}


def test_nothing_is_committed_while_the_store_is_away() -> None:
    bench = Bench()

    async def play() -> None:
        bench.store.trouble = lambda name: 1000.0 if name == "insert dead_letters" else None
        bench.clock._restless = False
        await bench.runner._take([bundle(0, 5)])
        await bench.until_it_waits()
        await bench.runner.commit()
        assert bench.group.committed == {}
        bench.clock.advance(2000)
        await bench.runner.engine.drain()
        await bench.runner.commit()
        assert bench.group.committed == {0: 6}

    asyncio.run(play())


def test_a_commit_that_was_refused_is_made_with_the_next() -> None:
    bench = Bench()
    bench.group.refusals = 2

    async def play() -> None:
        await bench.runner._take([bundle(0, 5, 6), bundle(1, 7)])
        await bench.runner.engine.drain()
        for expected in ({}, {}, {0: 7, 1: 8}):
            await bench.runner.commit()
            assert bench.group.committed == expected

    asyncio.run(play())


def test_what_was_kept_during_a_refused_commit_is_not_set_back_by_it() -> None:
    bench = Bench()
    bench.group.refusals = 1

    async def goes_on() -> None:
        await bench.runner._take([bundle(0, 6)])
        await bench.runner.engine.drain()

    bench.group.meanwhile = goes_on

    async def play() -> None:
        await bench.runner._take([bundle(0, 5), bundle(1, 7)])
        await bench.runner.engine.drain()
        await bench.runner.commit()
        await bench.runner.commit()
        assert bench.group.committed == {0: 7, 1: 8}

    asyncio.run(play())


def test_a_commit_that_was_refused_is_left_to_the_new_owner() -> None:
    bench = Bench()
    bench.group.refusals = 1

    async def rebalanced() -> None:
        bench.group.now = (2, frozenset({1}))
        await bench.runner.tick()

    bench.group.meanwhile = rebalanced

    async def play() -> None:
        await bench.runner._take([bundle(0, 5)])
        await bench.runner.engine.drain()
        await bench.runner.commit()
        await bench.runner.commit()
        assert bench.group.committed == {}

    asyncio.run(play())


def test_a_rebalance_that_is_not_followed_yet_stops_commits() -> None:
    """A broker that forgot everything gives the same partitions again; in its new log an offset is another record's."""
    bench = Bench()

    async def play() -> None:
        await bench.runner._take([bundle(0, 5)])
        await bench.runner.engine.drain()
        bench.group.now = (2, frozenset({0, 1}))
        await bench.runner.commit()
        assert bench.group.committed == {}
        await bench.runner._take([bundle(0, 0, generation=2)])
        await bench.runner.engine.drain()
        await bench.runner.commit()
        assert bench.group.committed == {0: 1}

    asyncio.run(play())


def test_records_of_another_generation_or_of_partitions_that_are_not_ours_are_left_alone() -> None:
    """Whoever has the partition reads them again."""
    bench = Bench()
    run(bench, bundle(0, 5, generation=0), bundle(2, 5), bundle(1, 9), bundle(0, 6, generation=2))
    assert [[(record.partition, record.offset) for record in take] for take in bench.taken] == [[(1, 9)]]
    assert bench.group.committed == {1: 10}


def test_a_new_assignment_is_followed_before_its_records_are_judged() -> None:
    bench = Bench(script := Script({}))

    async def play() -> None:
        await bench.runner._take([bundle(0, 5)])
        bench.group.now = (2, frozenset({1, 4}))
        await bench.runner._take([bundle(0, 6), bundle(4, 0, generation=2)])
        await bench.runner.engine.drain()
        await bench.runner.commit()

    asyncio.run(play())
    assert script.calls.count("open_states sessions") == 2
    # What was kept before is read again by the new owner: its commit is not ours to make.
    assert bench.group.committed == {4: 1}
    assert [take[0].partition for take in bench.taken] == [0, 4]


def test_it_is_ready_with_partitions_and_not_without() -> None:
    bench = Bench()

    async def play() -> None:
        bench.group.now = (1, frozenset())
        await bench.runner.tick()
        assert not bench.runner.ready.is_set()
        bench.group.now = (2, frozenset({3}))
        await bench.runner.tick()
        assert bench.runner.ready.is_set()

    asyncio.run(play())


def test_a_record_as_the_engine_sees_it() -> None:
    bench = Bench()
    headers = (("wk-writer", b"canonical/1"),)
    run(bench, bundle(0, 5, value=None, headers=headers), bundle(0, 6, timestamp=None, key=None, headers=None))
    ((first, second),) = bench.taken
    assert (first.value, first.timestamp_ms, first.canonical, first.log) == (b"", 1500, True, "memory-1")
    assert (second.timestamp_ms, second.canonical, second.key) == (0, False, None)


def test_a_stop_waits_for_what_is_under_way_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner_module, "STOP_SECONDS", 0.2)
    monkeypatch.setattr(runner_module, "COMMIT_AT_STOP_SECONDS", 0.2)
    bench = Bench()

    async def play() -> None:
        await bench.runner._take([bundle(0, 5)])
        await bench.runner.stop()
        assert bench.group.committed == {0: 6}
        bench.bus.trouble = bench.store.trouble = lambda name: 1000.0 if name == "insert dead_letters" else None
        bench.clock._restless = False
        await bench.runner.engine.process([Record(EVENTS.name, 0, 6, b"k", b"x", 0)])
        await bench.until_it_waits()
        await bench.runner.stop()
        assert bench.group.committed == {0: 6}
        bench.store.trouble = lambda _: None
        bench.clock.advance(2000)
        await bench.runner.engine.drain()
        bench.group.gone = True
        await bench.runner.stop()

    asyncio.run(play())


ENDING = """
import asyncio, sys
sys.path.insert(0, {here!r})
from test_runner import Bench, Stream, bundle
from watchkeeper.stream_processors.engine.memory import Script, Trouble

bench = Bench(Script({plan}))

async def then():
    {then}

async def main():
    try:
        await bench.runner.run(Stream(bundle(0, 5), then=then))
    finally:
        print("went on", flush=True)

asyncio.run(main())
"""

ENDINGS = {
    "a stream that fails": ("{}", "raise ValueError('a bug')", "ValueError: a bug"),
    "a stream that ends": ("{}", "pass", "the stream of agent.events ended"),
    "a tick that fails": ("{}", "bench.group.horizons = None; await bench.runner.tick()", "TypeError"),
    "a stage that fails": (
        "{}",
        "bench.runner.engine._stage.prepare = None; await bench.runner._take([bundle(0, 6)])",
        "TypeError",
    ),
    "rows that are never taken": (
        "{'insert dead_letters': [Trouble.NEVER]}",
        "await asyncio.Event().wait()",
        "will never be done",
    ),
}


@pytest.mark.few(2)
@pytest.mark.parametrize("how", ENDINGS)
def test_whatever_is_wrong_ends_the_process_before_anything_else_happens(how: str) -> None:
    plan, then, said = ENDINGS[how]
    script = ENDING.format(here=str(Path(__file__).parent), plan=plan, then=then)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == EXIT_FAILED, ended.stderr
    assert "the worker cannot go on" in ended.stderr
    assert said in ended.stderr
    assert "went on" not in ended.stdout
