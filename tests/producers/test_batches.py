"""When records leave, on a clock of our own."""

from __future__ import annotations

from typing import Any

import pytest

from watchkeeper.producers import LiveIdentity, Settings
from watchkeeper.producers.losses import Losses
from watchkeeper.producers.settings import MAX_RECORD_BYTES
from watchkeeper.producers.writing.batches import Batches
from watchkeeper.producers.writing.drafts import Filters
from watchkeeper.producers.writing.headers import Header
from watchkeeper.producers.writing.hostqueue import Item, Numbering
from watchkeeper.producers.writing.writer import Writer, Written

SETTINGS = Settings(linger_ms=50, busy_linger_ms=250, record_events=4, record_bytes=1000)


def numbering() -> Numbering:
    return Numbering(Writer(LiveIdentity(), Filters(None, Losses())))


def item(owner: Numbering, kind: Any = "reasoning") -> Item:
    return Item(owner, kind, Header("default", "s", "a"), 0, {}, 0)


def lines(*sizes: int) -> Written:
    return Written([b"x" * size for size in sizes], [])


def test_a_record_waits_for_its_linger() -> None:
    batches, one = Batches(SETTINGS), numbering()
    assert batches.add(item(one), lines(10), 1000) == []
    assert batches.wait_ms(1000) == 50
    assert batches.due(1049) == []
    (record,) = batches.due(1050)
    assert record.value == b"x" * 10
    assert len(batches) == 0
    assert batches.wait_ms(1050) is None


def test_an_urgent_event_leaves_at_once_and_takes_along_what_waits() -> None:
    batches, one = Batches(SETTINGS), numbering()
    batches.add(item(one), lines(10), 1000)
    batches.add(item(one, "tool_call"), lines(10), 1010)
    (record,) = batches.due(1010)
    assert len(record.lines) == 2


def test_urgent_events_in_a_hurry_share_records() -> None:
    batches, one = Batches(SETTINGS), numbering()
    batches.add(item(one, "tool_call"), lines(10), 1000)
    assert len(batches.due(1000)) == 1
    batches.add(item(one, "tool_result"), lines(10), 1001)
    batches.add(item(one, "tool_call"), lines(10), 1020)
    assert batches.due(1049) == []
    (record,) = batches.due(1050)
    assert len(record.lines) == 2


def test_sessions_do_not_wait_for_each_other() -> None:
    batches, one, two = Batches(SETTINGS), numbering(), numbering()
    batches.add(item(one, "tool_call"), lines(10), 1000)
    batches.due(1000)
    batches.add(item(two, "tool_call"), lines(20), 1001)
    assert [record.numbering for record in batches.due(1001)] == [two]


def test_while_the_sender_is_behind_records_grow() -> None:
    batches, one = Batches(SETTINGS), numbering()
    batches.add(item(one, "tool_call"), lines(10), 1000)
    assert batches.due(1199, behind=True) == []
    assert len(batches.due(1200, behind=True)) == 1


@pytest.mark.parametrize(("sizes", "full"), [((10, 10, 10), 0), ((10, 10, 10, 10), 1), ((999,), 1), ((998,), 0)])
def test_a_full_record_leaves_at_once(sizes: tuple[int, ...], full: int) -> None:
    batches, one = Batches(SETTINGS), numbering()
    records = [record for size in sizes for record in batches.add(item(one), lines(size), 1000)]
    assert len(records) == full


def test_no_record_is_larger_than_a_broker_takes_and_order_holds() -> None:
    batches, one = Batches(SETTINGS), numbering()
    half = MAX_RECORD_BYTES // 2
    records = batches.add(item(one), Written([b"a" * half, b"b" * half, b"c" * half], ["address"]), 1000)
    assert b"".join(record.value[:1] for record in records) == b"abc"
    assert all(len(record.value) <= MAX_RECORD_BYTES for record in records)
    assert all(record.addresses == ["address"] for record in records)


def test_everything_leaves_when_asked() -> None:
    batches = Batches(SETTINGS)
    for _ in range(3):
        batches.add(item(numbering()), lines(5), 1000)
    assert len(batches.all(1001)) == 3
    assert batches.wait_ms(1001) is None
