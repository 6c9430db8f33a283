"""Names with wildcards, places in arguments, and expressions in linear time."""

from __future__ import annotations

import fnmatch
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.argument_paths import parse_path, values_at
from watchkeeper.schemas.patterns import compile_pattern
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.wildcards import covers, permits, plain_path, refuses


@pytest.mark.parametrize(
    ("pattern", "value", "covered"),
    [
        ("orders/*", "orders/17", True),
        ("orders/*", "orders/17/items", True),
        ("orders/*", "orders/", True),
        ("orders/*", "orders", False),
        ("orders/*", "old-orders/17", False),
        ("*/.env", "/repo/.env", True),
        ("*/.env", "/repo/.envrc", False),
        ("*", "", True),
        ("", "", True),
        ("", "a", False),
        ("ab*ba", "aba", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "acb", False),
        ("[a-z]?", "b1", False),
        ("[a-z]?", "[a-z]?", True),
        ("Orders/*", "orders/1", False),
    ],
)
def test_a_star_stands_for_any_run_and_nothing_else_is_special(pattern: str, value: str, covered: bool) -> None:
    assert covers(pattern, value) is covered


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_wildcards_agree_with_the_shell(pattern: str, value: str) -> None:
    assert covers(pattern, value) is fnmatch.fnmatchcase(value, pattern)


def test_many_stars_take_no_time() -> None:
    began = time.perf_counter()
    assert not covers("*a" * 40 + "b", "a" * 20_000)
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize(
    "value", ["orders/../payroll/1", "orders/%2e%2e/payroll", "orders/%252e%252e/payroll", "orders\\..\\payroll"]
)
def test_a_value_that_climbs_is_not_within_what_is_allowed(value: str) -> None:
    assert not permits(["orders/*"], value)
    assert permits([value], value)


@pytest.mark.parametrize(
    "value", ["payroll/1", "PAYROLL/1", "./payroll/1", "orders/../payroll/1", "payroll//1", "orders/%2e%2e/payroll/1"]
)
def test_what_is_refused_is_refused_in_any_spelling(value: str) -> None:
    assert refuses(["payroll/*"], value)


def test_two_dots_in_a_name_are_no_climbing() -> None:
    assert permits(["orders/*"], "orders/a..b")
    assert plain_path("/a/./b//c/../d") == "/a/b/d"
    assert plain_path("../x") == "../x"


ARGUMENTS: Any = {"amount": 3, "items": [{"price": 1}, {"price": 2}, {}], "a/b": {"c": None}, "*": 9}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("amount", [("/amount", 3)]),
        ("items[1].price", [("/items/1/price", 2)]),
        ("items[*].price", [("/items/0/price", 1), ("/items/1/price", 2)]),
        ("items[7].price", []),
        ("a/b.c", [("/a~1b/c", None)]),
        ("*", [("/*", 9)]),
        ("amount.cents", []),
        ("nothing", []),
    ],
)
def test_values_stand_where_their_path_says(path: str, found: list[Any]) -> None:
    assert list(values_at(ARGUMENTS, path)) == found


@pytest.mark.parametrize("path", ["", ".a", "[0]", "a[", "a[x]", "a..b", "a]", "a." + ".".join("b" * 20)])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        parse_path(path)


@pytest.mark.parametrize(
    ("source", "text", "matches"),
    [
        ("orders/[0-9]{6}", "orders/123456", True),
        ("orders/[0-9]{6}", "orders/123456\n", False),
        ("orders/[0-9]{6}", "x orders/123456", False),
        ("a|b", "ab", False),
        ("(?i)eur", "EUR", True),
    ],
)
def test_an_expression_matches_the_whole_text(source: str, text: str, matches: bool) -> None:
    assert compile_pattern(source).matches(text) is matches


@pytest.mark.parametrize("source", ["a)(b", "(?=a)b", r"(a)\1", "[a-z", "x" * 1001])
def test_what_is_no_linear_expression_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"RE2|write at most"):
        compile_pattern(source)


def test_an_expression_that_would_run_away_elsewhere_takes_no_time() -> None:
    began = time.perf_counter()
    assert not compile_pattern("(a+)+b").matches("a" * 50_000)
    assert time.perf_counter() - began < 1


TOOL: dict[str, Any] = {"rate_limit": {"calls": 3, "seconds": 60.0}, "approval": {}}


@pytest.mark.parametrize(
    "later",
    [
        {"agents": None, "require": []},
        {"rate_limit": TOOL["rate_limit"] | {"per": "session"}},
        {"approval": {"approvers": None}},
    ],
)
def test_a_field_that_came_later_renames_no_policy_that_does_not_use_it(later: dict[str, Any]) -> None:
    plain = AgentPolicy.model_validate({"agent": "a", "tools": {"t": TOOL}})
    told = AgentPolicy.model_validate({"agent": "a", "tools": {"t": TOOL | later}})
    assert told.canonical() == plain.canonical()
    assert AgentPolicy.model_validate_json(told.canonical()) == told


def test_a_field_that_came_later_counts_where_it_is_used() -> None:
    told = AgentPolicy.model_validate({"agent": "a", "tools": {"t": TOOL | {"agents": ["a"]}}})
    assert b'"agents":["a"]' in told.canonical()
    assert AgentPolicy.model_validate_json(told.canonical()) == told


def test_the_default_policy_keeps_its_address() -> None:
    assert AgentPolicy(agent="a", version="default").address == (
        "u-462138e65eaa5807010a892c0109a10f45ea7d4a89171f240e4ad906899c44c7"
    )
