"""A broker that goes away in the middle and comes back: in order, nothing lost, the host as fast as ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from watchkeeper.cli.stack.broker import broker_answers, broker_command, ensure_topics
from watchkeeper.cli.stack.child import Child, free_port
from watchkeeper.producers import Session, Settings, Watchkeeper
from watchkeeper.schemas.topics import TOPICS

PATIENCE_SECONDS = 60.0


def tell(sessions: list[Session], numbers: range) -> None:
    for number in numbers:
        for session in sessions:
            session.outcome("n", number)


@pytest.mark.parametrize("spool", [True, False], ids=["with a spool", "without"])
def test_what_was_told_in_an_outage_arrives_in_order(
    spool: bool, proxies: ModuleType, tenant: str, read: Callable[..., Any], tmp_path: Path
) -> None:
    port, behind = free_port(), free_port()
    bootstrap = f"127.0.0.1:{port}"
    command = broker_command(behind)
    command[command.index("--advertised-listener-url") + 1] = f"tcp://{bootstrap}"
    broker = Child("the broker", command, tmp_path / "broker.log")
    proxy = proxies.BrokerProxy(port, behind)
    proxy.open()
    settings = Settings(spool_dir=tmp_path / "spool" if spool else None)
    watch = Watchkeeper("host", bootstrap=bootstrap, tenant=tenant, settings=settings)
    try:
        broker.wait_until(lambda: broker_answers(bootstrap, 1.0), PATIENCE_SECONDS)
        ensure_topics(bootstrap, TOPICS)
        sessions = [watch.session(session_id=f"s{number}") for number in range(5)]
        tell(sessions, range(100))
        assert watch.flush(PATIENCE_SECONDS)
        proxy.cut()
        began = time.monotonic()
        tell(sessions, range(100, 1000))
        assert time.monotonic() - began < 10
        assert not watch.flush(0.5)
        proxy.open()
        tell(sessions, range(1000, 1100))
        assert watch.close(PATIENCE_SECONDS)
        assert watch.losses() == {}
        wanted = 5 * 1101
        events = read(bootstrap, tenant, lambda found: len(found) >= wanted)
        for session in sessions:
            mine = [event for event in events if event.session_id == session.session_id]
            assert [event.seq for event in mine] == list(range(1101))
    finally:
        watch.close(0)
        proxy.cut()
        broker.stop(10)
