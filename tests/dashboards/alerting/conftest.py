"""What the tests of alerting share: findings, and a database of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from alerting_desk import make_finding

from watchkeeper.cli.stack.testing import separate_database
from watchkeeper.schemas.findings import Finding
from watchkeeper.stream_processors.clickhouse import connect

Make = Callable[..., Finding]


@pytest.fixture
def finding() -> Make:
    """Makes findings, each about a session of its own unless it is given."""
    return make_finding


@pytest.fixture(scope="module")
def own_database(clickhouse: str) -> Iterator[str]:
    """A migrated database for one file of tests."""
    with separate_database(clickhouse) as dsn:
        yield dsn


@pytest.fixture
def ledger_emptied(own_database: str) -> Callable[[], None]:
    """Forgets every alert."""
    client = connect(own_database)

    def empty() -> None:
        for table in ("alerts", "alert_findings", "alert_notices"):
            client.command(f"TRUNCATE TABLE {table}")

    empty()
    return empty
