"""Ends of a host that are no kill -9: SIGTERM with a handler of the host's and without one, and `os._exit`."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

WORKED = 1000
AT_ONCE_SECONDS = 5.0
"""A process that the system ends waits for nothing; the rest is for a machine that is busy."""


def arrived(events: list[Any]) -> list[int]:
    return [int(event.data.value) for event in events if event.type == "outcome"]


@pytest.mark.few(1)
@pytest.mark.parametrize("way", ["", "_exit"], ids=["SIGTERM without a handler", "os._exit"])
def test_an_end_without_the_interpreter_s_is_a_kill(
    way: str, victim: Any, documented: Callable[[str, int], Any], broker: str, tenant: str, read: Any
) -> None:
    working = victim(broker, way)
    working.work(WORKED)
    if not way:
        working.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert working.process.wait(60) == -signal.SIGTERM, "the host's own end is not taken from it"
        assert time.monotonic() - began < AT_ONCE_SECONDS
    else:
        assert working.process.wait(60) == 7
    told, bound = working.told(), documented("without", 1)
    owed = {number for number, at_ms in told.items() if bound.is_owed(at_ms, max(told.values()), None)}
    assert owed
    numbers = arrived(read(broker, tenant, lambda events: owed <= set(arrived(events))))
    assert owed <= set(numbers)
    assert numbers == list(range(len(numbers)))


def test_a_handler_of_the_host_s_that_exits_sends_all_that_was_told(
    victim: Any, broker: str, tenant: str, read: Any
) -> None:
    working = victim(broker, "handler")
    working.work(WORKED)
    working.process.send_signal(signal.SIGTERM)
    assert working.process.wait(60) == 7
    told = working.told()
    numbers = arrived(read(broker, tenant, lambda events: len(arrived(events)) >= len(told)))
    # The signal may come between the call and the ledger's line.
    assert numbers in (list(range(len(told))), list(range(len(told) + 1)))


@pytest.mark.long
def test_a_handler_that_exits_while_the_broker_is_away_ends_in_time_and_leaves_all_in_the_spool(
    victim: Any, proxied: Any, tenant: str, read: Any, spooling: dict[str, str], host: Any
) -> None:
    working = victim(proxied.bootstrap, "handler", **spooling)
    working.work(WORKED // 2)
    proxied.proxy.cut()
    working.work(WORKED)
    working.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert working.process.wait(60) == 7
    assert time.monotonic() - began < AT_ONCE_SECONDS + 2
    proxied.proxy.open()
    later = """
    import sys
    from watchkeeper.producers import Watchkeeper
    watch = Watchkeeper("later", bootstrap=sys.argv[1], tenant=sys.argv[2])
    with watch.session(session_id="later"):
        # What another left is sent but not waited for at the end: this one stays until it has arrived.
        sys.stdin.readline()
    print(watch.close(40), watch.losses())
    """
    successor, told = host(later, proxied.bootstrap, tenant, **spooling), working.told()
    numbers = arrived(read(proxied.bootstrap, tenant, lambda events: len(set(arrived(events))) >= len(told)))
    said, errors = successor.communicate("\n", timeout=90)
    assert said == "True {}\n", (said, errors)
    assert list(dict.fromkeys(numbers)) in (list(range(len(told))), list(range(len(told) + 1)))
