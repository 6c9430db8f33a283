"""What the log lost before it was read is told; `tests/contract/test_reader.py` tries it on Apache Kafka itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.stream_processors.continuity import Continuity
from watchkeeper.stream_processors.engine.memory import MemoryClock
from watchkeeper.stream_processors.engine.ports import Record
from watchkeeper.stream_processors.watching.meters import Meters

LOST = "watchkeeper_records_expired_total"


class Places:
    """What the group had committed, and where the logs begin."""

    def __init__(self) -> None:
        self.committed: dict[int, int] = {}
        self.begins: dict[int, int] = {}
        self.asked: list[set[int]] = []
        self.failures = 0

    def began(self, partition: int) -> int | None:
        return self.committed.get(partition)

    async def starts(self, partitions: Any) -> dict[int, int]:
        self.asked.append(set(partitions))
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise BusUnavailableError("away")
        return {partition: self.begins.get(partition, 0) for partition in partitions}


class Bench:
    def __init__(self) -> None:
        self.places, self.meters = Places(), Meters()
        self.continuity = Continuity("t", cast("Any", self.places), MemoryClock(restless=True), self.meters)

    async def read(self, partition: int, *offsets: int) -> None:
        await self.continuity.follow([Record("t", partition, offset, b"k", b"v", 0) for offset in offsets])

    def lost(self) -> float:
        return sum(one.value for one in self.meters.readings() if one.name == LOST)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def play(*steps: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def one_after_the_other() -> None:
        for step in steps:
            await step()

    asyncio.run(one_after_the_other())


def test_without_a_hole_nobody_is_asked(bench: Bench) -> None:
    bench.places.committed = {0: 5}
    play(lambda: bench.read(0, 5, 6), lambda: bench.read(0, 7), lambda: bench.read(1, 900))
    assert bench.places.asked == []
    assert bench.lost() == 0


def test_what_was_gone_before_reading_began_is_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.places.committed, bench.places.begins, bench.places.failures = {3: 5}, {3: 12}, 2
    with caplog.at_level(logging.ERROR):
        play(lambda: bench.read(3, 12, 13))
    assert bench.lost() == 7
    assert "partition 3: 7 records, offsets 5 to 11, were gone" in caplog.text


def test_what_goes_while_it_is_waited_for_is_told(bench: Bench) -> None:
    bench.places.begins = {0: 20}
    play(lambda: bench.read(0, 1, 2), lambda: bench.read(0, 20, 21))
    assert bench.lost() == 17


def test_a_hole_that_a_transaction_left_is_none(bench: Bench) -> None:
    play(lambda: bench.read(0, 1, 2, 4), lambda: bench.read(0, 6))
    assert len(bench.places.asked) == 2
    assert bench.lost() == 0


def test_what_did_not_come_and_stands_in_the_log_is_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.places.begins = {0: 2}
    play(lambda: bench.read(0, 0, 7), lambda: bench.read(0, 9))
    assert [one.getMessage()[:49] for one in caplog.records if one.levelno == logging.WARNING] == [
        "t: partition 0: offsets 2 to 6 did not come thoug"
    ]
    assert bench.lost() == 1


def test_of_a_hole_only_what_the_log_lost_is_counted(bench: Bench) -> None:
    """Behind what is gone there may be the marks of a transaction, and the log may have moved on since."""
    bench.places.committed, bench.places.begins = {0: 5, 1: 5}, {0: 8, 1: 90}
    play(lambda: bench.read(0, 10), lambda: bench.read(1, 10))
    assert bench.lost() == 3 + 5


def test_where_nothing_is_left_to_read_it_is_told_once(bench: Bench) -> None:
    bench.places.committed, bench.places.begins = {0: 5, 1: 5}, {0: 9, 1: 2}
    look = lambda: bench.continuity.look([0, 1, 2])  # noqa: E731 - a step to repeat
    play(look, look, lambda: bench.read(0, 9), look)
    assert bench.places.asked == [{0, 1}]
    assert bench.lost() == 4


def test_a_tick_and_a_batch_at_once_tell_it_once(bench: Bench) -> None:
    bench.places.committed, bench.places.begins = {0: 5}, {0: 9}

    async def both() -> None:
        await asyncio.gather(bench.continuity.look([0]), bench.read(0, 9, 10))

    play(both)
    assert bench.lost() == 4


def test_a_new_assignment_starts_anew(bench: Bench) -> None:
    bench.places.begins = {0: 50}

    async def changed() -> None:
        bench.continuity.forget()

    play(lambda: bench.read(0, 1), changed, lambda: bench.read(0, 50))
    assert bench.lost() == 0
