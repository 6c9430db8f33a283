"""The order in which outputs are kept, and what happens to it when a step fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any

import orjson
import pytest

from watchkeeper.schemas.errors import BusUnavailableError, PermanentError, StoreUnavailableError
from watchkeeper.stream_processors.engine.checkpoint import DEPTH, Checkpointer, persist
from watchkeeper.stream_processors.engine.memory import Crash, MemoryBus, MemoryClock, Script, Trouble
from watchkeeper.stream_processors.engine.memory_store import MemoryStore
from watchkeeper.stream_processors.engine.ports import Message, Record, RowsRefusedError
from watchkeeper.stream_processors.engine.stage import Origin, Output


class Bench:
    """A checkpointer on a bus and a store that write down when each step begins and ends."""

    def __init__(self, plan: Callable[[str], Any] = lambda _: None, **store: Any) -> None:
        self.journal: list[str] = []
        clock = MemoryClock(restless=True)
        self.bus = MemoryBus(clock, trouble=plan)
        self.store = MemoryStore(clock, trouble=plan, **store)
        # Methods are replaced on purpose: what they are given is written down.
        self.bus.publish = self._written_down("publish", self.bus.publish)  # type: ignore[assignment, method-assign]
        self.store.insert = self._written_down("insert", self.store.insert)  # type: ignore[assignment, method-assign]
        self.failures: list[BaseException] = []
        self.kept: list[int] = []
        self.checkpointer = Checkpointer(self.bus, self.store, clock, self.failures.append)

    def _written_down(self, step: str, call: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        async def recorded(*asked: Any) -> None:
            name = step if step == "publish" else f"insert {asked[0]}"
            number = _number(asked[-1])
            self.journal.append(f"{number} {name} begins")
            await call(*asked)
            self.journal.append(f"{number} {name} done")

        return recorded

    async def submit(self, number: int, output: Output | None = None) -> None:
        async def kept() -> None:
            self.journal.append(f"{number} kept")
            self.kept.append(number)

        await self.checkpointer.submit(output or full(number), kept)

    def when(self, entry: str) -> int:
        return self.journal.index(entry)


def _number(sequence: Sequence[Any]) -> int:
    first = sequence[0]
    document = orjson.loads(first.value if isinstance(first, Message) else first)
    number: int = document.get("source_offset", document.get("version"))
    return number


def full(number: int, rows: int = 1) -> Output:
    """An output with something for every step."""
    output = Output("sessions")
    output.messages.append(Message("agent.findings", b"k", orjson.dumps({"source_offset": number})))
    for line in range(rows):
        row = {"session_id": "s", "writer_id": "w", "seq": number * 1000 + line, "digest": "d"}
        place = {"source_partition": 0, "source_offset": number, "source_line": line}
        origin = Origin(Record("agent.events", 0, number, b"default/s", b"", 0), raw(number, line), line)
        output.add_event(orjson.dumps(row | place), 0, origin)
    state = {"source_partition": number, "tenant_id": "t", "session_id": "s", "version": number, "state": "{}"}
    output.states.append(orjson.dumps(state))
    return output


def raw(number: int, line: int) -> bytes:
    return orjson.dumps({"source_offset": number, "said": line})


def play(bench: Bench, numbers: int = 4) -> None:
    async def run() -> None:
        for number in range(numbers):
            await bench.submit(number)
        await bench.checkpointer.drain()

    asyncio.run(run())


def test_each_step_is_done_before_the_next_begins() -> None:
    bench = Bench()
    play(bench)
    for number in range(4):
        steps = [f"{number} {step}" for step in ("publish", "insert events", "insert sessions")]
        for before, after in pairwise(steps):
            assert bench.when(f"{before} done") < bench.when(f"{after} begins")
        assert bench.when(f"{steps[-1]} done") < bench.when(f"{number} kept")
    assert bench.kept == [0, 1, 2, 3]
    assert [row["version"] for row in bench.store.rows("sessions")] == [0, 1, 2, 3]


@pytest.mark.parametrize("slow", ["publish", "insert events", "insert sessions"])
@pytest.mark.parametrize("trouble", [5.0, Trouble.REFUSE, Trouble.LOSE_ANSWER, Trouble.HALF], ids=str)
def test_a_slow_step_is_not_overtaken(slow: str, trouble: Any) -> None:
    """In publishing, in states and in acknowledgements; rows may overtake rows."""
    bench = Bench(Script({slow: [trouble, None, trouble]}))
    play(bench, 6)
    assert bench.kept == list(range(6))
    published = [bench.journal.index(f"{number} publish done") for number in range(6)]
    begun = [bench.journal.index(f"{number} publish begins") for number in range(6)]
    assert all(done < next_begins for done, next_begins in zip(published, begun[1:], strict=False))
    kept = [bench.when(f"{number} kept") for number in range(6)]
    assert kept == sorted(kept)
    assert [row["version"] for row in bench.store.rows("sessions")] == list(range(6))


def test_the_state_of_the_second_waits_for_the_first_to_be_kept() -> None:
    bench = Bench(Script({"insert events": [3.0, 0.0]}))
    play(bench, 2)
    assert bench.when("1 insert events done") < bench.when("0 insert events done")
    assert bench.when("0 kept") < bench.when("1 insert sessions begins")


def test_no_more_than_two_are_kept_at_once() -> None:
    bench = Bench(Script({"insert events": [1.0] * 10}))
    play(bench, 10)
    under_way = 0
    for entry in bench.journal:
        under_way += entry.endswith("publish begins")
        under_way -= entry.endswith(" kept")
        assert under_way <= DEPTH


STEPS = ["publish", "insert events", "insert sessions"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("failing", [0, 1, 2])
@pytest.mark.parametrize("trouble", [Trouble.CRASH, Trouble.CRASH_AFTER])
def test_after_a_failure_nothing_is_acknowledged(step: str, failing: int, trouble: Trouble) -> None:
    bench = Bench(Script({step: [*[None] * failing, trouble]}))

    async def run() -> None:
        for number in range(6):
            await bench.submit(number)
        await bench.checkpointer.drain()

    with pytest.raises(Crash):
        asyncio.run(run())
    assert bench.kept == list(range(failing))
    assert len(bench.failures) == 1
    assert len(bench.store.rows("sessions")) <= failing + 1


def test_a_permanent_failure_ends_it_and_submitting_and_draining_say_so() -> None:
    bench = Bench(Script({"insert sessions": [Trouble.NEVER]}))

    async def run() -> None:
        await bench.submit(0)
        with pytest.raises(RowsRefusedError):
            await bench.checkpointer.drain()
        with pytest.raises(RowsRefusedError):
            await bench.submit(1)

    asyncio.run(run())
    assert bench.kept == []
    assert [type(failure) for failure in bench.failures] == [RowsRefusedError]


def test_a_failing_acknowledgement_is_a_failure() -> None:
    bench = Bench()

    async def run() -> None:
        async def refuse() -> None:
            raise PermanentError("no")

        await bench.checkpointer.submit(full(0), refuse)
        with pytest.raises(PermanentError):
            await bench.checkpointer.drain()

    asyncio.run(run())
    assert len(bench.failures) == 1


def test_an_output_with_nothing_to_keep_waits_its_turn() -> None:
    bench = Bench(Script({"publish": [2.0]}))

    async def run() -> None:
        await bench.submit(0)
        await bench.submit(1, Output("sessions"))
        await bench.submit(2)
        await bench.checkpointer.drain()

    asyncio.run(run())
    assert bench.kept == [0, 1, 2]
    assert not [entry for entry in bench.journal if entry.startswith("1 ") and "insert" in entry]
    assert bench.when("0 publish done") < bench.when("2 publish begins")


def refuses(numbers: set[int]) -> Callable[[str, dict[str, Any]], bool]:
    return lambda table, row: table == "events" and row["seq"] in numbers


@pytest.mark.parametrize("guilty", [{0}, {7}, {3, 4, 60}, set(range(64))], ids=["first", "one", "three", "all"])
def test_refused_rows_are_set_aside_and_their_neighbours_stored(guilty: set[int]) -> None:
    bench = Bench(refuses=refuses(guilty))

    async def run() -> None:
        await bench.submit(0, full(0, rows=64))
        await bench.submit(1)
        await bench.checkpointer.drain()

    asyncio.run(run())
    stored = {row["seq"] for row in bench.store.rows("events")}
    assert stored == set(range(64)) - guilty | {1000}
    letters = bench.store.rows("dead_letters")
    assert {letter["source_line"] for letter in letters} == guilty
    assert {letter["reason"] for letter in letters} == {"store_refused"}
    published = {message.headers["wk-source"]: message.value for message in bench.bus.messages("agent.dead-letter")}
    assert published == {f"agent.events/0/0/{line}": raw(0, line) for line in guilty}
    assert bench.kept == [0, 1]
    assert bench.failures == []


def test_refused_rows_of_another_table_end_it() -> None:
    """They are the worker's own: to leave one out would lose a finding without a word."""
    bench = Bench(refuses=lambda table, _: table == "findings")

    async def run() -> None:
        output = full(0)
        output.add_row("findings", b'{"tenant_id":"t","finding_id":"f"}')
        await bench.submit(0, output)
        with pytest.raises(RowsRefusedError):
            await bench.checkpointer.drain()

    asyncio.run(run())
    assert bench.kept == []


@pytest.mark.parametrize("error", [BusUnavailableError, StoreUnavailableError])
def test_persist_waits_longer_and_longer_but_never_gives_up(error: type[Exception]) -> None:
    clock = MemoryClock(restless=True)
    times: list[int] = []

    async def attempt() -> str:
        times.append(clock.now_us())
        if len(times) < 40:
            raise error("away")
        return "done"

    assert asyncio.run(persist(clock, "testing", attempt)) == "done"
    pauses = [(after - before) / 1e6 for before, after in pairwise(times)]
    assert pauses[0] == pytest.approx(0.1)
    assert pauses == sorted(pauses)
    assert pauses[-1] == 5.0


def test_persist_complains_when_there_is_something_new_and_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    attempts = 0

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        if attempts <= 30:
            raise StoreUnavailableError("away" if attempts <= 15 else "no tables")

    asyncio.run(persist(MemoryClock(restless=True), "inserting into events", attempt))
    said = [record.message.removeprefix("inserting into events: ") for record in caplog.records]
    assert said == [f"{why}; trying again" for why in ("away", "away", "no tables", "no tables")]


def test_what_is_permanent_is_not_repeated() -> None:
    attempts = 0

    async def attempt() -> None:
        nonlocal attempts
        attempts += 1
        raise PermanentError("never")

    with pytest.raises(PermanentError):
        asyncio.run(persist(MemoryClock(restless=True), "testing", attempt))
    assert attempts == 1


def test_a_cancelled_output_is_not_followed_by_the_next() -> None:
    """At a stop what is under way is cancelled: the second must not publish past the first."""
    clock = MemoryClock()
    bus = MemoryBus(clock, trouble=Script({"publish": [5.0]}))
    kept: list[int] = []

    async def run() -> None:
        # A failure would land among the numbers, and be seen there.
        checkpointer = Checkpointer(bus, MemoryStore(clock), clock, kept.append)  # type: ignore[arg-type]

        async def on_kept() -> None:
            kept.append(1)

        await checkpointer.submit(full(0), on_kept)
        await checkpointer.submit(full(1), on_kept)
        await asyncio.sleep(0)
        checkpointer._under_way[0].kept.cancel()
        await checkpointer.drain()

    asyncio.run(run())
    assert kept == []
    assert bus.messages("agent.findings") == []
