"""A killed host loses at most what `docs/hosts.md` says: compared with a ledger that the host writes unbuffered."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.schemas.topics import TOPICS

EVENTS_BEFORE_KILL = 1500

HOST = """
import os, sys, time
from watchkeeper.producers import Watchkeeper
ledger = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
watch = Watchkeeper("killed", bootstrap=sys.argv[2], tenant=sys.argv[3])
s = watch.session(session_id="s")
s.start()
for number in range(10**9):
    s.outcome("n", number)
    os.write(ledger, b"%d %d\\n" % (number, time.time_ns() // 1_000_000))
    time.sleep(0.002)
"""

SUCCESSOR = """
import sys
from watchkeeper.producers import Watchkeeper
watch = Watchkeeper("killed", bootstrap=sys.argv[1], tenant=sys.argv[2])
with watch.session(session_id="later"):
    pass
print(watch.close(40), watch.losses())
"""


def kill_when_told(host: Any, ledger: Path) -> list[tuple[int, int]]:
    """Kills the host in the middle of its work; answers what it had told, with the time, up to the kill."""
    deadline = time.monotonic() + 60
    while not ledger.exists() or ledger.read_bytes().count(b"\n") < EVENTS_BEFORE_KILL:
        assert host.poll() is None, host.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    host.kill()
    host.wait(30)
    return [(int(number), int(at)) for number, at in (line.split() for line in ledger.read_text().splitlines())]


@pytest.mark.parametrize("spool", [True, False], ids=["with a spool", "without"])
@pytest.mark.parametrize("there", [True, False], ids=["broker there", "broker away"])
def test_a_killed_host_loses_at_most_what_is_documented(
    there: bool,
    spool: bool,
    host: Any,
    read: Callable[..., Any],
    documented_ms: Callable[[str, int], float],
    tenant: str,
    tmp_path: Path,
    request: Any,
) -> None:
    ledger = tmp_path / "ledger"
    variables = {"WATCHKEEPER_SPOOL_DIR": str(tmp_path / "spool")} if spool else {}
    port = free_port()
    bootstrap = request.getfixturevalue("broker") if there else f"127.0.0.1:{port}"
    told = kill_when_told(host(HOST, str(ledger), bootstrap, tenant, **variables), ledger)
    allowed = documented_ms("with a spool" if spool else "without", 1 if there else 2)
    owed = {number for number, at in told if at < told[-1][1] - allowed}
    assert bool(owed) == (there or spool)
    if there:
        check(bootstrap, owed, host, read, tenant, variables)
        return
    with running_broker(TOPICS, port=port) as own:
        check(own, owed, host, read, tenant, variables)


def check(
    bootstrap: str, owed: set[int], host: Any, read: Callable[..., Any], tenant: str, variables: dict[str, str]
) -> None:
    said, errors = host(SUCCESSOR, bootstrap, tenant, **variables).communicate(timeout=90)
    assert said == "True {}\n", (said, errors)

    def arrived(events: list[Any]) -> list[int]:
        return [int(event.data.value) for event in events if event.session_id == "s" and event.type == "outcome"]

    def ended(events: list[Any]) -> bool:
        return any(event.type == "session_ended" for event in events) and owed <= set(arrived(events))

    numbers = arrived(read(bootstrap, tenant, ended))
    assert owed <= set(numbers)
    first_seen = list(dict.fromkeys(numbers))
    assert first_seen == sorted(first_seen)
