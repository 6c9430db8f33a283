"""What is taken from below Faust's documented face, held to a real broker: it must be looked at when Faust changes."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import faust
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.schemas.topics import EVENTS, Topic
from watchkeeper.stream_processors.app import build_app, faust_app
from watchkeeper.stream_processors.engine.ports import Horizon
from watchkeeper.stream_processors.offsets import TopicOffsets
from watchkeeper.stream_processors.settings import WorkerSettings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")

TOPIC = Topic("offsets", "any", partitions=2)


@pytest.fixture(scope="module")
def bootstrap() -> Any:
    with running_broker([TOPIC]) as address:
        yield address


class App:
    """A Faust app as the worker's, that keeps what it is given and acknowledges nothing."""

    def __init__(self, bootstrap: str, home: Path, group: str) -> None:
        settings = WorkerSettings(bootstrap, "http://u:p@127.0.0.1:1/d", home, group=group)
        self.faust: faust.App = faust_app(settings)
        self.offsets = TopicOffsets(self.faust, TOPIC.name)
        self.seen: list[tuple[int, int, dict[int, Horizon]]] = []
        channel = self.faust.topic(TOPIC.name, key_type=bytes, value_type=bytes, acks=False)

        async def agent(stream: Any) -> None:
            async for events in stream.noack_take(100, within=0.05):
                for event in events:
                    place = event.message.partition, event.message.offset
                    self.seen.append((*place, self.offsets.horizons([0, 1])))

        self.faust.agent(channel, name="offsets")(agent)

    async def until(self, ready: Callable[[], bool | Awaitable[bool]], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while True:
            found = ready()
            if found if isinstance(found, bool) else await found:
                return
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running(bootstrap: str, home: Path, group: str) -> AsyncIterator[App]:
    app = App(bootstrap, home, group)
    app.faust.finalize()
    await app.faust.start()
    try:
        await app.until(lambda: app.offsets.assignment()[1] == frozenset({0, 1}))
        yield app
    finally:
        await app.faust.stop()


def send(bootstrap: str, count: int, partition: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 50})
    for number in range(count):
        producer.produce(TOPIC.name, b"%d" % number, partition=partition)
    assert producer.flush(10) == 0


def group_offsets(bootstrap: str, group: str) -> list[int]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    places = consumer.committed([TopicPartition(TOPIC.name, number) for number in range(2)], timeout=10)
    consumer.close()
    return [place.offset for place in places]


NOTHING = -1001


def test_horizons_and_commits(bootstrap: str, tmp_path: Path) -> None:
    group = uuid.uuid4().hex

    async def play() -> None:
        async with running(bootstrap, tmp_path, group) as app:
            # An empty partition is read to its end, as of some moment that moves on.
            found: dict[int, Horizon] = {}

            def told() -> bool:
                found.update(app.offsets.horizons([0, 1]))
                return len(found) == 2

            await app.until(told)
            assert [(found[number].start, found[number].end) for number in range(2)] == [(0, 0), (0, 0)]
            before = found[0].at_us
            assert time.time() * 1e6 - 5e6 < before <= time.time() * 1e6
            await app.until(lambda: app.offsets.horizons([0])[0].at_us > before)

            # From the first record of a batch on, the end of the whole batch is known.
            send(bootstrap, 30, 1)
            await app.until(lambda: len(app.seen) == 30)
            assert [offset for partition, offset, _ in app.seen if partition == 1] == list(range(30))
            assert all(horizons[1].end == 30 for _, _, horizons in app.seen)

            # Nobody has committed anything but us.
            await asyncio.sleep(1.5)
            assert await asyncio.to_thread(group_offsets, bootstrap, group) == [NOTHING, NOTHING]
            assert await app.offsets.commit({1: 12})

    asyncio.run(play())
    # The consumer was stopped, and still nobody committed anything else.
    assert group_offsets(bootstrap, group) == [NOTHING, 12]


def test_reading_goes_on_where_it_was_committed(bootstrap: str, tmp_path: Path) -> None:
    group = uuid.uuid4().hex
    send(bootstrap, 5, 0)
    send(bootstrap, 30, 1)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    places = [TopicPartition(TOPIC.name, 0, 5), TopicPartition(TOPIC.name, 1, 12)]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()

    async def play() -> None:
        async with running(bootstrap, tmp_path, group) as app:
            await app.until(lambda: 0 in app.offsets.horizons([0]))
            # Nothing is left to read of the one: it begins where the log ends.
            assert (app.offsets.horizons([0])[0].start, app.offsets.horizons([0])[0].end) == (5, 5)
            await app.until(lambda: bool(app.seen) and app.seen[-1][1] >= 29)
            assert [offset for _, offset, _ in app.seen][:18] == list(range(12, 30))
            # What was read and may still be on its way is not taken for the start.
            starts = [horizons[1].start for *_, horizons in app.seen if 1 in horizons]
            assert all(start is not None and start < 42 for start in starts)
            assert {horizons[1].end for *_, horizons in app.seen if 1 in horizons} <= {60}

    asyncio.run(play())


def test_the_topic_of_the_worker_has_acknowledgement_off(tmp_path: Path) -> None:
    app = build_app(WorkerSettings("127.0.0.1:1", "http://u:p@127.0.0.1:1/d", tmp_path))
    channels = [agent.channel for agent in app.agents.values()]
    assert EVENTS.name in {name for channel in channels for name in channel.topics}
    assert [channel.acks for channel in channels] == [False, False]
