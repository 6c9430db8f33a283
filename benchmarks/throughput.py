"""Floods of events through workers: how many a second from the first sent to the last stored."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watchkeeper.cli.stack.testing import running_broker, running_clickhouse, running_kafka, running_worker
from watchkeeper.schemas.topics import TOPICS
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.migrate import migrate

HERE = Path(__file__).parent
PATIENCE = 240.0

Broker = Callable[[], AbstractContextManager[str]]
"""Runs a broker with all topics; its address is handed to the block."""

Progress = Callable[[], tuple[int, float]]
"""How many events are done, and when the last of them was, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Flood:
    """A load that is sent several times.

    Attributes:
        sessions: sessions of 60 events in each run.
        runs: counted runs; a smaller one before them warms up.
        together: events in a record.
    """

    sessions: int
    runs: int
    together: int = 20


@contextmanager
def embedded() -> Iterator[str]:
    """The local stack's broker."""
    with running_broker(TOPICS) as bootstrap:
        yield bootstrap


@contextmanager
def apache() -> Iterator[str]:
    """Apache Kafka itself, one node.

    Raises:
        ApacheKafkaUnavailableError: Java or Maven is missing.
    """
    with running_kafka(topics=TOPICS) as cluster:
        yield cluster.bootstrap


def ceiling_runs(flood: Flood, workers: int = 1, broker: Broker = embedded) -> list[float]:
    """Events a second of workers that consume and validate, and do nothing else."""
    with tempfile.TemporaryDirectory() as home, broker() as kafka, ExitStack() as children:
        told = [Path(home) / f"told{number}" for number in range(workers)]
        for path in told:
            path.write_text("0 0")
            environment = os.environ | {
                "WATCHKEEPER_KAFKA_BOOTSTRAP": kafka,
                "WATCHKEEPER_CLICKHOUSE_DSN": "http://nobody:x@127.0.0.1:9/watchkeeper",
                "WATCHKEEPER_HOME": f"{home}/{path.name}.home",
                "WATCHKEEPER_READY_FILE": f"{path}.ready",
                "CEILING_TOLD": str(path),
            }
            log = children.enter_context(path.with_suffix(".log").open("w"))
            children.enter_context(child([HERE / "ceiling_worker.py"], environment, stderr=log))
        await_all([Path(f"{path}.ready") for path in told])

        def progress() -> tuple[int, float]:
            counts, moments = zip(*map(told_of, told), strict=True)
            return sum(counts), max(moments)

        return runs_of(kafka, flood, "ceiling", progress)


def apache_runs(flood: Flood, name: str) -> list[float]:
    """Events a second until they are in the store, with Apache Kafka as the broker."""
    with apache() as kafka, running_clickhouse() as dsn:
        migrate(dsn)
        with running_worker(kafka, dsn):
            return stack_runs(kafka, dsn, flood, name)


def stack_runs(kafka: str, dsn: str, flood: Flood, name: str) -> list[float]:
    """Events a second until they are in the store, through whichever workers there are."""
    client = connect(dsn)

    def stored() -> tuple[int, float]:
        count, latest = client.query("SELECT count(), max(stored_at) FROM events").result_rows[0]
        return int(count), latest.timestamp()

    return runs_of(kafka, flood, name, stored)


def runs_of(kafka: str, flood: Flood, name: str, progress: Progress) -> list[float]:
    """All runs of a flood; the one that warms up is not among them."""
    return [run(kafka, flood, name, number, progress) for number in range(-1, flood.runs)][1:]


def run(kafka: str, flood: Flood, name: str, number: int, progress: Progress) -> float:
    """Sends whole sessions as fast as the broker takes them; answers events a second from first sent to last done."""
    sessions = flood.sessions // 4 if number < 0 else flood.sessions
    load = begin_load("flood", kafka, prefix=f"{name}{number}", sessions=sessions, together=flood.together)
    assert load.stdout is not None
    assert load.stdin is not None
    ready = json.loads(load.stdout.readline())
    if number == 0:
        size, together = ready["bytes_an_event"], ready["events_a_record"]
        print(f"  {name}: {ready['ready']:,} events of {size:.0f} bytes, {together:.1f} a record")
    before, _ = progress()
    load.stdin.write("\n")
    load.stdin.flush()
    deadline = time.time() + PATIENCE
    while True:
        count, at = progress()
        if count - before >= ready["ready"]:
            break
        if time.time() > deadline:
            raise TimeoutError(f"{count - before:,} of {ready['ready']:,} events after {PATIENCE:.0f} s")
        # Seldom: asking costs the engine that is measured. When the last event came is told to the millisecond.
        time.sleep(0.5)
    sent = json.loads(load.stdout.readline())
    load.wait(30)
    rate = float(ready["ready"] / (at - sent["begin"]))
    print(f"  {name}, run {number}: {rate:,.0f} events/s", flush=True)
    return rate


def told_of(path: Path) -> tuple[int, float]:
    """How many events a ceiling's worker has validated, and when it said so."""
    count, _, at = path.read_text().partition(" ")
    return int(count or 0), float(at or 0.0)


def await_all(paths: list[Path]) -> None:
    """Waits until all of these are there."""
    deadline = time.time() + PATIENCE
    while missing := [path for path in paths if not path.exists()]:
        if time.time() > deadline:
            raise TimeoutError(f"not ready after {PATIENCE:.0f} s: {missing[0]}")
        time.sleep(0.1)


def begin_load(load: str, kafka: str, **options: Any) -> subprocess.Popen[str]:
    """One of `load.py`'s loads, in a process of its own."""
    words = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, str(HERE / "load.py"), load, f"--kafka={kafka}", *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def child(words: list[Any], environment: dict[str, str], stderr: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program that ends with the block."""
    process = subprocess.Popen([sys.executable, *map(str, words)], env=environment, stderr=stderr, stdout=stderr)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
