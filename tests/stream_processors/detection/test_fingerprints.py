from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.contents import Content, address_of
from watchkeeper.schemas.events import ToolCallData, ToolResultData
from watchkeeper.stream_processors.detection.fingerprints import (
    MAX_COMPARED,
    CallPrint,
    are_near,
    is_news,
    print_of_call,
    print_of_result,
)

SALT = "00" * 16


def call(arguments: Any, name: str = "search", event_id: str = "e") -> CallPrint:
    return print_of_call(ToolCallData(tool_call_id="c", tool_name=name, arguments=arguments), event_id)


def result(text: str | None, status: Any = "ok", *, fold: bool = True, **data: Any) -> Any:
    content = None if text is None else Content(address=address_of(text, SALT), size=len(text), text=text)
    return print_of_result(
        ToolResultData(tool_call_id="c", tool_name="t", status=status, result=content, **data), fold=fold
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": [1, {"c": 2}]}, {"b": [1, {"c": 2}], "a": 1}),
        ('{"a": 1, "b": 2}', {"b": 2, "a": 1}),
        ('{"a":1}', '{\n "a" : 1 }'),
        ("not json", "not json"),
        ({"n": 10**30}, {"n": 10**30}),
        ({}, {}),
    ],
)
def test_identical_calls(one: Any, other: Any) -> None:
    assert call(one).exact == call(other).exact


@pytest.mark.parametrize(
    ("one", "other"),
    [({"a": 1}, {"a": 2}), ({"a": "1"}, {"a": 1}), ({"a": [1, 2]}, {"a": [2, 1]}), ({}, None), (None, None)],
)
def test_calls_that_are_not_identical(one: Any, other: Any) -> None:
    assert call(one, event_id="e-1").exact != call(other, event_id="e-2").exact


def test_the_same_arguments_of_another_tool_are_another_call() -> None:
    assert call({"q": "x y"}).exact != call({"q": "x y"}, name="find").exact
    assert not are_near(call({"q": "x y"}), call({"q": "x y"}, name="find"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"q": "Weather in Paris"}, {"q": "  weather  in\nparis "}),
        ({"q": "weather Paris today"}, {"q": "today Paris weather"}),
        ({"q": "what is the weather in Paris today"}, {"q": "Paris weather today"}),
        ({"q": "Nvidia revenue 2023"}, {"q": "annual revenue of Nvidia in 2023"}),
        ({"q": "roaming abroad"}, {"q": "terms and charges of roaming abroad"}),
        ({"q": "how to handle lost badge"}, {"q": "details on the lost badge guide"}),
        ({"q": "x", "page": 1}, {"q": "x", "page": 2}),
        ({"q": "x", "offset": "0"}, {"q": "x", "offset": "20"}),
        ({"q": "x", "cursor": "abc"}, {"q": "x", "cursor": "def"}),
        ({"city": "Paris", "n": 3}, {"city": "PARIS", "n": 3.0}),
    ],
)
def test_near_calls(one: Any, other: Any) -> None:
    assert are_near(call(one), call(other))
    assert are_near(call(other), call(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"order": "o-1"}, {"order": "o-2"}),
        ({"order_id": 1}, {"order_id": 2}),
        ({"q": "Nvidia revenue 2023"}, {"q": "Nvidia revenue 2022"}),
        ({"q": "Nvidia revenue 2023"}, {"q": "Apple market share 2023"}),
        ({"q": "Nvidia"}, {"q": "Nvidia revenue"}),
        ({"q": "bicycle leasing rules"}, {"q": "dental insurance rules"}),
        ({"q": "refund policy hotels"}, {"q": "refund policy flights"}),
        ({"name": "John Smith"}, {"name": "Jane Smith"}),
        ({"q": "x y"}, {"q": "x y", "lang": "en"}),
        ({"start": "2024-05-01"}, {"start": "2024-05-02"}),
        ({"path": "/a/b.txt"}, {"path": "/a/c.txt"}),
        ({"paid": True}, {"paid": False}),
        (None, None),
    ],
)
def test_calls_that_are_not_near(one: Any, other: Any) -> None:
    assert not are_near(call(one, event_id="e-1"), call(other, event_id="e-2"))


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        ("no results", "no results", False),
        ("40 %", "60 %", True),
        ("Certificate certificate_3221322 added", "Certificate certificate_3221323 added", False),
        ("order ORD-2024-17 placed", "order ORD-2024-18 placed", False),
        ('{"id": "0b0e5c3e-1111-4222-8333-444455556666"}', '{"id": "0b0e5c3e-9999-4222-8333-444455556666"}', False),
        ("pending, checked at 2026-01-01T10:00:00Z", "pending, checked at 2026-01-01T10:00:05.123Z", False),
        ("sha 9f86d081884c7d659a2feaa0c55ad015", "sha aaaad081884c7d659a2feaa0c55ad016", False),
        ("at 1767225600123 pending", "at 1767225605123 pending", False),
        ("12 items", "13 items", True),
        ("room 101", "room 102", True),
        ("pending", "done", True),
        ("due 2026-01-01", "due 2026-01-02", True),
    ],
)
def test_news_of_a_success(before: str, after: str, *, news: bool) -> None:
    assert is_news(result(before), result(after)) is news


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        (result("retry in 12 s", "error"), result("retry in 9 s", "error"), False),
        (result("not found", "error"), result("forbidden", "error"), True),
        (result("busy", "error"), result("busy"), True),
        (result(None, "timeout"), result(None, "timeout"), False),
        (result(None, "error", error_type="A"), result(None, "error", error_type="B"), True),
        (result(None), result(None), None),
        (result(None), result("x"), None),
    ],
)
def test_news_of_a_failure_and_of_what_was_not_recorded(before: Any, after: Any, *, news: bool | None) -> None:
    assert is_news(before, after) is news


def test_without_folding_results_that_may_differ_in_identifiers_alone_are_undecided() -> None:
    before, after = result("ticket T-10001", fold=False), result("ticket T-10002")
    assert is_news(before, after) is None
    assert is_news(result("40 %, queued", fold=False), result("60 %, running")) is True


def test_long_results_are_compared_exactly() -> None:
    long = "x" * MAX_COMPARED
    assert is_news(result(long + " T-10001"), result(long + " T-10002")) is True
    assert is_news(result(long + "!"), result(long + "!")) is False


@pytest.mark.parametrize(
    "text", ["a-" * 2000, "a1" * 2000, "1" * 4000, "-1" * 2000, "a_" * 2000, "f" * 4000, "1:" * 2000]
)
def test_no_text_makes_folding_slow(text: str) -> None:
    started = time.process_time()
    result(text)
    assert time.process_time() - started < 0.05


def test_deep_and_large_arguments_are_taken_as_they_are() -> None:
    deep: Any = "x"
    for _ in range(150):
        deep = {"a": [deep]}
    assert call(deep).exact == call(json.loads(json.dumps(deep))).exact
    text = '{"a":' * 990 + "1" + "}" * 990
    assert call(text).exact == call(text).exact != call(text.replace("1", "2")).exact
    assert len(call({"q": " ".join(f"word{index}" for index in range(5000))}).words) <= 48 * 4


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)  # of longer ones, orjson reads the first digits
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(value=st.dictionaries(st.text(max_size=10), JSON, max_size=5))
def test_the_order_of_keys_and_the_spelling_as_text_do_not_matter(value: Any) -> None:
    turned = dict(reversed(list(value.items())))
    assert call(value) == call(turned)
    assert call(value).exact == call(json.dumps(turned, indent=2)).exact
    assert are_near(call(value), call(turned))
