"""A cluster of Apache Kafka on this machine: one node, or three of which one may fail."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from watchkeeper.cli.stack.apache.node import (
    START_SECONDS,
    STOP_SECONDS,
    KafkaNode,
    PortTakenError,
    new_cluster_id,
    prepare_node,
)
from watchkeeper.cli.stack.apache.properties import NodePlace, node_properties
from watchkeeper.cli.stack.broker import ensure_topics
from watchkeeper.cli.stack.child import free_port
from watchkeeper.schemas.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from watchkeeper.cli.stack.broker import TopicLike

SIZES = (1, 3)
_PORT_ATTEMPTS = 5
_CLUSTER_FILE = "cluster.json"


class KafkaCluster:
    """Nodes with their data in one directory; the same directory brings the same cluster back.

    Args:
        data_dir: what is kept: a directory for each node, and the cluster's id.
        nodes: 1 or 3. With three, topics have three copies and a write needs two.
        port: of the first node, for clients; 0 takes a free one.

    Raises:
        StackError: the number of nodes cannot be, or the directory holds a cluster of another size.
        ApacheKafkaUnavailableError: Java or Maven is missing.
    """

    def __init__(self, data_dir: Path, nodes: int = 1, port: int = 0) -> None:
        if nodes not in SIZES:
            raise StackError(f"a cluster of {nodes} nodes cannot be made: 1 or 3")
        self.data_dir = data_dir.resolve()
        self._port = port
        self.cluster_id = cluster_id_of(self.data_dir, nodes)
        self.nodes: tuple[KafkaNode, ...] = ()
        self._place(nodes)

    @property
    def bootstrap(self) -> str:
        """The addresses of all nodes, separated by commas."""
        return ",".join(node.bootstrap for node in self.nodes)

    def start(self, seconds: float = START_SECONDS) -> None:
        """Start all nodes that do not run, and wait until each serves clients.

        Ports that another program took meanwhile are replaced by others, but only at the first start: later the
        clients know them.

        Raises:
            StackError: a node ended, or did not serve within `seconds`; the message holds the end of its log.
        """
        for attempt in range(_PORT_ATTEMPTS):
            try:
                self._start(seconds)
            except PortTakenError:
                self.kill()
                if self._has_served or attempt == _PORT_ATTEMPTS - 1:
                    raise
                self._place(len(self.nodes))
            except BaseException:
                self.kill()
                raise
            else:
                self._has_served = True
                return

    _has_served = False

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """End all nodes by SIGTERM, together: alone, the last of three would wait for the others."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda node: node.stop(seconds), self.nodes))

    def kill(self) -> None:
        """End all nodes by SIGKILL."""
        for node in self.nodes:
            node.kill()

    def ensure_topics(self, topics: Iterable[TopicLike]) -> list[str]:
        """Create the topics that are missing, with a copy on each node; returns their names."""
        return ensure_topics(self.bootstrap, topics, replication=len(self.nodes), seconds=START_SECONDS)

    def _start(self, seconds: float) -> None:
        # From this thread, one after the other: the kernel ends a node with the thread that started it.
        for node in self.nodes:
            node.begin()
        for node in self.nodes:
            node.wait_until_serving(seconds)

    def _place(self, count: int) -> None:
        places = tuple(
            NodePlace(number, self.data_dir / f"node-{number}", self._chosen_port(number), free_port())
            for number in range(1, count + 1)
        )
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda it: prepare_node(it, node_properties(it, places), self.cluster_id), places))
        self.nodes = tuple(KafkaNode(place) for place in places)

    def _chosen_port(self, number: int) -> int:
        return self._port if self._port and number == 1 else free_port()


def cluster_id_of(data_dir: Path, nodes: int) -> str:
    """The id of the cluster that the directory holds; a new one where it holds none.

    Raises:
        StackError: the directory holds a cluster of another size, or its id cannot be read.
    """
    file = data_dir / _CLUSTER_FILE
    if not file.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(json.dumps({"cluster_id": new_cluster_id(), "nodes": nodes}))
    try:
        kept = json.loads(file.read_text())
        cluster_id, size = str(kept["cluster_id"]), int(kept["nodes"])
    except (ValueError, KeyError, TypeError) as error:
        raise StackError(f"{file} is damaged ({error}): restore it, or remove {data_dir} with all its data") from error
    if size != nodes:
        raise StackError(f"{data_dir} holds a cluster of {size} nodes, not of {nodes}: use another directory")
    return cluster_id
