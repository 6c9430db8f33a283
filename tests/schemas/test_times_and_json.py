"""Times keep every microsecond, and JSON is written as it is read."""

from __future__ import annotations

import datetime as dt
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from watchkeeper.schemas.events import EVENT_ADAPTER, ToolCall
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.model import EARLIEST, LATEST, Moment, format_utc, from_us, to_us

EVENT = {
    "type": "tool_call",
    "event_id": "01890000-0000-7000-8000-000000000000",
    "session_id": "s-1",
    "writer_id": "w-1",
    "seq": 0,
    "occurred_at": "2026-01-01T00:00:00.000001Z",
    "agent_id": "refunds",
}

moments = st.datetimes(
    min_value=EARLIEST.replace(tzinfo=None), max_value=LATEST.replace(tzinfo=None), timezones=st.just(dt.UTC)
)


@given(moments)
def test_microseconds_round_trip(moment: dt.datetime) -> None:
    assert from_us(to_us(moment)) == moment
    assert from_us(to_us(moment)).tzinfo is dt.UTC


@given(st.integers(min_value=to_us(EARLIEST), max_value=to_us(LATEST)))
def test_moments_round_trip(epoch_us: int) -> None:
    assert to_us(from_us(epoch_us)) == epoch_us


def test_the_ends_of_the_calendar_in_microseconds() -> None:
    assert to_us(EARLIEST) == 0
    assert to_us(LATEST) == 10_413_791_999_999_999


zones = st.timedeltas(min_value=dt.timedelta(hours=-14), max_value=dt.timedelta(hours=14)).map(
    lambda delta: dt.timezone(dt.timedelta(minutes=delta // dt.timedelta(minutes=1)))
)


@given(moments, zones)
def test_a_moment_of_any_zone_is_kept_and_spelled_in_utc(moment: dt.datetime, zone: dt.timezone) -> None:
    adapter: TypeAdapter[dt.datetime] = TypeAdapter(Moment)
    # West of Greenwich the first hours of 1970 are spelled 1969: the moment counts, not the digits.
    local = moment.astimezone(zone).isoformat()
    read = adapter.validate_json(json.dumps(local))
    assert (read, read.utcoffset()) == (moment, dt.timedelta(0))
    assert adapter.dump_json(read).decode() == f'"{format_utc(moment)}"'
    assert len(format_utc(moment)) == len("2026-01-01T00:00:00.000000Z")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values)
def test_arguments_of_any_shape_are_kept(arguments: object) -> None:
    raw = dump_json(EVENT | {"data": {"tool_call_id": "c", "tool_name": "t", "arguments": arguments}})
    event = EVENT_ADAPTER.validate_json(raw)
    assert isinstance(event, ToolCall)
    assert event.data.arguments == arguments
    assert EVENT_ADAPTER.validate_json(event.model_dump_json(exclude_none=True)) == event


@given(json_values)
def test_json_is_written_as_it_is_read(value: object) -> None:
    assert json.loads(dump_json(value)) == value
    assert json.loads(dump_json(value, sort_keys=True)) == value


@pytest.mark.parametrize("value", [{1: 2, "big": 10**30}, ["\ud800"], {"a": object()}, {"a": {1, 2}}])
def test_what_is_no_json_is_not_written(value: object) -> None:
    with pytest.raises(TypeError):
        dump_json(value)


@pytest.mark.parametrize("beside", [1, 10**30])
def test_numbers_that_json_cannot_spell_are_null(beside: int) -> None:
    assert json.loads(dump_json([math.nan, math.inf, -math.inf, beside])) == [None, None, None, beside]
