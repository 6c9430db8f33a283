"""A tick judges by the session's own policy and tools, whoever held the session before."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

import orjson
import pytest

from watchkeeper.schemas.policy import AgentPolicy, Caps
from watchkeeper.schemas.topics import EVENTS
from watchkeeper.stream_processors.engine.memory import Script, Trouble

POLICY = AgentPolicy(agent="support", mode="enforce", caps=Caps(wall_clock_seconds=60))
DEFAULT_CAP_SECONDS = 300


def begun(telling: ModuleType, world: Any, sessions: int = 1, **policy: Any) -> None:
    """Sessions that begin under a policy, call a tool, and are heard of no more."""
    for number in range(sessions):
        teller = telling.Teller(f"s-{number}", now_us=world.clock.now_us())
        own = POLICY.model_copy(update=policy | {"version": str(number)}).model_dump_json()
        world.tell(teller, teller.start(policy={"name": "own", "content": teller.shared(own)}), teller.call())


def told(world: Any, kind: str) -> list[str]:
    return sorted(row["session_id"] for row in world.store.rows("findings") if row["kind"] == kind)


def stopped(world: Any) -> list[str]:
    return sorted(row["target_id"] for row in world.store.rows("control_commands"))


def test_a_worker_that_took_over_ticks_by_the_policy_of_the_session(telling: ModuleType) -> None:
    """The session tells nothing more: no event makes the successor load what it is judged by."""
    world = telling.World()
    begun(telling, world)

    async def play() -> None:
        await (await telling.Worker(world).start()).run()
        successor = await telling.Worker(world).start()
        world.clock.advance(100)
        await successor.tick()

    asyncio.run(play())
    assert told(world, "cap_use") == ["s-0", "s-0"]
    assert stopped(world) == ["s-0"]


@pytest.mark.parametrize("limit", [30, 100_000])
def test_a_takeover_changes_nothing_of_what_ticks_find(telling: ModuleType, limit: int) -> None:
    """A policy narrower than the default one, and a wider one."""

    def outcome(*, takeover: bool) -> dict[str, Any]:
        world = telling.World()
        begun(telling, world, caps=Caps(wall_clock_seconds=limit))

        async def play() -> None:
            worker = await telling.Worker(world).start()
            await worker.run()
            if takeover:
                worker = await telling.Worker(world).start()
            for _ in range(3):
                world.clock.advance(DEFAULT_CAP_SECONDS)
                await worker.tick()

        asyncio.run(play())
        seen: dict[str, Any] = telling.outcome(world)
        # The quiet run's stamps differ by the pause that a takeover takes.
        return {name: seen[name] for name in ("agent.findings", "agent.control", "agent.signals")}

    assert outcome(takeover=True) == outcome(takeover=False)


def test_a_store_that_is_away_delays_a_tick_and_does_not_change_it(telling: ModuleType) -> None:
    world = telling.World()
    begun(telling, world)
    away = Script({"contents": [Trouble.REFUSE] * 3})

    async def play() -> None:
        await (await telling.Worker(world).start()).run()
        successor = await telling.Worker(world).start()
        world.clock.advance(100)
        world.store.trouble = away
        await successor.tick()

    asyncio.run(play())
    assert away.calls.count("contents") == 4
    assert stopped(world) == ["s-0"]


@pytest.mark.long
def test_more_policies_than_the_library_holds_are_all_obeyed(telling: ModuleType) -> None:
    world = telling.World()
    begun(telling, world, sessions=2300)

    async def play() -> None:
        await (await telling.Worker(world, capacity=5000).start()).run()
        successor = await telling.Worker(world, capacity=5000).start()
        world.clock.advance(100)
        await successor.tick()

    asyncio.run(play())
    assert len(stopped(world)) == 2300


def test_a_policy_that_was_never_sent_stops_nobody(telling: ModuleType) -> None:
    world = telling.World()
    teller = telling.Teller(now_us=world.clock.now_us())
    absent = {key: value for key, value in teller.shared(POLICY.model_dump_json()).items() if key != "text"}
    world.tell(teller, teller.start(policy={"name": "own", "content": absent}), teller.call())

    async def play() -> None:
        worker = await telling.Worker(world).start()
        await worker.run()
        world.clock.advance(10 * DEFAULT_CAP_SECONDS)
        await worker.tick()

    asyncio.run(play())
    assert told(world, "cap_use") == ["s-1", "s-1"]
    assert stopped(world) == []
    assert orjson.loads(world.store.rows("sessions")[0]["state"])["s"]["policy_address"] == absent["address"]


@pytest.mark.parametrize("ahead", [7200, -7200])
@pytest.mark.parametrize("asked_before", [True, False])
def test_nobody_has_waited_for_as_long_as_the_clock_was_set_by(
    telling: ModuleType, ahead: int, *, asked_before: bool
) -> None:
    """A laptop slept, or a machine learnt the time: a session of 60 s is not stopped for that."""
    world = telling.World()
    begun(telling, world)

    async def play() -> None:
        worker = await telling.Worker(world).start()
        await worker.run()
        seen = {number: world.bus.horizon(EVENTS.name, number) for number in worker.positions}
        world.clock.set(ahead)
        if asked_before:
            await worker.engine.tick(seen)
        await worker.tick()
        world.clock.advance(30)
        await worker.tick()
        assert stopped(world) == []
        world.clock.advance(60)
        await worker.tick()

    asyncio.run(play())
    assert stopped(world) == ["s-0"]
