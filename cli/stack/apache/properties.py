"""What a node of Apache Kafka is told: places and properties, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024
LARGEST_MESSAGE_BYTES = 17 * MIB
"""The largest record of any topic, with its envelope; topics set smaller limits of their own."""

MOST_PARTITION_BYTES = 256 * MIB
"""A partition that has grown beyond this loses its oldest segment, however young: a local disk is not filled."""

SEGMENT_BYTES = 32 * MIB
"""What is let go of at once; beside what it keeps, a partition holds the one that is being written."""

OFFSETS_MINUTES = 30 * 24 * 60
"""How long a group without members is remembered: longer than any record, so that none is read again for that."""


@dataclass(frozen=True, slots=True)
class NodePlace:
    """Where one node is.

    Attributes:
        node_id: its number in the cluster, from 1.
        directory: what is its own: properties, data, log.
        port: for clients, on 127.0.0.1.
        controller_port: for the other nodes' controllers.
    """

    node_id: int
    directory: Path
    port: int
    controller_port: int

    @property
    def properties_file(self) -> Path:
        """The node's properties."""
        return self.directory / "server.properties"

    @property
    def data(self) -> Path:
        """The node's records and metadata."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """What the node prints."""
        return self.directory / "broker.log"


def node_properties(place: NodePlace, nodes: tuple[NodePlace, ...]) -> str:
    """The properties file of one node among `nodes`."""
    copies = len(nodes)
    in_sync = 2 if copies > 2 else 1
    # The voters stand in the file, not in the log: a cluster may come back on other ports.
    voters = ",".join(f"{node.node_id}@127.0.0.1:{node.controller_port}" for node in nodes)
    told: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": place.node_id,
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{place.port},CONTROLLER://127.0.0.1:{place.controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{place.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": place.data,
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "offsets.retention.minutes": OFFSETS_MINUTES,
        # A node that was killed is not let in again before its earlier session is over.
        "broker.session.timeout.ms": 2000,
        "broker.heartbeat.interval.ms": 500,
        **_SIZES,
    }
    return "".join(f"{name}={value}\n" for name, value in told.items())


_SIZES: dict[str, object] = {
    "message.max.bytes": LARGEST_MESSAGE_BYTES,
    "replica.fetch.max.bytes": LARGEST_MESSAGE_BYTES,
    "log.segment.bytes": SEGMENT_BYTES,
    "log.retention.bytes": MOST_PARTITION_BYTES,
    "metadata.log.segment.bytes": 8 * MIB,
    "metadata.max.retention.bytes": 32 * MIB,
    # By default half of the heap that a node has here.
    "log.cleaner.dedupe.buffer.size": 16 * MIB,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 2,
}
