"""What is taken from below Faust's documented face, held to real brokers: it must be looked at when Faust changes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from contract_reader import NOTHING, OwnTopic, running, until

from watchkeeper.schemas.topics import EVENTS
from watchkeeper.stream_processors.app import build_app
from watchkeeper.stream_processors.engine.ports import Horizon
from watchkeeper.stream_processors.settings import WorkerSettings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

VALUES = [b"%d" % number for number in range(30)]


@pytest.mark.long
def test_horizons_and_commits(bootstrap: str, tmp_path: Path) -> None:
    topic = OwnTopic().make(bootstrap)

    async def play() -> None:
        async with running(bootstrap, topic, tmp_path) as member:
            # An empty partition is read to its end, as of some moment that moves on.
            found: dict[int, Horizon] = {}

            def told() -> bool:
                found.update(member.offsets.horizons([0, 1]))
                return len(found) == 2

            await until(told)
            assert [(found[number].start, found[number].end) for number in range(2)] == [(0, 0), (0, 0)]
            before = found[0].at_us
            assert time.time() * 1e6 - 10e6 < before <= time.time() * 1e6
            await until(lambda: member.offsets.horizons([0])[0].at_us > before)

            # From the first record of a batch on, the end of the whole batch is known.
            topic.send(bootstrap, VALUES, 1)
            await until(lambda: len(member.seen) == 30)
            assert member.places(1) == list(range(30))
            assert all(one.horizons[1].end == 30 for one in member.seen)

            # Nobody has committed anything but us.
            await asyncio.sleep(1.5)
            assert await asyncio.to_thread(topic.committed, bootstrap) == [NOTHING, NOTHING]
            assert await member.commit({1: 12})

    asyncio.run(play())
    # The consumer was stopped, and still nobody committed anything else.
    assert topic.committed(bootstrap) == [NOTHING, 12]


@pytest.mark.few(1)
def test_reading_goes_on_where_it_was_committed(bootstrap: str, tmp_path: Path) -> None:
    topic = OwnTopic().make(bootstrap)
    topic.send(bootstrap, VALUES[:5], 0)
    for _ in range(2):
        topic.send(bootstrap, VALUES, 1)
    topic.commit(bootstrap, p0=5, p1=12)

    async def play() -> None:
        async with running(bootstrap, topic, tmp_path) as member:
            await until(lambda: 0 in member.offsets.horizons([0]))
            # Nothing is left to read of the one: it begins where the log ends.
            horizon = member.offsets.horizons([0])[0]
            assert (horizon.start, horizon.end) == (5, 5)
            await until(lambda: bool(member.seen) and member.seen[-1].offset == 59)
            assert member.places(1) == list(range(12, 60))
            # What was read and may still be on its way is not taken for the start.
            starts = [one.horizons[1].start for one in member.seen if 1 in one.horizons]
            assert all(start is not None and start < 42 for start in starts)
            assert {one.horizons[1].end for one in member.seen if 1 in one.horizons} <= {60}
            assert [member.offsets.began(number) for number in range(2)] == [5, 12]
            assert await member.offsets.starts([0, 1]) == {0: 0, 1: 0}

    asyncio.run(play())


def test_what_was_dropped_in_a_rebalance_is_read_again_also_where_nothing_was_committed(
    bootstrap: str, tmp_path: Path
) -> None:
    """Faust goes back after each rebalance, since it drops what was fetched meanwhile."""
    topic = OwnTopic().make(bootstrap)
    for partition in (0, 1):
        topic.send(bootstrap, VALUES, partition)
    topic.commit(bootstrap, p1=12)

    async def play() -> None:
        async with running(bootstrap, topic, tmp_path) as member:
            await until(lambda: (len(member.places(0)), len(member.places(1))) == (30, 18))
            await member.faust.consumer.perform_seek()
            await until(lambda: (len(member.places(0)), len(member.places(1))) == (60, 36))
            assert member.places(0) == 2 * list(range(30))
            assert member.places(1) == 2 * list(range(12, 30))

    asyncio.run(play())


def test_what_was_fetched_from_a_partition_is_one_message(bootstrap: str, tmp_path: Path) -> None:
    topic = OwnTopic().make(bootstrap)
    topic.send(bootstrap, VALUES * 20, 1)

    async def play() -> None:
        async with running(bootstrap, topic, tmp_path, is_crowded=True) as member:
            # Nothing is read while its reader has enough to do.
            await asyncio.sleep(1)
            assert member.seen == []
            member.is_crowded = False
            await until(lambda: len(member.seen) >= 600)
            assert len(member.bundles) < 60
            generation = member.offsets.assignment()[0]
            for bundle in member.bundles:
                assert {record.partition for record in bundle.records} == {bundle.partition}
                assert (bundle.offset, bundle.generation_id) == (bundle.records[-1].offset, generation)

    asyncio.run(play())


def test_the_topic_of_the_worker_has_acknowledgement_off(tmp_path: Path) -> None:
    app = build_app(WorkerSettings("127.0.0.1:1", "http://u:p@127.0.0.1:1/d", tmp_path))
    channels = [agent.channel for agent in app.agents.values()]
    assert EVENTS.name in {name for channel in channels for name in channel.topics}
    assert [channel.acks for channel in channels] == [False, False, False]
