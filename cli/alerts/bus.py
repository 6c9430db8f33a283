"""`agent.findings` for the alert router: a group of its own, acknowledged when what came of it is kept."""

from __future__ import annotations

import logging
import time
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.schemas.topics import FINDINGS

GROUP: Final = "watchkeeper-alerts"
MOST_AT_ONCE: Final = 2000

_LOG = logging.getLogger("watchkeeper.alerts.bus")
_AWAY: Final = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT})  # noqa: SLF001 - they have no other names
_GONE_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 3.0


class FindingsReader:
    """See `watchkeeper.dashboards.alerting.ports.Findings`.

    Args:
        bootstrap: Kafka's address.
        group: the consumer group.
    """

    def __init__(self, bootstrap: str, group: str = GROUP) -> None:
        self._bootstrap = bootstrap
        # librdkafka would complain on stderr by itself; what matters is raised.
        _LOG.propagate = False
        self._away: float | None = None
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "client.id": "watchkeeper-alerts",
                "enable.auto.commit": False,
                # What was found before the router first ran is told in one summary; nothing is passed over.
                "auto.offset.reset": "earliest",
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 1500,
                "fetch.wait.max.ms": 100,
                "error_cb": self._told,
            },
            logger=_LOG,
        )
        _LOG.addHandler(logging.NullHandler())
        self._consumer.subscribe([FINDINGS.name])

    @property
    def has_partitions(self) -> bool:
        """Whether the group has given it some."""
        return bool(self._consumer.assignment())

    def take(self, seconds: float) -> list[bytes]:
        """See the port."""
        try:
            found = self._consumer.consume(MOST_AT_ONCE, seconds)
        except KafkaException as error:
            raise BusUnavailableError(f"Kafka at {self._bootstrap} does not answer: {error}") from error
        records = [record for record in map(self._value, found) if record is not None]
        if records:
            self._away = None
        elif self._away is not None and time.monotonic() - self._away > _GONE_SECONDS:
            self.ask()
        return records

    def ask(self) -> None:
        """Asks the broker whether it is there: the client says when brokers go, and not when they come back.

        Raises:
            BusUnavailableError: it is not.
        """
        try:
            self._consumer.list_topics(FINDINGS.name, _ANSWER_SECONDS)
        except KafkaException as error:
            raise BusUnavailableError(f"Kafka at {self._bootstrap} does not answer; start the broker") from error
        self._away = None

    def acknowledge(self) -> None:
        """See the port."""
        try:
            self._consumer.commit(asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._NO_OFFSET:  # noqa: SLF001 - it has no other name
                raise BusUnavailableError(f"Kafka at {self._bootstrap} did not take the offsets: {error}") from error

    def close(self) -> None:
        """Leaves the group."""
        self._consumer.close()

    def _value(self, record: Message) -> bytes | None:
        error = record.error()
        if error is None:
            value = record.value()
            return bytes(value) if value is not None else None
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - it has no other name
            return None
        raise BusUnavailableError(f"Kafka at {self._bootstrap}: {error.str()}")

    def _told(self, error: KafkaError) -> None:
        if error.code() in _AWAY and self._away is None:
            self._away = time.monotonic()
