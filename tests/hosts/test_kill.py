"""A killed host loses at most what `docs/hosts.md` says: compared with a ledger that the host writes unbuffered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.schemas.topics import TOPICS

EVENTS_BEFORE_KILL = 1500

SUCCESSOR = """
import sys
from watchkeeper.producers import Watchkeeper
watch = Watchkeeper("killed", bootstrap=sys.argv[1], tenant=sys.argv[2])
with watch.session(session_id="later"):
    # What another left is sent but not waited for at the end: this one stays until it has arrived.
    sys.stdin.readline()
print(watch.close(40), watch.losses())
"""

NEIGHBOUR = """
import sys
from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.transport import disk
disk.LOOK_SECONDS = 0.5
watch = Watchkeeper("neighbour", bootstrap=sys.argv[1], tenant=sys.argv[2])
with watch.session(session_id="neighbour") as s:
    print("up", flush=True)
    sys.stdin.readline()
print(watch.close(40), watch.losses())
"""


def arrived(events: list[Any]) -> list[int]:
    return [int(event.data.value) for event in events if event.session_id == "s" and event.type == "outcome"]


def check_order(numbers: list[int]) -> None:
    """What came twice came for the first time in order."""
    first_seen = list(dict.fromkeys(numbers))
    assert first_seen == sorted(first_seen)


def succeed(bootstrap: str, owed: set[int], host: Any, read: Any, tenant: str, variables: dict[str, str]) -> None:
    """A later host begins, and what is owed is there, in order."""
    successor = host(SUCCESSOR, bootstrap, tenant, **variables)
    numbers = arrived(read(bootstrap, tenant, lambda events: owed <= set(arrived(events))))
    assert owed <= set(numbers)
    said, errors = successor.communicate("\n", timeout=90)
    assert said == "True {}\n", (said, errors)
    check_order(arrived(read(bootstrap, tenant, _has_ended)))


def _has_ended(events: list[Any]) -> bool:
    return any(event.type == "session_ended" for event in events)


@pytest.mark.few(1)
@pytest.mark.parametrize("spool", [True, False], ids=["with a spool", "without"])
@pytest.mark.parametrize("there", [True, False], ids=["broker there", "broker gone"])
def test_a_killed_host_loses_at_most_what_is_documented(
    there: bool,
    spool: bool,
    host: Any,
    proxied: Any,
    read: Callable[..., Any],
    documented: Callable[[str, int], Any],
    tenant: str,
    victim: Callable[..., Any],
    spooling: dict[str, str],
) -> None:
    variables = spooling if spool else {}
    working = victim(proxied.bootstrap, **variables)
    away_ms = None
    told = EVENTS_BEFORE_KILL
    if not there:
        away_ms = working.work(told)
        proxied.proxy.cut()
        told *= 2
    working.work(told)
    ledger = working.kill()
    if not there:
        proxied.proxy.open()
    bound = documented("with a spool" if spool else "without", 1 if there else 2)
    killed_ms = max(ledger.values())
    owed = {number for number, at_ms in ledger.items() if bound.is_owed(at_ms, killed_ms, away_ms)}
    assert owed
    succeed(proxied.bootstrap, owed, host, read, tenant, variables)


@pytest.mark.long
def test_a_host_killed_before_there_ever_was_a_broker_loses_at_most_what_is_documented(
    host: Any,
    read: Callable[..., Any],
    documented: Callable[[str, int], Any],
    tenant: str,
    victim: Callable[..., Any],
    spooling: dict[str, str],
) -> None:
    port = free_port()
    working = victim(f"127.0.0.1:{port}", **spooling)
    working.work(EVENTS_BEFORE_KILL)
    ledger = working.kill()
    bound, killed_ms = documented("with a spool", 2), max(ledger.values())
    owed = {number for number, at_ms in ledger.items() if bound.is_owed(at_ms, killed_ms, None)}
    assert owed
    with running_broker(TOPICS, port=port) as bootstrap:
        succeed(bootstrap, owed, host, read, tenant, spooling)


def test_a_host_that_runs_sends_what_a_killed_one_left(
    host: Any,
    proxied: Any,
    read: Callable[..., Any],
    documented: Callable[[str, int], Any],
    tenant: str,
    victim: Callable[..., Any],
    spooling: dict[str, str],
) -> None:
    neighbour = host(NEIGHBOUR, proxied.bootstrap, tenant, **spooling)
    assert neighbour.stdout.readline() == "up\n"
    working = victim(proxied.bootstrap, **spooling)
    working.work(EVENTS_BEFORE_KILL // 2)
    proxied.proxy.cut()
    working.work(EVENTS_BEFORE_KILL)
    ledger = working.kill()
    proxied.proxy.open()
    bound, killed_ms = documented("with a spool", 2), max(ledger.values())
    owed = {number for number, at_ms in ledger.items() if bound.is_owed(at_ms, killed_ms, None)}
    numbers = arrived(read(proxied.bootstrap, tenant, lambda events: owed <= set(arrived(events))))
    assert owed <= set(numbers)
    check_order(numbers)
    said, errors = neighbour.communicate("\n", timeout=90)
    assert said == "True {}\n", (said, errors)
