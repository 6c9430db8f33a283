"""A worker whose broker is away, or lacks topics, waits and says so."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from watchkeeper.cli.stack.broker import ensure_topics
from watchkeeper.cli.stack.child import Child, free_port
from watchkeeper.cli.stack.testing import running_broker, running_worker
from watchkeeper.schemas.topics import EVENTS, TOPICS, Topic


def until(ready: Callable[[], bool], worker: Child, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert worker.exit_code is None, worker.log.read_text()
        assert time.monotonic() < deadline, worker.log.read_text()
        time.sleep(0.05)


@pytest.mark.long
def test_it_waits_for_the_broker_and_for_its_topics(clickhouse: str, tmp_path: Path) -> None:
    port = free_port()
    with running_worker(f"127.0.0.1:{port}", clickhouse, tmp_path, ready=False, WATCHKEEPER_GROUP="waits") as worker:
        until(lambda: "does not answer; start it, or correct the address" in worker.log.read_text(), worker)
        with running_broker(port=port) as bootstrap:
            until(lambda: "agent.events (0 of 12 partitions), agent.signals" in worker.log.read_text(), worker)
            # It did not have them made by asking.
            assert set(ensure_topics(bootstrap, TOPICS)) == {topic.name for topic in TOPICS}
            until(lambda: '"event":"ready"' in worker.log.read_text(), worker)
            assert "Traceback" not in worker.log.read_text()
            assert worker.stop(10) == 0


def test_a_topic_with_too_few_partitions_is_named(clickhouse: str, tmp_path: Path) -> None:
    few = [Topic(EVENTS.name, EVENTS.key, partitions=3), *TOPICS[1:]]
    with (
        running_broker(few) as bootstrap,
        running_worker(bootstrap, clickhouse, tmp_path, ready=False) as worker,
    ):
        until(lambda: "lacks topics: agent.events (3 of 12 partitions);" in worker.log.read_text(), worker)


@pytest.mark.few(1)
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_waiting(end: signal.Signals, clickhouse: str, tmp_path: Path) -> None:
    with running_worker(f"127.0.0.1:{free_port()}", clickhouse, tmp_path, ready=False) as worker:
        until(lambda: "does not answer" in worker.log.read_text(), worker)
        os.kill(worker.pid, end)
        before = time.monotonic()
        while worker.exit_code is None:
            assert time.monotonic() < before + 5
            time.sleep(0.05)
        assert worker.exit_code == 0
