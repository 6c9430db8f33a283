"""Sessions by time: one row a session whatever is written again, and older stores keep theirs."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver import Client

from watchkeeper.schemas import migrations
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.stream_processors.clickhouse import connect, connect_to, parse_dsn

Records = Callable[..., list[dict[str, Any]]]
Insert = Callable[..., None]

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LATEST = """
    SELECT session_id, version, opened_at, started_at, status, cost_usd
    FROM sessions_by_time FINAL WHERE tenant_id = {tenant:String} ORDER BY session_id
"""


class Runner:
    """`migrations.Client` on clickhouse-connect."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def command(self, sql: str) -> object:
        return self._client.command(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._client.query(sql).result_rows]


def row(tenant: str, name: str, version: int, **more: object) -> bytes:
    given = {
        "source_partition": 3,
        "tenant_id": tenant,
        "session_id": name,
        "version": version,
        "agent_id": "support",
        "started_at": AT.isoformat(),
        "last_event_at": AT.isoformat(),
        "status": "open",
        "cost_usd": 0.5,
        "retention_class": "standard",
        "state": "{}",
    }
    return orjson.dumps(given | more)


def test_a_start_that_is_told_late_moves_no_session(insert: Insert, records: Records) -> None:
    earlier = (AT - timedelta(days=2)).isoformat()
    opened = {"opened_at": AT.isoformat()}
    versions = [row("late", "s", 1, **opened), row("late", "s", 2, started_at=earlier, status="failed", **opened)]
    # A replay writes older rows after newer ones.
    for written in (*versions, *versions):
        insert("sessions", written)
    (found,) = records(LATEST, tenant="late")
    assert (found["version"], found["status"]) == (2, "failed")
    assert [found[name].replace(tzinfo=UTC) for name in ("opened_at", "started_at")] == [AT, AT - timedelta(days=2)]


def test_times_of_broken_clocks_are_stored(insert: Insert, records: Records) -> None:
    # One insert into more than a hundred months is what a partitioned table would refuse.
    rows = [row("clocks", f"{year}", 1, started_at=f"{year}-01-01T00:00:00Z") for year in range(1971, 2200)]
    insert("sessions", *rows)
    assert len(records(LATEST, tenant="clocks")) == len(rows)


def test_a_session_that_is_opened_anew_in_another_partition_stands_there_twice(
    insert: Insert, records: Records
) -> None:
    # As after the topic was given more partitions, which is not supported while sessions are open (ADR 36).
    insert("sessions", row("moved", "s", 5, opened_at=AT.isoformat()))
    later = (AT + timedelta(minutes=5)).isoformat()
    insert("sessions", row("moved", "s", 1, source_partition=4, opened_at=later, last_event_at=later))
    assert [found["version"] for found in records(LATEST + ", opened_at", tenant="moved")] == [5, 1]
    # In the table by key as well, so no reading of either can tell which of the two it is without asking for both.
    (found,) = records("SELECT count() AS n FROM sessions FINAL WHERE tenant_id = {tenant:String}", tenant="moved")
    assert found["n"] == 2


@pytest.fixture
def older(clickhouse: str, tmp_path: Path) -> Client:
    """A store as it was before there was this table."""
    address = parse_dsn(clickhouse)
    name = f"older_{uuid.uuid4().hex}"
    connect_to(address).command(f"CREATE DATABASE {name}")
    client = connect(clickhouse.removesuffix(address.database) + name)
    for migration in migrations.load():
        if migration.name < "0013":
            (tmp_path / migration.name).write_text(migration.text)
    migrations.apply(Runner(client), migrations=migrations.load(tmp_path))
    return client


def test_sessions_that_were_stored_before_are_kept(older: Client) -> None:
    def put(*rows: bytes) -> None:
        older.raw_insert("sessions", insert_block=b"\n".join(rows), fmt="JSONEachRow", settings=INSERT_SETTINGS)

    put(row("old", "a", 1, user_id="u", customer_id="c", policy_address="p"), row("old", "b", 1))
    put(row("old", "b", 2, status="completed"))
    runner = Runner(older)
    migrations.apply(runner)
    put(row("old", "b", 3, status="stopped", opened_at=AT.isoformat()))
    found = older.query(LATEST, parameters={"tenant": "old"}).result_rows
    assert [(name, version, status) for name, version, _, _, status, _ in found] == [
        ("a", 1, "open"),
        ("b", 3, "stopped"),
    ]
    # What the copy had not yet when it was made (0013) was written once more, whole (0017).
    further = "SELECT user_id, customer_id, policy_address FROM sessions_by_time FINAL WHERE session_id = 'a'"
    assert older.query(further).result_rows == [("u", "c", "p")]
    older.command(f"DROP DATABASE {older.database}")
