"""Sessions of the simulated fleet, through broker, worker and store, for the tests of what reads them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from watchkeeper.cli.stack.testing import running_stack
from watchkeeper.cli.store import ReadStore, open_store

SCENARIOS = (
    *("everyday-refund", "everyday-question", "everyday-handbook", "everyday-mail", "resumed-elsewhere"),
    *("unknown-tool-corrected", "invalid-arguments", "loop-identical", "made-up-number", "says-it-does-not-know"),
    *("approved-refund", "delegation", "polling-across-turns", "parallel-reads", "fee-waived-for-a-reason"),
)


def load(name: str, path: Path) -> ModuleType:
    """Tests are no package: what they share is loaded by its path, once."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, str]]:
    """A stack of these tests' own: its worker would be in the way of tests that start and kill theirs."""
    with running_stack() as environment:
        yield environment


@pytest.fixture(scope="session")
def read_store(stack: dict[str, str]) -> Iterator[ReadStore]:
    with open_store(stack["WATCHKEEPER_CLICKHOUSE_DSN"]) as store:
        yield store


@pytest.fixture(scope="session")
def played(stack: dict[str, str], read_store: ReadStore) -> Any:
    """What `fleet_play.play` told; everything is stored."""
    fleet_play = load("watchkeeper_evals_fleet_play", Path(__file__).parent / "fleet_play.py")
    return fleet_play.play(stack["WATCHKEEPER_KAFKA_BOOTSTRAP"], read_store, SCENARIOS)
