"""Waiting for the broker before Faust is started: Faust gives up at once, and has missing topics made as they come."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.schemas.topics import TOPICS, Topic
from watchkeeper.stream_processors.clock import SystemClock
from watchkeeper.stream_processors.engine.checkpoint import persist

_ANSWER_SECONDS = 5.0


def wait_for_broker(bootstrap: str, topics: Sequence[Topic] = TOPICS) -> None:
    """Returns when the broker answers and has all `topics`. A signal that ends the process ends it while it waits."""
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: os._exit(0))
    try:
        asyncio.run(
            persist(SystemClock(), "waiting for the broker", lambda: asyncio.to_thread(_look, bootstrap, topics))
        )
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _look(bootstrap: str, topics: Sequence[Topic]) -> None:
    try:
        # Asked for all topics: a client that names one has it made, with as many partitions as the broker likes.
        listed = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=_ANSWER_SECONDS)
    except KafkaException as error:
        said = error.args[0].str()
        raise BusUnavailableError(
            f"Kafka at {bootstrap} does not answer; start it, or correct the address: {said}"
        ) from error
    partitions = {name: len(topic.partitions) for name, topic in listed.topics.items()}
    wrong = [
        f"{topic.name} ({partitions.get(topic.name, 0)} of {topic.partitions} partitions)"
        for topic in topics
        if partitions.get(topic.name, 0) < topic.partitions
    ]
    if wrong:
        raise BusUnavailableError(
            f"Kafka at {bootstrap} lacks topics: {', '.join(wrong)}; `watchkeeper up` creates what is missing, "
            "one with too few partitions must be deleted first"
        )
