"""Reads commands from `agent.control` and hands them to the recorder: one consumer for each process.

It is assigned its partitions and belongs to no group, so every process hears every command. It begins
`MAX_COMMAND_SECONDS` back, the longest that a command may be in force: a new process honours an earlier pause. A
broker that cannot say where that is (Tansu's answer was tried and is not to be relied on) is read from the beginning,
which a topic kept for one day allows. Old commands are told from new ones by their expiry alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition
from pydantic import ValidationError

from watchkeeper.producers.recording.boundary import LOG, Boundary
from watchkeeper.producers.transport.client import client_settings
from watchkeeper.producers.transport.immortal import keep_for_ever
from watchkeeper.schemas.control import CONTROL_ADAPTER, MAX_COMMAND_SECONDS, Control
from watchkeeper.schemas.topics import CONTROL

POLL_SECONDS: Final = 0.2
ASK_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 0.5
FETCH_WAIT_MS: Final = 100
"""How long the broker holds a fetch open: a command is on its way at once, this bounds only the rest."""


class ControlReader:
    """Reads in a daemon thread, from the first live session on. It never ends on account of the broker.

    Args:
        bootstrap: the broker's address.
        obey: takes each command.
        boundary: where its own errors end.
        further: settings of librdkafka's that the host adds.
    """

    def __init__(
        self, bootstrap: str, obey: Callable[[Control], None], boundary: Boundary, further: Mapping[str, str]
    ) -> None:
        self._obey = obey
        self._boundary = boundary
        self._quiet = boundary.quiet
        self._config = client_settings(bootstrap, self._quiet, further) | {
            "group.id": "watchkeeper-control",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": FETCH_WAIT_MS,
        }
        self._begin()

    def _begin(self) -> None:
        self._starting = threading.RLock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._consumer: Consumer | None = None

    def ensure_running(self) -> None:
        """Starts the thread, where it does not run."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._starting:
            if self._over.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            starting = threading.Thread(target=self._run, name="watchkeeper-control", daemon=True)
            try:
                starting.start()
            except RuntimeError:
                # The interpreter is closing, or there are no more threads to be had: the next session tries again.
                return
            self._thread = starting

    def close(self, seconds: float) -> None:
        """Ends the thread; waits for it so long."""
        self._over.set()
        if self._thread is not None and seconds > 0:
            self._thread.join(seconds)

    def after_fork(self) -> None:
        """In the child: the parent's thread is not there; the next session starts one."""
        if self._consumer is not None:
            keep_for_ever(self._consumer)
        self._begin()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self._read()
            except KafkaException as error:
                LOG.debug("reading commands: %s", error)
                self._over.wait(RETRY_SECONDS)
            except Exception as error:  # noqa: BLE001 - the thread goes on
                self._boundary.caught(error, "reading commands")
                self._over.wait(RETRY_SECONDS)

    def _read(self) -> None:
        """Reads from one consumer until the reader is closed, or the consumer fails."""
        consumer = self._consumer = Consumer(self._config)
        try:
            consumer.assign(self._places(consumer))
            while not self._over.is_set():
                message = consumer.poll(POLL_SECONDS)
                if message is not None:
                    self._take(message)
        finally:
            consumer.close()
            self._consumer = None

    def _places(self, consumer: Consumer) -> list[TopicPartition]:
        """Where reading begins, once the topic is there."""
        while True:
            topic = consumer.list_topics(CONTROL.name, timeout=ASK_SECONDS).topics.get(CONTROL.name)
            if topic is not None and topic.error is None and topic.partitions:
                break
            if self._over.wait(RETRY_SECONDS):
                return []
        since_ms = int((time.time() - MAX_COMMAND_SECONDS) * 1000)
        asked = [TopicPartition(CONTROL.name, partition, since_ms) for partition in topic.partitions]
        try:
            found = consumer.offsets_for_times(asked, timeout=ASK_SECONDS)
        except KafkaException:
            found = []
        offsets = {place.partition: place.offset for place in found if place.error is None and place.offset >= 0}
        return [
            TopicPartition(CONTROL.name, partition, offsets.get(partition, OFFSET_BEGINNING))
            for partition in topic.partitions
        ]

    def _take(self, message: Message) -> None:
        if message.error() is not None:
            LOG.debug("reading commands: %s", message.error())
            return
        value = message.value()
        if value is None:
            return
        try:
            command = CONTROL_ADAPTER.validate_json(value)
        except ValidationError:
            # Its text is not logged: who can write here could write anything into the host's log.
            if self._quiet.passes("command") is not None:
                LOG.warning("A command at offset %s of %s is not valid and is ignored", message.offset(), CONTROL.name)
            return
        self._obey(command)
