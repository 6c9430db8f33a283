"""When a batch begins, and with what."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from watchkeeper.stream_processors.engine.memory import MemoryClock
from watchkeeper.stream_processors.intake import ENOUGH_BYTES, PACE_SECONDS, Intake


def bundle(*values: bytes | None) -> Any:
    return SimpleNamespace(records=[SimpleNamespace(value=value) for value in values])


class Batches:
    """As many as are let be kept."""

    def __init__(self) -> None:
        self.kept = asyncio.Event()

    async def room(self) -> None:
        await self.kept.wait()


async def settle() -> None:
    """Lets everything go on that can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_an_idle_one_hands_over_at_once() -> None:
    async def play() -> None:
        batches = Batches()
        batches.kept.set()
        intake = Intake(MemoryClock(), batches.room)
        taking = asyncio.create_task(intake.take())
        await settle()
        assert not taking.done()
        intake.add(one := bundle(b"a", None))
        async with asyncio.timeout(10):
            assert await taking == [one]

    asyncio.run(play())


def test_batches_keep_a_pace() -> None:
    async def play() -> None:
        clock, batches = MemoryClock(), Batches()
        batches.kept.set()
        intake = Intake(clock, batches.room)
        intake.add(bundle(b"a"))
        await intake.take()
        intake.add(second := bundle(b"b"))
        taking = asyncio.create_task(intake.take())
        await settle()
        clock.advance(PACE_SECONDS - 0.01)
        await settle()
        assert not taking.done()
        intake.add(third := bundle(b"c"))
        clock.advance(0.02)
        assert await taking == [second, third]
        # A clock that was set back holds nothing up.
        clock.advance(-1000)
        intake.add(fourth := bundle(b"d"))
        assert await intake.take() == [fourth]

    asyncio.run(play())


def test_what_is_read_while_batches_are_being_kept_is_one_batch() -> None:
    async def play() -> None:
        batches = Batches()
        intake = Intake(MemoryClock(), batches.room)
        taking = asyncio.create_task(intake.take())
        read = [bundle(b"%d" % number) for number in range(5)]
        for one in read:
            intake.add(one)
            await settle()
        assert not taking.done()
        batches.kept.set()
        assert await taking == read

    asyncio.run(play())


def test_a_full_batch_waits_for_none_and_more_than_enough_is_told() -> None:
    async def play() -> None:
        intake = Intake(MemoryClock(), Batches().room)
        told: list[bool] = []
        for size in (ENOUGH_BYTES - 1, 1):
            intake.add(bundle(b"x" * size))
            told.append(intake.is_crowded)
        async with asyncio.timeout(10):
            assert len(await intake.take()) == 2
        assert [*told, intake.is_crowded] == [False, True, False]

    asyncio.run(play())
