"""One node of Apache Kafka: a process and its data, which outlive each other in any order."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
import uuid
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from watchkeeper.cli.stack.apache.jars import kafka_jars
from watchkeeper.cli.stack.apache.programs import java_program
from watchkeeper.cli.stack.child import POLL_SECONDS, Child, tail
from watchkeeper.schemas.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from watchkeeper.cli.stack.apache.properties import NodePlace

START_SECONDS = 60.0
STOP_SECONDS = 20.0
HEAP = "256m"
_FORMAT_SECONDS = 60.0
_ATTEMPT_SECONDS = 1.0
_IN_USE = "Address already in use"

_JAVA_OPTIONS = (
    f"-Xmx{HEAP}",
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    # Warnings alone, and none for each attempt to reach a node that is away: the log stays small.
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSX",
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.NetworkClient=error",
)


class PortTakenError(StackError):
    """A port of the node is used by another program."""


def new_cluster_id() -> str:
    """An id for a new cluster, in Kafka's spelling; never with a dash first, which its tools take for an option."""
    while (spelt := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return spelt


def java_command(main: str, *arguments: str, options: Sequence[str] = _JAVA_OPTIONS) -> list[str]:
    """The command that runs a class of Apache Kafka's jars.

    Raises:
        ApacheKafkaUnavailableError: Java or Maven is missing.
        StackError: the jars cannot be had.
    """
    return [java_program(), *options, "-cp", f"{kafka_jars()}/*", main, *arguments]


def prepare_node(place: NodePlace, properties: str, cluster_id: str) -> None:
    """Write a node's properties, and format its data directory where that has not been done.

    Raises:
        StackError: it cannot be formatted.
    """
    place.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    place.properties_file.write_text(properties)
    if (place.data / "meta.properties").exists():
        return
    tool = ("kafka.tools.StorageTool", "format", "--cluster-id", cluster_id, "--config", str(place.properties_file))
    # The formatter lives for a second: compiling it well costs more than it saves.
    command = java_command(*tool, options=(*_JAVA_OPTIONS, "-XX:TieredStopAtLevel=1"))
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_FORMAT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StackError(f"{place.data} could not be formatted for Apache Kafka: {error}") from error
    if ended.returncode != 0:
        said = " | ".join((ended.stdout + ended.stderr).strip().splitlines()[-5:])
        raise StackError(f"{place.data} could not be formatted for Apache Kafka: {said}")


def node_command(place: NodePlace) -> list[str]:
    """The command that serves a node that is prepared.

    Raises:
        StackError: a program or the jars cannot be had.
    """
    return java_command("kafka.Kafka", str(place.properties_file))


class KafkaNode:
    """A node that can be started, stopped, killed, paused and started again with its data, on the same ports.

    Start it from a thread that lives as long as it should (see `Child`).

    Args:
        place: where it is; prepared by `prepare_node`.
    """

    def __init__(self, place: NodePlace) -> None:
        self.place = place
        self._child: Child | None = None

    @property
    def bootstrap(self) -> str:
        """Its own address, `127.0.0.1:port`."""
        return f"127.0.0.1:{self.place.port}"

    @property
    def log(self) -> Path:
        """What it printed, over all its lives."""
        return self.place.log

    @property
    def pid(self) -> int | None:
        """Its process, or None while it does not run."""
        return self._child.pid if self._child is not None and self._child.exit_code is None else None

    def begin(self) -> None:
        """Start the process and do not wait until it answers. Nothing happens where it runs.

        Raises:
            StackError: it cannot be started.
        """
        if self.pid is None:
            self._child = Child(f"Kafka node {self.place.node_id}", node_command(self.place), self.log)

    def start(self, seconds: float = START_SECONDS) -> None:
        """Start the process and wait until the node serves clients.

        Raises:
            StackError: it ended, or did not serve within `seconds`; the message holds the end of its log. A node of
                three serves only while a second one runs.
        """
        self.begin()
        self.wait_until_serving(seconds)

    def wait_until_serving(self, seconds: float = START_SECONDS) -> None:
        """Wait until the node lists itself among the brokers.

        Raises:
            PortTakenError: another program has one of its ports.
            StackError: it ended, or `seconds` went by.
        """
        child = self._child
        if child is None:
            raise StackError(f"Kafka node {self.place.node_id} was not started: call start()")
        client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        try:
            child.wait_until(lambda: self._serves(client), seconds)
        except StackError as error:
            if _IN_USE in tail(self.log, 60):
                raise PortTakenError(str(error)) from error
            raise

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End it by SIGTERM, by SIGKILL after `seconds`."""
        if self._child is not None:
            self.resume()
            self._child.stop(seconds)

    def kill(self) -> None:
        """End it by SIGKILL, at once."""
        if self._child is not None:
            self._child.kill()

    def pause(self) -> None:
        """Let it hang: it keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)

    def _serves(self, client: AdminClient) -> bool:
        try:
            return self.place.node_id in client.list_topics(timeout=_ATTEMPT_SECONDS).brokers
        except KafkaException:
            time.sleep(POLL_SECONDS)
            return False
