"""A broker that goes away in the middle and comes back: in order, nothing lost, the host as fast as ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.producers import Session, Settings, Watchkeeper

PATIENCE_SECONDS = 60.0


def tell(sessions: list[Session], numbers: range) -> None:
    for number in numbers:
        for session in sessions:
            session.outcome("n", number)


@pytest.mark.few(1)
@pytest.mark.parametrize("spool", [True, False], ids=["with a spool", "without"])
def test_what_was_told_in_an_outage_arrives_in_order(
    spool: bool, proxied: Any, tenant: str, read: Callable[..., Any], tmp_path: Path
) -> None:
    settings = Settings(spool_dir=tmp_path / "spool" if spool else None)
    watch = Watchkeeper("host", bootstrap=proxied.bootstrap, tenant=tenant, settings=settings)
    try:
        sessions = [watch.session(session_id=f"s{number}") for number in range(5)]
        tell(sessions, range(100))
        assert watch.flush(PATIENCE_SECONDS)
        proxied.proxy.cut()
        began = time.monotonic()
        tell(sessions, range(100, 1000))
        assert time.monotonic() - began < 10
        assert not watch.flush(0.5)
        proxied.proxy.open()
        tell(sessions, range(1000, 1100))
        assert watch.close(PATIENCE_SECONDS)
        assert watch.losses() == {}
        wanted = 5 * 1101
        events = read(proxied.bootstrap, tenant, lambda found: len(found) >= wanted)
        for session in sessions:
            mine = [event for event in events if event.session_id == session.session_id]
            assert [event.seq for event in mine] == list(range(1101))
    finally:
        watch.close(0)
