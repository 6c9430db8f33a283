"""Each kind of mistake that delivery must not make is made here, and the simulation sees it."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import sim_run

from watchkeeper.schemas.errors import TransientError
from watchkeeper.stream_processors.detection import judge as judges
from watchkeeper.stream_processors.detection import subjects
from watchkeeper.stream_processors.detection.sequence import Arrival, arrival_of
from watchkeeper.stream_processors.engine import checkpoint, engine, memory_store, stage_one
from watchkeeper.stream_processors.engine.stage import Output

SEEDS = range(160)

Kept = Callable[[], Awaitable[None]]
Patch = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of refusals are not worth reading."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def offset_before_store(patch: Patch) -> None:
    steps = checkpoint.Checkpointer._steps

    async def first(self: Any, output: Output, previous: Any, published: Any, on_kept: Kept) -> None:
        await on_kept()

        async def nothing() -> None:
            """It was acknowledged."""

        await steps(self, output, previous, published, nothing)

    patch.setattr(checkpoint.Checkpointer, "_steps", first)


def acknowledged_on_exception(patch: Patch) -> None:
    async def once(_clock: Any, what: str, attempt: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await attempt()
        except TransientError:
            if not what.startswith(("inserting", "publishing")):
                raise
        return None

    patch.setattr(checkpoint, "persist", once)


def no_dedupe(patch: Patch) -> None:
    patch.setattr(stage_one.StageOne, "_known", lambda *_: set())
    arrival = arrival_of

    def always_new(writer: Any, seq: int) -> Any:
        found = arrival(writer, seq)
        return Arrival.NEXT if found is Arrival.SEEN else found

    patch.setattr(stage_one, "arrival_of", always_new)


def state_ahead_of_findings(patch: Patch) -> None:
    steps = checkpoint.Checkpointer._steps

    async def states_first(self: Any, output: Output, previous: Any, published: Any, on_kept: Kept) -> None:
        if output.states:
            await self._insert(output.state_table, output.states)
        await steps(self, output, previous, published, on_kept)

    patch.setattr(checkpoint.Checkpointer, "_steps", states_first)


def summed_replay(patch: Patch) -> None:
    is_newer = subjects._is_newer

    def always(state: Any, signal: Any) -> bool:
        is_newer(state, signal)
        return True

    patch.setattr(subjects, "_is_newer", always)


def id_holds_the_tick(patch: Patch) -> None:
    tick = judges.Judge.tick

    def with_time(self: Any, session: Any, *, clock_us: int) -> Any:
        verdict = tick(self, session, clock_us=clock_us)
        if verdict is not None:
            verdict.findings = [
                one.model_copy(update={"finding_id": f"{one.finding_id[:-12]}{clock_us % 10**12:012}"})
                for one in verdict.findings
            ]
        return verdict

    patch.setattr(judges.Judge, "tick", with_time)


def no_time_passes_before_an_event(patch: Patch) -> None:
    patch.setattr(judges.Judge, "_until", lambda *_: None)


def the_last_writer_of_a_state_wins(patch: Patch) -> None:
    put = memory_store.MemoryStore._put

    def last(self: Any, table: str, row: dict[str, Any]) -> None:
        if table in ("sessions", "subjects"):
            key = tuple(row[name] for name in memory_store.TABLES[table].key)
            self._tables[table].pop(key, None)
        put(self, table, row)

    patch.setattr(memory_store.MemoryStore, "_put", last)


def states_kept_over_a_rebalance(patch: Patch) -> None:
    async def assign(_self: Any, _partitions: Any) -> None:
        """Loads nothing and forgets nothing."""

    patch.setattr(engine.Engine, "assign", assign)


PLANTED: list[Any] = [
    pytest.param(offset_before_store, r"^offset .* was committed, .* is not stored", id="offset_before_store"),
    pytest.param(
        acknowledged_on_exception,
        r"^a state was written before its (row|message)|^offset .* is not stored",
        id="acknowledged_on_exception",
    ),
    pytest.param(no_dedupe, r"^sessions: instead .*'events': ", id="no_dedupe"),
    pytest.param(
        state_ahead_of_findings,
        r"^a state was written before its message on agent.findings was published",
        id="state_ahead_of_findings",
    ),
    pytest.param(summed_replay, r"^subjects: instead .*'sums': ", id="summed_replay"),
    pytest.param(id_holds_the_tick, r"^agent\.findings: instead ", id="id_holds_the_tick"),
    pytest.param(no_time_passes_before_an_event, r"^findings: (missing|instead) ", id="no_time_passes_before_an_event"),
    # Two workers must both write one session, the older one last: one seed in about sixty.
    pytest.param(
        the_last_writer_of_a_state_wins,
        r"^(sessions|subjects): instead ",
        id="the_last_writer_of_a_state_wins",
        marks=pytest.mark.long,
    ),
    pytest.param(
        states_kept_over_a_rebalance, r"^(findings|subjects|sessions): missing ", id="states_kept_over_a_rebalance"
    ),
]


@pytest.mark.few(3)
@pytest.mark.parametrize(("plant", "kind"), PLANTED)
def test_a_planted_mistake_is_seen(plant: Callable[[Patch], None], kind: str, monkeypatch: Patch) -> None:
    plant(monkeypatch)
    seen = (line for seed in SEEDS for line in sim_run.run(seed).broken)
    assert any(re.search(kind, line) for line in seen), f"{len(SEEDS)} seeds did not see it"


@pytest.mark.long
def test_what_fails_is_shrunk_and_still_fails_for_the_same_reason(monkeypatch: Patch) -> None:
    offset_before_store(monkeypatch)
    first = next(result for result in map(sim_run.run, SEEDS) if result.broken)
    least = sim_run.shrink(first.seed, first.drawn, limit=120)
    assert least.broken
    assert "is not stored" in least.broken[0]
    assert _told(least) < _told(first) / 2
    again = sim_run.run(first.seed, least.drawn)
    assert again.broken == least.broken


def _told(result: sim_run.Result) -> int:
    """How many choices were not the plainest."""
    return sum(map(bool, result.drawn["work"] + result.drawn["world"]))
