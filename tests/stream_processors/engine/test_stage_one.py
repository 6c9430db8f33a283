"""Stage 1 in an engine on the world in memory: order, replays, duplicates, conflicts, sessions that come and go."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

import orjson
import pytest

from watchkeeper.schemas.errors import StoreUnavailableError
from watchkeeper.schemas.model import format_utc, from_us
from watchkeeper.stream_processors.engine.memory import Script, Trouble
from watchkeeper.stream_processors.engine.ports import ContentKey, StoredPart


def kinds(world: Any, mode: str | None = None) -> list[str]:
    rows = world.store.rows("findings")
    return sorted(row["kind"] for row in rows if mode is None or row["failure_mode"] == mode)


def state_of(world: Any, session: str = "s-1") -> dict[str, Any]:
    (row,) = [row for row in world.store.rows("sessions") if row["session_id"] == session]
    state: dict[str, Any] = orjson.loads(row["state"])["s"]
    return state


def test_what_stands_at_a_covered_offset_is_a_replay(telling: ModuleType) -> None:
    world, teller = telling.World(), telling.Teller()
    world.tell(teller, teller.start(), teller.call())
    world.tell(teller, teller.result(1), teller.end())

    async def play() -> Any:
        await (await telling.Worker(world).start()).run()
        before = telling.outcome(world)
        world.bus.committed.clear()
        again = await telling.Worker(world).start()
        await again.run()
        assert telling.outcome(world) == before
        return again.engine.counts

    counts = asyncio.run(play())
    assert (counts.records, counts.replayed, counts.events) == (2, 4, 0)
    assert world.store.inserted["events"] == 4


def test_a_line_that_was_passed_over_is_no_replay(telling: ModuleType) -> None:
    """Records out of order lose nothing: only numbers that were applied are replays."""
    world, teller = telling.World(), telling.Teller()
    first = world.tell(teller, teller.start())
    second = world.tell(teller, teller.call())
    third = world.tell(teller, teller.result(1))

    async def play() -> Any:
        worker = await telling.Worker(world).start()
        await worker.engine.process([first, third])
        await worker.engine.process([second])
        await worker.engine.drain()
        return worker.engine.counts

    counts = asyncio.run(play())
    assert (counts.events, counts.late, counts.replayed) == (3, 1, 0)
    assert state_of(world)["writers"]["w-1"]["gaps"] == []
    assert state_of(world)["offset"] == 2


@pytest.mark.parametrize("where", ["record", "batch", "in flight", "later", "after restart"])
@pytest.mark.parametrize("changed", [False, True], ids=["duplicate", "conflict"])
def test_a_number_that_comes_again(telling: ModuleType, where: str, changed: bool) -> None:
    world, teller = telling.World(), telling.Teller()
    start, call = teller.start(), teller.call(1, q="a")
    teller.now_us -= 100_000
    again = teller.call(1, seq=1, q="b") if changed else call

    async def play() -> Any:
        worker = await telling.Worker(world).start()
        if where == "record":
            world.tell(teller, start, call, again)
        else:
            world.tell(teller, start, call)
            if where in {"later", "after restart"}:
                await worker.run()
            if where == "in flight":
                # The first output is still on its way when the second batch asks the store for the digest.
                world.store.trouble = Script({"insert events": [3.0], "digests": [1.0]})
                await worker.engine.process(worker._waiting())
            world.tell(teller, again)
        if where == "after restart":
            worker = await telling.Worker(world).start()
        await worker.run()
        return worker.engine.counts

    counts = asyncio.run(play())
    assert (counts.duplicates, counts.conflicts) == ((0, 1) if changed else (1, 0))
    assert len(world.store.rows("events")) == (3 if changed else 2)
    assert ("conflicting_event" in kinds(world)) is changed
    assert state_of(world)["totals"]["tool_calls"] == 1


def test_a_digest_is_known_even_where_its_output_is_kept_while_the_store_is_asked(telling: ModuleType) -> None:
    """The store is asked before the row is there, and answers when the output has left memory."""
    world, teller = telling.World(), telling.Teller()
    start, call = teller.start(), teller.call(1)

    async def play() -> Any:
        worker = await telling.Worker(world).start()
        world.tell(teller, start, call)
        store = world.store
        answer = store.digests

        async def late(keys: Any) -> Any:
            found = await answer(keys)
            # All of the first output is kept by now.
            await worker.engine.drain()
            return found

        store.trouble = Script({"insert events": [0.5]})
        await worker.engine.process(worker._waiting())
        store.digests = late
        world.tell(teller, call)
        await worker.run()
        return worker.engine.counts

    counts = asyncio.run(play())
    assert (counts.events, counts.duplicates, counts.late) == (2, 1, 0)


def test_a_session_that_ends_on_its_way_does_not_begin_anew(telling: ModuleType) -> None:
    """It leaves memory when its end is kept: not while the next batch already counts on it."""
    world, teller = telling.World(), telling.Teller()
    other = telling.Teller("s-2")

    async def play() -> None:
        worker = await telling.Worker(world).start()
        world.tell(teller, teller.start(), teller.end())
        await worker.engine.process(worker._waiting())
        answer = world.store.states

        async def late(*asked: Any) -> Any:
            found = await answer(*asked)
            await worker.engine.drain()
            return found

        world.store.states = late
        # A session nobody knows makes the loader ask the store; meanwhile the first output is kept.
        world.tell(other, other.start())
        outcome = {"name": "csat", "kind": "feedback", "value": 1.0}
        world.tell(teller, teller.line("outcome", outcome))
        await worker.run()

    asyncio.run(play())
    state = state_of(world)
    assert state["totals"]["events"] == 3
    assert state["status"] == "completed"
    assert kinds(world, "audit_gap") == []


def test_gap_and_late_fill(telling: ModuleType) -> None:
    world, teller = telling.World(), telling.Teller()
    start, call, result = teller.start(), teller.call(), teller.result(1)

    async def play() -> Any:
        worker = await telling.Worker(world).start()
        world.tell(teller, start)
        world.tell(teller, result)
        await worker.run()
        (gap,) = [row for row in world.store.rows("findings") if row["failure_mode"] == "audit_gap"]
        assert (gap["status"], gap["revision"]) == ("open", 0)
        world.tell(teller, call)
        await worker.run()
        (filled,) = [row for row in world.store.rows("findings") if row["finding_id"] == gap["finding_id"]]
        assert filled["status"] == "resolved"
        assert filled["revision"] > 0
        return worker.engine.counts

    assert asyncio.run(play()).late == 1
    (late,) = [row for row in world.store.rows("events") if row.get("late")]
    assert late["seq"] == 1


@pytest.mark.parametrize("capacity", [1000, 2, 0], ids=["all in memory", "some evicted", "none kept in memory"])
def test_sessions_come_back_with_the_same_results(telling: ModuleType, capacity: int) -> None:
    def play(capacity: int, *, restart: bool) -> Any:
        world = telling.World()
        tellers = [telling.Teller(f"s-{number}") for number in range(6)]

        async def run() -> Any:
            worker = await telling.Worker(world, capacity=capacity).start()
            for step in range(8):
                for teller in tellers:
                    world.tell(teller, teller.start() if step == 0 else teller.call(q="same"))
                await worker.run()
                assert len(worker.stage.sessions) <= max(capacity, 0)
                if restart:
                    worker = await telling.Worker(world, capacity=capacity).start()
            return telling.outcome(world)

        return asyncio.run(run())

    assert play(capacity, restart=False) == play(1000, restart=False)
    assert play(capacity, restart=True) == play(1000, restart=False)


def test_what_cannot_be_loaded_is_asked_for_until_it_can_and_leaves_no_pins(telling: ModuleType) -> None:
    world, teller = telling.World(), telling.Teller()
    world.store.trouble = Script(
        {
            "states sessions": [Trouble.REFUSE, Trouble.LOSE_ANSWER],
            "digests": [Trouble.REFUSE],
            "open_states sessions": [Trouble.REFUSE],
        }
    )

    async def play() -> Any:
        worker = await telling.Worker(world).start()
        call = teller.call(0)
        world.tell(teller, teller.start(), call)
        world.tell(teller, teller.end())
        await worker.run()
        return worker

    worker = asyncio.run(play())
    assert worker.failures == []
    assert len(worker.stage.sessions) == 0


def test_a_transient_failure_of_loading_pins_nothing(telling: ModuleType) -> None:
    world, teller, other = telling.World(), telling.Teller(), telling.Teller("s-2")

    async def play() -> Any:
        worker = await telling.Worker(world).start()
        world.tell(teller, teller.start())
        await worker.run()
        world.store.trouble = Script({"states sessions": [Trouble.REFUSE]})
        with pytest.raises(StoreUnavailableError):
            await worker.stage.prepare([teller.record(teller.call()), other.record(other.start())])
        return worker.stage.sessions[("default", "s-1")].pins

    assert asyncio.run(play()) == 0


def test_tools_known_by_address_only_are_loaded_from_the_store(telling: ModuleType) -> None:
    text = orjson.dumps(telling.TOOLS).decode()

    async def play(parts: list[str]) -> list[str]:
        world, teller = telling.World(), telling.Teller()
        shared = teller.shared(text)
        cut = [StoredPart(shared["address"], number, len(parts), part) for number, part in enumerate(parts)]
        asked: list[Any] = []

        async def contents(keys: Any, most_parts: int) -> list[StoredPart]:
            asked.append(set(keys))
            return cut

        world.store.contents = contents
        worker = await telling.Worker(world).start()
        tools = {"address": shared["address"], "size": shared["size"]}
        world.tell(teller, teller.start(tools), teller.call(tool="serch"))
        await worker.run()
        assert asked == [{ContentKey("default", shared["address"])}]
        return kinds(world, "hallucinated_tool")

    assert asyncio.run(play([text])) == ["unknown_tool"]
    assert asyncio.run(play([text[:20], text[20:]])) == ["unknown_tool"]
    assert asyncio.run(play([])) == ["unjudged"]


def test_a_text_that_was_absent_is_asked_for_again_later(telling: ModuleType) -> None:
    world, teller = telling.World(), telling.Teller()
    text = orjson.dumps(telling.TOOLS).decode()
    shared = teller.shared(text)
    world.store.trouble = script = Script({})

    async def play() -> None:
        worker = await telling.Worker(world).start()
        tools = {"address": shared["address"], "size": shared["size"]}
        for lines in (teller.start(tools), teller.call(), teller.call()):
            world.tell(teller, lines)
            await worker.run()
        assert script.calls.count("contents") == 1
        world.clock.advance(11)
        world.tell(teller, teller.call())
        await worker.run()
        assert script.calls.count("contents") == 2

    asyncio.run(play())


def test_a_text_shared_by_sessions_is_written_once_and_a_forged_one_never(telling: ModuleType) -> None:
    world = telling.World()
    tellers = [telling.Teller(f"s-{number}") for number in range(5)]
    forged = telling.Teller("forged")

    async def play() -> None:
        worker = await telling.Worker(world).start()
        for teller in tellers:
            world.tell(teller, teller.start())
        shared = forged.shared(orjson.dumps(telling.TOOLS).decode()) | {"text": "[]", "size": 2}
        world.tell(forged, forged.line("session_started", {"tools": shared}))
        await worker.run()

    asyncio.run(play())
    assert world.store.inserted["contents"] == 1
    assert orjson.loads(world.store.rows("contents")[0]["text"]) == telling.TOOLS


def test_the_parts_of_a_text_go_to_contents_and_not_into_the_event(telling: ModuleType) -> None:
    world, teller = telling.World(), telling.Teller()
    part = {"address": "s-" + "0" * 64, "part": 0, "parts": 1, "size": 4, "text": "text"}

    async def play() -> None:
        worker = await telling.Worker(world).start()
        world.tell(teller, teller.start(), teller.line("content", part))
        await worker.run()

    asyncio.run(play())
    event = next(row for row in world.store.rows("events") if row["type"] == "content")
    assert "text" not in event["data"]
    assert any(row["text"] == "text" for row in world.store.rows("contents"))


def test_time_passes_where_it_is_certain_and_only_for_partitions_in_hand(telling: ModuleType) -> None:
    world, teller = telling.World(), telling.Teller()
    teller.now_us = world.clock.now_us()

    async def play() -> None:
        worker = await telling.Worker(world).start()
        record = world.tell(teller, teller.start(caps={"wall_clock_seconds": 60.0}), teller.call())
        await worker.run()
        world.clock.advance(40)
        await worker.tick()
        assert kinds(world, "cost_runaway") == []
        world.clock.advance(100)
        elsewhere = (record.partition + 1) % 12
        await worker.engine.tick({elsewhere: world.bus.horizon("agent.events", elsewhere)})
        assert kinds(world, "cost_runaway") == []
        # An unread record lies in the partition: it may be the session's.
        world.tell(teller, teller.result(1))
        await worker.tick()
        assert kinds(world, "cost_runaway") == []
        await worker.run()
        # The cap was passed before it arrived, and that is found first.
        assert "cap_use" in kinds(world, "cost_runaway")
        before = telling.outcome(world)
        await worker.tick()
        assert telling.outcome(world) == before
        (found,) = {row["detected_at"] for row in world.store.rows("findings") if row["kind"] == "cap_use"}
        assert found == format_utc(from_us(world.clock.now_us()))

    asyncio.run(play())


def test_recordings_have_no_silence(telling: ModuleType) -> None:
    world, teller = telling.World(), telling.Teller()
    teller.header["origin"] = "import"

    async def play() -> None:
        worker = await telling.Worker(world).start()
        world.tell(teller, teller.start(caps={"wall_clock_seconds": 60.0}), teller.call())
        await worker.run()
        world.clock.advance(100_000)
        await worker.tick()

    asyncio.run(play())
    assert world.store.rows("findings") == []
