"""Conditions in CEL: compiled once, typed, and no yes where nothing is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from watchkeeper.schemas.expressions import ExpressionError, ValueType, compile_condition

VARIABLES: dict[str, ValueType] = {
    "amount": "number",
    "tier": "text",
    "items": "integer",
    "tags": "list",
    "at": "timestamp",
    "vip": "boolean",
    "other": "any",
}
VALUES: dict[str, Any] = {
    "amount": 300.0,
    "tier": "gold",
    "items": 2,
    "tags": ["new"],
    "at": datetime(2026, 1, 1, 12, tzinfo=UTC),
    "vip": False,
    "other": {"region": "eu"},
}


@pytest.mark.parametrize(
    ("source", "holds"),
    [
        ("amount <= 500.0 && tier == 'gold'", True),
        ("amount > 500.0", False),
        ("items < 3", True),
        ("'new' in tags", True),
        ("vip || size(tags) == 0", False),
        ("at < timestamp('2026-01-02T00:00:00Z')", True),
        ("other.region in ['eu', 'us']", True),
        ("tier.matches('^g')", True),
        ("other", None),
        ("other.nothing == 1", None),
        ("items / (items - 2) > 1", None),
    ],
)
def test_a_condition_holds_or_not_and_where_nothing_is_known_it_says_so(source: str, holds: bool | None) -> None:
    condition = compile_condition(source, VARIABLES)
    if holds is None:
        with pytest.raises(ExpressionError, match="cannot be evaluated"):
            condition.holds(VALUES)
    else:
        assert condition.holds(VALUES) is holds


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("amount <= 500", "column 8: <= does not take number and integer; write the number with a point"),
        ("amount +", "column 9: Syntax error: the expression ends too early"),
        ("amuont > 3.0", "column 1: amuont is not declared; did you mean amount?"),
        ("qqq == 1", "qqq is not declared; there are: amount, at,"),
        ("tier > 3", "> does not take text and integer"),
        ("amount", "the result is number, not true or false"),
        ("vip &&\nzzz", "line 2, column 1"),
        ("", "ends too early"),
    ],
)
def test_what_does_not_compile_is_refused_with_place_and_remedy(source: str, says: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        compile_condition(source, VARIABLES)
    assert says in str(raised.value)


@pytest.mark.parametrize("values", [{}, {"amount": "much"}, {"amount": None}])
def test_a_value_that_is_missing_or_of_another_type_is_no_yes_and_is_not_quoted(values: dict[str, Any]) -> None:
    with pytest.raises(ExpressionError) as raised:
        compile_condition("amount <= 500.0", VARIABLES).holds(values)
    assert "much" not in str(raised.value)


def test_no_yes_follows_from_an_undecided_value_that_is_personal() -> None:
    with pytest.raises(ExpressionError) as raised:
        compile_condition("other", VARIABLES).holds({"other": "Ada Lovelace"})
    assert "Ada" not in str(raised.value)


def test_equal_conditions_are_compiled_once() -> None:
    assert compile_condition("amount > 1.0", VARIABLES) is compile_condition("amount > 1.0", dict(VARIABLES))


@pytest.mark.parametrize(
    ("source", "other"),
    [
        ("other.all(x, other.all(y, other.all(z, x + y + z > 0)))", [1] * 300),
        ("other == 'a'", "\ud800"),
        ("other.all(x, x == 1)", 2**70),
    ],
)
def test_what_the_engine_gives_up_is_not_known(source: str, other: Any) -> None:
    with pytest.raises(ExpressionError, match="cannot be evaluated"):
        compile_condition(source, VARIABLES).holds(VALUES | {"other": other})


def test_a_condition_that_is_no_text_of_utf8_is_refused() -> None:
    with pytest.raises(ExpressionError):
        compile_condition("tier == '\ud800'", VARIABLES)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**25, 10**400])
def test_a_number_beyond_64_bits_is_no_reason_to_give_up_what_stands_beside_it(number: int) -> None:
    values = VALUES | {"other": {"id": number, "ids": [number], "region": "eu"}}
    assert compile_condition("other.region == 'eu'", VARIABLES).holds(values)
    assert not compile_condition("other.id == 5", VARIABLES).holds(values)
