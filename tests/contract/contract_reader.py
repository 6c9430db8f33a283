"""A member of a consumer group as the worker is one: Faust's consumer, read through `TopicOffsets`."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import faust
from confluent_kafka import Consumer, Producer, TopicPartition

from watchkeeper.cli.stack.broker import ensure_topics
from watchkeeper.cli.stack.testing import commit_places
from watchkeeper.stream_processors.app import faust_app
from watchkeeper.stream_processors.engine.ports import Horizon
from watchkeeper.stream_processors.fetching import Bundle, bundling_transport
from watchkeeper.stream_processors.offsets import TopicOffsets
from watchkeeper.stream_processors.settings import WorkerSettings

NOTHING = -1001
"""What confluent-kafka tells of a group that has committed nothing."""


@dataclass(frozen=True)
class OwnTopic:
    """A topic of a test's own, and a group's name: tests share a broker and keep apart by them."""

    partitions: int = 2
    config: Mapping[str, str] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"contract.{uuid.uuid4().hex}")
    group: str = field(default_factory=lambda: uuid.uuid4().hex)

    def make(self, bootstrap: str, replication: int = 1) -> OwnTopic:
        """Has the broker make it."""
        ensure_topics(bootstrap, [self], replication=replication)
        return self

    def send(self, bootstrap: str, values: Sequence[bytes], partition: int = 0, **settings: Any) -> None:
        """Appends to a partition; `settings` are the producer's."""
        names = {name.replace("_", "."): value for name, value in settings.items()}
        producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 50, **names})
        for value in values:
            producer.produce(self.name, value, partition=partition)
        assert producer.flush(60) == 0

    def commit(self, bootstrap: str, **places: int) -> None:
        """Commits for the group, which has no members now: `p0=5` for partition 0."""
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": self.group})
        commit_places(consumer, [TopicPartition(self.name, int(name[1:]), offset) for name, offset in places.items()])
        consumer.close()

    def committed(self, bootstrap: str) -> list[int]:
        """What the group has committed, by partition."""
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": self.group})
        places = consumer.committed([TopicPartition(self.name, one) for one in range(self.partitions)], timeout=30)
        consumer.close()
        return [place.offset for place in places]

    def everything(self, bootstrap: str, partition: int = 0) -> list[bytes | None]:
        """The values of a partition's records; Apache Kafka alone tells truly where its log ends."""
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex})
        first, end = consumer.get_watermark_offsets(TopicPartition(self.name, partition), timeout=30)
        consumer.assign([TopicPartition(self.name, partition, first)])
        found: list[bytes | None] = []
        deadline = time.monotonic() + 60
        while len(found) < end - first:
            message = consumer.poll(1)
            assert time.monotonic() < deadline, f"{len(found)} of {end - first} records of {self.name}"
            if message is not None and message.error() is None:
                found.append(message.value())
        consumer.close()
        return found


@dataclass(frozen=True)
class Seen:
    """A record as a member read it, and how far the logs reached as it then knew."""

    partition: int
    offset: int
    value: bytes
    generation: int
    horizons: dict[int, Horizon]


class Member:
    """A Faust app as the worker's, that keeps what it is given and acknowledges nothing.

    Attributes:
        seen: what it read.
        bundles: in the bundles in which it came.
        is_crowded: whether it has enough to do, and nothing is to be read for it.
    """

    def __init__(self, bootstrap: str, topic: OwnTopic, home: Path, *, is_crowded: bool = False) -> None:
        settings = WorkerSettings(bootstrap, "http://u:p@127.0.0.1:1/d", home, group=topic.group)
        self.faust: faust.App = faust_app(settings)
        self.is_crowded = is_crowded
        self.faust.transport = bundling_transport(self.faust, lambda _: self.is_crowded)
        self.offsets = TopicOffsets(self.faust, topic.name)
        self.seen: list[Seen] = []
        self.bundles: list[Bundle] = []
        channel = self.faust.topic(topic.name, key_type=bytes, value_type=bytes, acks=False)
        everywhere = range(topic.partitions)

        async def agent(stream: Any) -> None:
            async for event in stream.events():
                bundle = event.message
                self.bundles.append(bundle)
                for one in bundle.records:
                    horizons = self.offsets.horizons(everywhere)
                    self.seen.append(Seen(one.partition, one.offset, one.value, bundle.generation_id, horizons))

        self.faust.agent(channel, name=f"contract.{uuid.uuid4().hex}")(agent)

    @property
    def partitions(self) -> frozenset[int]:
        """What it has in hand."""
        return self.offsets.assignment()[1]

    async def commit(self, offsets: dict[int, int]) -> bool:
        """Commits in the generation at hand."""
        return await self.offsets.commit(offsets, self.offsets.assignment()[0])

    def places(self, partition: int) -> list[int]:
        """The offsets that it read of a partition."""
        return [one.offset for one in self.seen if one.partition == partition]


async def until(ready: Callable[[], bool | Awaitable[bool]], seconds: float = 60) -> None:
    """Waits for a condition."""
    deadline = time.monotonic() + seconds
    while True:
        found = ready()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def running(bootstrap: str, topic: OwnTopic, home: Path, *, is_crowded: bool = False) -> AsyncIterator[Member]:
    """A member that has been given partitions."""
    member = Member(bootstrap, topic, home, is_crowded=is_crowded)
    member.faust.finalize()
    await member.faust.start()
    try:
        await until(lambda: bool(member.partitions))
        yield member
    finally:
        await member.faust.stop()
