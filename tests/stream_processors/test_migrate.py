"""Migrating a real engine: from nothing, again, after a crash at any statement, and when it must not."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver import Client

from watchkeeper.schemas import migrations
from watchkeeper.schemas.errors import ConfigurationError, MigrationError, PermanentError, StoreUnavailableError
from watchkeeper.stream_processors.clickhouse import connect, connect_to, parse_dsn, without_database
from watchkeeper.stream_processors.migrate import migrate

ALL = [migration.name for migration in migrations.load()]


class StoppedError(Exception):
    """The process that migrates dies here."""


class Dying:
    """A migration client that dies before its nth statement."""

    def __init__(self, client: Client, statements: int) -> None:
        self._client = client
        self._left = statements

    def command(self, sql: str) -> object:
        if self._left == 0:
            raise StoppedError
        self._left -= 1
        return self._client.command(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._client.query(sql).result_rows]


@pytest.fixture
def fresh(clickhouse: str) -> Iterator[str]:
    """The address of a database that does not exist yet."""
    address = parse_dsn(clickhouse)
    name = f"migrate_{uuid.uuid4().hex}"
    yield clickhouse.removesuffix(address.database) + name
    connect_to(address).command(f"DROP DATABASE IF EXISTS {name}")


def shape(dsn: str) -> list[tuple[Any, ...]]:
    """Tables, columns and keys of a database, without its name."""
    database = parse_dsn(dsn).database
    sql = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() ORDER BY name"
    return [(name, query.replace(database, "")) for name, query in connect(dsn).query(sql).result_rows]


def ledger(dsn: str) -> list[str]:
    return [row[0] for row in connect(dsn).query("SELECT name FROM schema_migrations FINAL ORDER BY name").result_rows]


def test_a_missing_database_is_made_and_migrated_and_a_second_run_changes_nothing(fresh: str) -> None:
    assert migrate(fresh) == ALL
    before = shape(fresh)
    assert migrate(fresh) == []
    assert shape(fresh) == before
    assert ledger(fresh) == ALL


def test_a_dry_run_tells_and_changes_nothing(fresh: str, clickhouse: str) -> None:
    assert migrate(fresh, dry_run=True) == ALL
    databases = connect_to(without_database(parse_dsn(clickhouse))).query("SHOW DATABASES").result_rows
    assert (parse_dsn(fresh).database,) not in [tuple(row) for row in databases]
    connect(clickhouse).command(f"CREATE DATABASE {parse_dsn(fresh).database}")
    assert migrate(fresh, dry_run=True) == ALL
    assert shape(fresh) == []


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.long)])
def test_a_crash_at_any_statement_is_made_good_by_the_next_run(clickhouse: str, fresh: str, every: int) -> None:
    admin, name = connect(clickhouse), parse_dsn(fresh).database
    whole = shape(clickhouse)
    # The ledger's own table, then each file's statements and its entry.
    steps = 1 + sum(len(migration.statements()) + 1 for migration in migrations.load())
    for step in range(0, steps, every):
        admin.command(f"CREATE DATABASE {name}")
        with pytest.raises(StoppedError):
            migrations.apply(Dying(connect(fresh), step))
        done = ledger(fresh) if step else []
        assert migrate(fresh) == ALL[len(done) :]
        assert shape(fresh) == whole
        assert ledger(fresh) == ALL
        admin.command(f"DROP DATABASE {name} SYNC")


def test_every_file_may_run_twice_with_data_in_the_tables(fresh: str) -> None:
    migrate(fresh)
    client = connect(fresh)
    client.command("INSERT INTO subjects (source_partition, subject, version) SELECT 1, 's', 1")
    before = shape(fresh)
    client.command("TRUNCATE TABLE schema_migrations")
    assert migrate(fresh) == ALL
    assert shape(fresh) == before
    assert client.query("SELECT subject FROM subjects").result_rows == [("s",)]


def test_a_changed_file_is_refused_and_nothing_is_done(fresh: str) -> None:
    migrate(fresh)
    client = connect(fresh)
    client.command(
        "INSERT INTO schema_migrations (name, checksum, applied_at) "
        f"SELECT '{ALL[0]}', 'other', now64(3) + INTERVAL 1 SECOND"
    )
    with pytest.raises(MigrationError, match=rf"^{ALL[0]} has changed since it was applied \(then other, now "):
        migrate(fresh)


def test_a_database_of_a_later_version_is_refused(fresh: str) -> None:
    migrate(fresh)
    connect(fresh).command("INSERT INTO schema_migrations (name, checksum) SELECT '9999_later.sql', 'x'")
    with pytest.raises(MigrationError, match=r"9999_later\.sql, which this version of Watchkeeper does not know"):
        migrate(fresh)


def test_a_fault_in_the_last_file_stops_before_the_first_statement(fresh: str, clickhouse: str) -> None:
    connect(clickhouse).command(f"CREATE DATABASE {parse_dsn(fresh).database}")
    faulty = [*migrations.load(), migrations.Migration("0099_x.sql", "SELECT $nonsense")]
    with pytest.raises(MigrationError, match="nonsense"):
        migrations.apply(Dying(connect(fresh), 100), migrations=faulty)
    assert shape(fresh) == []


def test_what_the_engine_refuses_is_told_with_file_and_statement(fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = [migrations.Migration("0001_x.sql", "SELECT 1; CREATE TABEL IF NOT EXISTS t")]
    monkeypatch.setattr(migrations, "load", lambda: faulty)
    with pytest.raises(PermanentError, match=r"0001_x\.sql, statement 2, .*SYNTAX_ERROR"):
        migrate(fresh)


def test_a_server_that_is_away_is_an_error_to_be_retried(clickhouse: str) -> None:
    address = parse_dsn(clickhouse)
    with pytest.raises(StoreUnavailableError, match="does not answer; start it, or correct the address"):
        migrate(clickhouse.replace(f":{address.port}/", ":1/"))


def test_a_wrong_password_is_an_error_of_the_operator_and_is_not_shown(clickhouse: str) -> None:
    address = parse_dsn(clickhouse)
    with pytest.raises(ConfigurationError, match="refused user or password") as caught:
        migrate(clickhouse.replace(address.password, "not-the-password"))
    assert "not-the-password" not in str(caught.value)


def test_a_cluster_that_does_not_exist_is_named(fresh: str) -> None:
    with pytest.raises(ConfigurationError, match=r"system\.clusters"):
        migrate(fresh, cluster="no such cluster")
