"""The commands' way to Kafka: a few records, each acknowledged by all replicas before the command goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Delivered

from watchkeeper.schemas.errors import BusUnavailableError, PermanentError
from watchkeeper.schemas.topics import DEAD_LETTER, PARTITIONER

SECONDS: Final = 15
"""A person waits: shorter than what the worker allows."""

_LOG = logging.getLogger(__name__)
OnDelivery = Callable[[KafkaError | None, Delivered], None]
_NEVER: Final = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_RECORD, KafkaError.TOPIC_EXCEPTION})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record. It carries no headers: only our own SDK may vouch for its lines."""

    topic: str
    key: bytes
    value: bytes


class Sender:
    """Sends records; partitions are chosen as all of Watchkeeper chooses them.

    Args:
        bootstrap: `host:port[,host:port…]`.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        # librdkafka would complain on stderr by itself; what matters is raised.
        _LOG.addHandler(logging.NullHandler())
        _LOG.propagate = False
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": "watchkeeper-cli",
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": PARTITIONER,
                "message.max.bytes": DEAD_LETTER.max_message_bytes,
                "delivery.timeout.ms": SECONDS * 1000,
            },
            logger=_LOG,
        )

    def send(self, records: Sequence[Outgoing]) -> None:
        """Returns when every record is acknowledged.

        Raises:
            BusUnavailableError: not all were; some may have been written all the same.
            PermanentError: Kafka will never take one of them.
        """
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Delivered) -> None:
            if error is not None:
                failures.append(error)

        for record in records:
            self._produce(record, delivered_to=delivered)
        left = self._producer.flush(SECONDS + 1)
        if left or failures:
            why = failures[0].str() if failures else f"no answer in {SECONDS} s"
            said = f"Kafka at {self._bootstrap} did not take {left + len(failures)} of {len(records)} records: {why}"
            if failures and failures[0].code() in _NEVER:
                raise PermanentError(said)
            raise BusUnavailableError(f"{said}; start the broker, or correct the address")

    def _produce(self, record: Outgoing, *, delivered_to: OnDelivery) -> None:
        try:
            self._producer.produce(record.topic, value=record.value, key=record.key, on_delivery=delivered_to)
        except KafkaException as error:
            raise PermanentError(f"Kafka refused a record for {record.topic}: {error}") from error
