"""What tests of the whole path share: parts of their own, a history to send through them, and what came of it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from watchkeeper.cli.stack.testing import separate_database

HERE = Path(__file__).parent


def _loaded(name: str, path: Path) -> ModuleType:
    """Tests are no package: what they share is loaded by its path, once."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def telling() -> ModuleType:
    """The module `telling` of the engine's tests: `Teller` writes lines."""
    return _loaded("watchkeeper_engine_telling", HERE.parent / "stream_processors" / "engine" / "telling.py")


@pytest.fixture(scope="session")
def proxies() -> ModuleType:
    """The module `proxies`."""
    return _loaded("watchkeeper_integration_proxies", HERE / "proxies.py")


@pytest.fixture(scope="session")
def passage(telling: ModuleType) -> ModuleType:
    """The module `passage`: a history, the way in, and what came out."""
    return _loaded("watchkeeper_integration_passage", HERE / "passage.py")


@pytest.fixture(scope="session")
def ways(passage: ModuleType, proxies: ModuleType) -> ModuleType:
    """The module `ways`: a way of a test's own, on either broker."""
    return _loaded("watchkeeper_integration_ways", HERE / "ways.py")


@pytest.fixture(scope="session")
def drift_agent() -> ModuleType:
    """The module `drift_agent`: an agent of sixty days, and who grades it."""
    return _loaded("watchkeeper_integration_drift_agent", HERE / "drift_agent.py")


@pytest.fixture
def own_database(clickhouse: str) -> Iterator[str]:
    """The address of a migrated database with nothing in it."""
    with separate_database(clickhouse) as fresh:
        yield fresh
