"""What the worker's reader may expect of a broker: the same of the embedded one and of Apache Kafka.

Where the embedded broker, which keeps everything in memory, cannot hold a promise, the test asks for Apache Kafka.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from contract_reader import Member, OwnTopic, running, until

from watchkeeper.cli.stack.apache.cluster import KafkaCluster
from watchkeeper.cli.stack.testing import running_kafka, running_worker
from watchkeeper.schemas.topics import EVENTS, TOPICS
from watchkeeper.stream_processors.clock import SystemClock
from watchkeeper.stream_processors.continuity import Continuity
from watchkeeper.stream_processors.watching.meters import Meters

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def values(count: int, first: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(first, first + count)]


def test_records_of_every_codec_are_read(bootstrap: str, tmp_path: Path) -> None:
    """Producers in other languages choose theirs."""
    topic = OwnTopic(1).make(bootstrap)
    draw = random.Random(0)
    sent: list[bytes] = []
    for codec in CODECS:
        batch = [codec.encode() * 50, draw.randbytes(100_000), *values(40)]
        topic.send(bootstrap, batch, compression_type=codec)
        sent += batch

    async def play() -> None:
        async with running(bootstrap, topic, tmp_path) as member:
            await until(lambda: len(member.seen) >= len(sent))
            assert [one.value for one in member.seen] == sent

    asyncio.run(play())


async def released(lock: asyncio.Lock) -> None:
    lock.release()


def shared(*members: Member) -> list[int]:
    """What members have in hand, all together."""
    return sorted(number for member in members for number in member.partitions)


@pytest.mark.long
def test_members_share_partitions_and_take_over_where_was_committed(bootstrap: str, tmp_path: Path) -> None:
    topic = OwnTopic(4).make(bootstrap)

    def send(count: int) -> None:
        for partition in range(4):
            topic.send(bootstrap, values(count), partition)

    async def play() -> None:
        async with AsyncExitStack() as stack:
            one = await stack.enter_async_context(running(bootstrap, topic, tmp_path / "one"))
            await until(lambda: shared(one) == [0, 1, 2, 3])
            await asyncio.to_thread(send, 10)
            await until(lambda: len(one.seen) == 40)
            assert await one.commit(dict.fromkeys(range(4), 10))
            first = one.offsets.assignment()

            async with running(bootstrap, topic, tmp_path / "two") as two:
                await until(lambda: shared(one, two) == [0, 1, 2, 3] and bool(one.partitions) and bool(two.partitions))
                # A generation tells one assignment from the next, to the member that stayed too.
                assert one.offsets.assignment()[0] != first[0]
                given_away = min(two.partitions)
                await asyncio.to_thread(send, 5)
                await until(lambda: all(two.places(number)[-5:] == list(range(10, 15)) for number in two.partitions))
                # Read from the committed offset on: nothing before it is seen again.
                assert all(min(two.places(number)) == 10 for number in two.partitions)
                # What was given away is not the old owner's to commit: it stays as it is. (Faust's own way to
                # commit crashes its consumer here.)
                kept = min(one.partitions)
                assert not await one.commit({given_away: 3})
                assert await one.commit({given_away: 3, kept: 11})
                # What is left of a generation before is nobody's to commit, in whosever hands the partition is now.
                assert not await one.offsets.commit({kept: 4}, first[0])
                assert (await asyncio.to_thread(topic.committed, bootstrap))[kept] == 11
                assert (await asyncio.to_thread(topic.committed, bootstrap))[given_away] == 10
                assert await two.commit({given_away: 12})
                # A commit that is held up while the group is shared out anew does not go out in the new one's name.
                left = one.offsets.assignment()[0]
                consumer: Any = one.faust.consumer
                lock = consumer._thread._ensure_consumer()._coordinator._commit_lock
                await consumer._thread.call_thread(lock.acquire)
                late = asyncio.create_task(one.offsets.commit({kept: 4}, left))

            await until(lambda: shared(one) == [0, 1, 2, 3])
            assert one.offsets.assignment()[0] != left
            assert not late.done()
            await consumer._thread.call_thread(released, lock)
            assert not await late
            assert (await asyncio.to_thread(topic.committed, bootstrap))[kept] == 11
            # Twelve of it were committed: the next owner begins there.
            await until(lambda: one.places(given_away)[-1] == 14)
            assert [one.places(given_away)[at] for at in (9, 10)] == [9, 12]

    asyncio.run(play())


@pytest.fixture(scope="module")
def own_kafka(apache: None) -> Iterator[KafkaCluster]:
    """A node that these tests may kill."""
    with running_kafka(topics=TOPICS) as cluster:
        yield cluster


@pytest.mark.long
def test_committed_offsets_and_records_survive_a_kill(own_kafka: KafkaCluster, tmp_path: Path) -> None:
    bootstrap = own_kafka.bootstrap
    topic = OwnTopic().make(bootstrap)
    topic.send(bootstrap, values(20), 1)

    async def before() -> None:
        async with running(bootstrap, topic, tmp_path) as member:
            await until(lambda: len(member.seen) == 20)
            assert await member.commit({1: 13})

    asyncio.run(before())
    own_kafka.kill()
    # From the main thread: the kernel ends a node with the thread that started it.
    own_kafka.start()

    async def after() -> None:
        async with running(bootstrap, topic, tmp_path) as member:
            await until(lambda: member.places(1)[-1:] == [19])
            assert member.places(1) == list(range(13, 20))

    asyncio.run(after())


def expire(bootstrap: str, topic: str, partition: int, before: int) -> None:
    """Has the log forget, as its retention does in time."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for answer in admin.delete_records([TopicPartition(topic, partition, before)]).values():
        answer.result(30)


@pytest.mark.long
def test_records_that_were_gone_before_they_were_read_are_told(
    own_kafka: KafkaCluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On partition 0 nothing is left to read, on 1 something is."""
    bootstrap = own_kafka.bootstrap
    topic = OwnTopic(3).make(bootstrap)
    for partition in range(3):
        topic.send(bootstrap, values(20), partition)
    topic.commit(bootstrap, p0=5, p1=5, p2=5)
    expire(bootstrap, topic.name, 0, 20)
    expire(bootstrap, topic.name, 1, 12)
    meters = Meters()

    async def play() -> None:
        async with running(bootstrap, topic, tmp_path) as member:
            continuity = Continuity(topic.name, member.offsets, SystemClock(), meters)
            await until(lambda: len(member.offsets.horizons(range(3))) == 3)
            await continuity.look(range(3))
            await until(lambda: member.places(1)[-1:] == [19] and member.places(2)[-1:] == [19])
            assert (member.places(0), member.places(1)[0], member.places(2)[0]) == ([], 12, 5)

    asyncio.run(play())
    (lost,) = [one for one in meters.readings() if one.name == "watchkeeper_records_expired_total"]
    assert lost.value == 15 + 7
    assert "partition 1: 7 records, offsets 5 to 11, were gone" in caplog.text


@pytest.mark.long
def test_the_worker_itself_tells_what_was_gone(own_kafka: KafkaCluster, clickhouse: str, tmp_path: Path) -> None:
    bootstrap = own_kafka.bootstrap
    events = OwnTopic(EVENTS.partitions, name=EVENTS.name, group="expired")
    events.send(bootstrap, [b"{}"] * 10, 3)
    events.commit(bootstrap, p3=2)
    expire(bootstrap, EVENTS.name, 3, 6)

    async def tells() -> None:
        with running_worker(bootstrap, clickhouse, tmp_path, WATCHKEEPER_GROUP="expired") as worker:
            await until(lambda: "agent.events: partition 3: 4 records, offsets 2 to 5" in worker.log.read_text())

    asyncio.run(tells())
