"""Minutes on the real engine: whatever happens to rows and jobs, they end as if made from scratch."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver import Client

from watchkeeper.cli.stack.testing import separate_database
from watchkeeper.schemas.errors import ConfigurationError, StoreUnavailableError
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.rollup_sql import SOURCES, Source
from watchkeeper.stream_processors.rollups import Rollups, run_until

HOUR_US = 3_600_000_000
BEGIN = datetime(2026, 3, 2, 23, 58, tzinfo=UTC)
TYPES = ("session_started", "prompt", "response", "tool_call", "tool_result", "session_ended")
Row = dict[str, Any]


@pytest.fixture
def dsn(clickhouse: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    with separate_database(clickhouse, "rollups") as fresh:
        yield fresh


@pytest.fixture
def client(dsn: str) -> Client:
    return connect(dsn)


def event(number: int, type_: str = "response", *, at: datetime = BEGIN, **more: Any) -> Row:
    row = {
        "tenant_id": "acme",
        "session_id": f"s{number % 5}",
        "writer_id": "w",
        "seq": number,
        "digest": f"{number:064x}",
        "type": type_,
        "event_id": str(number),
        "occurred_at": at.isoformat(),
        "agent_id": "support",
        "data": {},
        "source_partition": number % 3,
        "source_offset": number,
        "source_line": 0,
        "received_at": at.isoformat(),
    }
    return row | more


def finding(number: int, *, at: datetime = BEGIN, **more: Any) -> Row:
    columns = ("root_session_id", "agent_version", "user_id", "customer_id", "summary", "policy_address", "runbook")
    row: Row = dict.fromkeys(columns, "") | {
        "tenant_id": "acme",
        "finding_id": f"f{number}",
        "revision": 0,
        "schema_version": 1,
        "status": "open",
        "session_id": "s",
        "subject": None,
        "agent_id": "support",
        "environment": "production",
        "origin": "live",
        "failure_mode": "reasoning_loop",
        "kind": "loop",
        "severity": "high",
        "rule_id": "r",
        "rule_version": 1,
        "rule_stage": "active",
        "evidence": {},
        "first_event_at": at.isoformat(),
        "last_event_at": at.isoformat(),
        "detected_at": at.isoformat(),
    }
    return row | more


def put(client: Client, table: str, *rows: Row) -> None:
    body = b"\n".join(orjson.dumps(row) for row in rows)
    client.raw_insert(table, insert_block=body, fmt="JSONEachRow", settings=INSERT_SETTINGS)


def minutes(client: Client, target: str) -> list[tuple[Any, ...]]:
    """The minutes as a reader sees them: without versions, without groups of zeros, quantiles as numbers."""
    took = "EXCEPT (duration_us), ifNotFinite(finalizeAggregation(duration_us), -1) AS took"
    count, columns = ("events", f"* {took}") if target == "activity_minutes" else ("findings", "*")
    found = client.query(f"SELECT {columns} FROM {target} FINAL WHERE {count} > 0").named_results()
    rows = (tuple((name, row[name]) for name in sorted(row) if name != "computed_at") for row in found)
    return sorted(rows, key=str)


def hours(client: Client, source: Source) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The hours as a reader sees them, and what they should be: their minutes added up."""
    names = [name for name in source.totals if name != "duration_us"]
    keys, sums = ", ".join(source.keys), ", ".join(f"sum({name})" for name in names)
    counted = "events" if "events" in names else "findings"

    def read(table: str, time: str, took: str) -> list[tuple[Any, ...]]:
        sql = f"SELECT {keys}, {time} AS at, {sums}{took} FROM {table} FINAL GROUP BY {keys}, at"
        sql += f" HAVING sum({counted}) > 0"
        return sorted(map(tuple, client.query(sql).result_rows), key=str)

    took = ", ifNotFinite(quantileDDMerge(0.01)(duration_us), -1)" if "duration_us" in source.totals else ""
    return (
        read(source.hours, "toUnixTimestamp64Micro(toDateTime64(hour, 6, 'UTC'))", took),
        read(
            source.target,
            f"intDiv(toUnixTimestamp64Micro(toDateTime64(minute, 6, 'UTC')), {HOUR_US}) * {HOUR_US}",
            took,
        ),
    )


def all_minutes(client: Client) -> list[list[tuple[Any, ...]]]:
    """What a reader sees of minutes and hours; hours are their minutes added up, at any time."""
    for source in SOURCES:
        made, expected = hours(client, source)
        assert made == expected
    return [minutes(client, source.target) for source in SOURCES]


def from_scratch(client: Client, dsn: str) -> list[list[tuple[Any, ...]]]:
    """The minutes, made anew of what is stored, where there were none."""
    for source in SOURCES:
        client.command(f"TRUNCATE TABLE {source.target}")
        client.command(f"TRUNCATE TABLE {source.hours}")
    job = Rollups(dsn)
    job.recompute(datetime(1970, 1, 1, tzinfo=UTC), datetime(2299, 12, 31, tzinfo=UTC))
    job.close()
    return all_minutes(client)


def total(client: Client, column: str) -> Any:
    return client.query(f"SELECT sum({column}) FROM activity_minutes FINAL").result_rows[0][0]


def test_what_happened_in_a_minute_is_counted(client: Client, dsn: str) -> None:
    put(
        client,
        "events",
        event(0, "session_started"),
        event(1, "prompt", model="m"),
        event(
            2,
            model="m",
            input_tokens=70,
            cached_input_tokens=20,
            output_tokens=30,
            cost_usd=0.25,
            price_status="priced",
        ),
        event(
            3, model="n", input_tokens=5, price_status="unpriced", data={"error_type": "overloaded", "abstained": True}
        ),
        event(4, "tool_call", tool_name="refund"),
        event(5, "tool_result", tool_name="refund", data={"status": "error", "duration_us": 1000}),
        event(6, "tool_result", tool_name="refund", data={"status": "ok", "duration_us": 3000}),
        event(7, "session_ended", data={"status": "stopped"}),
    )
    put(client, "findings", finding(1), finding(2), finding(2, revision=1, status="resolved"))
    Rollups(dsn).run_pass()
    columns = (
        "events, sessions_started, sessions_stopped, sessions_completed, tool_calls, tool_results, tool_errors,"
        " responses, response_errors, abstained, input_tokens, cached_input_tokens, output_tokens, cost_usd, priced,"
        " unpriced, timed"
    )
    summed = ", ".join(f"sum({name.strip()})" for name in columns.split(","))
    found = client.query(f"SELECT {summed} FROM activity_minutes FINAL").result_rows[0]
    assert found == (8, 1, 1, 0, 1, 2, 1, 2, 1, 1, 75, 20, 30, Decimal("0.25"), 1, 1, 2)
    took = client.query("SELECT quantileDDMerge(0.01, 1)(duration_us) FROM activity_minutes FINAL").result_rows[0][0]
    assert took == pytest.approx(3000, rel=0.011)
    assert client.query("SELECT sum(findings), sum(resolved) FROM finding_minutes FINAL").result_rows == [(2, 1)]


def test_a_replay_changes_nothing(client: Client, dsn: str) -> None:
    rows = [event(number, at=BEGIN + timedelta(seconds=number)) for number in range(200)]
    job = Rollups(dsn)
    put(client, "events", *rows)
    assert job.run_pass().minutes == 4
    before = all_minutes(client)
    put(client, "events", *rows)
    assert job.run_pass().minutes == 4
    assert all_minutes(client) == before
    assert total(client, "events") == 200


def test_a_group_that_is_gone_leaves_zeros(client: Client, dsn: str) -> None:
    job = Rollups(dsn)
    put(client, "events", event(1, model="m", output_tokens=3))
    job.run_pass()
    put(client, "events", event(1, model="n", output_tokens=4))
    job.run_pass()
    found = client.query("SELECT model, events, output_tokens FROM activity_minutes FINAL ORDER BY model").result_rows
    assert found == [("m", 0, 0), ("n", 1, 4)]


def test_nothing_new_is_nothing_to_do(client: Client, dsn: str) -> None:
    job = Rollups(dsn)
    put(client, "events", event(1))
    assert [job.run_pass().minutes for _ in range(3)] == [1, 0, 0]


def test_what_becomes_readable_after_its_stamp_is_found_within_the_margin(client: Client, dsn: str) -> None:
    job = Rollups(dsn, margin_us=60_000_000)
    put(client, "events", event(1))
    job.run_pass()
    late = (datetime.now(UTC) - timedelta(seconds=50)).isoformat()
    put(client, "events", event(2, stored_at=late))
    assert job.run_pass().minutes == 1
    put(client, "events", event(3, stored_at=late))
    # Another job knows no rows: it takes up where a pass was last completed, less the margin.
    Rollups(dsn, margin_us=60_000_000).run_pass()
    assert total(client, "events") == 3


def test_years_and_ends_of_time_are_minutes_like_any_other(client: Client, dsn: str) -> None:
    times = [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2024, 2, 29, 12, tzinfo=UTC),
        datetime(2299, 12, 30, tzinfo=UTC),
    ]
    put(client, "events", *(event(number, at=at) for number, at in enumerate(times)))
    Rollups(dsn).run_pass()
    found = client.query("SELECT minute FROM activity_minutes FINAL ORDER BY minute").result_rows
    assert [minute for (minute,) in found] == times


def test_a_clock_that_was_set_back_does_not_keep_the_old_minute(client: Client, dsn: str) -> None:
    put(client, "events", event(1))
    job = Rollups(dsn)
    job.run_pass()
    client.command(
        "INSERT INTO activity_minutes SELECT * REPLACE (computed_at + INTERVAL 1 HOUR AS computed_at)"
        " FROM activity_minutes"
    )
    put(client, "events", event(2))
    job.run_pass()
    assert total(client, "events") == 2


class CrashError(Exception):
    pass


def crash(job: Rollups, rng: random.Random) -> None:
    """Runs a pass that ends at one of its statements, before or after the server has done it."""
    left, after = rng.randrange(5), rng.random() < 0.5
    command = job._command

    def breaking(*arguments: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0 and not after:
            raise CrashError
        command(*arguments)
        if left < 0:
            raise CrashError

    watched: Any = job
    watched._command = breaking
    try:
        job.run_pass()
    except CrashError:
        job.close()


@pytest.mark.few(1)
@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 20))])
def test_whatever_happens_the_minutes_are_those_made_from_scratch(client: Client, dsn: str, seed: int) -> None:
    rng = random.Random(seed)
    told: list[Row] = []
    jobs = [Rollups(dsn), Rollups(dsn)]
    for _ in range(25):
        step = rng.choice(("new", "new", "again", "repriced", "found", "pass", "pass", "crash", "merge"))
        if step == "new":
            fresh = [_random_event(rng, len(told) + ordinal) for ordinal in range(rng.randrange(1, 40))]
            told += fresh
            put(client, "events", *fresh)
        elif step == "again" and told:
            put(client, "events", *rng.choices(told, k=10))
        elif step == "repriced" and told:
            changed = rng.randrange(len(told))
            told[changed] = told[changed] | {"model": rng.choice("mno"), "cost_usd": rng.randrange(100) / 8}
            put(client, "events", told[changed])
        elif step == "found":
            number, revision = rng.randrange(20), rng.randrange(3)
            status = "resolved" if revision == 2 else "open"
            put(client, "findings", finding(number, at=_time(random.Random(number)), revision=revision, status=status))
        elif step == "pass":
            rng.choice(jobs).run_pass()
        elif step == "crash":
            place = rng.randrange(len(jobs))
            crash(jobs[place], rng)
            jobs[place] = Rollups(dsn)
        else:
            client.command(f"OPTIMIZE TABLE {rng.choice(('events', 'activity_minutes'))} FINAL")
    rng.choice(jobs).run_pass()
    kept = all_minutes(client)
    assert kept == from_scratch(client, dsn)
    assert total(client, "events") == len(told)


def _time(rng: random.Random) -> datetime:
    return BEGIN + timedelta(microseconds=rng.randrange(600_000_000)) - timedelta(days=rng.choice((0, 0, 0, 700)))


def _random_event(rng: random.Random, number: int) -> Row:
    data = {"status": rng.choice(("ok", "error")), "duration_us": rng.randrange(1, 10**6)}
    tenant, agent = rng.choice(("acme", "umbrella")), rng.choice(("support", "sales"))
    more = {"tenant_id": tenant, "agent_id": agent, "data": data, "output_tokens": rng.randrange(50)}
    return event(number, rng.choice(TYPES), at=_time(rng), **more)


@pytest.mark.long
def test_two_jobs_at_once_beside_a_writer_end_right(client: Client, dsn: str) -> None:
    stop = threading.Event()
    jobs = [threading.Thread(target=run_until, args=(stop, dsn), kwargs={"every_seconds": 0.01}) for _ in range(2)]
    for job in jobs:
        job.start()
    rng = random.Random(7)
    for start in range(0, 3000, 100):
        put(client, "events", *(_random_event(rng, number) for number in range(start, start + 100)))
    deadline = time.monotonic() + 60
    while total(client, "events") != 3000 and time.monotonic() < deadline:
        time.sleep(0.02)
    stop.set()
    for job in jobs:
        job.join()
    kept = all_minutes(client)
    assert kept == from_scratch(client, dsn)


def test_recompute_puts_right_what_was_damaged_in_its_period_alone(client: Client, dsn: str) -> None:
    put(client, "events", event(1), event(2, at=BEGIN + timedelta(hours=3)))
    job = Rollups(dsn)
    job.run_pass()
    client.command(
        "INSERT INTO activity_minutes SELECT * REPLACE (9 AS events, computed_at + INTERVAL 1 HOUR AS computed_at)"
        " FROM activity_minutes"
    )
    assert job.recompute(BEGIN, BEGIN + timedelta(seconds=1)).minutes == 1
    assert total(client, "events") == 10


def test_a_store_without_tables_or_away_is_told(clickhouse: str) -> None:
    with pytest.raises(ConfigurationError, match="database"):
        Rollups(clickhouse.rpartition("/")[0] + "/nowhere").run_pass()
    with pytest.raises(StoreUnavailableError):
        Rollups("http://u:p@127.0.0.1:1/x")
