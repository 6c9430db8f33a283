from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.evidence import InvalidArguments, Unjudged, UnknownArguments, UnknownTool
from watchkeeper.stream_processors.detection.session_rules.hallucinated_tool import MAX_REASONS, HallucinatedTool
from watchkeeper.stream_processors.detection.session_rules.violations import MAX_VIOLATIONS, describe
from watchkeeper.stream_processors.detection.tools import ToolRegistry

REFUND = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string"},
        "amount": {"type": "number", "maximum": 500},
        "currency": {"enum": ["EUR", "USD"]},
        "items": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
    },
    "required": ["order_id"],
}
GET_ORDER = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


def judged(stories: Any, tools: list[Any] | None, *calls: tuple[str, Any]) -> Any:
    story = stories.Story(tools=tools)
    story.start()
    for name, arguments in calls:
        story.say("tool_call", {"tool_call_id": "c", "tool_name": name, "arguments": arguments})
        story.result()
    return stories.Hall([HallucinatedTool()]).hear(story.events)


def tools(stories: Any) -> list[Any]:
    return [stories.tool("refund", REFUND), stories.tool("get_order", GET_ORDER), stories.tool("ping")]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("get_orders", ["get_order"]),
        ("Get_Order", ["get_order"]),
        ("refund_order", ["refund"]),
        ("launch_rocket", []),
        (" get_order", ["get_order"]),
    ],
)
def test_a_name_that_was_never_registered_is_found_with_its_neighbours(
    stories: Any, name: str, nearest: list[str]
) -> None:
    [finding] = judged(stories, tools(stories), (name, {})).findings
    assert isinstance(finding.evidence, UnknownTool)
    assert finding.severity == "high"
    assert finding.evidence.tool_name == name
    assert finding.evidence.nearest[: len(nearest)] == nearest
    assert finding.evidence.registered == 3


def test_each_call_is_a_finding_of_its_own_though_models_repeat_call_ids(stories: Any) -> None:
    hall = judged(stories, tools(stories), ("nope", {}), ("nope", {}), ("nope", {}))
    assert len({finding.finding_id for finding in hall.findings}) == 3


def test_a_call_that_comes_late_is_judged_too(stories: Any) -> None:
    story = stories.Story(tools=tools(stories))
    story.start()
    story.lose()
    story.call("ping")
    story.say("tool_call", {"tool_call_id": "c", "tool_name": "pong", "arguments": {}}, seq=1)
    assert stories.Hall([HallucinatedTool()]).hear(story.events).kinds() == ["unknown_tool"]


def test_an_empty_list_of_tools_makes_every_call_unknown(stories: Any) -> None:
    assert judged(stories, [], ("get_order", {"id": "1"})).kinds() == ["unknown_tool"]


def test_where_the_runtime_does_not_know_its_tools_nothing_is_said(stories: Any) -> None:
    assert judged(stories, None, ("get_order", {"id": 1}), ("x", "not json")).kinds() == []


def test_tools_in_the_shapes_of_model_clients_are_read(stories: Any) -> None:
    listed = [
        {"type": "function", "function": {"name": "openai", "parameters": GET_ORDER}},
        {"name": "anthropic", "input_schema": GET_ORDER},
        {"name": "mcp", "inputSchema": GET_ORDER},
        {"type": "web_search"},
    ]
    calls = [(name, {"id": 1}) for name in ("openai", "anthropic", "mcp")]
    hall = judged(stories, listed, *calls, ("web_search", {"q": "x"}), ("openai", {"id": "1"}))
    assert [one.kind for one in hall.latest.values()] == ["invalid_arguments"] * 3


@pytest.mark.parametrize(
    ("arguments", "path", "keyword", "expected", "got"),
    [
        ({}, "", "required", 'the property "order_id"', "nothing"),
        ({"id": "1"}, "", "required", 'the property "order_id"', 'only "id"'),
        ({"order_id": 17}, "/order_id", "type", "string", "17"),
        ({"order_id": None}, "/order_id", "type", "string", "null"),
        ({"order_id": "o", "amount": "12"}, "/amount", "type", "number", "a string of 2 characters"),
        ({"order_id": "o", "amount": 501}, "/amount", "maximum", "maximum 500", "501"),
        ({"order_id": "o", "currency": "Euro"}, "/currency", "enum", 'one of ["EUR","USD"]', '"Euro"'),
        ({"order_id": "o", "items": [{"sku": "a"}, {"sku": 4}]}, "/items/1/sku", "type", "string", "4"),
        ([], "", "type", "object", "an array of 0 items"),
        ("{'order_id': 1}", "", "json", "a JSON object", "a string of 15 characters that is no JSON"),
    ],
)
def test_arguments_that_the_schema_rejects(
    stories: Any, arguments: Any, path: str, keyword: str, expected: str, got: str
) -> None:
    [finding] = judged(stories, tools(stories), ("refund", arguments)).findings
    assert isinstance(finding.evidence, InvalidArguments)
    violation = finding.evidence.violations[0]
    assert (violation.path, violation.keyword, violation.expected, violation.got) == (path, keyword, expected, got)


@pytest.mark.parametrize(
    "arguments",
    [
        {"order_id": "o"},
        {"order_id": "o", "amount": 500, "currency": "EUR", "items": []},
        '{"order_id": "o"}',
        ' {"order_id":\n"o"}',
    ],
)
def test_arguments_that_the_schema_allows(stories: Any, arguments: Any) -> None:
    assert judged(stories, tools(stories), ("refund", arguments)).kinds() == []


def test_an_empty_text_is_no_arguments(stories: Any) -> None:
    assert judged(stories, [stories.tool("now", stories.obj())], ("now", "")).kinds() == []


def test_a_tool_without_a_schema_takes_anything(stories: Any) -> None:
    assert judged(stories, tools(stories), ("ping", {"a": 1}), ("ping", "text"), ("ping", None)).kinds() == []


def test_many_violations_are_counted_not_copied(stories: Any) -> None:
    secret = "4111 1111 1111 1111 Jane Roe"
    schema = {"type": "object", "properties": {"rows": {"type": "array", "items": {"type": "integer"}}}}
    [finding] = judged(stories, [stories.tool("put", schema)], ("put", {"rows": [secret] * 5000})).findings
    assert isinstance(finding.evidence, InvalidArguments)
    assert len(finding.evidence.violations) == MAX_VIOLATIONS
    assert finding.evidence.more == 1000
    assert secret not in finding.model_dump_json()


@pytest.mark.parametrize(
    "value", ["jane.roe@example.com", "4111111111111111", 4111111111111111, "+44 20 7946 0958", 51.507351, ["Jane"]]
)
def test_what_may_be_personal_is_described_not_quoted(value: Any) -> None:
    assert str(value) not in describe(value)


@pytest.mark.parametrize(("value", "told"), [("celcius", '"celcius"'), (7, "7"), (0.5, "0.5"), (True, "true")])
def test_a_short_word_and_a_small_number_are_quoted(value: Any, told: str) -> None:
    assert describe(value) == told


@pytest.mark.parametrize(
    ("schema", "keys"),
    [
        ({"type": "object", "properties": {}}, ["a", "b"]),
        ({"type": "object", "properties": {"a": {}}}, ["b"]),
        ({"properties": {"a": {}}, "allOf": [{"properties": {"c": {}}}]}, ["b"]),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"a": {}}}}}, ["b"]),
        ({"anyOf": [{"properties": {"a": {}}}, {"properties": {"c": {}}}]}, ["b"]),
        # Declared, or left open: no finding.
        ({"type": "object", "properties": {"a": {}, "b": {}}}, []),
        ({"type": "object"}, []),
        ({"properties": {"a": {}}, "patternProperties": {"^b$": {}}}, []),
        ({"properties": {"a": {}}, "additionalProperties": True}, []),
        ({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}, []),
        ({"properties": {"a": {}}, "allOf": [{"patternProperties": {"^b$": {}}}]}, []),
        ({"properties": {"a": {}}, "if": {"required": ["a"]}, "then": {"properties": {"b": {}}}}, []),
        (True, []),
        (None, []),
    ],
)
def test_keys_that_the_schema_permits_but_does_not_know(stories: Any, schema: Any, keys: list[str]) -> None:
    hall = judged(stories, [stories.tool("t", schema)], ("t", {"a": 1, "b": 2}))
    told = [finding.evidence for finding in hall.findings]
    assert [one.keys for one in told if isinstance(one, UnknownArguments)] == ([keys] if keys else [])
    assert all(finding.severity == "low" for finding in hall.findings)


def test_forbidden_keys_are_a_violation_and_not_told_twice(stories: Any) -> None:
    schema = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    [finding] = judged(stories, [stories.tool("t", schema)], ("t", {"a": 1, "bb": 2})).findings
    assert isinstance(finding.evidence, InvalidArguments)
    assert finding.evidence.violations[0].got == '"bb"'


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "objekt"}, "does not compile"),
        ({"$ref": "http://example.com/x.json"}, "inline the definition"),
        ({"pattern": "("}, "does not compile"),
        ("an object", "does not compile"),
    ],
)
def test_a_schema_that_does_not_compile_is_told_once(stories: Any, schema: Any, reason: str) -> None:
    hall = judged(stories, [stories.tool("t", schema)], *[("t", {"a": 1})] * 3)
    [finding] = hall.findings
    assert isinstance(finding.evidence, Unjudged)
    assert reason in finding.evidence.reason


def test_a_list_that_is_no_list_is_told_once(stories: Any) -> None:
    story = stories.Story()
    story.start(tools=story.content('{"tools": 1}', shared=True))
    story.call("x")
    story.call("y")
    [finding] = stories.Hall([HallucinatedTool()]).hear(story.events).findings
    assert "no JSON array" in finding.evidence.reason


def test_entries_in_no_known_shape_are_not_held_against_the_agent(stories: Any) -> None:
    hall = judged(stories, ["search", stories.tool("ping")], ("search", {}), ("ping", {}), ("search", {}))
    assert hall.kinds() == ["unjudged"]


def test_tools_and_policy_that_were_named_but_never_sent(stories: Any) -> None:
    story = stories.Story()
    lost = {"address": "u-" + "0" * 64, "size": 9}
    story.start(tools=lost, policy={"name": "p", "content": lost | {"address": "u-" + "1" * 64}})
    story.call("x")
    hall = stories.Hall([HallucinatedTool()]).hear(story.events)
    assert sorted(finding.evidence.reason for finding in hall.findings) == [
        "the list of tools that the session names was never sent",
        "the policy that the session names was never sent",
    ]


def test_arguments_that_were_not_recorded_or_are_too_long(stories: Any) -> None:
    story = stories.Story(tools=tools(stories))
    story.start()
    long = {"address": "s-" + "0" * 64, "size": 300_000}
    for _ in range(2):
        story.say("tool_call", {"tool_call_id": "c", "tool_name": "refund", "arguments_content": long})
        story.say("tool_call", {"tool_call_id": "c", "tool_name": "refund"})
    story.say("tool_call", {"tool_call_id": "c", "tool_name": "refund", "arguments_content": story.content("{}")})
    assert stories.Hall([HallucinatedTool()]).hear(story.events).kinds() == [
        "unjudged",
        "unjudged",
        "invalid_arguments",
    ]


def test_reasons_are_bounded(stories: Any) -> None:
    listed = [stories.tool(f"t{index}", {"type": "objekt"}) for index in range(100)]
    hall = judged(stories, listed, *[(entry["name"], {}) for entry in listed])
    assert len(hall.findings) == MAX_REASONS


def test_more_tools_than_a_model_could_read_are_all_known() -> None:
    registry = ToolRegistry([{"name": f"tool_{index}"} for index in range(10_000)])
    assert "tool_9999" in registry
    assert registry.nearest("tool_99x")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@given(arguments=JSON)
def test_whatever_the_arguments_are_the_judgement_is_one_finding_at_most(stories: Any, arguments: Any) -> None:
    hall = judged(stories, tools(stories), ("refund", arguments))
    assert len(hall.findings) <= 1
    for finding in hall.findings:
        assert len(finding.model_dump_json()) < 6000


GOOD, BAD, EXTRA = {"order_id": "o"}, {"order_id": 7}, {"order_id": "o", "more": 1}


@pytest.mark.parametrize(
    ("calls", "follow_ups"),
    [
        ([("get_orders", {}), ("get_order", {"id": "1"})], ["corrected"]),
        ([("get_orders", {}), ("get_order", {"id": 1})], ["", ""]),
        ([("get_orders", {}), ("get_order", {"id": 1}), ("get_order", {"id": "1"})], ["corrected", "corrected"]),
        ([("get_orders", {}), ("get_orders", {})], ["repeated", ""]),
        ([("get_orders", {}), ("launch_rocket", {})], ["", ""]),
        ([("get_orders", {}), ("ping", {}), ("get_order", {"id": "1"})], ["corrected"]),
        ([("get_orders", {}), ("ping", {}), ("ping", {}), ("ping", {})], ["dropped"]),
        ([("get_orders", {}), *[("ping", {})] * 3, ("get_order", {"id": "1"})], ["dropped"]),
        ([("launch_rocket", {}), ("ping", {})], [""]),
        ([("refund", BAD), ("refund", GOOD)], ["corrected"]),
        ([("refund", BAD), ("refund", EXTRA)], ["repeated", ""]),
        ([("refund", EXTRA), ("refund", GOOD)], ["corrected"]),
        ([("refund", BAD), ("ping", {}), ("refund", GOOD)], ["corrected"]),
        ([("refund", BAD)], [""]),
        ([("refund", BAD), ("refund", None)], [""]),
    ],
)
def test_what_the_agent_made_of_it(stories: Any, calls: list[tuple[str, Any]], follow_ups: list[str]) -> None:
    hall = judged(stories, tools(stories), *calls)
    told = [one for one in hall.latest.values() if one.kind != "unjudged"]
    assert [one.evidence.follow_up for one in told] == follow_ups
    assert all(one.status == "open" for one in told)


def test_what_followed_is_told_in_words_and_changes_nothing_else(stories: Any) -> None:
    first, second = judged(stories, tools(stories), ("get_orders", {}), ("get_order", {"id": "1"})).findings
    assert (second.finding_id, second.revision) == (first.finding_id, 1)
    assert second.summary == f"{first.summary} The agent then made the call as it should be."
    assert second.evidence == first.evidence.model_copy(update={"follow_up": "corrected"})
    assert (second.first_event_id, second.first_event_at) == (first.first_event_id, first.first_event_at)
    assert second.last_event_at > first.last_event_at


def test_many_mistakes_keep_the_state_small(stories: Any) -> None:
    wrong = {f"a_long_name_of_an_argument_{number}": "x" * 30 for number in range(40)}
    calls = [(f"no_such_tool_{number}", wrong) if number % 2 else ("refund", wrong) for number in range(400)]
    hall = judged(stories, tools(stories), *calls)
    assert len(hall.state().dump()) < 3000
