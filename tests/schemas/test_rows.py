"""Findings, commands and states in the store: they come back equal, and the newest of a key stays."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from importlib import resources
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from watchkeeper.schemas.control import CONTROL_ADAPTER
from watchkeeper.schemas.findings import FINDING_ADAPTER
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.model import format_utc
from watchkeeper.schemas.rows import ContentRow, DeadLetterRow, SessionRow, SubjectRow

Records = Callable[..., list[dict[str, Any]]]
Insert = Callable[..., None]
EXAMPLES: dict[str, dict[str, Any]] = {
    file.name: json.loads(file.read_text(encoding="utf-8"))
    for file in (resources.files("watchkeeper.schemas") / "examples").iterdir()
}
NOW = dt.datetime(2026, 3, 2, 9, 15, tzinfo=dt.UTC)


def test_the_example_finding_comes_back_equal(insert: Insert, records: Records) -> None:
    finding = FINDING_ADAPTER.validate_json(dump_json(EXAMPLES["finding.v1.cap_use.json"]))
    insert("findings", finding.model_dump_json().encode())
    (row,) = records("SELECT * EXCEPT stored_at FROM findings")
    for name in ("first_event_at", "last_event_at", "detected_at"):
        row[name] = format_utc(row[name])
    row["evidence"] = json.loads(row["evidence"])
    assert FINDING_ADAPTER.validate_json(dump_json(row)) == finding


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith("control.")])
def test_an_example_command_comes_back_equal(insert: Insert, records: Records, name: str) -> None:
    document = dict(EXAMPLES[name])
    target = document.pop("target")
    insert("control_commands", dump_json(document | {"target_kind": target["kind"], "target_id": target["id"]}))
    sql = "SELECT * EXCEPT stored_at FROM control_commands WHERE command_id = {id:String}"
    (row,) = records(sql, id=document["command_id"])
    for moment in ("issued_at", "expires_at"):
        row[moment] = format_utc(row[moment])
    row["target"] = {"kind": row.pop("target_kind"), "id": row.pop("target_id")}
    assert CONTROL_ADAPTER.validate_json(dump_json(row)) == CONTROL_ADAPTER.validate_json(dump_json(EXAMPLES[name]))


def session_row(**changes: object) -> bytes:
    row = SessionRow(
        source_partition=1,
        tenant_id="acme",
        session_id=uuid.uuid4().hex,
        version=1,
        root_session_id="s",
        parent_session_id="",
        agent_id="a",
        agent_version="",
        environment="production",
        origin="live",
        user_id="",
        customer_id="",
        workflow="",
        intent="",
        model="",
        started_at=NOW,
        opened_at=NOW,
        last_event_at=NOW,
        status="open",
        events=1,
        tool_calls=0,
        tokens=0,
        input_tokens=0,
        output_tokens=0,
        cost_usd=0.000000001,
        unpriced_requests=0,
        findings=0,
        worst_severity="",
        policy_address="",
        retention_class="standard",
        state='{"a": {"b": "\\u00e9"}}',
    )
    return row.model_copy(update=changes).model_dump_json().encode()


def content_row(**changes: object) -> bytes:
    row = ContentRow(
        tenant_id="acme",
        address="u-" + uuid.uuid4().hex * 2,
        part=0,
        parts=1,
        size=2,
        media_type="text/plain",
        text="ä\n",
        retention_class="standard",
    )
    return row.model_copy(update=changes).model_dump_json().encode()


def subject_row(**changes: object) -> bytes:
    row = SubjectRow(
        source_partition=1, subject=uuid.uuid4().hex, version=1, tenant_id="acme", origin="live", state='{"a":1}'
    )
    return row.model_copy(update=changes).model_dump_json().encode()


def dead_letter_row(**changes: object) -> bytes:
    row = DeadLetterRow(
        source_topic="agent.events",
        source_partition=1,
        source_offset=uuid.uuid4().int % 2**62,
        source_line=-1,
        reason="not_json",
        detail="",
        key_base64="",
        raw_base64="/w==",
        received_at=NOW,
    )
    return row.model_copy(update=changes).model_dump_json().encode()


def finding_row(**changes: object) -> bytes:
    finding = FINDING_ADAPTER.validate_json(dump_json(EXAMPLES["finding.v1.cap_use.json"]))
    return finding.model_copy(update={"finding_id": uuid.uuid4().hex} | changes).model_dump_json().encode()


@pytest.mark.parametrize(
    ("table", "row", "model"),
    [
        ("sessions", session_row(), SessionRow),
        ("contents", content_row(), ContentRow),
        ("subjects", subject_row(), SubjectRow),
        ("dead_letters", dead_letter_row(), DeadLetterRow),
    ],
)
def test_a_row_comes_back_equal(
    insert: Insert, records: Records, table: str, row: bytes, model: type[BaseModel]
) -> None:
    insert(table, row)
    given = orjson.loads(row)
    key = {"sessions": "session_id", "contents": "address", "subjects": "subject", "dead_letters": "source_offset"}[
        table
    ]
    sql = f"SELECT {', '.join(model.model_fields)} FROM {table} WHERE toString({key}) = {{key:String}}"
    (back,) = records(sql, key=str(given[key]))
    for name, value in back.items():
        if isinstance(value, dt.datetime):
            back[name] = format_utc(value)
        elif name == "cost_usd":
            back[name] = float(value)
    assert model.model_validate_json(dump_json(back)) == model.model_validate_json(row)


REPLACING: list[tuple[str, Callable[..., bytes], dict[str, object], dict[str, object], str]] = [
    ("sessions", session_row, {"session_id": "r", "version": 2}, {"session_id": "r", "version": 1}, "version"),
    ("subjects", subject_row, {"subject": "r", "version": 2}, {"subject": "r", "version": 1}, "version"),
    ("findings", finding_row, {"finding_id": "r", "revision": 1}, {"finding_id": "r", "revision": 0}, "revision"),
    (
        "dead_letters",
        dead_letter_row,
        {"source_offset": 9, "revision": 1},
        {"source_offset": 9, "revision": 0},
        "revision",
    ),
]


@pytest.mark.parametrize(("table", "make", "newer", "older", "version"), REPLACING, ids=[case[0] for case in REPLACING])
def test_the_highest_version_of_a_key_stays_whatever_came_last(
    insert: Insert,
    records: Records,
    table: str,
    make: Callable[..., bytes],
    newer: dict[str, object],
    older: dict[str, object],
    version: str,
) -> None:
    insert(table, make(**newer))
    insert(table, make(**older))
    insert(table, make(**newer))
    key, value = next(iter(newer.items()))
    sql = f"SELECT {version} FROM {table} FINAL WHERE toString({key}) = {{value:String}}"
    assert [row[version] for row in records(sql, value=str(value))] == [newer[version]]


def test_a_command_told_twice_is_one(insert: Insert, records: Records) -> None:
    row = dump_json(
        {key: value for key, value in EXAMPLES["control.v1.terminate.json"].items() if key != "target"}
        | {"target_kind": "session", "target_id": "s", "command_id": "twice"}
    )
    insert("control_commands", row)
    insert("control_commands", row)
    sql = "SELECT count() AS rows FROM control_commands FINAL WHERE command_id = 'twice'"
    assert records(sql) == [{"rows": 1}]


def test_a_text_is_kept_by_the_longest_class_that_refers_to_it(insert: Insert, records: Records) -> None:
    for retention_class in ("standard", "regulated", "standard"):
        insert("contents", content_row(address="u-shared", retention_class=retention_class))
    sql = (
        "SELECT retention_class, dateDiff('day', stored_at, keep_until) AS days "
        "FROM contents FINAL WHERE address = 'u-shared'"
    )
    (row,) = records(sql)
    assert row["retention_class"] == "regulated"
    assert row["days"] in range(7 * 365, 7 * 366 + 1)
