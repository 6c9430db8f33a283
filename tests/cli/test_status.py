"""`watchkeeper status` with parts that answer, are dead or are away."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from watchkeeper.cli.commands.status_figures import Figures, Series, alive, quantile
from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.root import watchkeeper
from watchkeeper.cli.stack.testing import running_broker, running_worker
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.model import format_utc
from watchkeeper.schemas.rows import INSERT_SETTINGS, MetricRow
from watchkeeper.schemas.topics import EVENTS, PARTITIONS, TOPICS
from watchkeeper.stream_processors.clickhouse import connect, parse_dsn
from watchkeeper.stream_processors.migrate import migrate

Run = Callable[..., Result]
NOWHERE = "http://watchkeeper:secret@127.0.0.1:1/watchkeeper"


@pytest.fixture(scope="module")
def own_broker() -> Iterator[str]:
    with running_broker(TOPICS) as bootstrap:
        yield bootstrap


@pytest.fixture
def own_store(clickhouse: str) -> str:
    """A migrated database in which no other test's worker writes."""
    fresh = clickhouse.removesuffix(parse_dsn(clickhouse).database) + f"status_{uuid.uuid4().hex}"
    migrate(fresh)
    return fresh


def told(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(result.stdout)
    return document


def event(session: str, seq: int, **given: Any) -> bytes:
    line = {
        "type": "reasoning",
        "event_id": uuid7(),
        "tenant_id": "acme",
        "session_id": session,
        "writer_id": "w",
        "seq": seq,
        "occurred_at": format_utc(datetime.now(UTC)),
        "agent_id": "a",
        "data": {"text": {"address": "x", "size": 1, "media_type": "text/plain"}},
    }
    return orjson.dumps(line | given)


def send(bootstrap: str, *records: tuple[str, bytes]) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for key, value in records:
        producer.produce(EVENTS.name, value, key)
    assert producer.flush(30) == 0


def test_a_store_that_is_away_is_named_and_the_rest_is_shown(run: Run, own_broker: str, tmp_path: Path) -> None:
    result = run("status", "--json", "--home", str(tmp_path), "--clickhouse", NOWHERE, kafka=own_broker)
    assert result.exit_code == ExitCode.UNAVAILABLE
    document = told(result)
    assert document["health"] == "away"
    assert (document["broker"], document["lag_from"]) == ("", "broker")
    assert "127.0.0.1:1" in document["store"]
    assert "secret" not in result.stdout
    assert {one["page"] for one in document["troubles"] if one["part"] == "store"} == {"docs/runbooks/store-away.md"}


@pytest.mark.long
def test_a_store_that_hangs_is_away(run: Run, own_broker: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = f"http://watchkeeper:secret@127.0.0.1:{silent.getsockname()[1]}/watchkeeper"
        began = time.monotonic()
        result = run("status", "--home", str(tmp_path), "--clickhouse", dsn, kafka=own_broker)
        # A question alone may take 30 s elsewhere.
        assert time.monotonic() - began < 30
    assert result.exit_code == ExitCode.UNAVAILABLE
    assert "does not answer" in result.stdout


def test_where_nothing_runs_it_says_how_to_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WATCHKEEPER_CLICKHOUSE_DSN", "WATCHKEEPER_KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)
    result = CliRunner().invoke(watchkeeper, ["status", "--home", str(tmp_path)], catch_exceptions=False)
    assert result.exit_code == ExitCode.FAILED
    assert "`watchkeeper up`" in result.stdout


def test_a_broker_that_is_away_is_named(run: Run, own_store: str, tmp_path: Path) -> None:
    result = run("status", "--home", str(tmp_path), "--clickhouse", own_store, kafka="127.0.0.1:1")
    assert result.exit_code == ExitCode.UNAVAILABLE
    assert "broker: no broker answers at 127.0.0.1:1" in result.stdout
    assert "store: answers" in result.stdout


def test_without_a_worker_the_broker_tells_the_lag(run: Run, own_store: str, tmp_path: Path) -> None:
    with running_broker(TOPICS) as bootstrap:
        send(bootstrap, ("acme/s", b"1"))
        result = run("status", "--json", "--home", str(tmp_path), "--clickhouse", own_store, kafka=bootstrap)
    assert result.exit_code == ExitCode.FAILED
    document = told(result)
    assert [one["what"] for one in document["troubles"] if one["verdict"] == "fail"] == ["none tells that it lives"]
    assert sum(one["records"] for one in document["lag"]) == 1


def is_complete(document: dict[str, Any]) -> bool:
    """Whether the worker has told everything: of its partitions, it knows after two answers of the broker."""
    if not document or document["lag_from"] != "workers":
        return False
    partitions = {one["partition"] for one in document["lag"] if one["topic"] == EVENTS.name}
    return bool(len(partitions) == PARTITIONS and document["latencies"] and document["lost_events"])


def test_a_worker_tells_what_it_does(run: Run, own_broker: str, own_store: str, tmp_path: Path) -> None:
    session = f"s-{uuid.uuid4()}"
    lost = {"watchkeeper.lost": 5, "watchkeeper.lost_reasons": "queue_full:3"}
    with running_worker(own_broker, own_store, tmp_path, WATCHKEEPER_GROUP=uuid.uuid4().hex):
        send(own_broker, (f"acme/{session}", event(session, 0, data={"bad": 1})))
        # The second of the three opens a gap: an audit_gap finding, whose latency is told.
        send(
            own_broker,
            *[
                (
                    f"acme/{session}",
                    event(session, seq, type="checkpoint", data={"checkpoint_id": "c"}, attributes=lost),
                )
                for seq in (0, 2)
            ],
        )
        document: dict[str, Any] = {}
        deadline = time.monotonic() + 90
        while not is_complete(document):
            assert time.monotonic() < deadline, document
            result = run("status", "--json", "--home", str(tmp_path), "--clickhouse", own_store, kafka=own_broker)
            document = told(result)
        shown = run("status", "--home", str(tmp_path), "--clickhouse", own_store, kafka=own_broker)
    assert result.exit_code == ExitCode.OK
    assert document["health"] == "warn"
    (worker,) = document["workers"]
    assert (worker["ready"], worker["stalled"], worker["waiting"]) == (True, "", [])
    assert {one["what"] for one in document["latencies"]} >= {"event to stored"}
    assert all(0 < one["p50_seconds"] <= one["p99_seconds"] for one in document["latencies"])
    assert document["lost_events"] == [{"reason": "queue_full", "count": 3}, {"reason": "untold", "count": 2}]
    assert shown.exit_code == ExitCode.OK
    for words in ("invalid_field", "queue_full", "docs/runbooks/lost-events.md", "p95"):
        assert words in shown.stdout


def test_a_worker_that_ended_is_not_alive_though_its_rows_are_fresh(run: Run, own_store: str, tmp_path: Path) -> None:
    client = connect(own_store)
    rows = [
        MetricRow(at=datetime.now(UTC), worker_id=worker, name="watchkeeper_ready", series="{}", labels={}, value=1)
        for worker in (f"{socket.gethostname()}/999999999", "elsewhere/7")
    ]
    client.raw_insert(
        "pipeline_metrics",
        None,
        b"\n".join(row.model_dump_json().encode() for row in rows),
        INSERT_SETTINGS,
        "JSONEachRow",
    )
    client.close()
    document = told(run("status", "--json", "--home", str(tmp_path), "--clickhouse", own_store))
    assert [worker["worker"] for worker in document["workers"]] == ["elsewhere/7"]


def histogram(**buckets: float) -> Figures:
    now = datetime.now(UTC)
    return {
        ("w", "x_bucket", (("le", bound),)): Series("w", "x_bucket", {"le": bound}, count, count, now)
        for bound, count in buckets.items()
    }


def test_a_quantile_is_interpolated_in_its_bucket() -> None:
    found = histogram(**{"1.0": 10, "2.0": 90, "+Inf": 100})
    assert quantile(found, "x", 0.5) == pytest.approx(1.5)
    assert quantile(found, "x", 0.99) == 2.0
    assert quantile({}, "x", 0.5) is None


def test_a_worker_that_told_nothing_for_long_is_not_alive() -> None:
    series = Series("elsewhere/7", "x", {}, 1, 1, datetime.now(UTC) - timedelta(minutes=2))
    assert alive({("elsewhere/7", "x", ()): series}) == {}
