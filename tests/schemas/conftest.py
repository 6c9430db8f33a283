"""What the tests of the contract share: an empty database that was migrated."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from clickhouse_connect.driver import Client
from hypothesis import settings

from watchkeeper.schemas import migrations
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.stream_processors.clickhouse import connect, connect_to, parse_dsn
from watchkeeper.stream_processors.migrate import migrate

# The machine may be busy with other things: how long one example takes says nothing.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


@pytest.fixture(scope="module")
def client(clickhouse: str) -> Iterator[Client]:
    """A client in a database that did not exist before it was migrated, and is dropped afterwards."""
    address = parse_dsn(clickhouse)
    name = f"contract_{uuid.uuid4().hex}"
    fresh = clickhouse.removesuffix(address.database) + name
    assert migrate(fresh) == [migration.name for migration in migrations.load()]
    yield connect(fresh)
    connect_to(address).command(f"DROP DATABASE {name}")


@pytest.fixture
def insert(client: Client) -> Callable[..., None]:
    """Inserts rows into a table as the worker does: JSON lines, with the settings of the contract."""

    def put(table: str, *rows: bytes) -> None:
        client.raw_insert(table, insert_block=b"\n".join(rows), fmt="JSONEachRow", settings=INSERT_SETTINGS)

    return put


@pytest.fixture
def records(client: Client) -> Callable[..., list[dict[str, Any]]]:
    """Runs a query with parameters and returns its rows by column."""

    def ask(sql: str, **parameters: object) -> list[dict[str, Any]]:
        return list(client.query(sql, parameters=parameters).named_results())

    return ask
