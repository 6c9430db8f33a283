"""The board Pipeline over days: of hours, with the answers that rows would give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from board_asking import END, LAST_DAYS, LAST_HOUR, ask, fresh_store, one, put
from clickhouse_connect.driver import Client

from watchkeeper.dashboards.grafana.macros import Range
from watchkeeper.stream_processors.rollups import Rollups

PIPELINE = "watchkeeper-pipeline: "
TOPIC = {"topic": "agent.events"}


def metric(name: str, minutes: float, value: float, worker: str = "w1", **labels: str) -> dict[str, Any]:
    """A reading, so many minutes after a whole hour four hours before the end."""
    at = END - timedelta(hours=4) + timedelta(minutes=minutes)
    series = json.dumps(labels, sort_keys=True)
    return {"at": at.isoformat(), "worker_id": worker, "name": name, "series": series, "labels": labels, "value": value}


@pytest.fixture(scope="module")
def told(clickhouse: str) -> Iterator[Client]:
    """Three hours of two workers, every row twice, before and after hours were made."""
    events, lag, bucket = "watchkeeper_events_total", "watchkeeper_lag_records", "watchkeeper_finding_seconds_bucket"
    lost, dead = "watchkeeper_lost_events_total", "watchkeeper_dead_letters_total"
    bounds = (("0.5", 4), ("2", 9), ("8", 10), ("+Inf", 10))
    rows = [
        # Older than all else: the store's retention has cut nothing that is asked for.
        metric("watchkeeper_ready", -10_000, 1),
        *(metric(events, minute, 60 * minute, **TOPIC) for minute in range(0, 150, 5)),
        *(metric(events, 70 + minute, 36 * minute, "w2", **TOPIC) for minute in range(0, 30, 5)),
        *(metric(lag, minute, minute, partition="0", **TOPIC) for minute in range(0, 120, 7)),
        *(metric(lag, minute, 5, "w2", partition="1", **TOPIC) for minute in range(0, 120, 7)),
        *(metric(bucket, 90, count, le=le) for le, count in bounds),
        *(
            metric(name, minute, value, table=table)
            for minute, count, seconds in ((30, 0, 0), (35, 4, 2), (90, 6, 2.5))
            for table, slower in (("events", 1), ("findings", 10))
            for name, value in (
                ("watchkeeper_store_seconds_count", count),
                ("watchkeeper_store_seconds_sum", seconds * slower),
            )
        ),
        *(
            metric("watchkeeper_store_parts", 20, parts, worker, table="events")
            for worker, parts in (("w1", 7), ("w2", 9))
        ),
        *(metric(lost, minute, count, reason="queue_full") for minute, count in ((10, 0), (15, 3), (80, 5))),
        *(metric(lost, minute, count, "w2", reason="queue_full") for minute, count in ((10, 1), (15, 2))),
        *(metric(dead, minute, minute, reason="not_json", **TOPIC) for minute in (0, 10, 100)),
        *(metric("watchkeeper_state_bytes", 20, size, worker, **TOPIC) for worker, size in (("w1", 70), ("w2", 30))),
    ]
    with fresh_store(clickhouse) as (client, dsn):
        for _ in range(2):
            put(client, "pipeline_metrics", rows)
            job = Rollups(dsn)
            job.run_pass()
            job.close()
        yield client


def test_events_a_second_over_days(told: Client) -> None:
    found = [row["events"] * 3600 for row in ask(told, PIPELINE + "Events a second", LAST_DAYS)]
    assert found == [pytest.approx(60 * 55), pytest.approx(60 * 60 + 36 * 25), pytest.approx(60 * 30)]


def test_records_that_wait_over_days(told: Client) -> None:
    found = [row["lag"] for row in ask(told, PIPELINE + "Records that wait", LAST_DAYS)]
    assert found == [56 + 5, 119 + 5]


def test_state_held_over_days(told: Client) -> None:
    assert [row["bytes"] for row in ask(told, PIPELINE + "State held", LAST_DAYS)] == [100]


def test_event_to_finding_over_days(told: Client) -> None:
    (row,) = ask(told, PIPELINE + "Event to finding", LAST_DAYS)
    assert (row["p50"], row["p95"]) == (2, 8)


HOURS = [END - timedelta(hours=4), END - timedelta(hours=3)]
BY_ROWS = Range(END - timedelta(hours=5), END, 60_000)


def points(told: Client, panel: str, span: Range) -> dict[tuple[datetime, str], float]:
    """The panel's values by time and name."""
    found = [tuple(row.values()) for row in ask(told, PIPELINE + panel, span)]
    return {(time.replace(tzinfo=UTC), name): value for time, name, value in found}


def test_events_that_producers_lost(told: Client) -> None:
    first, second = HOURS
    over_days = {(first, "queue_full"): 5, (second, "queue_full"): 2}
    assert points(told, "Events that producers lost", LAST_DAYS) == over_days
    of_rows = {(first + timedelta(minutes=minute), "queue_full"): lost for minute, lost in ((10, 1), (15, 4), (80, 2))}
    assert points(told, "Events that producers lost", BY_ROWS) == of_rows


def test_dead_letters(told: Client) -> None:
    first, second = HOURS
    name = "agent.events not_json"
    assert points(told, "Dead letters", LAST_DAYS) == {(first, name): 10, (second, name): 90}
    of_rows = {(first + timedelta(minutes=minute), name): rows for minute, rows in ((10, 10), (100, 90))}
    assert points(told, "Dead letters", BY_ROWS) == of_rows


def test_time_to_store_a_batch(told: Client) -> None:
    mean = {30: (0.5, 5), 90: (0.25, 2.5)}
    for span, minutes in ((LAST_DAYS, (0, 60)), (BY_ROWS, (35, 90))):
        expected = {
            (HOURS[0] + timedelta(minutes=minute), table): value
            for minute, values in zip(minutes, mean.values(), strict=True)
            for table, value in zip(("events", "findings"), values, strict=True)
        }
        assert points(told, "Time to store a batch", span) == pytest.approx(expected)


def test_parts_of_the_fullest_partition(told: Client) -> None:
    assert points(told, "Parts of the fullest partition", LAST_DAYS) == {(HOURS[0], "events"): 9}
    assert points(told, "Parts of the fullest partition", BY_ROWS) == {(HOURS[0] + timedelta(minutes=20), "events"): 9}


def test_workers_ready(told: Client) -> None:
    # The first is ending; the third has not said anything for more than a minute.
    for worker, seconds, ready in (("w1", 50, 1), ("w1", 20, 0), ("w2", 30, 1), ("w3", 90, 1)):
        put(told, "pipeline_metrics", [metric("watchkeeper_ready", 240 - seconds / 60, ready, worker)] * 2)
    assert one(ask(told, PIPELINE + "Workers ready", LAST_HOUR)) == 1
    assert one(ask(told, PIPELINE + "Workers ready", LAST_DAYS)) == 1


def letter(offset: int, ago: timedelta, status: str = "open", revision: int = 0) -> dict[str, Any]:
    return {
        "source_topic": "agent.events", "source_partition": 0, "source_offset": offset, "source_line": 0,
        "revision": revision, "reason": "not_json", "detail": "", "key_base64": "", "raw_base64": "",
        "received_at": (END - ago).isoformat(), "status": status,
    }  # fmt: skip


def test_dead_letters_open(told: Client) -> None:
    minutes = timedelta(minutes=1)
    letters = [letter(1, 5 * minutes), letter(2, 6 * minutes), letter(3, 200 * minutes)]
    again = letter(2, 6 * minutes, "redriven", 1)
    for _ in range(2):
        put(told, "dead_letters", [*letters, again])
    assert one(ask(told, PIPELINE + "Dead letters open", LAST_HOUR)) == 1
    assert one(ask(told, PIPELINE + "Dead letters open", LAST_DAYS)) == 2


def notice(name: str, ago: timedelta, state: str, version: int) -> dict[str, Any]:
    at = (END - ago).isoformat()
    return {
        "alert_id": "a", "notice_id": name, "channel": "pager", "kind": "page", "state": state, "severity": "high",
        "after": 0, "upto": 1, "attempts": version, "answer": "", "title": "", "text": "", "made_at": at,
        "tried_at": at, "version": version,
    }  # fmt: skip


def test_alerts_that_did_not_arrive(told: Client) -> None:
    minutes = timedelta(minutes=1)
    notices = [
        notice("n1", 30 * minutes, "pending", 1), notice("n1", 20 * minutes, "dead", 2),
        notice("n2", 30 * minutes, "pending", 1), notice("n2", 20 * minutes, "delivered", 2),
        notice("n3", 200 * minutes, "dead", 1),
    ]  # fmt: skip
    for _ in range(2):
        put(told, "alert_notices", notices)
    assert one(ask(told, PIPELINE + "Alerts that did not arrive", LAST_HOUR)) == 1
    assert one(ask(told, PIPELINE + "Alerts that did not arrive", LAST_DAYS)) == 2


def test_over_an_hour_rows_are_read(told: Client) -> None:
    told.command("TRUNCATE TABLE pipeline_metrics")
    assert ask(told, PIPELINE + "Events a second", LAST_HOUR) == []
    assert ask(told, PIPELINE + "Events a second", LAST_DAYS) != []
