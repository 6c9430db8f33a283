"""What the harness does to processes while they work: it ends them, lets them stand still, brings them late."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator

from chaos_store import Store
from chaos_world import World, counted

from watchkeeper.cli.stack.apache.cluster import KafkaCluster

Steps = Callable[[World, Store, KafkaCluster | None], Iterator[None]]
"""Step by step; it yields while it waits."""


def _in_the_middle(world: World) -> Iterator[None]:
    while counted(world.dsn) < world.sessions * 15:
        yield
    world.is_struck()


def _pause(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def store_ends(how: signal.Signals) -> Steps:
    """The store ends under load and is started again three seconds later."""

    def steps(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
        yield from _in_the_middle(world)
        store.end(how)
        yield from _pause(3)
        store.start()

    return steps


def store_comes_late(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
    """The store comes when everything else has been up for a while."""
    yield from _pause(8)
    store.start()
    world.is_struck()


def _host_of(session: str) -> str:
    """`host-0` of `host-0-00030-child`."""
    return "-".join(session.split("-")[:2])


def host_ends(how: signal.Signals) -> Steps:
    """Each host ends in the middle, and its successor tells the story again."""

    def steps(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
        waiting = set(world.hosts)
        while waiting:
            # Each by what it told itself: one may be far ahead of the other.
            told = Counter(_host_of(session) for _, session, *_ in world.ledger().places)
            for name in [name for name in waiting if told[name] >= world.sessions * 8]:
                waiting.remove(name)
                if world.hosts[name].exit_code is None:
                    world.is_struck()
                    os.kill(world.hosts[name].pid, how)
            yield

    return steps


def two_workers(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
    """A second joins, the first is killed for good, a third comes, the second is told to stop."""
    world.start_worker("second")
    yield from _in_the_middle(world)
    world.resting.add("worker")
    world.workers["worker"].kill()
    world.start_worker("third")
    yield from _pause(8)
    world.resting.add("second")
    os.kill(world.workers["second"].pid, signal.SIGTERM)


def zombie(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
    """A worker stands still past its session's time-out, another takes over, and it goes on."""
    yield from _in_the_middle(world)
    os.kill(world.workers["worker"].pid, signal.SIGSTOP)
    world.start_worker("second")
    yield from _pause(12)
    os.kill(world.workers["worker"].pid, signal.SIGCONT)


def broker_ends(how: str, node: int = 0) -> Steps:
    """A node ends under load and is started again, with its data, four seconds later."""

    def steps(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
        assert kafka is not None, "this needs Apache Kafka"
        yield from _in_the_middle(world)
        getattr(kafka.nodes[node], how)()
        yield from _pause(4)
        kafka.nodes[node].start()

    return steps


def broker_comes_late(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
    """The broker comes when everything else has been up for a while."""
    assert kafka is not None, "this needs Apache Kafka"
    yield from _pause(6)
    kafka.nodes[0].start()
    world.is_struck()


def rollups_end(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
    """The job that makes the minutes is killed again and again while it works."""
    yield from _in_the_middle(world)
    for _ in range(8):
        yield from _pause(0.7)
        world.jobs["rollups"].kill()
