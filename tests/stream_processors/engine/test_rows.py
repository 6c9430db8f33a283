"""Rows: what is judged is what is stored, and no line speaks for the worker."""

from __future__ import annotations

import asyncio
import base64
import json
from types import ModuleType
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.events import EVENT_ADAPTER, ToolCall
from watchkeeper.schemas.rows import EventColumns
from watchkeeper.stream_processors.detection.pricing import NOTHING_TO_PRICE, Priced
from watchkeeper.stream_processors.engine.decode import decode
from watchkeeper.stream_processors.engine.ports import Record
from watchkeeper.stream_processors.engine.rows import EventRows, dead_letter_row, session_row


def rows(record: Record, *, priced: Priced = NOTHING_TO_PRICE, late: bool = False) -> list[bytes]:
    made = EventRows(record)
    return [made.row(line, "d" * 32, priced=priced, late=late) for line in decode(record)[0]]


def pairs(row: bytes) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = json.loads(row, object_pairs_hook=list)
    return found


def test_the_columns_of_the_worker_come_first_and_the_line_as_it_is(telling: ModuleType) -> None:
    line = telling.Teller().call(q="x")
    (row,) = rows(telling.Teller().record(line, offset=7, partition=3), late=True)
    head, _, rest = row.partition(b'"type"')
    assert b'"type"' + rest == line[1:]
    assert orjson.loads(head.rstrip(b",") + b"}") == {
        "source_partition": 3,
        "source_offset": 7,
        "received_at": "2026-01-01T00:00:00.000000Z",
        "source_line": 0,
        "digest": "d" * 32,
        "late": True,
        "tool_name": "search",
    }


def test_no_row_holds_a_key_twice(telling: ModuleType) -> None:
    teller = telling.Teller()
    lines = [teller.start(), teller.call(), teller.result(1), teller.end()]
    for canonical in (True, False):
        for row in rows(teller.record(*lines, canonical=canonical)):
            names = [name for name, _ in pairs(row)]
            assert len(names) == len(set(names))


@pytest.mark.parametrize("name", sorted(EventColumns.model_fields))
def test_a_line_cannot_set_a_column_of_the_worker(telling: ModuleType, name: str) -> None:
    teller = telling.Teller()
    line = teller.call()
    lines, refused = decode(teller.record(line[:-1] + f',"{name}":1}}'.encode()))
    assert lines == []
    assert f"{name}: Extra inputs are not permitted" in refused[0].detail


def test_of_a_key_that_stands_twice_what_is_judged_is_what_is_stored(telling: ModuleType) -> None:
    teller = telling.Teller()
    line = (
        teller.call(q="first")
        .replace(b'"q":"first"', b'"q":"first","q":"second"')
        .replace(b'"seq":0', b'"seq":5,"seq":0')
    )
    record = teller.record(line)
    (judged,) = decode(record)[0]
    (row,) = rows(record)
    stored = orjson.loads(row)
    assert row.count(b'"seq"') == row.count(b'"q"') == 1
    assert isinstance(judged.event, ToolCall)
    assert (judged.event.seq, judged.event.data.arguments) == (stored["seq"], stored["data"]["arguments"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(arguments=JSON, canonical=st.booleans(), spaced=st.booleans())
def test_a_row_says_what_was_judged(telling: ModuleType, arguments: Any, canonical: bool, spaced: bool) -> None:
    teller = telling.Teller()
    document = orjson.loads(teller.call())
    document["data"]["arguments"] = arguments
    separators = (", ", ": ") if spaced else (",", ":")
    line = json.dumps(document, separators=separators, ensure_ascii=spaced).encode()
    record = teller.record(line, canonical=canonical)
    (judged,) = decode(record)[0]
    (row,) = rows(record)
    stored = json.loads(row)
    own = set(EventColumns.model_fields)
    event = EVENT_ADAPTER.validate_json(json.dumps({name: value for name, value in stored.items() if name not in own}))
    assert event == judged.event
    assert isinstance(event, ToolCall)
    assert event.data.arguments == arguments


@pytest.mark.parametrize("timestamp_ms", [-1, -(2**62), 0, 1_767_225_600_000, 10**14, 2**62])
def test_a_record_may_claim_any_time(telling: ModuleType, timestamp_ms: int) -> None:
    record = telling.Teller().record(telling.Teller().call())
    stamped = Record(record.topic, 0, 0, record.key, record.value, timestamp_ms)
    received = orjson.loads(rows(stamped)[0])["received_at"]
    assert "1970-01-01" <= received <= "2299-12-31T23:59:59.999999Z"
    assert orjson.loads(dead_letter_row(stamped, "not_json", "", b"", 0))["received_at"] == received


def test_usage_and_price_are_lifted_out(telling: ModuleType) -> None:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 2}
    teller = telling.Teller()
    record = teller.record(teller.line("response", {"request_id": "r", "model": "m", "usage": usage}))
    (row,) = rows(record, priced=Priced("priced", 0.00000025, "2026-01"))
    stored = orjson.loads(row)
    assert stored["cost_usd"] == "0.000000250"
    assert (stored["model"], stored["price_status"], stored["price_version"]) == ("m", "priced", "2026-01")
    assert (stored["input_tokens"], stored["cached_input_tokens"], stored["output_tokens"]) == (10, 4, 2)
    (row,) = rows(record, priced=Priced("unpriced"))
    assert "cost_usd" not in orjson.loads(row)
    assert orjson.loads(row)["price_status"] == "unpriced"


def test_absurd_usage_still_fits_its_columns(telling: ModuleType) -> None:
    """A row that is refused for ever would stop the worker."""
    world, teller = telling.World(), telling.Teller()
    usage = {"input_tokens": 2**53 - 1, "output_tokens": 2**53 - 1}
    record = teller.record(teller.line("response", {"request_id": "r", "model": "m", "usage": usage}))
    (row,) = rows(record, priced=Priced("priced", 1e12, "v"))
    assert orjson.loads(row)["cost_usd"] == "999999999.000000000"

    async def play() -> Any:
        worker = await telling.Worker(world).start()
        world.tell(teller, *[teller.line("response", {"request_id": "r", "usage": usage}) for _ in range(3)])
        await worker.run()
        return worker.stage.sessions["default", "s-1"].state

    state = asyncio.run(play())
    state.totals.cost_usd, state.totals.tokens = 1e12, 2**63
    stored = orjson.loads(session_row(0, state))
    assert (stored["cost_usd"], stored["tokens"]) == (999_999_999.0, 2**63 - 1)


@given(raw=st.binary(max_size=100), key=st.none() | st.binary(max_size=20), detail=st.text(max_size=3000))
def test_a_dead_letter_keeps_every_byte(raw: bytes, key: bytes | None, detail: str) -> None:
    record = Record("agent.events", 1, 2, key, b"", 0)
    stored = orjson.loads(dead_letter_row(record, "not_json", detail, raw, 4))
    assert base64.b64decode(stored["raw_base64"]) == raw
    assert base64.b64decode(stored["key_base64"]) == (key or b"")
    assert len(stored["detail"]) <= 2000
