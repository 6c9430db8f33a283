from __future__ import annotations

import dataclasses
import json
import math
from collections import OrderedDict, deque, namedtuple
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from watchkeeper.producers.writing.encoding import DEPTH_LIMIT, clean, freeze, parse_json, refreeze, thaw, weight
from watchkeeper.producers.writing.shortening import shorten, too_deep


class Colour(Enum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


class Order(BaseModel):
    number: int
    paid: Decimal


@dataclasses.dataclass
class Line:
    item: str
    count: int


Point = namedtuple("Point", "x y")  # noqa: PYI024 - an untyped one is what is tested


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class BrokenMapping(OrderedDict[str, int]):
    def items(self) -> Any:
        raise RuntimeError("no")


class Chatty:
    def __repr__(self) -> str:
        return "c" * 9000


class Model(BaseModel):
    def model_dump(self, **_: Any) -> dict[str, Any]:
        raise RuntimeError("no")


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def own_list() -> list[Any]:
    value: list[Any] = [1]
    value.append(value)
    return value


@pytest.mark.parametrize("value", ["", "text", "é\u2028", 0, -7, 2**70, 1.5, True, None])
def test_what_cannot_change_is_taken_as_it_is(value: Any) -> None:
    assert freeze(value) is value


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"a": [1, None, True, "é"]}, {"a": [1, None, True, "é"]}),
        ((1, 2), [1, 2]),
        ({2: "a", None: "b", True: "c", 1.5: "d"}, {"2": "a", "null": "b", "true": "c", "1.5": "d"}),
        ({(1, 2): "a"}, {"(1, 2)": "a"}),
        ({Colour.RED: 1}, {"red": 1}),
        ([Colour.RED, Level.HIGH], ["red", 3]),
        (Order(number=1, paid=Decimal("2.50")), {"number": 1, "paid": "2.50"}),
        ([Line("a", 2)], [{"item": "a", "count": 2}]),
        ([Decimal("1.10"), UUID(int=1), Path("a/b")], ["1.10", str(UUID(int=1)), "a/b"]),
        ([b"\x00\xff", bytearray(b"a"), memoryview(b"b")], ["AP8=", "YQ==", "Yg=="]),
        ({"s": {3, 1, 2}}, {"s": [1, 2, 3]}),
        ([frozenset({"b", "a"})], [["a", "b"]]),
        ([Point(1, 2)], [{"x": 1, "y": 2}]),
        ([deque([1, 2])], [[1, 2]]),
        ([ValueError("bad")], [{"type": "ValueError", "message": "bad"}]),
        ([datetime(2026, 1, 2, tzinfo=UTC)], ["2026-01-02T00:00:00+00:00"]),
        ([math.nan, math.inf], [None, None]),
        ({1: [math.nan]}, {"1": [None]}),
        ({"n": 2**70}, {"n": 2**70}),
        ({"n": -(10**40), "o": 1}, {"n": -(10**40), "o": 1}),
        ({"t": "half \ud800 pair"}, {"t": "half \\ud800 pair"}),
        ({"\ud800": 1}, {"\\ud800": 1}),
        ([Broken()], ["<Broken that cannot be shown>"]),
        ({1: Broken()}, {"1": "<Broken that cannot be shown>"}),
        ([Chatty()], ["… (9000 characters)"]),
        ([Model()], ["Model()"]),
        (own_list(), [1, "… (contains itself)"]),
        (
            {1: datetime(2026, 1, 2, tzinfo=UTC), 2: {3}, 3: Line("a", 1)},
            {"1": "2026-01-02T00:00:00+00:00", "2": [3], "3": {"item": "a", "count": 1}},
        ),
        ([10**5000], ["… (a whole number of 16610 bits)"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_everything_else_becomes_json(value: Any, read: Any) -> None:
    frozen = freeze(value)
    assert isinstance(frozen, bytes)
    assert json.loads(frozen) == thaw(frozen) == read


def test_an_object_that_fails_while_it_is_read_is_told_by_name() -> None:
    frozen = freeze({1: BrokenMapping(a=1)})
    assert isinstance(frozen, bytes)
    assert "BrokenMapping" in thaw(frozen)["1"]


def test_a_number_that_takes_minutes_to_write_is_told_by_its_size() -> None:
    assert freeze(10**5000) == b'"\xe2\x80\xa6 (a whole number of 16610 bits)"'


def test_a_value_that_is_nested_without_end_is_cut() -> None:
    frozen = freeze(nested(2000))
    assert isinstance(frozen, bytes)
    assert b"nested too deeply" in frozen
    assert frozen.count(b"[") == DEPTH_LIMIT


def test_a_copy_does_not_follow_its_original() -> None:
    original = {"a": [1]}
    frozen = freeze(original)
    original["a"].append(2)
    assert frozen == b'{"a":[1]}'


def test_generators_are_not_consumed() -> None:
    source = iter([1, 2])
    frozen = freeze([source])
    assert isinstance(frozen, bytes)
    assert b"iterator" in frozen
    assert list(source) == [1, 2]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
odd_values = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(st.characters()) | st.binary() | st.decimals() | st.uuids(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.integers() | st.none() | st.text(st.characters()) | st.dates(), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(json_values)
def test_json_comes_back_as_it_was(value: Any) -> None:
    frozen = freeze(value)
    assert (thaw(frozen) if isinstance(frozen, bytes) else frozen) == value


@given(odd_values)
def test_nothing_makes_it_fail(value: Any) -> None:
    frozen = freeze(value)
    assert weight(frozen) >= 0
    if isinstance(frozen, bytes):
        json.loads(frozen)


@given(st.text(st.characters()))
def test_clean_text_is_utf8(text: str) -> None:
    clean(text).encode()
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}', b'{"a":1}'),
        ("[1,2]", b"[1,2]"),
        ('{"a":1,"a":2}', b'{"a":2}'),
        ('{"n": 123456789012345678901234567890}', b'{"n":123456789012345678901234567890}'),
        ("not json", None),
        ('{"a": NaN}', None),
        ("", None),
        ("[" * 5000, None),
    ],
)
def test_json_in_a_text_is_read(text: str, expected: bytes | None) -> None:
    assert parse_json(text) == expected


@pytest.mark.parametrize(("depth", "deep"), [(1, False), (99, False), (150, False), (189, False), (200, True)])
def test_depth_is_judged_as_the_reader_does(depth: int, deep: bool) -> None:
    assert too_deep(orjson.dumps(nested(depth))) is deep


def test_brackets_in_texts_are_no_depth() -> None:
    assert not too_deep(orjson.dumps(["[" * 5000]))


@given(json_values | st.dictionaries(st.text(max_size=3), st.text(min_size=100), min_size=20), st.integers(64, 2000))
def test_shortened_json_keeps_its_shape(value: Any, limit: int) -> None:
    raw = refreeze(value)
    short = shorten(raw, limit)
    assert len(short) <= limit
    # A whole number beyond 64 bits may become a text.
    assert isinstance(value, int) or type(json.loads(short)) is type(value)


def test_deep_values_become_shallow() -> None:
    assert not too_deep(shorten(orjson.dumps(nested(250)), 10_000))
