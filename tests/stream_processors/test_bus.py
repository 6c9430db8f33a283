"""The bus on Kafka where Kafka fails; `engine/test_contract.py` tells what it does where Kafka does not."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.schemas.topics import FINDINGS
from watchkeeper.stream_processors import bus as bus_module
from watchkeeper.stream_processors.bus import KafkaBus
from watchkeeper.stream_processors.engine.ports import Message

TOPIC = "one"


def messages(count: int, topic: str = TOPIC) -> list[Message]:
    return [Message(topic, b"key", b"%d" % number) for number in range(count)]


@pytest.fixture
def bus() -> Iterator[KafkaBus]:
    """To a port where nobody listens yet."""
    made = KafkaBus(f"127.0.0.1:{free_port()}", delivery_seconds=1)
    yield made
    made.close()


def test_nothing_is_connected_before_the_first_use(bus: KafkaBus) -> None:
    assert bus._producer is None


def test_a_broker_that_is_away_is_told_in_time(bus: KafkaBus) -> None:
    before = time.monotonic()
    with pytest.raises(BusUnavailableError, match=r"did not acknowledge 3 of 3 messages: no answer in 1 s"):
        asyncio.run(bus.publish(messages(3)))
    assert time.monotonic() - before < 5
    with pytest.raises(BusUnavailableError, match="does not answer"):
        asyncio.run(bus.log_id())


@pytest.mark.parametrize("size", [1, 20_000_000], ids=["no answer", "refused at once"])
def test_a_client_that_is_given_up_ends_in_a_thread_of_its_own(
    bus: KafkaBus, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To end a client waits for its threads: in the event loop, where the error is dropped, all would wait with it."""
    ended: list[str] = []

    class Told(Producer):
        def __del__(self) -> None:
            ended.append(threading.current_thread().name)

    monkeypatch.setattr(bus_module, "Producer", Told)

    async def play() -> None:
        with pytest.raises(BusUnavailableError):
            await bus.publish([Message(TOPIC, b"k", b"x" * size)])

    asyncio.run(play())
    gc.collect()
    assert [name.rpartition("_")[0] for name in ended] == ["kafka-producer"]


@pytest.mark.long
def test_what_was_given_up_is_not_written_later(bus: KafkaBus) -> None:
    """Otherwise a message of the first attempt could stand behind one of the second."""
    for _ in range(2):
        with pytest.raises(BusUnavailableError):
            asyncio.run(bus.publish(messages(5)))
    # The topic comes with the first message: the embedded broker makes what a producer asks for.
    with running_broker(port=int(bus._bootstrap.rpartition(":")[2])) as bootstrap:
        asyncio.run(_at_last(bus))
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex})
        partitions = consumer.list_topics(TOPIC, timeout=10).topics[TOPIC].partitions
        consumer.assign([TopicPartition(TOPIC, number, 0) for number in partitions])
        found: list[bytes | None] = []
        while (message := consumer.poll(2 if found else 15)) is not None:
            found.append(message.value())
        consumer.close()
    assert found == [b"%d" % number for number in range(5)]


async def _at_last(bus: KafkaBus) -> None:
    for _ in range(20):
        try:
            return await bus.publish(messages(5))
        except BusUnavailableError:
            await asyncio.sleep(0.1)
    raise AssertionError("the broker is there and takes nothing")


def test_a_message_that_is_too_large_names_what_to_raise(broker: str) -> None:
    bus = KafkaBus(broker, delivery_seconds=5)
    with pytest.raises(BusUnavailableError) as told:
        asyncio.run(bus.publish([Message(FINDINGS.name, b"k", b"x" * 20_000_000)]))
    assert f"a message is too large for topic {FINDINGS.name}: raise its max.message.bytes" in str(told.value)
    bus.close()


def test_more_messages_than_the_client_buffers(broker: str) -> None:
    bus = KafkaBus(broker)
    asyncio.run(bus.publish([Message(FINDINGS.name, b"%d" % (number % 7), b"x") for number in range(150_000)]))
    bus.close()
