"""What tests of the whole path share: parts of their own, a history to send through them, and what came of it."""

from __future__ import annotations

import importlib.util
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.schemas.topics import TOPICS
from watchkeeper.stream_processors.clickhouse import connect_to, parse_dsn
from watchkeeper.stream_processors.migrate import migrate

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


@pytest.fixture
def own_broker() -> Iterator[str]:
    """A broker with nothing in it: offsets count from 0, and no other test's records are read."""
    with running_broker(TOPICS) as bootstrap:
        yield bootstrap


@pytest.fixture
def own_database(clickhouse: str) -> Iterator[str]:
    """The address of a migrated database with nothing in it."""
    address = parse_dsn(clickhouse)
    name = f"own_{uuid.uuid4().hex}"
    fresh = clickhouse.removesuffix(address.database) + name
    migrate(fresh)
    yield fresh
    connect_to(address).command(f"DROP DATABASE {name}")
