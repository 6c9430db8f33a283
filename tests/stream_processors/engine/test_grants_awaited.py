"""Stage 2 judges nothing that rests on grants before it has those that were published until then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.schemas.signals import Signal
from watchkeeper.schemas.topics import SIGNALS
from watchkeeper.stream_processors.detection.sequences.hall import Hall
from watchkeeper.stream_processors.detection.sequences.library import SEQUENCES
from watchkeeper.stream_processors.detection.subjects import SubjectJudge
from watchkeeper.stream_processors.engine.memory import MemoryClock
from watchkeeper.stream_processors.engine.memory_store import MemoryStore
from watchkeeper.stream_processors.engine.ports import Record, RefusedRecord
from watchkeeper.stream_processors.engine.stage_two import StageTwo


class Source:
    """Grants that are read when they are asked for, or cannot be."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_away = False

    async def catch_up(self) -> None:
        self.asked += 1
        if self.is_away:
            raise BusUnavailableError("the broker is away")

    def refused(self) -> list[RefusedRecord]:
        return []


def signals_of(mode: str) -> list[Signal]:
    told = (Hall().hear(one.told().events).signals for one in SEQUENCES if one.mode == mode and one.fires)
    # Of the sequence that says most: which comes first is not what these tests are about.
    return max(told, key=lambda signals: sum(one.kind == "delegated" for one in signals))


def records(signals: Sequence[Signal]) -> list[Record]:
    return [
        Record(SIGNALS.name, 0, offset, signal.subject.encode(), signal.model_dump_json().encode(), 0)
        for offset, signal in enumerate(signals)
    ]


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def stage(source: Source) -> StageTwo:
    clock = MemoryClock()
    return StageTwo(SubjectJudge(), MemoryStore(clock), clock, grants=source)


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


def test_a_worker_has_the_grants_before_it_takes_partitions(stage: StageTwo, source: Source) -> None:
    run(stage.assign([]))
    assert source.asked == 0
    run(stage.assign([0, 1]))
    assert source.asked == 1


def test_they_are_asked_for_once_a_batch_and_only_where_they_matter(stage: StageTwo, source: Source) -> None:
    delegated = [one for one in signals_of("cascading_approval") if one.kind == "delegated"]
    others = [one for one in signals_of("conflicting_write") if one.kind not in {"delegated", "tree_left"}]
    assert min(len(delegated), len(others)) > 1
    stage.judge(run(stage.prepare(records(others))))
    assert source.asked == 0
    stage.judge(run(stage.prepare(records(delegated))))
    assert source.asked == 1


def test_where_they_are_away_nothing_is_judged_and_nothing_is_left_behind(stage: StageTwo, source: Source) -> None:
    delegated = [one for one in signals_of("cascading_approval") if one.kind == "delegated"]
    source.is_away = True
    for attempt in (lambda: stage.assign([0]), lambda: stage.prepare(records(delegated))):
        with pytest.raises(BusUnavailableError):
            run(attempt())
    assert stage.size().entries == 0
    source.is_away = False
    output = stage.judge(run(stage.prepare(records(delegated))))
    stage.settled(output)
    assert output.counts.events == len(delegated)
    assert all(held.pins == 0 for held in stage._subjects.values())
