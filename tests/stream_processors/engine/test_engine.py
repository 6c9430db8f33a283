"""Turns, batches, and when time may pass."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.errors import StoreUnavailableError
from watchkeeper.stream_processors.engine.engine import BATCH_BYTES, Engine, batches
from watchkeeper.stream_processors.engine.memory import MemoryBus, MemoryClock, Script
from watchkeeper.stream_processors.engine.memory_store import MemoryStore
from watchkeeper.stream_processors.engine.ports import Horizon, Record
from watchkeeper.stream_processors.engine.stage import Output, StateSize


def record(offset: int, partition: int = 0, size: int = 10) -> Record:
    return Record("agent.events", partition, offset, b"k", b"x" * size, 0)


class Journal:
    """A stage that writes down what it is asked, and asserts that it is asked one thing at a time."""

    def __init__(self, clock: MemoryClock) -> None:
        self.clock = clock
        self.entries: list[Any] = []
        self.ticks: list[Mapping[int, int]] = []
        self.settled_outputs: list[Output] = []
        self._inside = False

    async def _alone(self, what: Any) -> None:
        assert not self._inside, f"{what} while something else is going on"
        self._inside = True
        await self.clock.sleep(0.1)
        self.entries.append(what)
        self._inside = False

    async def assign(self, partitions: Collection[int]) -> None:
        await self._alone(("assign", sorted(partitions)))

    async def prepare(self, records: Sequence[Record]) -> Sequence[Record]:
        await self._alone(("prepare", [one.offset for one in records]))
        return records

    def judge(self, prepared: Sequence[Record]) -> Output:
        assert not self._inside
        self.entries.append(("judge", [one.offset for one in prepared]))
        output = Output("sessions")
        output.counts.records = len(prepared)
        output.states.append(
            b'{"source_partition":0,"tenant_id":"t","session_id":"s","state":"","version":%d}' % prepared[-1].offset
        )
        return output

    async def prepare_tick(self, until_us: Mapping[int, int]) -> None:
        await self._alone(("prepare tick", until_us))

    def tick(self, until_us: Mapping[int, int]) -> Output | None:
        assert not self._inside
        self.ticks.append(until_us)
        return None

    def clock_was_set(self, ahead_us: int) -> None:
        raise AssertionError(ahead_us)

    def settled(self, output: Output) -> None:
        self.settled_outputs.append(output)

    def size(self) -> StateSize:
        return StateSize(0, 0)


class Bench:
    def __init__(self, plan: Any = lambda _: None) -> None:
        self.clock = MemoryClock(restless=True)
        self.stage = Journal(self.clock)
        self.store = MemoryStore(self.clock, trouble=plan)
        self.acknowledged: list[int] = []
        self.failures: list[BaseException] = []
        self.engine = Engine(
            self.stage,
            bus=MemoryBus(self.clock),
            store=self.store,
            clock=self.clock,
            acknowledge=self._acknowledge,
            on_failure=self.failures.append,
        )

    async def _acknowledge(self, records: Sequence[Record]) -> None:
        assert self.store.rows("sessions")[0]["version"] >= records[-1].offset
        self.acknowledged += [one.offset for one in records]


def test_records_are_acknowledged_in_order_once_their_state_is_kept() -> None:
    bench = Bench(Script({"insert sessions": [2.0, 0.0, 1.0]}))

    async def play() -> None:
        for offset in range(6):
            await bench.engine.process([record(offset)])
        await bench.engine.drain()

    asyncio.run(play())
    assert bench.acknowledged == list(range(6))
    assert len(bench.stage.settled_outputs) == 6
    assert bench.engine.counts.records == 6


def test_everything_takes_turns() -> None:
    bench = Bench(Script({"insert sessions": [0.5] * 20}))

    async def play() -> None:
        engine = bench.engine
        await asyncio.gather(
            engine.process([record(offset, size=BATCH_BYTES) for offset in range(3)]),
            engine.assign([1, 2]),
            engine.process([record(3)]),
            engine.tick({}),
            engine.assign([]),
            engine.process([record(4)]),
        )
        await engine.drain()

    asyncio.run(play())
    order = [entry for entry in bench.stage.entries if entry[0] != "prepare"]
    # The batches of one call are not separated: a rebalance between them would judge on states that are not theirs.
    assert order == [
        ("judge", [0]),
        ("judge", [1]),
        ("judge", [2]),
        ("assign", [1, 2]),
        ("judge", [3]),
        ("assign", []),
        ("judge", [4]),
    ]


def test_an_assignment_waits_until_all_is_kept() -> None:
    bench = Bench(Script({"insert sessions": [3.0, 3.0]}))

    async def play() -> list[int]:
        await bench.engine.process([record(0)])
        await bench.engine.process([record(1)])
        await bench.engine.assign([0])
        return list(bench.acknowledged)

    assert asyncio.run(play()) == [0, 1]


def test_loading_is_repeated_until_the_store_is_there() -> None:
    bench = Bench()
    attempts = 0

    async def prepare(records: Sequence[Record]) -> Sequence[Record]:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise StoreUnavailableError("away")
        return records

    # The method is replaced on purpose.
    bench.stage.prepare = prepare  # type: ignore[method-assign]

    async def play() -> None:
        await bench.engine.process([record(0)])
        await bench.engine.drain()

    asyncio.run(play())
    assert attempts == 4
    assert bench.acknowledged == [0]


HORIZONS = [
    # start, end, judged before (offset after the last), does time pass
    (0, 0, None, True),
    (None, 0, None, False),
    (5, 5, None, True),
    (4, 5, None, False),
    (None, 5, None, False),
    (None, 5, 5, True),
    (None, 6, 5, False),
    (0, 3, 5, True),
]


@pytest.mark.parametrize(("start", "end", "judged", "passes"), HORIZONS)
def test_time_passes_only_where_all_that_had_arrived_is_judged(
    start: int | None, end: int, judged: int | None, passes: bool
) -> None:
    bench = Bench()

    async def play() -> None:
        await bench.engine.assign([0, 1])
        if judged is not None:
            await bench.engine.process([record(judged - 1)])
        await bench.engine.tick({0: Horizon(start, end, 77), 1: Horizon(0, 1, 88)})
        await bench.engine.drain()

    asyncio.run(play())
    assert bench.stage.ticks == ([{0: 77}] if passes else [])


def test_an_assignment_forgets_what_was_judged() -> None:
    bench = Bench()

    async def play() -> None:
        await bench.engine.process([record(9)])
        await bench.engine.assign([0])
        await bench.engine.tick({0: Horizon(None, 10, 1)})

    asyncio.run(play())
    assert bench.stage.ticks == []


def test_a_tick_does_not_run_on_records_that_are_still_being_judged() -> None:
    """It waits for its turn, and then what it was told of the log is compared with what is judged by now."""
    bench = Bench()

    async def play() -> None:
        processing = asyncio.create_task(bench.engine.process([record(0)]))
        await asyncio.sleep(0)
        await bench.engine.tick({0: Horizon(0, 1, 5)})
        await processing

    asyncio.run(play())
    assert bench.stage.ticks == [{0: 5}]
    assert bench.stage.entries[-2:] == [("judge", [0]), ("prepare tick", {0: 5})]


def test_once_something_cannot_be_kept_nothing_goes_on() -> None:
    bench = Bench()
    bench.store.refuses = lambda _, __: True

    async def play() -> None:
        await bench.engine.process([record(0)])
        with pytest.raises(Exception, match="refused"):
            await bench.engine.drain()
        with pytest.raises(Exception, match="refused"):
            await bench.engine.process([record(1)])
        with pytest.raises(Exception, match="refused"):
            await bench.engine.assign([0])

    asyncio.run(play())
    assert len(bench.failures) == 1
    assert bench.acknowledged == []


@given(sizes=st.lists(st.integers(0, 50), max_size=40), most=st.integers(1, 60))
def test_batches_keep_order_and_stay_small(sizes: list[int], most: int) -> None:
    records = [record(offset, size=size) for offset, size in enumerate(sizes)]
    cut = batches(records, most)
    assert [one for batch in cut for one in batch] == records
    assert all(len(batch) == 1 or sum(len(one.value) for one in batch) <= most for batch in cut)


def test_the_rule_of_the_share_reaches_stage_two(telling: ModuleType) -> None:
    """Signals of stage 1 are what stage 2 reads."""
    world = telling.World()

    async def play() -> None:
        worker = await telling.Worker(world).start()
        for number in range(3):
            teller = telling.Teller(f"s-{number}")
            world.tell(teller, teller.start())
        await worker.run()

    asyncio.run(play())
    assert sum(len(message.value.split(b"\n")) for message in world.bus.messages("agent.signals")) == 3
