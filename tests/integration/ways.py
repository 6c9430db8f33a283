"""A way of a test's own through broker, worker and ClickHouse, on either broker, and what happens to it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest

from watchkeeper.cli.stack.apache.cluster import KafkaCluster
from watchkeeper.cli.stack.broker import broker_answers, broker_command, ensure_topics
from watchkeeper.cli.stack.child import Child, free_port
from watchkeeper.cli.stack.testing import running_broker, running_kafka, running_worker
from watchkeeper.schemas.topics import TOPICS

passage: Any = sys.modules["watchkeeper_integration_passage"]
proxies: Any = sys.modules["watchkeeper_integration_proxies"]

Kind = Literal["embedded", "apache"]

UNFORGOTTEN = tuple(replace(topic, retention_ms=-1, stamped="CreateTime") for topic in TOPICS)
"""The history's records are months old, and say so: Apache Kafka would let go of them half a minute after its start.
They keep their times, so that what is expected does not depend on when a test runs."""


class Broker(Protocol):
    """A broker with all topics, which may be made to fail."""

    @property
    def bootstrap(self) -> str:
        """Its address."""

    def unreachable(self) -> AbstractContextManager[None]:
        """While the block lasts, connections are refused."""

    def silent(self) -> AbstractContextManager[None]:
        """While the block lasts, it keeps its connections and answers nothing."""


@dataclass
class EmbeddedBroker:
    """Tansu behind a proxy: what it holds ends with it, so it is cut off in place of being killed."""

    bootstrap: str
    process: Child
    proxy: Any

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """See `Broker.unreachable`."""
        self.proxy.cut()
        yield
        self.proxy.open()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """See `Broker.silent`."""
        os.kill(self.process.pid, signal.SIGSTOP)
        yield
        os.kill(self.process.pid, signal.SIGCONT)


@dataclass
class ApacheBroker:
    """A node of Apache Kafka: it is killed, and started again with its data."""

    cluster: KafkaCluster

    @property
    def bootstrap(self) -> str:
        """See `Broker.bootstrap`."""
        return self.cluster.bootstrap

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """See `Broker.unreachable`."""
        self.cluster.kill()
        yield
        self.cluster.start()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """See `Broker.silent`."""
        (node,) = self.cluster.nodes
        node.pause()
        yield
        node.resume()


@contextmanager
def own_bootstrap(kind: Kind) -> Iterator[str]:
    """The address of a broker with nothing in it: offsets count from 0, and no other test's records are read."""
    if kind == "apache":
        with running_kafka(topics=UNFORGOTTEN) as cluster:
            yield cluster.bootstrap
    else:
        with running_broker(TOPICS) as bootstrap:
            yield bootstrap


@contextmanager
def failing_broker(kind: Kind, log: Path) -> Iterator[Broker]:
    """A broker with nothing in it, which may be made to fail."""
    if kind == "apache":
        with running_kafka(topics=UNFORGOTTEN) as cluster:
            yield ApacheBroker(cluster)
        return
    port, behind = free_port(), free_port()
    command = broker_command(behind)
    command[command.index("--advertised-listener-url") + 1] = f"tcp://127.0.0.1:{port}"
    process = Child("the broker", command, log)
    proxy = proxies.BrokerProxy(port, behind)
    proxy.open()
    try:
        broker = EmbeddedBroker(f"127.0.0.1:{port}", process, proxy)
        process.wait_until(lambda: broker_answers(broker.bootstrap, 1.0), 30)
        ensure_topics(broker.bootstrap, TOPICS)
        yield broker
    finally:
        proxy.cut()
        process.stop(10)


@dataclass(frozen=True)
class Way:
    """What a test sends, where to, and what is to come of it.

    Attributes:
        sent: the history.
        expected: the outcome where nothing fails.
        bootstrap: the broker.
        dsn: the database.
        home: what workers write goes below it.
    """

    sent: Any
    expected: dict[str, Any] = field(repr=False)
    bootstrap: str
    dsn: str
    home: Path

    def to(self, dsn: str) -> Way:
        """The same to another store."""
        return replace(self, dsn=dsn)

    def worker(self, name: str = "worker", *, ready: bool = True, dsn: str = "") -> AbstractContextManager[Child]:
        """A worker on the way, or before what stands at `dsn`."""
        return running_worker(self.bootstrap, dsn or self.dsn, self.home / name, ready=ready)

    def send(self, part: int = 0, of: int = 1) -> None:
        """Sends all, or one part of so many."""
        size = -(-len(self.sent.records) // of)
        passage.send(self.bootstrap, self.sent.records[part * size : (part + 1) * size])

    def counted(self) -> int:
        """How many different events are stored."""
        count: int = passage.counted(self.dsn)
        return count

    def begins_with(self, part: int, of: int, *watched: Child) -> None:
        """Sends one part of so many, and waits until the first of it are stored.

        A worker may be done with the part by then. What befalls it comes in the middle of the whole all the same.
        """
        before = self.counted()
        self.send(part, of)
        self.until(lambda: self.counted() > before, *watched)

    def goes_on(self, *watched: Child) -> None:
        """Waits until more is stored than now."""
        before = self.counted()
        self.until(lambda: self.counted() > before, *watched)

    @staticmethod
    def until(ready: Callable[[], bool], *watched: Child, seconds: float = 60) -> None:
        """Waits for a condition; a worker that ended meanwhile is an error."""
        passage.wait_until(ready, seconds, *watched)

    def settled(self, *watched: Child, seconds: float = 120) -> None:
        """Waits until all of it is stored."""
        passage.settled(self.dsn, self.bootstrap, self.sent, *watched, seconds=seconds)

    def compare(self) -> None:
        """All that came out is what comes out when nothing fails."""
        passage.exact(self.dsn, self.sent)
        outcome = passage.outcome(self.dsn, self.bootstrap)
        assert outcome.keys() == self.expected.keys()
        for name, found in outcome.items():
            if found != self.expected[name]:
                pytest.fail(f"{name} differ, first: {_first_difference(found, self.expected[name])}")


def undisturbed(sent: Any, dsn: str, home: Path) -> dict[str, Any]:
    """What comes of a history when nothing fails; `dsn` is of a migrated database."""
    with own_bootstrap("embedded") as bootstrap:
        way = Way(sent, {}, bootstrap, dsn, home)
        way.send()
        with way.worker() as worker:
            way.settled(worker)
        passage.exact(dsn, sent)
        outcome: dict[str, Any] = passage.outcome(dsn, bootstrap)
    for table in ("findings", "control_commands", "dead_letters", "contents", "sessions", "subjects"):
        assert outcome[table], f"the history shows nothing of {table}"
    return outcome


def _first_difference(found: Any, expected: Any) -> str:
    if isinstance(found, dict):
        found, expected = list(found.items()), list(expected.items())
    if isinstance(found, set):
        return f"only found {sorted(found - expected)[:1]}, only expected {sorted(expected - found)[:1]}"
    different = next((pair for pair in zip(found, expected, strict=False) if pair[0] != pair[1]), None)
    return f"{len(found)} and {len(expected)}" if different is None else f"{different[0]}\nexpected {different[1]}"
