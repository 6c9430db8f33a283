"""Apache Kafka as a part of the local stack: one node that the supervisor keeps, with its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchkeeper.cli.stack.apache.cluster import cluster_id_of
from watchkeeper.cli.stack.apache.jars import kafka_jars
from watchkeeper.cli.stack.apache.node import node_command, prepare_node
from watchkeeper.cli.stack.apache.programs import java_program
from watchkeeper.cli.stack.apache.properties import NodePlace, node_properties
from watchkeeper.cli.stack.child import free_port

if TYPE_CHECKING:
    from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 20.0


def check_apache() -> None:
    """See that Java is there, and the jars, which are fetched at the first time.

    Raises:
        ApacheKafkaUnavailableError: Java or Maven is missing.
        StackError: the jars cannot be had.
    """
    java_program()
    kafka_jars()


def apache_command(directory: Path, port: int) -> list[str]:
    """The command that serves the cluster of a directory; it is made there where it is missing.

    Its id stays, and so do its records and the offsets of groups; its ports may be others each time.

    Raises:
        StackError: it cannot be made, or the directory holds a cluster of three nodes.
    """
    place = NodePlace(1, directory / "node-1", port, free_port())
    prepare_node(place, node_properties(place, (place,)), cluster_id_of(directory, 1))
    return node_command(place)
