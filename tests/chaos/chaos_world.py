"""One run: real parts, hosts and workers under the harness, which plays the supervisor, and what came of it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from chaos_faults import CLOCK, FAULT, PARTITIONS, TRACE, Fault
from confluent_kafka import Consumer, KafkaException, TopicPartition

from watchkeeper.cli.stack.child import Child, tail
from watchkeeper.cli.stack.settings import CLICKHOUSE, HOME, KAFKA, READY_FILE
from watchkeeper.stream_processors.clickhouse import connect

HERE = Path(__file__).parent
# The store is away in many runs, and its client tells every attempt.
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
READ_TOPICS = ("agent.events", "agent.signals", "agent.scores")
HOUR = 3600
STOP_SECONDS = 10.0

Place = tuple[str, str, str, int, str]
"""Tenant, session, writer, number, and the hash of the line."""


class NotInTimeError(AssertionError):
    """A condition was not met before its deadline."""


@dataclass
class Ledger:
    """What the broker has acknowledged, as the hosts were told.

    Attributes:
        ends: by partition, the offset after the last acknowledged record.
        unreadable: partition, offset and line of what is to become a dead letter.
    """

    places: set[Place] = field(default_factory=set)
    ends: dict[int, int] = field(default_factory=dict)
    unreadable: set[tuple[int, int, int]] = field(default_factory=set)
    given_up: int = 0

    def read(self, path: Path) -> None:
        """Adds a host's file; a line that its death cut off was not acknowledged to anybody."""
        for line in path.read_bytes().split(b"\n") if path.exists() else ():
            try:
                told = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if "at" in told:
                self.places.update(tuple(place) for place in told["events"])
                self.unreadable.update(tuple(place) for place in told.get("unreadable", ()))
                partition, offset = told["at"]
                self.ends[partition] = max(self.ends.get(partition, 0), offset + 1)
            self.given_up += told.get("given_up", 0) != 0


@dataclass
class World:
    """A broker, a database, hosts and workers, and the job that makes the minutes.

    Attributes:
        jobs: by name; one that has ended is started again.
        workers: by name; one that has ended is started again, unless it is in `resting`.
        script: what is used as the worker's program.
    """

    home: Path
    bootstrap: str
    dsn: str
    seed: int
    sessions: int
    fault: Fault | None = None
    script: Path = HERE / "chaos_worker.py"
    workers: dict[str, Child] = field(default_factory=dict)
    hosts: dict[str, Child] = field(default_factory=dict)
    jobs: dict[str, Child] = field(default_factory=dict)
    resting: set[str] = field(default_factory=set)
    restarts: int = 0
    recovery_seconds: float | None = None
    _struck: tuple[float, int] | None = None

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    def start_worker(self, name: str) -> None:
        """Starts a worker, or starts it again."""
        variables = {
            KAFKA: self.bootstrap,
            CLICKHOUSE: self.dsn,
            HOME: str(self.home / name),
            READY_FILE: str(self.home / f"{name}.ready"),
            CLOCK: str(self.home / "clock"),
            TRACE: str(self.home / "trace"),
            FAULT: self.fault.dump() if self.fault else "",
        }
        command = [sys.executable, str(self.script)]
        self.workers[name] = Child(name, command, self.home / f"{name}.log", {**os.environ, **variables})

    def start_host(self, name: str) -> None:
        """Starts a host, or starts it again: it tells its story from the start."""
        told = [f"--kafka={self.bootstrap}", f"--ledger={self._ledger(name)}", f"--name={name}"]
        told += [f"--seed={self.seed}", f"--sessions={self.sessions}"]
        command = [sys.executable, str(HERE / "chaos_host.py"), *told]
        self.hosts[name] = Child(name, command, self.home / f"{name}.log")

    def start_rollups(self) -> None:
        """Starts the job that makes the minutes, or starts it again."""
        command = [sys.executable, "-m", "watchkeeper.cli.main", "rollups", "run", "--every=2"]
        variables = {**os.environ, CLICKHOUSE: self.dsn, HOME: str(self.home / "rollups")}
        self.jobs["rollups"] = Child("rollups", command, self.home / "rollups.log", variables)

    def is_struck(self) -> None:
        """Something fails now, or did a moment ago: from here recovery is counted."""
        if self._struck is None:
            self._struck = time.monotonic(), counted(self.dsn)

    def has_recovered(self) -> None:
        """More is stored than when it was struck, or there is no more to store."""
        if self._struck is not None and self.recovery_seconds is None:
            self.recovery_seconds = time.monotonic() - self._struck[0]

    def look(self) -> int:
        """How many events are stored."""
        stored = counted(self.dsn)
        if self._struck is not None and stored > self._struck[1] >= 0:
            self.has_recovered()
        return stored

    def tend(self) -> bool:
        """Plays the supervisor; answers whether all hosts have told everything."""
        for name, worker in self.workers.items():
            if worker.exit_code is not None and name not in self.resting:
                self.restarts += 1
                self.start_worker(name)
        for job in self.jobs.values():
            if job.exit_code is not None:
                self.start_rollups()
        for name, host in self.hosts.items():
            if host.exit_code not in {None, 0}:
                self.start_host(name)
        return all(host.exit_code == 0 for host in self.hosts.values())

    def ledger(self) -> Ledger:
        """What was acknowledged until now."""
        ledger = Ledger()
        for name in self.hosts:
            ledger.read(self._ledger(name))
        return ledger

    def advance(self, seconds: float) -> None:
        """Lets the workers' clocks jump ahead."""
        fresh = self.home / f"clock-{uuid.uuid4().hex}"
        fresh.write_text(str(seconds))
        fresh.replace(self.home / "clock")

    def committed(self, ends: dict[int, int]) -> bool:
        """Whether the group has committed all of its topics: of events at least what was acknowledged."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "watchkeeper"})
        try:
            places = [TopicPartition(topic, number) for topic in READ_TOPICS for number in range(PARTITIONS)]
            for place in consumer.committed(places, timeout=5):
                _, end = consumer.get_watermark_offsets(place, timeout=5)
                least = max(end, ends.get(place.partition, 0) if place.topic == READ_TOPICS[0] else 0)
                if least > max(place.offset, 0):
                    return False
        except KafkaException:
            return False
        finally:
            consumer.close()
        return True

    def stop(self) -> None:
        """Ends whatever runs."""
        for child in (*self.hosts.values(), *self.workers.values(), *self.jobs.values()):
            os.kill(child.pid, signal.SIGCONT) if child.exit_code is None else None
            child.stop(STOP_SECONDS)

    def said(self) -> str:
        """The ends of the workers' logs."""
        return "\n".join(tail(child.log, 15) for child in (*self.workers.values(), *self.jobs.values()))

    def _ledger(self, name: str) -> Path:
        return self.home / f"{name}.ledger"


def counted(dsn: str) -> int:
    """How many different events are stored; -1 while the store does not answer."""
    return number(dsn, "SELECT uniqExact(tenant_id, session_id, writer_id, seq, digest) FROM events")


def number(dsn: str, query: str) -> int:
    """The answer to a query for one number; -1 while the store does not answer."""
    try:
        client = connect(dsn)
        try:
            answer: int = client.query(query).result_rows[0][0]
        finally:
            client.close()
    except Exception:  # noqa: BLE001 - the store is killed in these runs; the caller has a deadline
        return -1
    return answer


def fingerprint(dsn: str) -> tuple[Any, ...] | None:
    """Changes whenever outputs do; None while the store does not answer."""
    tables = ("findings", "control_commands", "dead_letters", "contents", "scores")
    counts = [number(dsn, f"SELECT count() FROM {table} FINAL") for table in tables]
    versions = [number(dsn, f"SELECT sum(version) FROM {table} FINAL") for table in ("sessions", "subjects")]
    return None if -1 in (*counts, *versions) else (*counts, *versions)


def minutes_are_made(dsn: str) -> bool:
    """Whether the minutes count what is stored."""
    found = number(
        dsn,
        "SELECT (SELECT sum(events) FROM activity_minutes FINAL) = (SELECT count() FROM events FINAL)"
        " AND (SELECT (sum(findings), sum(resolved)) FROM finding_minutes FINAL)"
        " = (SELECT (count(), countIf(status = 'resolved')) FROM findings FINAL)",
    )
    return found == 1


@contextmanager
def tended(world: World) -> Iterator[World]:
    """Ends all of its processes with the block."""
    with ExitStack() as stack:
        stack.callback(world.stop)
        yield world


def until(world: World, what: str, seconds: float, ready: Any) -> None:
    """Tends the world until a condition holds.

    Raises:
        NotInTimeError: it does not, within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        world.tend()
        if time.monotonic() > deadline:
            raise NotInTimeError(f"{what}: not within {seconds:.0f} s\n{world.said()}")
        time.sleep(0.1)
