"""What the tests of the recorder share: recorders that are closed at the end, and waiting for a condition."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.testing import MemoryTransport

# The machine may be busy with other things: how long one example takes says nothing.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

PATIENCE_SECONDS = 20.0

# What the tests themselves go by: parts that must run, and recordings.
KEPT = ("WATCHKEEPER_TEST_", "WATCHKEEPER_RECORDINGS")


@pytest.fixture(autouse=True)
def _own_errors_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the recorder does wrong may hide; and no variable of the machine's may leak in."""
    for variable in tuple(os.environ):
        if variable.startswith("WATCHKEEPER_") and not variable.startswith(KEPT):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("WATCHKEEPER_RAISE", "1")


@pytest.fixture
def memory() -> MemoryTransport:
    return MemoryTransport()


@pytest.fixture
def make_watch(memory: MemoryTransport) -> Iterator[Callable[..., Watchkeeper]]:
    """Makes recorders that send to `memory`, unless told otherwise, and closes them."""
    made: list[Watchkeeper] = []

    def make(agent: str = "support", policy: Any = None, **options: Any) -> Watchkeeper:
        if not options.keys() & {"bootstrap", "local", "transport"}:
            options["transport"] = memory
        made.append(Watchkeeper(agent, policy, **options))
        return made[-1]

    yield make
    for watch in made:
        watch.close()


@pytest.fixture
def watch(make_watch: Callable[..., Watchkeeper]) -> Watchkeeper:
    return make_watch()


@pytest.fixture
def until() -> Callable[[Callable[[], object]], None]:
    """Waits until a condition holds, and fails where it does not in time."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "the condition never held"
            time.sleep(0.002)

    return wait
