"""The closed list, its page, and what is served and stored."""

from __future__ import annotations

import http.client
import json
import os
from pathlib import Path
from typing import Any, get_args

import pytest

from watchkeeper.schemas.losses import TOLD_LOSSES
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.engine.ports import Horizon, Record
from watchkeeper.stream_processors.engine.stage import Counts, Output, StateSize
from watchkeeper.stream_processors.watching.figures import StageFigures
from watchkeeper.stream_processors.watching.liveness import Liveness
from watchkeeper.stream_processors.watching.meters import Meters
from watchkeeper.stream_processors.watching.names import METRICS, REASONS, VALUES, MetricName, values_of
from watchkeeper.stream_processors.watching.page import page
from watchkeeper.stream_processors.watching.place import watch_file
from watchkeeper.stream_processors.watching.rows import RowWriter, worker_name
from watchkeeper.stream_processors.watching.server import serve
from watchkeeper.stream_processors.watching.watch import Watch

ROOT = Path(__file__).parents[3]
TOPIC = "agent.events"
OPEN_LABELS = {"partition", "error"}
"""Bounded otherwise: by the topic's partitions, and by the classes of errors in the code."""


@pytest.fixture
def meters() -> Meters:
    return Meters()


@pytest.fixture
def figures(meters: Meters) -> StageFigures:
    return StageFigures(TOPIC, meters, Liveness(), now=lambda: 100.0)


def readings(meters: Meters) -> dict[tuple[str, ...], float]:
    return {
        (reading.name, *(value for label, value in reading.labels.items() if label != "topic")): reading.value
        for reading in meters.readings()
    }


def record(offset: int, partition: int = 0) -> Record:
    return Record(TOPIC, partition, offset, b"acme/s", b"{}", 90_000)


def test_the_list_is_closed() -> None:
    assert tuple(METRICS) == get_args(MetricName)


def test_every_label_has_its_values() -> None:
    for name, metric in METRICS.items():
        for label in set(metric.labels) - OPEN_LABELS:
            assert values_of(name, label), f"{name}.{label}"
    assert {name for name, metric in METRICS.items() if "reason" in metric.labels} == set(REASONS)
    assert {label for metric in METRICS.values() for label in metric.labels} - OPEN_LABELS - {"reason"} == set(VALUES)


def test_the_page_is_made_of_the_list() -> None:
    assert (ROOT / "docs/metrics.md").read_text() == page()


def test_every_metric_is_served(meters: Meters) -> None:
    text = meters.text().decode()
    assert [name for name in METRICS if f"# TYPE {name} " not in text] == []


def test_a_figure_of_another_kind_is_refused(meters: Meters) -> None:
    with pytest.raises(TypeError):
        meters.set("watchkeeper_records_total", 1, topic=TOPIC)


def test_a_value_that_is_not_in_the_list_makes_no_series(meters: Meters) -> None:
    for number in range(3):
        meters.count("watchkeeper_lost_events_total", topic=TOPIC, reason=f"strange {number}")
    assert readings(meters) == {("watchkeeper_lost_events_total", "other"): 3}


def test_counts_that_a_stage_sums_are_not_summed_again(meters: Meters, figures: StageFigures) -> None:
    counts = Counts(events=3, unpriced=1)
    counts.reject("not_json")
    counts.lost["queue_full"] = 7
    counts.found["audit_gap", "high"] = 2
    figures.note(counts)
    counts.add(Counts(events=2))
    counts.reject("store_refused")
    figures.note(counts)
    assert readings(meters) == {
        ("watchkeeper_events_total",): 5,
        ("watchkeeper_unpriced_requests_total",): 1,
        ("watchkeeper_dead_letters_total", "not_json"): 1,
        ("watchkeeper_dead_letters_total", "store_refused"): 1,
        ("watchkeeper_lost_events_total", "queue_full"): 7,
        ("watchkeeper_findings_total", "audit_gap", "high"): 2,
    }


def test_what_may_be_lost_or_rejected_is_told_before_the_first(meters: Meters, figures: StageFigures) -> None:
    del figures
    text = meters.text().decode()
    for reason in TOLD_LOSSES:
        assert f'watchkeeper_lost_events_total{{reason="{reason}",topic="{TOPIC}"}} 0.0' in text
    assert f'watchkeeper_dead_letters_total{{reason="too_large",topic="{TOPIC}"}} 0.0' in text


def test_latencies_and_batches_are_observed_once_a_batch(meters: Meters, figures: StageFigures) -> None:
    output = Output("sessions", oldest_ms=90_000, found_us=[99_000_000, 98_000_000])
    output.add_row("events", b"{}")
    output.counts.events = 40
    figures.judged([record(1), record(2)], output)
    figures.published(output)
    with figures.step("rows"):
        pass
    figures.stored(output)
    told = readings(meters)
    assert told["watchkeeper_stored_seconds_sum",] == 10
    assert told["watchkeeper_stored_seconds_bucket", "10.0"] == 1
    assert ("watchkeeper_stored_seconds_bucket", "5.0") not in told
    assert (told["watchkeeper_finding_seconds_sum",], told["watchkeeper_finding_seconds_count",]) == (3, 2)
    assert told["watchkeeper_batch_records_sum",] == 2
    assert told["watchkeeper_batch_events_sum",] == 40
    assert told["watchkeeper_step_seconds_count", "rows"] == 1


def test_lag_and_commits_are_told_by_partition_and_forgotten_with_it(meters: Meters, figures: StageFigures) -> None:
    figures.taken([record(5), record(6), record(0, partition=1)])
    figures.committed({0: 6})
    figures.reached({0: Horizon(5, 10, 1), 1: Horizon(0, 1, 1)}, in_hand=2)
    told = readings(meters)
    assert (told["watchkeeper_lag_records", "0"], told["watchkeeper_lag_records", "1"]) == (3, 0)
    assert told["watchkeeper_uncommitted_records", "0"] == 1
    assert told["watchkeeper_uncommitted_records", "1"] == 1
    figures.committed({0: 7, 1: 1})
    figures.reached({}, in_hand=2)
    assert readings(meters)["watchkeeper_commit_age_seconds",] < 1
    figures.assigned()
    assert not {name for name, *_ in readings(meters)} & {"watchkeeper_lag_records", "watchkeeper_uncommitted_records"}


def test_states_are_measured_now_and_then(meters: Meters, figures: StageFigures) -> None:
    asked: list[int] = []

    def size() -> StateSize:
        asked.append(1)
        return StateSize(3, 4096)

    figures.measure(size)
    figures.measure(size)
    assert len(asked) == 1
    told = readings(meters)
    assert (told["watchkeeper_states",], told["watchkeeper_state_bytes",]) == (3, 4096)


def test_rows_are_written_and_the_store_tells_how_it_is(meters: Meters, clickhouse: str) -> None:
    meters.count("watchkeeper_events_total", 3, topic=TOPIC)
    writer = RowWriter(meters, clickhouse, lambda: None)
    writer.write()
    writer.write()
    client = connect(clickhouse)
    rows: Any = client.query(
        "SELECT name, value FROM pipeline_metrics WHERE worker_id = {worker:String}", {"worker": worker_name()}
    ).result_rows
    client.close()
    last = dict(rows)
    assert last["watchkeeper_events_total"] == 3
    assert last["watchkeeper_store_up"] == 1
    assert 0 < last["watchkeeper_store_disk_free_bytes"] < last["watchkeeper_store_disk_bytes"]
    assert readings(meters)["watchkeeper_store_parts", "pipeline_metrics"] >= 1


def test_rows_are_dropped_and_counted_while_the_store_is_away(meters: Meters) -> None:
    meters.set("watchkeeper_ready", 1)
    RowWriter(meters, "http://127.0.0.1:1/none", lambda: None).write()
    told = readings(meters)
    assert told["watchkeeper_store_up",] == 0
    assert told["watchkeeper_rows_dropped_total",] >= 1


def asked(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_what_is_served(tmp_path: Path) -> None:
    watch = Watch(tmp_path, 0, "http://127.0.0.1:1/none")
    serve(watch, 0, tmp_path)
    port = json.loads(watch_file(tmp_path, os.getpid()).read_text())["port"]
    assert asked(port, "/healthz") == (200, "ok")
    assert asked(port, "/readyz") == (503, "not ready: waiting for partitions and their states")
    watch.is_ready = True
    assert asked(port, "/readyz") == (200, "ready")
    watch.liveness.begin("store")
    watch.liveness.end("store", ok=False)
    assert asked(port, "/readyz") == (503, "not ready: the store is away")
    assert asked(port, "/healthz") == (200, "ok")
    status, text = asked(port, "/metrics")
    assert status == 200
    assert 'watchkeeper_waiting{side="store"} 1.0' in text
    assert asked(port, "/")[0] == 404
