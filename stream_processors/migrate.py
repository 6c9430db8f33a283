"""Bring a ClickHouse database up to date with the numbered `.sql` files of the contract."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from watchkeeper.schemas import migrations
from watchkeeper.schemas.migrations import EngineSettings
from watchkeeper.stream_processors.clickhouse import Address, connect_to, parse_dsn, store_error, without_database


def migrate(dsn: str, *, dry_run: bool = False, cluster: str | None = None) -> list[str]:
    """Make the database where it is missing, and apply the files that it does not have yet.

    Safe to repeat, and to repeat after a crash at any point.

    Args:
        dsn: `http://user:password@host:port/database`.
        dry_run: change nothing, not even make the database.
        cluster: the cluster's name in ClickHouse's configuration, or None for a single node.

    Returns:
        The names of the files that were applied, or would be.

    Raises:
        ConfigurationError: the address is malformed or refused.
        StoreUnavailableError: nobody answers there.
        MigrationError: database and files disagree; nothing was changed.
        PermanentError: ClickHouse refused a statement.
    """
    address = parse_dsn(dsn)
    engine = EngineSettings(cluster)
    if not _made(address, engine, dry_run=dry_run):
        return [migration.name for migration in migrations.load()]
    with _connected(address) as client:
        return migrations.apply(_Runner(client), engine=engine, dry_run=dry_run)


class _Runner:
    """`migrations.Client` on clickhouse-connect."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def command(self, sql: str) -> object:
        return self._client.command(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._client.query(sql).result_rows]


def _made(address: Address, engine: EngineSettings, *, dry_run: bool) -> bool:
    """Whether the database is there; makes it where it may."""
    with _connected(without_database(address)) as client:
        found = client.query(
            "SELECT count() FROM system.databases WHERE name = {name:String}", parameters={"name": address.database}
        )
        if found.result_rows[0][0]:
            return True
        if not dry_run:
            client.command(migrations.create_database(address.database, engine))
        return not dry_run


@contextmanager
def _connected(address: Address) -> Iterator[Client]:
    client = connect_to(address)
    try:
        yield client
    except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
        raise store_error(error, address) from error
    finally:
        client.close()
