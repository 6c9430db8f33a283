"""The tables on a real engine: their columns are the models' fields, and rows live as long as their class says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from clickhouse_connect.driver import Client
from pydantic import BaseModel

from watchkeeper.schemas.alerts import AlertFindingRow, AlertNoticeRow, AlertRow
from watchkeeper.schemas.control import Control
from watchkeeper.schemas.envelope import Envelope
from watchkeeper.schemas.evaluations import JobRow, SampleRow, SuiteCaseRow, SuiteRunRow, VersionRow
from watchkeeper.schemas.events import EVENT_CLASSES
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.labels import DrawRow, LabelRow
from watchkeeper.schemas.rollups import ActivityMinute, FindingMinute, MetricHour, RollupPass
from watchkeeper.schemas.rows import (
    ContentRow,
    DeadLetterRow,
    EventColumns,
    MetricRow,
    SessionRow,
    SessionTimeRow,
    SubjectRow,
)
from watchkeeper.schemas.scores import Score
from watchkeeper.schemas.verdicts import VerdictRow

Records = Callable[..., list[dict[str, Any]]]
Insert = Callable[..., None]
STORED = {"stored_at"}


def names(*models: type[BaseModel]) -> set[str]:
    return {name for model in models for name in model.model_fields}


TABLES: dict[str, set[str]] = {
    "events": names(Envelope, EventColumns) | {"type", "data"} | STORED,
    "findings": names(Finding) | STORED,
    "control_commands": names(Control) - {"target"} | {"target_kind", "target_id"} | STORED,
    "contents": names(ContentRow) | {"keep_until"} | STORED,
    "sessions": names(SessionRow) | STORED,
    "sessions_by_time": names(SessionTimeRow) | STORED,
    "sessions_to_time": names(SessionTimeRow) | STORED,
    "subjects": names(SubjectRow) | STORED,
    "dead_letters": names(DeadLetterRow) | STORED,
    "verdicts": names(VerdictRow) | STORED,
    "scores": names(Score) | STORED,
    "labels": names(LabelRow) | STORED,
    "label_draws": names(DrawRow) | STORED,
    "eval_samples": names(SampleRow) | STORED,
    "eval_runs": names(SuiteRunRow) | STORED,
    "eval_cases": names(SuiteCaseRow) | STORED,
    "eval_jobs": names(JobRow) | STORED,
    "eval_versions": names(VersionRow) | STORED,
    "alerts": names(AlertRow) | STORED,
    "alert_findings": names(AlertFindingRow) | STORED,
    "alert_notices": names(AlertNoticeRow) | STORED,
    "pipeline_metrics": names(MetricRow) | STORED,
    # The states of quantiles are ClickHouse's own: no model holds them.
    "activity_minutes": names(ActivityMinute) | {"duration_us"},
    "finding_minutes": names(FindingMinute),
    "activity_hours": names(ActivityMinute) - {"minute"} | {"hour", "duration_us"},
    "finding_hours": names(FindingMinute) - {"minute"} | {"hour"},
    "metric_hours": names(MetricHour),
    "rollup_passes": names(RollupPass),
    "schema_migrations": {"name", "checksum", "applied_at"},
}
MODELS: dict[str, tuple[type[BaseModel], ...]] = {
    "events": (Envelope, EventColumns),
    "findings": (Finding,),
    "control_commands": (Control,),
    "contents": (ContentRow,),
    "sessions": (SessionRow,),
    "sessions_by_time": (SessionTimeRow,),
    "subjects": (SubjectRow,),
    "dead_letters": (DeadLetterRow,),
    "verdicts": (VerdictRow,),
    "scores": (Score,),
    "labels": (LabelRow,),
    "label_draws": (DrawRow,),
    "eval_samples": (SampleRow,),
    "eval_runs": (SuiteRunRow,),
    "eval_cases": (SuiteCaseRow,),
    "eval_jobs": (JobRow,),
    "alerts": (AlertRow,),
    "alert_findings": (AlertFindingRow,),
    "alert_notices": (AlertNoticeRow,),
    "activity_minutes": (ActivityMinute,),
    "finding_minutes": (FindingMinute,),
    "pipeline_metrics": (MetricRow,),
    "metric_hours": (MetricHour,),
}


def columns(records: Records, table: str) -> dict[str, str]:
    found = records(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}",
        table=table,
    )
    return {column["name"]: column["type"] for column in found}


def test_every_table_is_expected_and_has_the_columns_of_its_models(records: Records) -> None:
    found = {row["name"]: set(columns(records, row["name"])) for row in records("SHOW TABLES")}
    assert found == TABLES


def int_fields() -> Iterator[tuple[str, str, int, int]]:
    """Every whole number of the rows with the range that its model allows."""
    for table, models in MODELS.items():
        for model in models:
            for name, field in model.model_json_schema()["properties"].items():
                for kind in field.get("anyOf", [field]):
                    if kind.get("type") == "integer":
                        high = kind["maximum"] if "maximum" in kind else kind["exclusiveMaximum"] - 1
                        yield table, name, kind["minimum"], high


@pytest.mark.parametrize(("table", "name", "low", "high"), list(int_fields()), ids=str)
def test_no_number_that_a_model_takes_overflows_its_column(
    records: Records, table: str, name: str, low: int, high: int
) -> None:
    kind = columns(records, table)[name].removeprefix("Nullable(").removesuffix(")")
    bits = int(kind.removeprefix("U").removeprefix("Int"))
    lowest, highest = (0, 2**bits - 1) if kind.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    assert lowest <= low <= high <= highest


def test_the_numbers_are_many() -> None:
    # The test above compares nothing where it finds nothing.
    assert {"seq", "turn", "source_line", "rule_version", "part", "version"} <= {field[1] for field in int_fields()}


def ttl_of(records: Records, table: str) -> str:
    sql = "SELECT create_table_query AS q FROM system.tables WHERE database = currentDatabase() AND name = {t:String}"
    query = str(records(sql, t=table)[0]["q"])
    return query.partition(" TTL ")[2].partition(" SETTINGS ")[0]


def test_retention_runs_from_the_time_of_storage(records: Records) -> None:
    by_class = (
        "toDateTime(stored_at) + toIntervalDay(90) WHERE retention_class = 'standard', "
        "toDateTime(stored_at) + toIntervalYear(7) WHERE retention_class = 'regulated'"
    )
    assert {table: ttl_of(records, table) for table in TABLES} == {
        "events": by_class,
        "sessions": by_class,
        "sessions_by_time": by_class,
        "sessions_to_time": "",
        "findings": "toDateTime(stored_at) + toIntervalYear(7)",
        "verdicts": "toDateTime(stored_at) + toIntervalYear(7)",
        "scores": "toDateTime(stored_at) + toIntervalYear(7)",
        "labels": "toDateTime(stored_at) + toIntervalYear(7)",
        "label_draws": "toDateTime(stored_at) + toIntervalYear(7)",
        "eval_samples": "toDateTime(stored_at) + toIntervalDay(400)",
        "eval_runs": "toDateTime(stored_at) + toIntervalYear(7)",
        "eval_cases": "toDateTime(stored_at) + toIntervalYear(7)",
        "eval_jobs": "",
        "eval_versions": "",
        "alerts": "toDateTime(stored_at) + toIntervalYear(7)",
        "alert_findings": "toDateTime(stored_at) + toIntervalDay(400)",
        "alert_notices": "toDateTime(stored_at) + toIntervalDay(400)",
        "control_commands": "toDateTime(stored_at) + toIntervalYear(7)",
        "dead_letters": "toDateTime(stored_at) + toIntervalDay(90)",
        "pipeline_metrics": "toDateTime(stored_at) + toIntervalDay(30)",
        "contents": "keep_until",
        "subjects": (
            "toDateTime(stored_at) + toIntervalDay(120) WHERE (subject LIKE 'facts:%') OR (subject LIKE 'resource:%') "
            "OR (subject LIKE 'action:%') OR (subject LIKE 'user:%'), toDateTime(stored_at) + toIntervalDay(400)"
        ),
        "activity_minutes": "",
        "finding_minutes": "",
        "activity_hours": "",
        "finding_hours": "",
        "metric_hours": "toDateTime(computed_at) + toIntervalDay(400)",
        "rollup_passes": "",
        "schema_migrations": "",
    }


@pytest.mark.parametrize(("kind", "days"), [("agent", 400), ("tree", 400), ("facts", 120), ("user", 120)])
def test_a_subject_that_nobody_hears_of_is_forgotten(
    records: Records, insert: Insert, client: Client, kind: str, days: int
) -> None:
    now = datetime.now(UTC)
    for version, (name, age) in enumerate([("gone", days + 2), ("alive", days + 2), ("alive", 1), ("old", days - 2)]):
        row = {
            "source_partition": 0,
            "subject": f"{kind}:{kind}/live/{name}",
            "version": version,
            "tenant_id": kind,
            "origin": "live",
            "state": "{}",
            "stored_at": (now - timedelta(days=age)).strftime("%Y-%m-%d %H:%M:%S"),
        }
        insert("subjects", orjson.dumps(row))
    client.command("OPTIMIZE TABLE subjects FINAL")
    left = records("SELECT subject, version FROM subjects WHERE tenant_id = {kind:String} ORDER BY version", kind=kind)
    assert [(row["subject"].rpartition("/")[2], row["version"]) for row in left] == [("alive", 2), ("old", 3)]


def test_every_class_of_event_fits_the_table() -> None:
    assert all(set(cls.model_fields) == names(Envelope) | {"type", "data"} for cls in EVENT_CLASSES)
