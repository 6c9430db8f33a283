"""To a Kafka broker, by an idempotent producer: records of a session arrive in order, and once.

While the broker is away, records wait in the client's buffer; when that is full, the sender's thread waits (never
the host's), the recorder's own queue fills behind it, and then events are dropped and counted. The client's own log
goes to the logger `watchkeeper` at DEBUG; that the broker is away is said once a minute.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from watchkeeper.producers.recording.boundary import LOG, Quiet
from watchkeeper.producers.settings import KIB, MAX_RECORD_BYTES, Settings
from watchkeeper.producers.transport import Delivery, OnDelivery, Record
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.topics import PARTITIONER

if TYPE_CHECKING:
    from confluent_kafka import Message

__all__ = ["KafkaTransport", "client_settings"]

WAIT_SECONDS: Final = 0.05
CLIENT_LINGER_MS: Final = 2
"""Records are batched before they come here; the client waits only to put several sessions into one request."""

HOUR_MS: Final = 3_600_000
"""The longest that the client can be told to wait for a topic."""

BUFFERED_RECORDS: Final = 100_000

_ABANDONED: Final[list[Any]] = []
"""Clients of a parent process. To destroy one in the child would wait for threads that the fork did not copy."""


class _Hushed(logging.Logger):
    """The client tells its log here; it is passed on at DEBUG, whatever its level was."""

    def __init__(self) -> None:
        super().__init__("watchkeeper.kafka")

    def log(self, level: int, msg: object, *args: object, **_: Any) -> None:  # noqa: ARG002 - the client's level
        LOG.debug(msg, *args)


def client_settings(bootstrap: str, quiet: Quiet, further: Mapping[str, str]) -> dict[str, Any]:
    """What every client of ours has in common: the address, little noise, and the host's own settings."""

    def heard(error: KafkaError) -> None:
        if (held := quiet.passes("broker")) is not None:
            LOG.warning(
                "The broker at %s cannot be used (%s; %d more complaints in the last minute). Trying on.",
                bootstrap,
                error.name(),
                held,
            )

    return {
        "bootstrap.servers": bootstrap,
        "client.id": "watchkeeper",
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 1000,
        "error_cb": heard,
        "logger": _Hushed(),
        **further,
    }


class KafkaTransport:
    """See the module, and `Transport` for the methods.

    Args:
        bootstrap: the broker's address.
        settings: limits and waits.
        further: settings of librdkafka's that the host adds.
        quiet: keeps the complaints about the broker rare; shared with whoever else talks to it.
        patient: never give a record up: for importers.

    Raises:
        ConfigurationError: librdkafka refuses the further settings.
    """

    def __init__(
        self,
        bootstrap: str,
        settings: Settings,
        further: Mapping[str, str] | None = None,
        *,
        quiet: Quiet | None = None,
        patient: bool = False,
    ) -> None:
        delivery_ms = 0 if patient else int(settings.delivery_seconds * 1000)
        self._config = client_settings(bootstrap, quiet or Quiet(), further or {}) | {
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": CLIENT_LINGER_MS,
            "partitioner": PARTITIONER,
            "queue.buffering.max.kbytes": max(1, settings.buffer_bytes // KIB),
            "queue.buffering.max.messages": BUFFERED_RECORDS,
            "message.max.bytes": MAX_RECORD_BYTES + 64 * KIB,
            "delivery.timeout.ms": delivery_ms,
            # A topic that is not there yet is waited for like a broker that is away, and never made by accident:
            # it would get the broker's default number of partitions.
            "allow.auto.create.topics": False,
            "topic.metadata.propagation.max.ms": min(delivery_ms or HOUR_MS, HOUR_MS),
        }
        self._producer: Producer | None = None
        if further:
            self._config |= further
            self._check()

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        """See `Transport.send`."""

        def done(error: KafkaError | None, message: Message) -> None:
            on_delivery(_delivery(record, error, message))

        while True:
            producer = self._client()
            try:
                producer.produce(
                    record.topic, value=record.value, key=record.key, headers=list(record.headers), on_delivery=done
                )
                return True
            except BufferError:
                if give_up():
                    return False
                producer.poll(WAIT_SECONDS)
            except KafkaException as error:
                reason: KafkaError = error.args[0]
                if not reason.fatal():
                    on_delivery(Delivery(record, reason.name()))
                    return True
                # The client has given up on itself: what it held was reported by now, and a new one may do better.
                producer.poll(0)
                self._producer = None
                if give_up():
                    return False
                time.sleep(WAIT_SECONDS)

    def poll(self) -> None:
        """See `Transport.poll`."""
        if self._producer is not None:
            self._producer.poll(0)

    def flush(self, seconds: float) -> int:
        """See `Transport.flush`."""
        return 0 if self._producer is None else self._producer.flush(seconds)

    def close(self, seconds: float) -> None:
        """See `Transport.close`."""
        producer = self._producer
        if producer is None:
            return
        if producer.flush(seconds):
            producer.purge(in_queue=True, in_flight=True, blocking=False)
            producer.poll(0)
        self._producer = None

    def after_fork(self) -> None:
        """See `Transport.after_fork`."""
        if self._producer is not None:
            _ABANDONED.append(self._producer)
            self._producer = None

    def _client(self) -> Producer:
        if self._producer is None:
            self._producer = Producer(self._config)
        return self._producer

    def _check(self) -> None:
        try:
            Producer(self._config).flush(0)
        except (KafkaException, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"the settings given by kafka= are refused: {error}. They are librdkafka's, for example "
                "{'security.protocol': 'SASL_SSL'}"
            ) from error


def _delivery(record: Record, error: KafkaError | None, message: Message) -> Delivery:
    if error is not None:
        return Delivery(record, error.name())
    partition, offset = message.partition(), message.offset()
    return Delivery(record, "", -1 if partition is None else partition, -1 if offset is None else offset)
