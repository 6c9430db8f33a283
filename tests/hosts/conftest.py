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
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.topics import EVENTS
from watchkeeper.schemas.wire import split_lines

PROXIES = Path(__file__).parents[1] / "integration" / "proxies.py"
DOCUMENT = Path(__file__).parents[2] / "docs" / "hosts.md"
PATIENCE_SECONDS = 60.0


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

    def start(source: str, *words: str, **variables: str) -> subprocess.Popen[str]:
        path = tmp_path / f"host{len(begun)}.py"
        path.write_text(textwrap.dedent(source))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WATCHKEEPER_")}
        begun.append(
            subprocess.Popen(
                [sys.executable, str(path), *words],
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
def documented_ms() -> Callable[[str, int], float]:
    """What the table of kills in `docs/hosts.md` allows to be lost, in milliseconds before the kill."""

    def bound(row: str, column: int) -> float:
        (line,) = [line for line in DOCUMENT.read_text().splitlines() if line.startswith(f"| {row} |")]
        cell = line.split("|")[column + 1]
        if cell.strip() == "everything since the broker went away":
            return float("inf")
        found = re.fullmatch(r" what was told in the last (\d+) ms ", cell)
        assert found is not None, cell
        return float(found[1])

    return bound
