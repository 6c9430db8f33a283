"""Hosts tried for real: programs of their own, a broker behind a proxy, and what is on its topic afterwards."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from watchkeeper.cli.stack.broker import broker_answers, broker_command, ensure_topics
from watchkeeper.cli.stack.child import Child, free_port
from watchkeeper.cli.stack.testing import running_broker, running_kafka
from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.topics import EVENTS, TOPICS
from watchkeeper.schemas.wire import split_lines

PROXIES = Path(__file__).parents[1] / "integration" / "proxies.py"
DOCUMENT = Path(__file__).parents[2] / "docs" / "hosts.md"
PATIENCE_SECONDS = 60.0

WORKING = """
import itertools, os, signal, sys, time
from watchkeeper.producers import Watchkeeper
ledger = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
way = sys.argv[4] if len(sys.argv) > 4 else ""
if way == "handler":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
watch = Watchkeeper("killed", bootstrap=sys.argv[2], tenant=sys.argv[3])
s = watch.session(session_id="s")
s.start()
for number in itertools.count():
    s.outcome("n", number)
    os.write(ledger, b"%d %d\\n" % (number, time.time_ns() // 1_000_000))
    if way == "_exit" and number == 1500:
        os._exit(7)
    time.sleep(0.002)
"""
"""A host that tells an event every 2 ms or so, and writes down unbuffered what it has told."""

KILLED = re.compile(r"what was told in the last (\d+) ms")
AWAY = re.compile(r"everything since (\d+) ms before the broker went away")


@dataclass(frozen=True)
class Bound:
    """What a kill may cost at most.

    Attributes:
        ms: what was told in so many milliseconds before it.
        since_away: before the broker went away, and all that was told since.
    """

    ms: int
    since_away: bool

    def is_owed(self, told_ms: int, killed_ms: int, away_ms: int | None) -> bool:
        """Whether what was told then has to arrive."""
        if self.since_away:
            assert away_ms is not None
            return told_ms < away_ms - self.ms
        return told_ms < killed_ms - self.ms


@pytest.fixture
def tenant() -> str:
    """A name of the test's own: the broker is shared."""
    return f"t-{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def proxies() -> ModuleType:
    """The module `tests/integration/proxies.py`: tests are no package."""
    spec = importlib.util.spec_from_file_location("watchkeeper_hosts_proxies", PROXIES)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a program as a host would be: from a file, with an environment of its own."""
    begun: list[subprocess.Popen[str]] = []

    def start(source: str, *words: str, before: Sequence[str] = (), **variables: str) -> subprocess.Popen[str]:
        path = tmp_path / f"host{len(begun)}.py"
        path.write_text(textwrap.dedent(source))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WATCHKEEPER_")}
        begun.append(
            subprocess.Popen(
                [*before, sys.executable, str(path), *words],
                env=inherited | variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def read() -> Callable[..., list[Event]]:
    """The events of a tenant on the broker, in the order of their partition."""

    def reading(bootstrap: str, tenant: str, enough: Callable[[list[Event]], Any]) -> list[Event]:
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": tenant, "enable.auto.commit": False})
        consumer.assign([TopicPartition(EVENTS.name, number, OFFSET_BEGINNING) for number in range(EVENTS.partitions)])
        found: list[Event] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        try:
            while not enough(found) and time.monotonic() < deadline:
                message = consumer.poll(0.2)
                if message is None or message.error() or not (message.key() or b"").startswith(tenant.encode()):
                    continue
                found += [EVENT_ADAPTER.validate_json(line) for line in split_lines(message.value() or b"")]
        finally:
            consumer.close()
        return found

    return reading


@pytest.fixture
def documented() -> Callable[[str, int], Bound]:
    """What the table of kills in `docs/hosts.md` allows to be lost: by row, and by column from 1."""

    def bound(row: str, column: int) -> Bound:
        (line,) = [line for line in DOCUMENT.read_text().splitlines() if line.startswith(f"| {row} |")]
        cell = line.split("|")[column + 1].strip()
        found = KILLED.fullmatch(cell) or AWAY.fullmatch(cell)
        assert found is not None, cell
        return Bound(int(found[1]), since_away=found.re is AWAY)

    return bound


class Proxied:
    """An embedded broker behind a proxy of the same address, which can be cut and opened again.

    Attributes:
        bootstrap: the proxy's address.
        proxy: a `BrokerProxy`.
    """

    def __init__(self, proxies: ModuleType, folder: Path) -> None:
        port, behind = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        command = broker_command(behind)
        command[command.index("--advertised-listener-url") + 1] = f"tcp://{self.bootstrap}"
        self._broker = Child("the broker", command, folder / "broker.log")
        self.proxy = proxies.BrokerProxy(port, behind)
        self.proxy.open()
        self._broker.wait_until(lambda: broker_answers(self.bootstrap, 1.0), PATIENCE_SECONDS)
        ensure_topics(self.bootstrap, TOPICS)

    def close(self) -> None:
        self.proxy.cut()
        self._broker.stop(10)


@pytest.fixture
def proxied(proxies: ModuleType, tmp_path: Path) -> Iterator[Proxied]:
    made = Proxied(proxies, tmp_path)
    yield made
    made.close()


class Victim:
    """A host that works until it is ended."""

    def __init__(self, process: subprocess.Popen[str], ledger: Path) -> None:
        self.process = process
        self._ledger = ledger

    def work(self, events: int) -> int:
        """Lets it work until it has told so many events in all; answers the time in milliseconds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._ledger.exists() or self._ledger.read_bytes().count(b"\n") < events:
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return time.time_ns() // 1_000_000

    def kill(self) -> dict[int, int]:
        """Ends it by SIGKILL; answers when it told what, in milliseconds."""
        self.process.kill()
        self.process.wait(30)
        return self.told()

    def told(self) -> dict[int, int]:
        """When it told what, in milliseconds."""
        lines = (line.split() for line in self._ledger.read_text().splitlines())
        return {int(number): int(at_ms) for number, at_ms in lines}


@contextmanager
def running(kind: str) -> Iterator[str]:
    """A new broker of a kind, with an empty log, at a port of its own: `embedded`, or `apache`."""
    if kind == "embedded":
        with running_broker(TOPICS) as bootstrap:
            yield bootstrap
    else:
        with running_kafka(topics=TOPICS) as cluster:
            yield cluster.bootstrap


@pytest.fixture(params=["embedded", pytest.param("apache", marks=pytest.mark.long)])
def brokers(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[str]]:
    """Starts brokers, for as long as a block lasts."""
    if request.param == "apache":
        request.getfixturevalue("apache")
    return lambda: running(request.param)


@pytest.fixture
def victim(host: Callable[..., subprocess.Popen[str]], tmp_path: Path, tenant: str) -> Callable[..., Victim]:
    """Starts a host that works; a word more chooses how it ends: by a `handler` of SIGTERM, or `_exit`."""

    def start(bootstrap: str, *words: str, **variables: str) -> Victim:
        ledger = tmp_path / "ledger"
        return Victim(host(WORKING, str(ledger), bootstrap, tenant, *words, **variables), ledger)

    return start


@pytest.fixture
def spooling(tmp_path: Path) -> dict[str, str]:
    """The variables of a host with a spool."""
    return {"WATCHKEEPER_SPOOL_DIR": str(tmp_path / "spool")}
