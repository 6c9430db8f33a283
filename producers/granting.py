"""Grants, published: who may do what, until when, on whose word. `cascading_approval` holds delegations to them.

Unlike recording, publishing a grant is waited for, and fails aloud: who hands out authority must know that it stands.
Keep it with whoever is responsible (a service, an operator), and the key away from the agents.

    with GrantIssuer(tenant="acme", key=key) as issuer:
        root = issuer.grant("g-7", scope=["orders:*"], delegable=["orders:read"], granted_by="ada@example.com")
        ...
        issuer.revoke("g-7")
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from pydantic import ValidationError

from watchkeeper.producers.recording.boundary import Quiet
from watchkeeper.producers.settings import BOOTSTRAP_VARIABLE
from watchkeeper.producers.transport.client import client_settings
from watchkeeper.schemas.errors import BusUnavailableError, ConfigurationError, PermanentError, RejectedError
from watchkeeper.schemas.grants import Grant, read_grant, sign
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.topics import GRANTS, PARTITIONER

KEY_VARIABLE: Final = "WATCHKEEPER_GRANT_KEY"
SECONDS: Final = 15.0
"""How long the broker may take."""


class GrantIssuer:
    """Publishes grants of one tenant on `agent.grants`, and reads those that stand there.

    Args:
        bootstrap: the broker's address; `WATCHKEEPER_KAFKA_BOOTSTRAP` without it.
        tenant: whose grants these are.
        key: signs grants, at least 16 bytes, the same as the workers'; `WATCHKEEPER_GRANT_KEY`, if None. Without
            either they are not signed.
        kafka: further settings of the broker's client, as librdkafka names them.
        seconds: how long the broker may take for each call; 15, if None.

    Raises:
        ConfigurationError: there is no address.
    """

    def __init__(
        self,
        bootstrap: str | None = None,
        *,
        tenant: str = "default",
        key: bytes | None = None,
        kafka: Mapping[str, str] | None = None,
        seconds: float | None = None,
    ) -> None:
        self._bootstrap = bootstrap or os.environ.get(BOOTSTRAP_VARIABLE, "").strip()
        if not self._bootstrap:
            raise ConfigurationError(f"where is the broker? Set {BOOTSTRAP_VARIABLE}=host:port, or give bootstrap=")
        self._seconds = SECONDS if seconds is None else seconds
        self._tenant = tenant
        self._key = self.key_of_environment() if key is None else key
        self._settings = client_settings(self._bootstrap, Quiet(), kafka or {})
        self._producer: Producer | None = None

    @staticmethod
    def key_of_environment() -> bytes:
        """The key that `WATCHKEEPER_GRANT_KEY` holds; empty where it is not set."""
        return os.environ.get(KEY_VARIABLE, "").encode()

    def grant(
        self,
        grant_id: str = "",
        *,
        scope: Sequence[str] = (),
        delegable: Sequence[str] = (),
        agent_id: str = "",
        granted_by: str = "",
        parent_grant_id: str = "",
        constraints: Mapping[str, Any] | None = None,
        expires_at: datetime | None = None,
    ) -> Grant:
        """Publishes a grant, in the place of an earlier one of its name; returns it when the broker has it.

        Args:
            grant_id: names it; made up where it is empty. Delegations give it as `grant_id` or `parent_grant_id`.
            scope: what the holder may do itself: `orders:read`, `orders:*`, `refunds:write<=500`.
            delegable: what the holder may hand on.
            agent_id: to whom, wildcards allowed; empty for any agent.
            granted_by: on whose word.
            parent_grant_id: the grant that it derives from; empty for a root.
            constraints: further limits.
            expires_at: until when it holds; None for no end.

        Raises:
            ConfigurationError: what is given makes no grant, or the key is too short.
            BusUnavailableError: the broker did not acknowledge it; it may stand there all the same.
        """
        try:
            made = Grant(
                tenant_id=self._tenant,
                grant_id=grant_id or str(uuid7()),
                parent_grant_id=parent_grant_id,
                granted_by=granted_by,
                agent_id=agent_id,
                scope=list(scope),
                delegable=list(delegable),
                constraints=dict(constraints or {}),
                issued_at=datetime.now(UTC),
                expires_at=expires_at,
            )
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = ".".join(map(str, problem["loc"])) or "grant"
            raise ConfigurationError(f"{where}: {problem['msg']}") from None
        return self._publish(made)

    def revoke(self, grant: Grant | str, *, at: datetime | None = None) -> Grant:
        """Takes a grant back: what is done from then on is done without it.

        Args:
            grant: the grant, or its name; by name, it is read from the topic first.
            at: since when it holds no more; now, if None. A second call moves it to an earlier time only.

        Raises:
            ConfigurationError: no grant of that name stands there.
            BusUnavailableError: see `grant`.
        """
        known = self._find(grant) if isinstance(grant, str) else grant
        since = at or datetime.now(UTC)
        if known.revoked_at is not None:
            since = min(since, known.revoked_at)
        return self._publish(known.model_copy(update={"revoked_at": since, "signature": ""}))

    def grants(self) -> list[Grant]:
        """The tenant's grants that stand on the topic, revoked and expired ones included, by name.

        Raises:
            BusUnavailableError: the topic cannot be read to its end.
        """
        mine = f"{self._tenant}/".encode()
        found = [grant for key, grant in self._read().items() if key.startswith(mine)]
        return sorted(found, key=lambda grant: grant.grant_id)

    def close(self) -> None:
        """Lets go of the connection. Everything was acknowledged before."""
        self._producer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find(self, grant_id: str) -> Grant:
        known = self._read().get(f"{self._tenant}/{grant_id}".encode())
        if known is None:
            raise ConfigurationError(
                f"tenant {self._tenant} has no grant {grant_id} on {GRANTS.name}: `watchkeeper grants list` names them"
            )
        return known

    def _publish(self, grant: Grant) -> Grant:
        signed = sign(grant, self._key) if self._key else grant
        failures: list[KafkaError] = []
        producer = self._open()
        try:
            producer.produce(
                GRANTS.name,
                value=signed.model_dump_json().encode(),
                key=signed.key,
                on_delivery=lambda error, _: failures.append(error) if error is not None else None,
            )
            left = producer.flush(self._seconds)
        except KafkaException as error:
            raise PermanentError(f"Kafka refused a grant for {GRANTS.name}: {error}") from error
        if left or failures:
            why = failures[0].str() if failures else f"no answer in {self._seconds:.0f} s"
            producer.purge()
            self._producer = None
            raise BusUnavailableError(f"Kafka at {self._bootstrap} did not take grant {grant.grant_id}: {why}")
        return signed

    def _open(self) -> Producer:
        if self._producer is None:
            further = {"acks": "all", "enable.idempotence": True, "partitioner": PARTITIONER, "linger.ms": 0}
            self._producer = Producer(self._settings | further)
        return self._producer

    def _read(self) -> dict[bytes, Grant]:
        """What stands on the topic, by key; records that are no grants are passed over, as the workers do."""
        consumer = Consumer(
            self._settings
            | {"group.id": "watchkeeper-grants", "enable.auto.commit": False, "enable.partition.eof": True}
        )
        try:
            return _read_to_end(consumer, self._seconds)
        except KafkaException as error:
            raise BusUnavailableError(f"{GRANTS.name} at {self._bootstrap} cannot be read: {error}") from error
        finally:
            consumer.close()


def _read_to_end(consumer: Consumer, seconds: float) -> dict[bytes, Grant]:
    marks = consumer.get_watermark_offsets(TopicPartition(GRANTS.name, 0), timeout=seconds, cached=False)
    end = 0 if marks is None else marks[1]
    consumer.assign([TopicPartition(GRANTS.name, 0, OFFSET_BEGINNING)])
    found: dict[bytes, Grant] = {}
    deadline = time.monotonic() + seconds
    while True:
        message = consumer.poll(0.2)
        if message is None:
            if time.monotonic() > deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "its end was not reached"))  # noqa: SLF001 - its public name for it
            continue
        error, offset = message.error(), message.offset()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the same
                raise KafkaException(error)
            if offset is not None and offset >= end:
                return found
            continue
        _take(found, message.key(), message.value())


def _take(found: dict[bytes, Grant], key: bytes | None, value: bytes | None) -> None:
    if value is None:
        found.pop(key or b"", None)
        return
    try:
        grant = read_grant(key, value)
    except RejectedError:
        return
    found[grant.key] = grant
