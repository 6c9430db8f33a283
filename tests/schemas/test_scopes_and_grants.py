"""Scopes lie within one another where all that one covers the other covers; a signature is over all a grant says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.grants import GRANT_ADAPTER, Grant, is_signed, sign
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.scopes import Scope, allows, exceeding, is_plain, lies_within, parse_scope
from watchkeeper.schemas.wildcards import covers

KEY = b"0123456789abcdef"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

PATTERNS = st.text(alphabet="ab:*", max_size=7)
NAMES = st.text(alphabet="ab:c", max_size=8)


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("orders:read", Scope("orders:read")),
        (" orders:* ", Scope("orders:*")),
        ("refunds:write<=500", Scope("refunds:write", 500.0)),
        ("refunds:write <= 0.5", Scope("refunds:write", 0.5)),
        ("refunds:write<=-1", Scope("refunds:write<=-1")),
        ("refunds:write<=1e9", Scope("refunds:write<=1e9")),
        ("<=5", Scope("<=5")),
        ("", Scope("")),
    ],
)
def test_how_a_scope_is_read(text: str, scope: Scope) -> None:
    assert parse_scope(text) == scope


@pytest.mark.parametrize(
    ("narrower", "wider", "within"),
    [
        ("orders:read", "orders:read", True),
        ("orders:read", "orders:*", True),
        ("orders:*", "orders:*", True),
        ("orders:*", "orders:read", False),
        ("orders:r*", "orders:*d", False),
        ("*:read", "*", True),
        ("*", "*:*", False),
        ("refunds:write<=500", "refunds:write<=500", True),
        ("refunds:write<=500.01", "refunds:write<=500", False),
        ("refunds:write", "refunds:write<=500", False),
        ("refunds:write<=500", "refunds:*", True),
        ("refunds:*<=5", "refunds:*<=500", True),
        ("Orders:read", "orders:read", False),
        ("a*b", "a\x00b", False),
    ],
)
def test_one_scope_within_another(narrower: str, wider: str, within: bool) -> None:
    assert lies_within(narrower, wider) is within


@given(PATTERNS, PATTERNS, NAMES)
def test_what_lies_within_covers_nothing_that_the_wider_does_not(narrower: str, wider: str, name: str) -> None:
    if lies_within(narrower, wider) and covers(parse_scope(narrower).pattern, name):
        assert covers(parse_scope(wider).pattern, name)


@given(PATTERNS, PATTERNS)
def test_what_does_not_lie_within_covers_a_name_that_the_wider_does_not(narrower: str, wider: str) -> None:
    if not lies_within(narrower, wider):
        witness = parse_scope(narrower).pattern.replace("*", "z")
        assert covers(parse_scope(narrower).pattern, witness)
        assert not covers(parse_scope(wider).pattern, witness)


@given(PATTERNS, PATTERNS, PATTERNS)
def test_lying_within_is_transitive(one: str, two: str, three: str) -> None:
    assert lies_within(one, one)
    if lies_within(one, two) and lies_within(two, three):
        assert lies_within(one, three)


@given(st.lists(PATTERNS, max_size=4), st.lists(PATTERNS, max_size=4), NAMES)
def test_lists_that_exceed_nothing_allow_no_more(scopes: list[str], allowed: list[str], name: str) -> None:
    if not exceeding(scopes, allowed) and allows(scopes, name, 1.0):
        assert allows(allowed, name, 1.0)


@pytest.mark.parametrize(
    ("scopes", "amount", "allowed"),
    [
        (["refunds:write<=500"], 500, True),
        (["refunds:write<=500"], 500.01, False),
        (["refunds:write<=500"], None, None),
        (["refunds:write<=500", "refunds:*"], None, True),
        (["refunds:write<=5", "refunds:*<=50"], 40, True),
        (["orders:read"], None, False),
        ([], 1, False),
    ],
)
def test_an_action_within_limits(scopes: list[str], amount: float | None, allowed: bool | None) -> None:
    assert allows(scopes, "refunds:write", amount) is allowed


def grant(**given: Any) -> Grant:
    told: dict[str, Any] = {"tenant_id": "acme", "grant_id": "g-1", "scope": ["orders:*"], "issued_at": NOW}
    return Grant.model_validate(told | given)


@pytest.mark.parametrize(
    "change",
    [
        {"scope": ["*"]},
        {"delegable": ["orders:*"]},
        {"grant_id": "g-2"},
        {"tenant_id": "other"},
        {"agent_id": "somebody"},
        {"constraints": {"max_items": 5}},
        {"issued_at": datetime(2027, 1, 1, tzinfo=UTC)},
        {"expires_at": datetime(2027, 1, 1, tzinfo=UTC)},
        {"revoked_at": datetime(2027, 1, 1, tzinfo=UTC)},
        {"signature": ""},
    ],
)
def test_a_signature_holds_for_what_was_signed_and_nothing_else(change: dict[str, Any]) -> None:
    signed = sign(grant(), KEY)
    again = GRANT_ADAPTER.validate_json(signed.model_dump_json())
    assert is_signed(again, KEY)
    assert not is_signed(again, KEY[::-1])
    assert not is_signed(again.model_copy(update=change), KEY)


def test_a_key_that_is_none_signs_nothing() -> None:
    with pytest.raises(ConfigurationError, match="at least 16 bytes"):
        sign(grant(), b"short")


def policy(**told: Any) -> AgentPolicy:
    return AgentPolicy.model_validate({"agent": "a"} | told)


def test_delegation_and_scopes_rename_no_policy_that_is_silent_about_them() -> None:
    silent = policy(tools={"refund": {}})
    assert b"delegation" not in silent.canonical()
    assert b"scope" not in silent.canonical()
    for told in ({"delegation": {"max_depth": 2}}, {"tools": {"refund": {"scope": "refunds:write"}}}):
        assert policy(**told).address != silent.address
        assert AgentPolicy.model_validate_json(policy(**told).canonical()).address == policy(**told).address


@pytest.mark.parametrize(
    ("told", "remedy"),
    [
        ({"delegation": {"signed_grants": True}}, "require_grants: true"),
        ({"tools": {"refund": {"scope": "refunds:*"}}}, "write a name such as refunds:write"),
        ({"tools": {"refund": {"scope": "refunds:write<=5"}}}, "wildcards and limits are for grants"),
        ({"tools": {"refund": {"scope_amount": "amount"}}}, "scope_amount needs scope"),
        ({"tools": {"refund": {"scope": "refunds:write", "scope_amount": "a..b"}}}, "is no path"),
    ],
)
def test_what_contradicts_itself_is_refused_with_a_remedy(told: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        policy(**told)


def test_what_an_action_needs_is_a_plain_name() -> None:
    assert is_plain("refunds:write")
    assert not any(map(is_plain, ["", " ", "a*", "a<=5"]))
