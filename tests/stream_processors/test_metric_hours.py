"""Hours of the pipeline's figures on the real engine: they are what the rows say, whenever they are made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver import Client

from watchkeeper.cli.stack.testing import separate_database
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.rollups import Rollups

# Rows are stored as they are read, and live for 30 days: what is told must be young.
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=12)


@pytest.fixture(scope="module")
def dsn(clickhouse: str) -> Iterator[str]:
    """A migrated database of this file's own."""
    with separate_database(clickhouse, "metric_hours") as fresh:
        yield fresh


@pytest.fixture
def client(dsn: str) -> Client:
    opened = connect(dsn)
    for table in ("pipeline_metrics", "metric_hours", "rollup_passes"):
        opened.command(f"TRUNCATE TABLE {table}")
    return opened


def put(client: Client, *rows: tuple[float, float], worker: str = "w", name: str = "counted") -> None:
    """Readings: minutes since `HOUR`, and the value."""
    body = b"\n".join(
        orjson.dumps(
            {
                "at": (HOUR + timedelta(minutes=minute)).isoformat(),
                "worker_id": worker,
                "name": name,
                "series": '{"topic":"t"}',
                "labels": {"topic": "t"},
                "value": value,
            }
        )
        for minute, value in rows
    )
    client.raw_insert("pipeline_metrics", insert_block=body, fmt="JSONEachRow", settings=INSERT_SETTINGS)


def made(client: Client, worker: str = "w") -> list[tuple[Any, ...]]:
    """Hours since `HOUR`: readings, gained, last, lowest, highest."""
    sql = (
        "SELECT toInt64(dateDiff('hour', {begin:DateTime}, hour)), readings, gained, last, lowest, highest"
        " FROM metric_hours FINAL WHERE worker_id = {worker:String} ORDER BY hour, name"
    )
    return [tuple(row) for row in client.query(sql, parameters={"begin": HOUR, "worker": worker}).result_rows]


def passed(dsn: str) -> None:
    job = Rollups(dsn)
    job.run_pass()
    job.close()


def test_what_a_counter_gained_is_told_hour_by_hour(client: Client, dsn: str) -> None:
    # Two hours without a row between the last two readings.
    readings = [(1, 4.0), (30, 10.0), (59, 10.0), (61, 15.0), (119, 40.0), (310, 41.0)]
    for _ in range(2):
        put(client, *readings)
    passed(dsn)
    expected = [(0, 3, 10.0, 10.0, 4.0, 10.0), (1, 2, 30.0, 40.0, 15.0, 40.0), (5, 1, 1.0, 41.0, 41.0, 41.0)]
    assert made(client) == expected
    put(client, *readings)
    passed(dsn)
    assert made(client) == expected


def test_a_row_that_comes_late_changes_the_hour_after_it_too(client: Client, dsn: str) -> None:
    put(client, (10, 5.0), (70, 50.0))
    passed(dsn)
    assert [row[2] for row in made(client)] == [5.0, 45.0]
    put(client, (50, 30.0))
    passed(dsn)
    assert [row[2] for row in made(client)] == [30.0, 20.0]


def test_another_worker_begins_at_nothing_and_a_fall_gains_nothing(client: Client, dsn: str) -> None:
    put(client, (10, 100.0))
    put(client, (61, 7.0), (62, 3.0), (63, 4.0), worker="x")
    passed(dsn)
    assert made(client, "x") == [(1, 3, 8.0, 4.0, 3.0, 7.0)]


def test_what_was_counted_before_retention_is_not_gained(client: Client, dsn: str) -> None:
    first = -(29 * 24 + 12) * 60
    put(client, (first, 1_000_000.0), (first + 1, 1_000_010.0), (first + 61, 1_000_030.0))
    passed(dsn)
    assert [row[2] for row in made(client)] == [10.0, 20.0]


def test_hours_outlive_their_rows(client: Client, dsn: str) -> None:
    put(client, (10, 5.0))
    passed(dsn)
    before = made(client)
    client.command("TRUNCATE TABLE pipeline_metrics")
    put(client, (130, 9.0))
    passed(dsn)
    assert made(client)[: len(before)] == before
    assert [row[2] for row in made(client)] == [5.0, 4.0]


def test_recompute_puts_an_hour_right(client: Client, dsn: str) -> None:
    put(client, (10, 5.0), (70, 8.0))
    passed(dsn)
    right = made(client)
    client.command(
        "INSERT INTO metric_hours"
        " SELECT * REPLACE (gained + 1 AS gained, computed_at + toIntervalDay(1) AS computed_at) FROM metric_hours"
    )
    assert made(client) != right
    job = Rollups(dsn)
    job.recompute(HOUR, HOUR + timedelta(hours=2))
    job.close()
    assert made(client) == right


def test_hours_are_made_at_most_once_a_minute(client: Client, dsn: str) -> None:
    job = Rollups(dsn)
    put(client, (10, 5.0))
    job.run_pass()
    put(client, (20, 6.0))
    job.run_pass()
    assert [row[2] for row in made(client)] == [5.0]
    job.close()
    passed(dsn)
    assert [row[2] for row in made(client)] == [6.0]
