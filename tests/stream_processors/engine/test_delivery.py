"""Whatever goes wrong, and wherever batches are cut: afterwards users see what they see when nothing goes wrong."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchkeeper.stream_processors.engine.memory import Crash, Trouble


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A storm of thousands of refusals is not worth reading."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def history(telling: ModuleType, world: Any, draw: random.Random) -> None:
    """Records of several sessions: with gaps that are filled late or never, duplicates, conflicts, bad lines, ends."""
    tellers = [telling.Teller(f"s-{number}") for number in range(5)] + [telling.Teller("s-0", writer="late")]
    told: list[tuple[Any, bytes]] = []
    held_back: list[tuple[Any, bytes]] = []
    for _ in range(draw.randrange(10, 60)):
        teller = draw.choice(tellers)
        fate = draw.random()
        if teller.seq == 0:
            lines = [teller.start() if teller.writer == "w-1" else teller.call()]
        elif fate < 0.04:
            lines = [teller.end()]
        elif fate < 0.5:
            lines = [
                teller.call(q="same" if fate < 0.2 else str(teller.seq), tool="search" if fate < 0.45 else "serch")
            ]
        else:
            lines = [teller.result(teller.seq - 1) for _ in range(draw.randrange(1, 4))]
        if 0.5 < fate < 0.56:
            held_back += [(teller, line) for line in lines]
            continue
        if fate > 0.97:
            lines.insert(draw.randrange(len(lines) + 1), b'{"type": "tool_call"}')
        if told and fate > 0.9:
            teller, line = draw.choice(told)
            lines = [line]
        elif told and fate > 0.85:
            teller, line = draw.choice(told)
            lines = [line.replace(b'"agent_id":"support"', b'"agent_id":"someone"')]
        told += [(teller, line) for line in lines if line.startswith(b'{"type":')]
        world.tell(teller, *lines, canonical=fate < 0.7)
        if held_back and draw.random() < 0.2:
            world.tell(held_back[0][0], held_back[0][1])
            del held_back[0]


async def undisturbed(telling: ModuleType, seed: int) -> dict[str, Any]:
    world = telling.World()
    history(telling, world, random.Random(seed))
    await (await telling.Worker(world).start()).run()
    outcome: dict[str, Any] = telling.outcome(world)
    assert outcome["events"]
    return outcome


@given(seed=st.integers(0, 10_000), takes=st.lists(st.integers(1, 20)), capacity=st.sampled_from([0, 2, 1000]))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_batches_may_be_cut_anywhere(telling: ModuleType, seed: int, takes: list[int], capacity: int) -> None:
    async def play() -> None:
        world = telling.World()
        history(telling, world, random.Random(seed))
        worker = await telling.Worker(world, capacity=capacity).start()
        await worker.run(iter(takes))
        assert worker.failures == []
        assert telling.outcome(world) == await undisturbed(telling, seed)

    asyncio.run(play())


class Weather:
    """A plan that goes wrong at random, ever less often."""

    def __init__(self, seed: int, troubles: list[Trouble], chance: float) -> None:
        self._draw = random.Random(seed)
        self._troubles = troubles
        self._chance = chance

    def __call__(self, _: str) -> Trouble | float | None:
        roll = self._draw.random()
        if roll < self._chance:
            self._chance *= 0.9
            return self._draw.choice(self._troubles)
        return self._draw.choice([0.0, 0.01, 0.5]) if roll < 2 * self._chance else None


STORMY = [Trouble.REFUSE, Trouble.LOSE_ANSWER, Trouble.HALF]
DEADLY = [*STORMY, Trouble.CRASH, Trouble.CRASH_AFTER]


@pytest.mark.few(1)
@given(seed=st.integers(0, 10_000), weather=st.integers(0, 10_000), takes=st.lists(st.integers(1, 20), max_size=20))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("troubles", [STORMY, DEADLY], ids=["trouble", "crashes"])
def test_trouble_changes_nothing(
    telling: ModuleType, seed: int, weather: int, takes: list[int], troubles: list[Trouble]
) -> None:
    async def play() -> None:
        world = telling.World()
        history(telling, world, random.Random(seed))
        world.bus.trouble = world.store.trouble = Weather(weather, troubles, 0.3)
        cuts = iter(takes)
        for _ in range(200):
            worker = telling.Worker(world)
            try:
                await worker.start()
                await worker.run(cuts)
                break
            except Crash:
                await abandon()
        else:
            raise AssertionError("two hundred workers could not do it")
        assert telling.outcome(world) == await undisturbed(telling, seed)

    asyncio.run(play())


async def abandon() -> None:
    """What the crashed worker had begun ends with it."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


@pytest.mark.long
@given(seed=st.integers(0, 10_000), weather=st.integers(0, 10_000))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_worker_that_does_not_know_that_it_lost_its_partitions_changes_nothing(
    telling: ModuleType, seed: int, weather: int
) -> None:
    """Two workers on the same partitions: the one that was stopped for a while goes on, on what it knew."""

    async def play() -> None:
        world = telling.World()
        history(telling, world, random.Random(seed))
        draw = random.Random(weather)
        one = await telling.Worker(world).start()
        waiting = one._waiting()
        split, end = sorted((draw.randrange(len(waiting) + 1), draw.randrange(len(waiting) + 1)))
        await one.engine.process(waiting[:split])
        await one.engine.drain()
        two = await telling.Worker(world).start()
        slow = Weather(weather, [Trouble.REFUSE], 0.3)
        world.store.trouble = slow
        await asyncio.gather(one.engine.process(waiting[split:end]), two.run(iter([3] * 50)))
        await asyncio.gather(one.engine.drain(), two.engine.drain())
        assert telling.outcome(world) == await undisturbed(telling, seed)

    asyncio.run(play())
