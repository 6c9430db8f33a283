"""Events in the store: lines with the worker's columns in front come back as they went in, `data` byte for byte."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest
from clickhouse_connect.driver import Client

from watchkeeper.schemas.envelope import Envelope
from watchkeeper.schemas.events import EVENT_ADAPTER
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.model import format_utc
from watchkeeper.schemas.rows import EventColumns
from watchkeeper.schemas.wire import line_digest

Records = Callable[..., list[dict[str, Any]]]
Insert = Callable[..., None]
EVENTS: dict[str, dict[str, Any]] = {
    file.name: json.loads(file.read_text(encoding="utf-8"))
    for file in (resources.files("watchkeeper.schemas") / "examples").iterdir()
    if file.name.startswith("event.")
}
NOW = dt.datetime(2026, 3, 2, 9, 15, tzinfo=dt.UTC)


def spliced(document: dict[str, Any], **own: object) -> bytes:
    """An event's canonical line with the worker's columns in front, as the worker makes its rows."""
    line = dump_json(document)
    head: dict[str, object] = {
        "source_partition": 3,
        "source_offset": 40,
        "source_line": 0,
        "digest": line_digest(line),
        "received_at": format_utc(NOW),
    }
    return dump_json(head | own)[:-1] + b"," + line[1:]


def event(**changes: object) -> dict[str, Any]:
    """The example of a tool call, as a session of its own."""
    return EVENTS["event.v1.refund.2.tool_call.json"] | {"session_id": uuid.uuid4().hex} | changes


def test_a_line_that_leaves_its_defaults_out_gets_them_in_the_table(insert: Insert, records: Records) -> None:
    session = uuid.uuid4().hex
    least = {
        "type": "tool_call",
        "event_id": "01890000-0000-7000-8000-000000000000",
        "session_id": session,
        "writer_id": "w",
        "seq": 0,
        "occurred_at": "2026-03-02T09:15:00.000001Z",
        "agent_id": "a",
        "data": {"tool_call_id": "c", "tool_name": "t"},
    }
    insert("events", spliced(least))
    (row,) = records("SELECT * FROM events WHERE session_id = {id:String}", id=session)
    model = EVENT_ADAPTER.validate_json(dump_json(least))
    empty = {"parent_session_id", "writer_salt", "data_digest", "chain"}
    for name in set(Envelope.model_fields) - {"root_session_id", "attributes"} - empty:
        assert row[name] == getattr(model, name), name
    for name, field in EventColumns.model_fields.items():
        if not field.is_required():
            assert row[name] == field.default, name
    assert row["root_session_id"] == session
    assert row["attributes"] == "{}"
    assert {row[name] for name in empty} == {""}


@pytest.mark.parametrize("name", EVENTS)
def test_a_canonical_line_comes_back_equal_and_its_data_byte_for_byte(
    insert: Insert, records: Records, name: str
) -> None:
    document = EVENTS[name] | {"session_id": uuid.uuid4().hex}
    insert("events", spliced(document, model="m", input_tokens=7, cost_usd="0.000184000", price_status="priced"))
    (row,) = records("SELECT * FROM events WHERE session_id = {id:String}", id=document["session_id"])
    assert row["data"].encode() == dump_json(document["data"])
    assert row["attributes"].encode() == dump_json(document.get("attributes", {}))
    assert (row["model"], row["input_tokens"], str(row["cost_usd"])) == ("m", 7, "0.000184000")
    rebuilt = {key: row[key] for key in document if key not in ("data", "attributes", "occurred_at")}
    rebuilt["occurred_at"] = format_utc(row["occurred_at"])
    rebuilt["data"] = json.loads(row["data"])
    if "attributes" in document:
        rebuilt["attributes"] = json.loads(row["attributes"])
    assert EVENT_ADAPTER.validate_json(dump_json(rebuilt)) == EVENT_ADAPTER.validate_json(dump_json(document))


VERBATIM = [
    '{"tool_call_id":"1","a":{"b":[1,2.50,{"c":"\\u00e9 \\n é 💥 \\/ \\\\ \\""}]},"n":1e400}',
    '{ "tool_call_id" : "1" ,\t"x" : null, "big" : 123456789012345678901234567890 }',
    '{"a":"}","b":"{\\"c\\":[","d":"\\u0000\\u001f"}',
    '{"a":' + "[" * 150 + "]" * 150 + "}",
    "{}",
]


@pytest.mark.parametrize("data", VERBATIM)
def test_data_is_stored_as_the_bytes_that_came(insert: Insert, records: Records, data: str) -> None:
    document = event()
    insert("events", spliced(document).replace(dump_json(document["data"]), data.encode()))
    sql = "SELECT data FROM events WHERE session_id = {id:String}"
    assert [row["data"] for row in records(sql, id=document["session_id"])] == [data]


def test_a_line_of_two_megabytes_is_stored_whole(insert: Insert, records: Records) -> None:
    document = event(data={"tool_call_id": "1", "tool_name": "t", "arguments": "ä" * 1_000_000})
    insert("events", spliced(document))
    sql = "SELECT data FROM events WHERE session_id = {id:String}"
    assert records(sql, id=document["session_id"])[0]["data"].encode() == dump_json(document["data"])


@pytest.mark.parametrize("moment", ["1970-01-01T00:00:00.000000Z", "2299-12-31T23:59:59.999999Z"])
def test_the_ends_of_the_calendar_are_stored_exactly(insert: Insert, records: Records, moment: str) -> None:
    document = event(occurred_at=moment)
    insert("events", spliced(document))
    sql = "SELECT occurred_at FROM events WHERE session_id = {id:String}"
    assert format_utc(records(sql, id=document["session_id"])[0]["occurred_at"]) == moment


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((b'"seq":2', b'"seq":2,"surprise":1'), "Unknown field"),
        ((b'"seq":2', b'"seq":2,"seq":3'), "Duplicate field"),
        ((b'"seq":2', b'"seq":2,"digest":"forged"'), "Duplicate field"),
        ((b'"seq":2', b'"seq":"two"'), "seq"),
    ],
)
def test_the_engine_refuses_what_the_models_refuse(
    insert: Insert, records: Records, change: tuple[bytes, bytes], said: str
) -> None:
    document = event()
    with pytest.raises(Exception, match=said):
        insert("events", spliced(document).replace(*change))
    assert records("SELECT 1 FROM events WHERE session_id = {id:String}", id=document["session_id"]) == []


def test_an_event_told_twice_is_one_and_other_content_under_its_number_is_another(
    insert: Insert, records: Records
) -> None:
    document = event()
    insert("events", spliced(document))
    insert("events", spliced(document, source_offset=41), spliced(document | {"step": "other"}, source_offset=42))
    sql = "SELECT step FROM events FINAL WHERE session_id = {id:String} ORDER BY step"
    assert [row["step"] for row in records(sql, id=document["session_id"])] == ["other", "pay"]


DAYS = {"standard": 90, "regulated": 7 * 365}


@pytest.mark.parametrize("retention_class", DAYS)
def test_a_row_goes_when_its_class_ends_and_an_old_recording_stays(
    client: Client, insert: Insert, records: Records, retention_class: str
) -> None:
    now = dt.datetime.now(dt.UTC)
    last_day = now - dt.timedelta(days=DAYS[retention_class] - 1)
    gone = now - dt.timedelta(days=DAYS[retention_class] + 9)
    document = event(occurred_at="2019-05-01T00:00:00.000000Z", retention_class=retention_class)
    insert(
        "events",
        spliced(document),
        spliced(document | {"seq": 3}, stored_at=format_utc(last_day)),
        spliced(document | {"seq": 4}, stored_at=format_utc(gone)),
    )
    client.command("OPTIMIZE TABLE events PARTITION 20190501 FINAL")
    sql = "SELECT seq FROM events WHERE session_id = {id:String} ORDER BY seq"
    assert [row["seq"] for row in records(sql, id=document["session_id"])] == [2, 3]


def test_events_of_a_day_are_one_partition(insert: Insert, records: Records) -> None:
    document = event(occurred_at="2011-12-31T23:59:59.999999Z")
    insert("events", spliced(document), spliced(document | {"occurred_at": "2012-01-01T00:00:00.000000Z"}))
    sql = (
        "SELECT DISTINCT partition FROM system.parts WHERE database = currentDatabase() AND table = 'events' "
        "AND active AND partition IN ('20111231', '20120101') ORDER BY partition"
    )
    assert [row["partition"] for row in records(sql)] == ["20111231", "20120101"]
