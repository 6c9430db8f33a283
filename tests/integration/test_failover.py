"""Three nodes of Apache Kafka of which some die under the real SDK and worker: nothing lost, doubled or out of order.

The nodes are started again from the main thread: the kernel ends a node with the thread that started it.
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from contract_reader import OwnTopic

from watchkeeper.cli.stack.apache.cluster import KafkaCluster
from watchkeeper.cli.stack.apache.node import KafkaNode
from watchkeeper.cli.stack.child import Child, tail
from watchkeeper.cli.stack.testing import running_kafka, running_worker
from watchkeeper.producers import Session, Settings, Watchkeeper
from watchkeeper.producers.transport import Delivery
from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.schemas.topics import EVENTS, TOPICS
from watchkeeper.schemas.wire import line_digest
from watchkeeper.stream_processors.bus import KafkaBus
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.engine.ports import Message

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

SESSIONS = 24
PATIENCE_SECONDS = 180.0


@pytest.fixture(scope="module")
def cluster(apache: None) -> Iterator[KafkaCluster]:
    """Three nodes: a record has three copies, and is acknowledged with two."""
    with running_kafka(3, TOPICS) as started:
        yield started


@pytest.fixture(autouse=True)
def whole(cluster: KafkaCluster) -> None:
    """All nodes run when a test begins."""
    cluster.start(PATIENCE_SECONDS)


def leaders(cluster: KafkaCluster, topic: str) -> dict[int, int]:
    """The node that leads each partition; -1 where none does."""
    found = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0}).list_topics(topic, timeout=30)
    return {number: partition.leader for number, partition in found.topics[topic].partitions.items()}


def in_sync(cluster: KafkaCluster, topic: str) -> dict[int, int]:
    """How many copies of each partition are up to date, by what its leader knows: others hear of it at other times."""
    known = {}
    for node in (node for node in cluster.nodes if node.pid is not None):
        found = AdminClient({"bootstrap.servers": node.bootstrap, "log_level": 0}).list_topics(topic, timeout=30)
        for number, partition in found.topics[topic].partitions.items():
            if partition.leader == node.place.node_id:
                known[number] = len(partition.isrs)
    return known


def leader(cluster: KafkaCluster, topic: str) -> KafkaNode:
    """The node that leads most partitions of a topic, of those that run."""
    led = list(leaders(cluster, topic).values())
    return max((node for node in cluster.nodes if node.pid is not None), key=lambda node: led.count(node.place.node_id))


def until(ready: Callable[[], bool], *watched: Child) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        said = "\n".join(tail(child.log, 20) for child in watched)
        assert all(child.exit_code is None for child in watched), f"a worker ended\n{said}"
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s\n{said}"
        time.sleep(0.1)


class Host:
    """An agent's process: sessions that tell without a pause, and the ledger of what the SDK was told to be stored."""

    def __init__(self, bootstrap: str, spool: Path) -> None:
        self.ledger: list[str] = []
        self.failed: list[str] = []
        self.tenant = uuid.uuid4().hex
        self.watch = Watchkeeper(
            "host",
            bootstrap=bootstrap,
            tenant=self.tenant,
            settings=Settings(spool_dir=spool),
            on_delivery=self._delivered,
        )
        self.sessions: list[Session] = [self.watch.session(session_id=f"s-{number}") for number in range(SESSIONS)]
        self.told = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tell)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tells from another thread while the block lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()

    def _tell(self) -> None:
        while not self._stop.wait(0.02):
            for session in self.sessions:
                session.outcome("n", self.told)
            self.told += 1

    def _delivered(self, delivery: Delivery) -> None:
        if delivery.error:
            self.failed.append(delivery.error)
        else:
            self.ledger.extend(line_digest(line) for line in delivery.record.value.split(b"\n"))


def ask(dsn: str, query: str) -> list[tuple[Any, ...]]:
    client = connect(dsn)
    rows = [tuple(row) for row in client.query(query).result_rows]
    client.close()
    return rows


def counted(dsn: str, host: Host) -> int:
    """How many different events of the host's are stored; the broker holds those of other tests too."""
    query = f"SELECT uniqExact(session_id, writer_id, seq, digest) FROM events WHERE tenant_id = '{host.tenant}'"
    return int(ask(dsn, query)[0][0])


def check(cluster: KafkaCluster, dsn: str, host: Host) -> None:
    """Every event that was told is in the log and stored, once, in its order, under the digest that the ledger has."""
    assert host.failed == []
    assert host.watch.losses() == {}
    assert len(set(host.ledger)) == len(host.ledger)
    # With the event that opens a session.
    assert len(host.ledger) == SESSIONS * (host.told + 1)
    topic = OwnTopic(EVENTS.partitions, name=EVENTS.name)
    values = [value for number in range(EVENTS.partitions) for value in topic.everything(cluster.bootstrap, number)]
    logged = Counter(line_digest(line) for value in values for line in (value or b"").split(b"\n"))
    assert {logged[digest] for digest in host.ledger} == {1}
    rows = ask(
        dsn,
        f"SELECT session_id, seq, digest FROM events FINAL WHERE tenant_id = '{host.tenant}' "
        "ORDER BY session_id, source_offset, source_line",
    )
    assert len(rows) == len(host.ledger)
    assert {digest for _, _, digest in rows} == set(host.ledger)
    for session in host.sessions:
        mine = [seq for name, seq, _ in rows if name == session.session_id]
        assert mine == list(range(host.told + 1))
    assert ask(dsn, "SELECT kind, summary FROM findings FINAL WHERE failure_mode = 'audit_gap'") == []


def test_leaders_that_are_killed_one_after_the_other(cluster: KafkaCluster, own_database: str, tmp_path: Path) -> None:
    host = Host(cluster.bootstrap, tmp_path / "spool")
    with running_worker(cluster.bootstrap, own_database, tmp_path, WATCHKEEPER_GROUP="leaders") as worker:
        with host.telling():
            for _ in range(2):
                before = counted(own_database, host)
                until(lambda at=before: counted(own_database, host) > at + 500, worker)  # type: ignore[misc] # mypy: default
                struck = leader(cluster, EVENTS.name)
                struck.kill()
                # Others lead, and it goes on without the one that died.
                until(lambda one=struck: one.place.node_id not in leaders(cluster, EVENTS.name).values(), worker)  # type: ignore[misc] # as above
                before = counted(own_database, host)
                until(lambda at=before: counted(own_database, host) > at + 500, worker)  # type: ignore[misc] # as above
                struck.start(PATIENCE_SECONDS)
        assert host.watch.close(PATIENCE_SECONDS)
        until(lambda: counted(own_database, host) >= len(host.ledger), worker)
    check(cluster, own_database, host)


def test_two_of_three_dead_nothing_is_taken_and_it_goes_on(
    cluster: KafkaCluster, own_database: str, tmp_path: Path
) -> None:
    host = Host(cluster.bootstrap, tmp_path / "spool")
    with running_worker(cluster.bootstrap, own_database, tmp_path, WATCHKEEPER_GROUP="two") as worker:
        with host.telling():
            until(lambda: counted(own_database, host) > 500, worker)
            for node in cluster.nodes[:2]:
                node.kill()
            # What was on its way to the one that is left is not acknowledged either.
            time.sleep(1)
            taken, told = len(host.ledger), host.told
            until(lambda: host.told > told + 50, worker)
            assert not host.watch.flush(3)
            assert len(host.ledger) == taken
            for node in cluster.nodes[:2]:
                node.begin()
            cluster.start(PATIENCE_SECONDS)
            until(lambda: len(host.ledger) > taken, worker)
        assert host.watch.close(PATIENCE_SECONDS)
        until(lambda: counted(own_database, host) >= len(host.ledger), worker)
    check(cluster, own_database, host)


def test_a_write_waits_for_as_many_copies_as_the_topic_asks_for(cluster: KafkaCluster, tmp_path: Path) -> None:
    """acks=all: with one of three dead, a topic that asks for three is refused, and taken when all are back."""
    strict = OwnTopic(1, config={"min.insync.replicas": "3"}).make(cluster.bootstrap, replication=3)
    lenient = OwnTopic(1).make(cluster.bootstrap, replication=3)
    bus = KafkaBus(cluster.bootstrap, delivery_seconds=10)

    def publish(topic: OwnTopic, value: bytes) -> None:
        asyncio.run(bus.publish([Message(topic.name, b"k", value)]))

    publish(strict, b"first")
    cluster.nodes[2].kill()
    publish(lenient, b"two copies suffice")
    # Until the leader has missed the dead one, it appends the record before it refuses it, and may keep it.
    until(lambda: in_sync(cluster, strict.name) == {0: 2})
    with pytest.raises(BusUnavailableError, match="did not acknowledge 1 of 1"):
        publish(strict, b"refused")
    cluster.nodes[2].start(PATIENCE_SECONDS)
    publish(strict, b"last")
    bus.close()
    assert strict.everything(cluster.bootstrap) == [b"first", b"last"]
    assert lenient.everything(cluster.bootstrap) == [b"two copies suffice"]
