"""Brokers that answer late, not at all, or as others than they were: nothing raised, nothing lost, calls as fast."""

from __future__ import annotations

import logging
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from watchkeeper.cli.stack.child import free_port
from watchkeeper.producers import Session, Settings, Watchkeeper
from watchkeeper.producers.writing import sender

PATIENCE_SECONDS = 60.0
FAST_SECONDS = 0.002
"""Half of the calls take less, also on a machine that is busy: an answer from a broker takes longer than this."""

EITHER_WAY = pytest.mark.parametrize("spool", [True, False], ids=["with a spool", "without"])


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    def make(spool: bool, **further: Any) -> Settings:
        return Settings(spool_dir=tmp_path / "spool" if spool else None, **further)

    return make


def tell(session: Session, numbers: range) -> None:
    """Tells events, and checks what the calls cost."""
    took: list[float] = []
    for number in numbers:
        began = time.perf_counter()
        session.outcome("n", number)
        took.append(time.perf_counter() - began)
    assert statistics.median(took) < FAST_SECONDS


def check_all_in_order(events: list[Any], told: int) -> None:
    assert [event.data.value for event in events if event.type == "outcome"] == list(range(told))


@EITHER_WAY
def test_a_broker_that_swallows_all_costs_nothing_and_is_told_once(
    spool: bool,
    proxied: Any,
    tenant: str,
    read: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sender, "STALL_SECONDS", 0.5)
    watch = Watchkeeper("host", bootstrap=proxied.bootstrap, tenant=tenant, settings=settings(spool))
    with watch.session() as s:
        tell(s, range(100))
        assert watch.flush(PATIENCE_SECONDS)
        proxied.proxy.hold()
        tell(s, range(100, 1000))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (complaints := [it for it in caplog.records if "acknowledged nothing" in it.message]):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert complaints[0].levelno == logging.WARNING
        assert not watch.flush(1)
        proxied.proxy.flow()
        tell(s, range(1000, 1100))
    assert watch.close(PATIENCE_SECONDS)
    assert watch.losses() == {}
    assert len([it for it in caplog.records if it.levelno >= logging.WARNING]) == 1
    check_all_in_order(read(proxied.bootstrap, tenant, lambda found: len(found) >= 1102), 1100)


def test_what_a_broker_swallows_for_too_long_is_counted_where_there_is_no_spool(
    proxied: Any, tenant: str, read: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The embedded broker fences a client that gave records up, too: it is replaced."""
    watch = Watchkeeper(
        "host", bootstrap=proxied.bootstrap, tenant=tenant, settings=settings(False, delivery_seconds=1.0)
    )
    s = watch.session()
    s.start()
    tell(s, range(100))
    assert watch.flush(PATIENCE_SECONDS)
    proxied.proxy.hold()
    tell(s, range(100, 200))
    assert not watch.flush(PATIENCE_SECONDS)
    lost = watch.losses()
    assert lost == {"delivery_failed": 100}
    proxied.proxy.flow()
    s.outcome("n", 200)
    assert watch.flush(PATIENCE_SECONDS)
    assert watch.losses() == lost
    assert len([it for it in caplog.records if "given up, _MSG_TIMED_OUT" in it.message]) == 1

    def last(events: list[Any]) -> list[Any]:
        return [event for event in events if event.type == "outcome" and event.data.value == 200]

    (event,) = last(read(proxied.bootstrap, tenant, last))
    assert event.attributes["watchkeeper.lost"] == 100
    watch.close(PATIENCE_SECONDS)


@pytest.mark.few(1)
@EITHER_WAY
def test_a_slow_broker_slows_nobody(spool: bool, proxied: Any, tenant: str, read: Any, settings: Any) -> None:
    proxied.proxy.delay_seconds = 0.1
    watch = Watchkeeper("host", bootstrap=proxied.bootstrap, tenant=tenant, settings=settings(spool))
    with watch.session() as s:
        tell(s, range(2000))
    assert watch.close(PATIENCE_SECONDS)
    assert watch.losses() == {}
    check_all_in_order(read(proxied.bootstrap, tenant, lambda found: len(found) >= 2002), 2000)


@pytest.mark.long
@EITHER_WAY
def test_a_broker_that_comes_back_elsewhere_with_an_empty_log_gets_what_it_owes(
    spool: bool, brokers: Any, proxies: ModuleType, tenant: str, read: Any, settings: Any
) -> None:
    """The address leads to whoever is there now, as that of a service does; the broker itself names another."""
    port = free_port()
    with brokers() as first:
        proxy = proxies.BrokerProxy(port, int(first.rpartition(":")[2]))
        proxy.open()
        watch = Watchkeeper("host", bootstrap=f"127.0.0.1:{port}", tenant=tenant, settings=settings(spool))
        s = watch.session()
        s.start()
        tell(s, range(500))
        assert watch.flush(PATIENCE_SECONDS)
    proxy.cut()
    tell(s, range(500, 1000))
    with brokers() as second:
        assert second != first
        proxy.target = int(second.rpartition(":")[2])
        proxy.open()
        tell(s, range(1000, 1500))
        assert watch.close(PATIENCE_SECONDS)
        assert watch.losses() == {}
        events = read(second, tenant, lambda found: len(found) >= 1000)
        assert [event.data.value for event in events] == list(range(500, 1500))
        proxy.cut()
