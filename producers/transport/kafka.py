"""To a Kafka broker, by an idempotent producer: records of a session arrive in order, and once.

A client that cannot go on is replaced, and the new one is given all that the old one had not delivered, in order: one
that has given up on itself, and one whose cluster has become another (a broker that came back with an empty log knows
none of its sequence numbers, and some refuse them for ever). Then a record may arrive twice.

While the broker is away, records wait in the client's buffer; when that is full, the sender's thread waits (never
the host's), the recorder's own queue fills behind it, and then events are dropped and counted.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException, Producer

from watchkeeper.producers.recording.boundary import LOG, Quiet
from watchkeeper.producers.settings import KIB, MAX_RECORD_BYTES, Settings
from watchkeeper.producers.transport import Delivery, OnDelivery, Record
from watchkeeper.producers.transport.client import client_settings
from watchkeeper.producers.transport.immortal import keep_for_ever
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.topics import PARTITIONER

if TYPE_CHECKING:
    from confluent_kafka import Message

__all__ = ["KafkaTransport"]

WAIT_SECONDS: Final = 0.05
CLIENT_LINGER_MS: Final = 2
"""Records are batched before they come here; the client waits only to put several sessions into one request."""

BATCH_BYTES: Final = 256 * KIB
"""What the client puts into one request for a partition. A broker that refuses a request refuses every record in it:
one that takes less than the usual 1 MiB shall refuse only what is itself too large for it."""

HOUR_MS: Final = 3_600_000
"""The longest that the client can be told to wait for a topic."""

BUFFERED_RECORDS: Final = 100_000

LOOK_SECONDS: Final = 0.25
"""How often, while it is waited for, a client is looked at: whether it has to be replaced."""

RENEWAL_SECONDS: Final = 5.0

PURGED: Final = "_PURGE_QUEUE"
"""What librdkafka, too, calls a record that was not sent any more."""


BROKEN: Final = frozenset(
    {
        "INVALID_PRODUCER_EPOCH",
        "INVALID_PRODUCER_ID_MAPPING",
        "OUT_OF_ORDER_SEQUENCE_NUMBER",
        "PRODUCER_FENCED",
        "UNKNOWN_PRODUCER_ID",
        "_FATAL",
        "_GAPLESS_GUARANTEE",
    }
)
"""With these a client gives up on itself: they say nothing of the record."""


_Pending = tuple[Record, OnDelivery]


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
        self._config = client_settings(bootstrap, quiet or Quiet(), further or {}, self._begin_anew_soon) | {
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": CLIENT_LINGER_MS,
            "partitioner": PARTITIONER,
            "queue.buffering.max.kbytes": max(1, settings.buffer_bytes // KIB),
            "queue.buffering.max.messages": BUFFERED_RECORDS,
            "batch.size": BATCH_BYTES,
            "message.max.bytes": MAX_RECORD_BYTES + 64 * KIB,
            "delivery.timeout.ms": delivery_ms,
            # A topic that is not there yet is waited for like a broker that is away, and never made by accident:
            # it would get the broker's default number of partitions.
            "allow.auto.create.topics": False,
            "topic.metadata.propagation.max.ms": min(delivery_ms or HOUR_MS, HOUR_MS),
        }
        self._begin()
        if further:
            self._config |= further
            self._check()

    def _begin(self) -> None:
        self._producer: Producer | None = None
        self._numbers = itertools.count()
        self._pending: dict[int, _Pending] = {}
        self._stale = self._closing = False
        self._renew_at = 0.0

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        """See `Transport.send`."""
        number = next(self._numbers)
        while True:
            self._renew()
            try:
                # Before it is handed on: the answer may come at once.
                self._pending[number] = (record, on_delivery)
                self._produce(number, record)
                return True
            except BufferError:
                del self._pending[number]
                if give_up():
                    return False
                self._serve(self._client(), WAIT_SECONDS)
            except KafkaException as error:
                del self._pending[number]
                if not error.args[0].fatal():
                    on_delivery(Delivery(record, _name(error)))
                    return True
                self._stale = True
                if give_up():
                    return False
                time.sleep(WAIT_SECONDS)

    def poll(self) -> None:
        """See `Transport.poll`."""
        self._renew()
        if self._producer is not None:
            self._serve(self._producer, 0.0)

    def flush(self, seconds: float) -> int:
        """See `Transport.flush`."""
        deadline = time.monotonic() + seconds
        while self._pending:
            self._renew()
            left = max(0.0, deadline - time.monotonic())
            # Not its own `flush`, which goes on to call back after it has given up on itself.
            self._serve(self._client(), min(left, LOOK_SECONDS))
            if not left:
                break
        return len(self._pending)

    def close(self, seconds: float) -> None:
        """See `Transport.close`."""
        self.flush(seconds)
        self._closing = True
        if self._producer is not None and self._pending:
            self._producer.purge(in_queue=True, in_flight=True, blocking=False)
            self._serve(self._producer, 0.0)
        given_up, self._pending = self._pending, {}
        for record, on_delivery in given_up.values():
            on_delivery(Delivery(record, PURGED))
        self._producer = None

    def after_fork(self) -> None:
        """See `Transport.after_fork`."""
        if self._producer is not None:
            keep_for_ever(self._producer)
        self._begin()

    def _produce(self, number: int, record: Record) -> None:
        self._client().produce(
            record.topic,
            value=record.value,
            key=record.key,
            headers=list(record.headers),
            on_delivery=partial(self._done, number),
        )

    def _done(self, number: int, error: KafkaError | None, message: Message) -> None:
        if error is not None and error.name() in BROKEN and not self._closing:
            self._stale = True
            return
        # What a replaced client tells of a record is not its fate any more.
        if number in self._pending:
            record, on_delivery = self._pending.pop(number)
            on_delivery(_delivery(record, error, message))

    def _serve(self, producer: Producer, seconds: float) -> None:
        """Lets its answers in. A client that has given up on itself raises that here."""
        try:
            producer.poll(seconds)
        except KafkaException as error:
            if not error.args[0].fatal():
                raise
            self._stale = True

    def _begin_anew_soon(self) -> None:
        self._stale = True

    def _renew(self) -> None:
        """Replaces a client that cannot go on, at most every `RENEWAL_SECONDS`."""
        old, now = self._producer, time.monotonic()
        if not self._stale or old is None or now < self._renew_at:
            return
        self._renew_at = now + RENEWAL_SECONDS
        held, self._pending = self._pending, {}
        old.purge(in_queue=True, in_flight=True, blocking=False)
        self._serve(old, 0.0)
        self._stale = False
        self._producer = None
        self._pending = held
        LOG.debug("The broker's client is replaced; the new one is given %d records", len(held))
        for number, (record, on_delivery) in tuple(held.items()):
            try:
                self._produce(number, record)
            except (BufferError, KafkaException) as error:
                del held[number]
                on_delivery(Delivery(record, "_QUEUE_FULL" if isinstance(error, BufferError) else _name(error)))

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


def _name(error: KafkaException) -> str:
    reason: KafkaError = error.args[0]
    return reason.name()


def _delivery(record: Record, error: KafkaError | None, message: Message) -> Delivery:
    if error is not None:
        return Delivery(record, error.name())
    partition, offset = message.partition(), message.offset()
    return Delivery(record, "", -1 if partition is None else partition, -1 if offset is None else offset)
