from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

from watchkeeper.cli.stack.testing import separate_database

# The machine may be busy with other things: how long one example takes says nothing.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


@pytest.fixture(scope="session")
def telling() -> ModuleType:
    """The module `telling`: `Teller` writes lines, `Worker` runs an engine on the world in memory."""
    # Tests are no package: what they share is loaded by its path, once.
    name = "watchkeeper_engine_telling"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("telling.py"))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="module")
def database(clickhouse: str) -> Iterator[str]:
    """The address of a migrated database of the module's own."""
    with separate_database(clickhouse, "engine") as fresh:
        yield fresh
