"""Bytes to events or to dead letters: every reason, and nothing lost in between."""

from __future__ import annotations

from types import ModuleType

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.contents import MAX_LINE_BYTES
from watchkeeper.schemas.topics import MAX_RECORD_BYTES
from watchkeeper.schemas.wire import record_key
from watchkeeper.stream_processors.engine.decode import Rejected, decode
from watchkeeper.stream_processors.engine.ports import Record


def record(value: bytes, key: bytes | None = b"default/s-1", *, canonical: bool = False) -> Record:
    return Record("agent.events", 0, 0, key, value, 0, canonical)


def rejected(value: bytes, key: bytes | None = b"default/s-1") -> Rejected:
    lines, refused = decode(record(value, key))
    assert lines == []
    (only,) = refused
    return only


@pytest.fixture
def line(telling: ModuleType) -> bytes:
    written: bytes = telling.Teller().call(q="x")
    return written


def changed(line: bytes, **values: object) -> bytes:
    return orjson.dumps(orjson.loads(line) | values)


def test_a_valid_line(line: bytes) -> None:
    lines, refused = decode(record(line))
    assert refused == []
    assert (lines[0].event.type, lines[0].raw, lines[0].index) == ("tool_call", line, 0)


@pytest.mark.parametrize(
    ("old", "new", "reason", "detail"),
    [
        (b"support", b"sup\xffport", "not_utf8", "byte 174 is not UTF-8: events are JSON in UTF-8"),
        (b'"seq":0', b'"seq":', "not_json", "one JSON object on each line"),
        (b'"q":"x"', b'"q":NaN', "not_json", "JSON has no NaN and no infinities, write null"),
        (b'"q":"x"', b'"q":-Infinity', "not_json", "JSON has no NaN and no infinities, write null"),
        (b'"q":"x"', b'"q":"\\ud800"', "not_json", "one JSON object on each line"),
        (b'"q":"x"', b'"q":' + b"[" * 250 + b"]" * 250, "invalid_field", "recursion limit"),
        (b'"seq":0', b'"seq":"0"', "invalid_field", "seq: Input should be a valid integer"),
        (b'"seq":0', b'"seq":-1', "invalid_field", "seq: Input should be greater than or equal to 0"),
        (b'"seq":0', b'"seq":0,"cost_usd":0', "invalid_field", "cost_usd: Extra inputs are not permitted"),
        (b'"seq":0', b'"seq":0,"source_offset":0', "invalid_field", "source_offset: Extra inputs are not permitted"),
        (b'"seq":0', b'"seq":0,"digest":""', "invalid_field", "digest: Extra inputs are not permitted"),
        (b'"seq":0', b'"seq":0,"late":true', "invalid_field", "late: Extra inputs are not permitted"),
        (b"tool_call_id", b"tool_id", "invalid_field", "data.tool_call_id: Field required"),
        (b"2026-01-01", b"1969-12-31", "unusable_time", "occurred_at: Input should be a time from 1970 to 2299"),
        (b"2026-01-01", b"2300-01-01", "unusable_time", "occurred_at: Input should be a time from 1970 to 2299"),
        (b'00000Z"', b'00000"', "invalid_field", "occurred_at: Input should have timezone info"),
        (b'"tool_call"', b'"tool_cal"', "unknown_type", "type 'tool_cal' is none of session_started, prompt"),
        (b'"type":"tool_call",', b"", "unknown_type", "type 'None' is none of"),
        (b'"type":"tool_call"', b'"type":["tool_call"]', "unknown_type", "is none of"),
        (b'"seq":0', b'"seq":0,"schema_version":2', "future_schema_version", "upgrade the workers, then re-drive"),
        (b"s-1", b"s-2", "wrong_key", "the event belongs to default/s-2: key records by tenant_id/session_id"),
    ],
)
def test_reasons(line: bytes, old: bytes, new: bytes, reason: str, detail: str) -> None:
    assert old in line
    refused = rejected(line.replace(old, new, 1))
    assert refused.reason == reason
    assert detail in refused.detail
    assert (refused.raw, refused.index) == (line.replace(old, new, 1), 0)


def test_a_future_version_comes_before_what_that_version_has_new(line: bytes) -> None:
    assert rejected(changed(line, schema_version=9, type="telepathy", seq="no")).reason == "future_schema_version"


@pytest.mark.parametrize("value", [b"[]", b"1", b'"event"', b"null", b"true"])
def test_json_that_is_no_object(value: bytes) -> None:
    refused = rejected(value)
    assert refused.reason == "not_an_object"
    assert "one event, as an object, on each line" in refused.detail


def test_no_key_is_a_wrong_key(line: bytes) -> None:
    refused = rejected(line, None)
    assert refused.reason == "wrong_key"
    assert "the record's key is 'None'" in refused.detail


def test_several_problems_are_told_and_the_rest_counted(line: bytes) -> None:
    detail = rejected(changed(line, seq="1", agent_id=1, event_id=1, writer_id=1, workflow=1)).detail
    assert detail.count("; ") == 2
    assert detail.endswith("(and 2 more)")


def test_details_do_not_repeat_what_stood_there(line: bytes) -> None:
    assert "secret" not in rejected(changed(line, seq="my secret")).detail


def test_a_line_that_is_too_long(line: bytes) -> None:
    refused = rejected(changed(line, agent_version="x" * MAX_LINE_BYTES))
    assert refused.reason == "too_large"
    assert "send long texts as `content` events" in refused.detail


def test_a_record_that_is_too_large_is_kept_whole() -> None:
    value = b"x\n" * (MAX_RECORD_BYTES // 2 + 1)
    refused = rejected(value)
    assert (refused.reason, refused.index, refused.raw) == ("too_large", -1, value)
    assert "send fewer events in one" in refused.detail


def test_good_lines_are_read_beside_bad_ones(line: bytes) -> None:
    lines, refused = decode(record(b"\n".join([b"", line, b"garbage", b"  ", line, b""])))
    assert [one.index for one in lines] == [1, 4]
    assert [one.index for one in refused] == [2]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"seq":0', b'"seq":0,"seq":0'),
        (b'"q":"x"', b'"q":"x","q":"y"'),
        (b'"occurred_at":"2026-01-01T00:00:00.100000Z"', b'"occurred_at":"2026-01-01T00:00Z"'),
        (b'"occurred_at":"2026-01-01T00:00:00.100000Z"', b'"occurred_at":"2026-01-01T01:00:00.1+01:00"'),
    ],
    ids=["key twice", "inner key twice", "short time", "zoned time"],
)
def test_the_claim_to_be_canonical_is_not_believed(line: bytes, old: bytes, new: bytes) -> None:
    assert old in line
    assert decode(record(line, canonical=True))[0][0].verbatim
    assert not decode(record(line))[0][0].verbatim
    (doubtful,), refused = decode(record(line.replace(old, new, 1), canonical=True))
    assert refused == []
    assert not doubtful.verbatim


@pytest.mark.parametrize("new", [b'"q": "x"', b'"q":1.50', b'"q":123456789012345678901234567890', b'"q":"\\u00e4"'])
def test_what_another_library_wrote_may_be_canonical_too(line: bytes, new: bytes) -> None:
    (one,), _ = decode(record(line.replace(b'"q":"x"', new), canonical=True))
    assert one.verbatim


@given(value=st.binary(max_size=400), key=st.none() | st.binary(max_size=20), canonical=st.booleans())
def test_arbitrary_bytes_never_raise_and_none_are_lost(value: bytes, key: bytes | None, canonical: bool) -> None:
    lines, refused = decode(record(value, key, canonical=canonical))
    parts = sorted([(one.index, one.raw) for one in lines] + [(one.index, one.raw) for one in refused])
    kept = [(index, raw) for index, raw in enumerate(value.split(b"\n")) if raw and not raw.isspace()]
    assert parts == kept


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(document=st.dictionaries(st.sampled_from(["type", "seq", "data", "schema_version", "x"]), JSON))
def test_arbitrary_objects_never_raise(document: dict[str, object]) -> None:
    try:
        value = orjson.dumps(document)
    except TypeError:
        return
    lines, refused = decode(record(value))
    assert lines == []
    assert len(refused) == 1
    assert refused[0].detail


@given(where=st.integers(0, 500), byte=st.integers(0, 255))
def test_a_byte_that_was_hit_on_the_way_never_raises(telling: ModuleType, where: int, byte: int) -> None:
    line = bytearray(telling.Teller().start())
    line[where % len(line)] = byte
    lines, refused = decode(record(bytes(line), canonical=True))
    kept = [one.raw for one in lines] + [one.raw for one in refused]
    assert sum(map(len, kept)) + bytes(line).count(b"\n") == len(line)


@given(
    st.one_of(st.text(max_size=8), st.sampled_from(["default", "a"])),
    st.one_of(st.text(max_size=8), st.sampled_from(["s-1", "s/1", "/s"])),
    st.one_of(st.none(), st.binary(max_size=12), st.sampled_from([b"default/s-1", b"default/s/1", b"default//s"])),
)
def test_the_key_decides_as_if_it_were_spelled_for_each_line(tenant: str, session: str, key: bytes | None) -> None:
    line = orjson.dumps(
        {
            "type": "session_ended",
            "event_id": "01890a5d-ac96-774b-bcce-b302099a8057",
            "tenant_id": tenant,
            "session_id": session,
            "writer_id": "w",
            "seq": 0,
            "occurred_at": "2026-01-01T00:00:00.000000Z",
            "agent_id": "a",
            "data": {},
        }
    )
    for spelled in (key, record_key(tenant, session)):
        lines, refused = decode(record(line, spelled))
        reasons = {one.reason for one in refused}
        if reasons == {"invalid_field"}:
            continue
        assert len(lines) + len(refused) == 1
        assert (reasons == {"wrong_key"}) == (spelled != record_key(tenant, session))
