"""The engine's bus on Kafka: messages out, every one acknowledged by the broker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Delivered

from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.schemas.topics import DEAD_LETTER, PARTITIONER
from watchkeeper.stream_processors.engine.ports import Message

log = logging.getLogger(__name__)

OnDelivery = Callable[[KafkaError | None, Delivered], None]

DELIVERY_SECONDS = 30
_PROBE_SECONDS = 1.0


class KafkaBus:
    """See `watchkeeper.stream_processors.engine.ports.Bus`."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: Producer | None = None
        # One thread: what is published first stands first, and one slow flush does not starve another.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="kafka-producer")
        self._probes = ThreadPoolExecutor(1, thread_name_prefix="kafka-probe")

    async def publish(self, messages: Sequence[Message]) -> None:
        """See `Bus.publish`."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self._publish, messages)

    async def reachable(self) -> bool:
        """See `Bus.reachable`."""
        return await asyncio.get_running_loop().run_in_executor(self._probes, self._probe)

    def close(self) -> None:
        """Lets go of the threads; what was not acknowledged is published again by whoever resumes."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._probes.shutdown(wait=False, cancel_futures=True)

    def _publish(self, messages: Sequence[Message]) -> None:
        producer = self._open()
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Delivered) -> None:
            if error is not None:
                failures.append(error)

        for message in messages:
            self._produce(producer, message, delivered)
        left = producer.flush(DELIVERY_SECONDS)
        if left or failures:
            # The next attempt starts with a producer of its own: this one may be fenced, or still hold the rest.
            self._producer = None
            why = failures[0].str() if failures else f"no answer in {DELIVERY_SECONDS} s"
            raise BusUnavailableError(
                f"Kafka at {self._bootstrap} did not acknowledge {left + len(failures)} of {len(messages)} messages: "
                f"{why}"
            )

    @staticmethod
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
                raise BusUnavailableError(f"Kafka refused a message for {message.topic}: {error}") from error
            else:
                return

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
                    "delivery.timeout.ms": DELIVERY_SECONDS * 1000,
                    "log.connection.close": False,
                },
                logger=log,
            )
        return self._producer

    def _probe(self) -> bool:
        try:
            self._open().list_topics(timeout=_PROBE_SECONDS)
        except KafkaException:
            return False
        return True
