"""What was due before an event arrived is found before it: when ticks come, or whether, changes nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType
from typing import Any

import orjson
import pytest

from watchkeeper.schemas.topics import EVENTS
from watchkeeper.stream_processors.detection.detector import Context
from watchkeeper.stream_processors.detection.session_rules.audit_gap import AuditGap, AuditGapState

Story = Callable[[Any], list[tuple[float, bytes]]]
"""Of a teller: lines, each with the seconds that pass before it is told."""


def a_call_without_a_result(one: Any) -> list[tuple[float, bytes]]:
    return [(0, one.start()), (1, one.call()), (200, one.end())]


def a_late_result(one: Any) -> list[tuple[float, bytes]]:
    return [(0, one.start()), (1, one.call(1)), (130, one.result(1)), (1, one.end())]


def a_cap_that_is_passed(one: Any) -> list[tuple[float, bytes]]:
    return [(0, one.start(caps={"wall_clock_seconds": 60.0})), (50, one.call(1)), (50, one.result(1)), (1, one.end())]


def a_long_silence(one: Any) -> list[tuple[float, bytes]]:
    return [(0, one.start()), (1, one.call(1)), (4000, one.result(1)), (1, one.call()), (3000, one.end())]


def a_call_that_comes_late_and_is_overdue_at_once(one: Any) -> list[tuple[float, bytes]]:
    start, call, result = one.start(), one.call(), one.call(7)
    one.now_us += 14_400_000_000
    again, end = one.line("checkpoint", {"name": "again"}), one.end()
    return [(0, start), (1, result), (14_400, call), (0.2, again), (0.5, end)]


STORIES: list[Story] = [
    a_call_without_a_result,
    a_late_result,
    a_cap_that_is_passed,
    a_long_silence,
    a_call_that_comes_late_and_is_overdue_at_once,
]


def played(telling: ModuleType, story: Story, *, every: float, cut: int = 1000) -> dict[str, Any]:
    """What comes of a story with a tick after so many seconds, and a new worker after so many records."""
    world, one = telling.World(), telling.Teller()
    started_us = one.now_us = world.clock.now_us()

    async def play() -> None:
        worker = await telling.Worker(world).start()
        at_us = started_us
        for number, (seconds, line) in enumerate(story(one)):
            at_us += round(seconds * 1e6)
            while world.clock.now_us() + every * 1e6 < at_us:
                world.clock.advance(every)
                await worker.tick()
            world.clock.advance(max(0, at_us - world.clock.now_us()) / 1e6)
            world.bus.produce(EVENTS.name, one.key, line, telling.CANONICAL, timestamp_ms=at_us // 1000)
            if number % cut == 0:
                worker = await telling.Worker(world).start()
            await worker.run()

    asyncio.run(play())
    seen: dict[str, Any] = telling.outcome(world)
    return seen


@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize(("every", "cut"), [(1, 1000), (47, 1000), (47, 1), (1e9, 1)])
def test_when_ticks_come_changes_nothing(telling: ModuleType, story: Story, every: float, cut: int) -> None:
    never = played(telling, story, every=1e9)
    assert never["findings"]
    assert played(telling, story, every=every, cut=cut) == never


def test_what_arrives_together_was_told_without_a_pause(telling: ModuleType) -> None:
    """A host that was cut off sends what it kept: its calls did not wait for as long as their records did."""
    world, one = telling.World(), telling.Teller()
    one.now_us = world.clock.now_us()
    world.tell(one, one.start(), one.call(1))
    one.now_us += 100_000_000
    world.tell(one, one.result(1))
    one.now_us += 100_000_000
    world.tell(one, one.end())
    asyncio.run(told(telling, world))
    assert [row["kind"] for row in world.store.rows("findings")] == []


@pytest.mark.parametrize("timestamp_ms", [-1, 0, 1_767_225_600_000_000])
def test_a_record_without_a_usable_time_lets_none_pass(telling: ModuleType, timestamp_ms: int) -> None:
    """One whose writer gave it microseconds would let decades pass, and have its session stopped for it."""
    world, one = telling.World(), telling.Teller()
    world.tell(one, one.start(), one.call(1))
    world.bus.produce(EVENTS.name, one.key, one.result(1), timestamp_ms=timestamp_ms)
    world.tell(one, one.end())
    asyncio.run(told(telling, world))
    assert world.store.rows("findings") == []


def test_a_recording_is_told_in_any_time(telling: ModuleType) -> None:
    world, one = telling.World(), telling.Teller()
    one.header["origin"] = "import"
    world.tell(one, one.start(), one.call(1))
    world.clock.advance(100_000)
    world.tell(one, one.result(1))
    asyncio.run(told(telling, world))
    assert world.store.rows("findings") == []


def test_detectors_are_not_asked_at_every_event(telling: ModuleType) -> None:
    asked = 0

    class Counting(AuditGap):
        def due_us(self, state: AuditGapState, context: Context) -> int | None:
            nonlocal asked
            asked += 1
            return super().due_us(state, context)

    world, one = telling.World(), telling.Teller()
    one.now_us = world.clock.now_us()
    lines = [one.start()]
    for number in range(200):
        lines += [one.call(number), one.result(number)]
    for line in lines:
        world.clock.advance(0.1)
        world.tell(one, line)
    asyncio.run(told(telling, world, detectors=[Counting()]))
    assert 0 < asked < 5
    state = orjson.loads(world.store.rows("sessions")[0]["state"])["s"]
    assert state["due_us"] > state["last_us"]


async def told(telling: ModuleType, world: Any, **worker: Any) -> None:
    await (await telling.Worker(world, **worker).start()).run()
