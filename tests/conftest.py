"""Real parts, shared by all tests of a run: a broker with all topics, and ClickHouse's engine with all tables.

Tests that use them keep apart by names of their own: a tenant, a session, a consumer group.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from watchkeeper.cli.stack.testing import running_broker, running_clickhouse
from watchkeeper.schemas.topics import TOPICS
from watchkeeper.stream_processors.migrate import migrate


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """The broker's bootstrap address, `127.0.0.1:port`."""
    with running_broker(TOPICS) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def clickhouse() -> Iterator[str]:
    """The address of a migrated database, `http://user:password@127.0.0.1:port/database`."""
    with running_clickhouse() as dsn:
        migrate(dsn)
        yield dsn
