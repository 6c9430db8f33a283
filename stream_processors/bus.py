"""The engine's bus on Kafka: messages out, every one acknowledged by the broker, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Delivered

from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.schemas.topics import DEAD_LETTER, PARTITIONER
from watchkeeper.stream_processors.engine.ports import Message

OnDelivery = Callable[[KafkaError | None, Delivered], None]

DELIVERY_SECONDS = 30.0
_DESCRIBE_SECONDS = 5.0


class KafkaBus:
    """See `watchkeeper.stream_processors.engine.ports.Bus`.

    Args:
        bootstrap: `host:port[,host:port…]`.
        delivery_seconds: how long one attempt to publish may take.
    """

    def __init__(self, bootstrap: str, *, delivery_seconds: float = DELIVERY_SECONDS) -> None:
        self._bootstrap = bootstrap
        self._delivery_seconds = delivery_seconds
        self._producer: Producer | None = None
        # One thread: what is published first stands first.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="kafka-producer")

    async def publish(self, messages: Sequence[Message]) -> None:
        """See `Bus.publish`."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self._publish, messages)

    async def log_id(self) -> str:
        """See `Bus.log_id`."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._log_id)

    def close(self) -> None:
        """Lets go of the thread; what was not acknowledged is published again by whoever resumes."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _publish(self, messages: Sequence[Message]) -> None:
        producer = self._open()
        failures: list[str] = []

        def delivered(error: KafkaError | None, message: Delivered) -> None:
            if error is not None:
                failures.append(_told(error, message.topic()))

        trouble, left = "", 0
        try:
            for message in messages:
                _produce(producer, message, delivered)
            left = producer.flush(self._delivery_seconds)
        except BusUnavailableError as error:
            trouble = str(error)
        if left or failures:
            why = failures[0] if failures else f"no answer in {self._delivery_seconds:.0f} s"
            missing = left + len(failures)
            trouble = trouble or (
                f"Kafka at {self._bootstrap} did not acknowledge {missing} of {len(messages)} messages: {why}"
            )
        if trouble:
            self._discard(producer)
            # An error holds the frames that it passed, and whoever drops it last ends the client, which waits for the
            # client's threads: here, and not in the event loop.
            del producer
            raise BusUnavailableError(trouble)

    def _log_id(self) -> str:
        try:
            described = self._open().list_topics(timeout=_DESCRIBE_SECONDS)
        except KafkaException as error:
            raise BusUnavailableError(f"Kafka at {self._bootstrap} does not answer: {error}") from error
        return described.cluster_id or ""

    def _discard(self, producer: Producer) -> None:
        """The next attempt starts with a producer of its own: of this one, nothing more may be written."""
        self._producer = None
        producer.purge()
        producer.flush(0)

    def _open(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(
                {
                    "bootstrap.servers": self._bootstrap,
                    "client.id": "watchkeeper-worker",
                    "acks": "all",
                    "enable.idempotence": True,
                    "linger.ms": 2,
                    "compression.type": "lz4",
                    "partitioner": PARTITIONER,
                    "message.max.bytes": DEAD_LETTER.max_message_bytes,
                    # No message gives up by itself: those behind it would be written all the same, and their readers
                    # take the missing one, once it comes, for a repeat. All of an attempt are given up together.
                    "delivery.timeout.ms": 0,
                    # It complains of every attempt to connect; the engine says what is wrong, now and then.
                    "log_level": 2,
                }
            )
        return self._producer


def _produce(producer: Producer, message: Message, delivered: OnDelivery) -> None:
    while True:
        try:
            producer.produce(
                message.topic,
                value=message.value,
                key=message.key,
                headers=dict(message.headers),
                on_delivery=delivered,
            )
        except BufferError:
            producer.poll(0.1)
        except KafkaException as error:
            raise BusUnavailableError(_told(error.args[0], message.topic)) from error
        else:
            return


def _told(error: KafkaError, topic: str | None) -> str:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return f"a message is too large for topic {topic}: raise its max.message.bytes ({error.str()})"
    return f"topic {topic}: {error.str()}"
