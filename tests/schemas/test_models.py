"""Strictness: what is not exactly what the contract says is refused, and never coerced."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from watchkeeper.schemas.control import CONTROL_ADAPTER, MAX_COMMAND_SECONDS
from watchkeeper.schemas.envelope import Envelope
from watchkeeper.schemas.events import EVENT_ADAPTER, ToolCall
from watchkeeper.schemas.findings import FINDING_ADAPTER
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.policy import DEFAULT_CAPS, AgentPolicy, Caps, default_policy
from watchkeeper.schemas.signals import SIGNAL_ADAPTER, agent_subject

EVENT: dict[str, Any] = {
    "type": "tool_call",
    "event_id": "01890000-0000-7000-8000-000000000000",
    "tenant_id": "acme",
    "session_id": "s-1",
    "writer_id": "w-1",
    "seq": 0,
    "occurred_at": "2026-01-01T00:00:00.000001Z",
    "agent_id": "refunds",
    "data": {"tool_call_id": "c-1", "tool_name": "refund"},
}
FINDING: dict[str, Any] = {
    "finding_id": "f-1",
    "tenant_id": "acme",
    "session_id": "s-1",
    "agent_id": "refunds",
    "origin": "live",
    "failure_mode": "audit_gap",
    "kind": "sequence_gap",
    "severity": "medium",
    "rule_id": "audit_gap.sequence",
    "rule_version": 1,
    "summary": "Events 3 to 5 are missing.",
    "evidence": {"kind": "sequence_gap", "writer_id": "w-1", "first_missing": 3, "last_missing": 5},
    "first_event_at": "2026-01-01T00:00:00Z",
    "last_event_at": "2026-01-01T00:00:00Z",
    "detected_at": "2026-01-01T00:00:00Z",
    "runbook": "docs/runbooks/audit_gap.md",
}
CONTROL: dict[str, Any] = {
    "command_id": "c-1",
    "tenant_id": "acme",
    "target": {"kind": "session", "id": "s-1"},
    "action": "terminate",
    "reason": "a cap was crossed",
    "issued_by": "worker",
    "issued_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-01T01:00:00Z",
}
SIGNAL: dict[str, Any] = {
    "kind": "cap_hit",
    "signal_id": "s-1",
    "subject": "agent:acme/live/refunds",
    "tenant_id": "acme",
    "origin": "live",
    "session_id": "s-1",
    "agent_id": "refunds",
    "occurred_at": "2026-01-01T00:00:00Z",
    "source_partition": 0,
    "cap": "tokens",
    "started_at": "2026-01-01T00:00:00Z",
}
NOT_READ = object()


def changed(document: dict[str, Any], path: str, value: object) -> bytes:
    """The document as JSON with the value at a dotted path replaced, or left out."""
    copy = json.loads(json.dumps(document))
    *parents, last = path.split(".")
    place = copy
    for parent in parents:
        place = place.setdefault(parent, {})
    if value is NOT_READ:
        del place[last]
    else:
        place[last] = value
    return json.dumps(copy).encode()


def refusals(adapter: TypeAdapter[Any], raw: bytes) -> list[tuple[str, str]]:
    """Field and kind of each fault; empty where the document is taken."""
    try:
        adapter.validate_json(raw)
    except ValidationError as error:
        return [(".".join(map(str, fault["loc"])), fault["type"]) for fault in error.errors()]
    return []


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("seq", "0", "int_type"),
        ("seq", 0.0, "int_type"),
        ("seq", True, "int_type"),
        ("seq", -1, "greater_than_equal"),
        ("seq", 2**53, "less_than"),
        ("seq", 10**400, "less_than"),
        ("turn", -1, "greater_than_equal"),
        ("turn", 2**31, "less_than"),
        ("tenant_id", "", "string_too_short"),
        ("tenant_id", "acme/eu", "string_pattern_mismatch"),
        ("tenant_id", "acme\n", "string_pattern_mismatch"),
        ("tenant_id", "a" * 129, "string_too_long"),
        ("tenant_id", 7, "string_type"),
        ("tenant_id", None, "string_type"),
        ("session_id", "", "string_too_short"),
        ("session_id", "a" * 257, "string_too_long"),
        ("session_id", "a\x00b", "string_pattern_mismatch"),
        ("session_id", "a\x1b[2Jb", "string_pattern_mismatch"),
        ("session_id", NOT_READ, "missing"),
        ("root_session_id", "a\nb", "string_pattern_mismatch"),
        ("parent_session_id", "\t", "string_pattern_mismatch"),
        ("writer_id", "a\rb", "string_pattern_mismatch"),
        ("agent_id", "a\x7fb", "string_pattern_mismatch"),
        ("event_id", "01890000-0000-7000-8000-00000000000", "string_pattern_mismatch"),
        ("event_id", "01890000-0000-7000-8000-00000000000G", "string_pattern_mismatch"),
        ("event_id", "01890000-0000-7000-8000-000000000000\n", "string_pattern_mismatch"),
        ("schema_version", 0, "greater_than_equal"),
        ("schema_version", 2, "less_than_equal"),
        ("origin", "replayed", "literal_error"),
        ("retention_class", "for ever", "literal_error"),
        ("trace_id", "4BF92F3577B34DA6A3CE929D0E0E4736", "string_pattern_mismatch"),
        ("span_id", "00f067aa0ba902b", "string_pattern_mismatch"),
        ("writer_salt", "00", "string_pattern_mismatch"),
        ("data_digest", "0" * 63, "string_pattern_mismatch"),
        ("attributes", {str(n): n for n in range(33)}, "too_long"),
        ("customer_name", "x", "extra_forbidden"),
        ("data.tool", "x", "extra_forbidden"),
        ("data.tool_name", "", "string_too_short"),
        ("data.tool_name", None, "string_type"),
        ("data.arguments_content", {"address": "u-0", "size": 1}, "string_pattern_mismatch"),
        ("data.arguments_content", {"address": "u-" + "0" * 64, "size": -1}, "greater_than_equal"),
        ("occurred_at", "2026-01-01T00:00:00", "timezone_aware"),
        ("occurred_at", "2026-01-01", "datetime_from_date_parsing"),
        ("occurred_at", "yesterday", "datetime_from_date_parsing"),
        ("occurred_at", 1_767_225_600, "datetime_type"),
        ("occurred_at", None, "datetime_type"),
        ("occurred_at", "1969-12-31T23:59:59.999999Z", "unusable_time"),
        ("occurred_at", "2300-01-01T00:00:00Z", "unusable_time"),
        ("occurred_at", "2299-12-31T23:59:59.999999-00:01", "unusable_time"),
        ("occurred_at", "9999-12-31T23:59:59-14:00", "unusable_time"),
        ("occurred_at", "0001-01-01T00:00:00+14:00", "unusable_time"),
    ],
)
def test_an_event_that_is_not_exact_is_refused(path: str, value: object, kind: str) -> None:
    expected_place = path if kind != "datetime_from_date_parsing" else "occurred_at"
    found = refusals(EVENT_ADAPTER, changed(EVENT, path, value))
    assert found, "it was taken"
    place, found_kind = found[0]
    assert place.startswith(f"tool_call.{expected_place}")
    assert found_kind in (kind, "datetime_parsing")


@pytest.mark.parametrize("value", [math.nan, math.inf, None, [], {}])
def test_an_attribute_is_a_short_fact_that_json_can_carry(value: object) -> None:
    places = {place for place, _ in refusals(EVENT_ADAPTER, changed(EVENT, "attributes", {"a": value}))}
    assert places
    assert all(place.startswith("tool_call.attributes.a") for place in places)


def test_attributes_keep_their_types_and_whole_numbers_beyond_64_bits_are_floats() -> None:
    attributes = {"a": True, "b": 1, "c": 1.0, "d": "x", "e": -(2**63), "f": 2**63}
    event = EVENT_ADAPTER.validate_json(changed(EVENT, "attributes", attributes))
    assert [(key, type(value)) for key, value in event.attributes.items()] == [
        ("a", bool),
        ("b", int),
        ("c", float),
        ("d", str),
        ("e", int),
        ("f", float),
    ]


@pytest.mark.parametrize("kind", ["tool_cal", "", None, 5, "ToolCall"])
def test_an_unknown_type_is_refused_as_such(kind: object) -> None:
    assert [fault for _, fault in refusals(EVENT_ADAPTER, changed(EVENT, "type", kind))] == ["union_tag_invalid"]


def test_an_event_without_type_is_refused_as_such() -> None:
    assert refusals(EVENT_ADAPTER, changed(EVENT, "type", NOT_READ)) == [("", "union_tag_not_found")]


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"{", b'"x"', b"\xff{}", b'{"type": "tool_call", "seq": \x00}'])
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    assert refusals(EVENT_ADAPTER, raw)


@pytest.mark.parametrize("name", ["multi_tool_use.parallel\n", "рефунд", "a/b", "\x1b[31m"])
def test_a_tool_name_is_kept_as_the_model_wrote_it(name: str) -> None:
    event = EVENT_ADAPTER.validate_json(changed(EVENT, "data.tool_name", name))
    assert isinstance(event, ToolCall)
    assert event.data.tool_name == name


def test_a_part_of_a_text_is_one_of_its_parts() -> None:
    part = {"address": "u-" + "0" * 64, "part": 1, "parts": 2, "size": 1, "text": "x"}
    raw = changed(EVENT | {"type": "content"}, "data", part)
    assert refusals(EVENT_ADAPTER, raw) == []
    for wrong in ({"part": 2}, {"parts": 0}, {"part": -1}, {"parts": 4097}):
        assert refusals(EVENT_ADAPTER, changed(EVENT | {"type": "content"}, "data", part | wrong))


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("session_id", None, "value_error"),
        ("kind", "loop", "value_error"),
        ("evidence.kind", "loop_of_loops", "union_tag_invalid"),
        ("evidence.first_missing", -1, "greater_than_equal"),
        ("failure_mode", "bad_luck", "literal_error"),
        ("severity", "fatal", "literal_error"),
        ("rule_version", 0, "greater_than_equal"),
        ("summary", "", "string_too_short"),
        ("summary", "x" * 501, "string_too_long"),
        ("schema_version", 2, "less_than_equal"),
        ("blame", "x", "extra_forbidden"),
    ],
)
def test_a_finding_that_is_not_exact_is_refused(path: str, value: object, kind: str) -> None:
    assert [fault for _, fault in refusals(FINDING_ADAPTER, changed(FINDING, path, value))] == [kind]


def test_a_finding_is_keyed_by_session_or_by_subject() -> None:
    of_session = FINDING_ADAPTER.validate_json(dump_json(FINDING))
    about_many = {"session_id": None, "subject": "agent:acme/live/a"}
    of_subject = FINDING_ADAPTER.validate_json(dump_json(FINDING | about_many))
    assert (of_session.key, of_subject.key) == (b"acme/s-1", b"acme/agent:acme/live/a")


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("expires_at", "2026-01-01T00:00:00Z", "value_error"),
        ("expires_at", "2025-12-31T23:59:59Z", "value_error"),
        ("expires_at", "2026-01-02T00:00:00.000001Z", "value_error"),
        ("action", "reboot", "literal_error"),
        ("target.kind", "world", "literal_error"),
        ("target.id", "", "string_too_short"),
        ("reason", "x" * 2001, "string_too_long"),
        ("until", "x", "extra_forbidden"),
    ],
)
def test_a_command_that_is_not_exact_is_refused(path: str, value: object, kind: str) -> None:
    assert [fault for _, fault in refusals(CONTROL_ADAPTER, changed(CONTROL, path, value))] == [kind]


def test_a_command_may_last_a_day_and_is_keyed_by_its_target() -> None:
    command = CONTROL_ADAPTER.validate_json(changed(CONTROL, "expires_at", "2026-01-02T00:00:00Z"))
    assert (command.expires_at - command.issued_at).total_seconds() == MAX_COMMAND_SECONDS
    assert command.key == b"acme/session:s-1"


@pytest.mark.parametrize(
    ("path", "value"),
    [("kind", "cap_miss"), ("cap", "patience"), ("source_partition", -1), ("source_offset", -1), ("ordinal", 0.5)],
)
def test_a_signal_that_is_not_exact_is_refused(path: str, value: object) -> None:
    assert refusals(SIGNAL_ADAPTER, changed(SIGNAL, path, value))


def test_a_subject_names_its_origin() -> None:
    assert refusals(SIGNAL_ADAPTER, dump_json(SIGNAL)) == []
    assert agent_subject("acme", "import", "refunds") == "agent:acme/import/refunds"


def test_models_cannot_be_changed() -> None:
    event = EVENT_ADAPTER.validate_json(dump_json(EVENT))
    with pytest.raises(ValidationError, match="frozen"):
        event.seq = 5  # type: ignore[misc]  # that it is read-only is what is tested


def test_a_policy_keeps_the_caps_that_it_does_not_name() -> None:
    policy = AgentPolicy(agent="a", caps=Caps(tool_calls=3, cost_usd=None))
    assert policy.caps.model_dump() == DEFAULT_CAPS.model_dump() | {"tool_calls": 3, "cost_usd": None}
    assert AgentPolicy.model_validate_json(policy.canonical()) == policy


def test_the_default_policy_warns_with_the_default_caps() -> None:
    assert (default_policy("a").mode, default_policy("a").caps) == ("warn", DEFAULT_CAPS)


def test_a_policy_has_one_address_however_it_is_written() -> None:
    one = AgentPolicy.model_validate_json('{"agent":"a","mode":"warn","caps":{"tokens":5,"tool_calls":2}}')
    other = AgentPolicy.model_validate_json('{"caps":{"tool_calls":2,"tokens":5},"agent":"a"}')
    assert one.address == other.address
    assert one.address.startswith("u-")
    assert one.address != AgentPolicy(agent="a", caps=Caps(tokens=6, tool_calls=2)).address


def test_no_model_of_the_contract_is_open_or_lenient() -> None:
    def below(cls: type[BaseModel]) -> set[type[BaseModel]]:
        return {cls}.union(*(below(sub) for sub in cls.__subclasses__()))

    model = Envelope.__mro__[1]
    lenient = {
        cls.__name__
        for cls in below(model)
        if cls.__module__.startswith("watchkeeper.schemas.")
        and (cls.model_config.get("extra"), cls.model_config.get("strict"), cls.model_config.get("frozen"))
        != ("forbid", True, True)
    }
    assert lenient == set()
