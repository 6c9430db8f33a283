from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.evidence import ArgumentsOutOfBounds, RateExceeded, ResourceOutOfScope, ToolNotAllowed
from watchkeeper.schemas.policy import AgentPolicy, RateLimit
from watchkeeper.stream_processors.detection.boundaries import MAX_BREACHES, crossings, number_of
from watchkeeper.stream_processors.detection.calls import Call
from watchkeeper.stream_processors.detection.rate_windows import EXACT, new_window, take, take_back
from watchkeeper.stream_processors.detection.session_rules.tool_boundary import ToolBoundary
from watchkeeper.stream_processors.detection.subject_rules.rate_limits import RateLimits

REFUND: dict[str, Any] = {
    "effect": "irreversible",
    "resource": "order",
    "allowed_resources": ["orders/*"],
    "bounds": {"amount": {"minimum": 0.01, "maximum": 500.0}, "unit": {"allowed": ["kg", 1, None]}},
}


def policy(**given: Any) -> AgentPolicy:
    return AgentPolicy.model_validate({"agent": "support"} | given)


def broken(tool: dict[str, Any], arguments: Any, **more: Any) -> list[Any]:
    """What a call of a tool under this policy breaks."""
    return list(crossings(Call("t", "c", arguments, "support", **more), policy(tools={"t": tool})))


def told(hall: Any) -> list[tuple[str, str]]:
    return [(finding.kind, finding.status) for finding in hall.findings]


def heard(stories: Any, rules: AgentPolicy, *calls: tuple[str, Any], status: str = "ok", **story: Any) -> Any:
    one = stories.Story(policy=rules, **story)
    one.start()
    for name, arguments in calls:
        one.say("tool_call", {"tool_call_id": "c", "tool_name": name, "arguments": arguments})
        one.say("tool_result", {"tool_call_id": "c", "tool_name": name, "status": status})
    return stories.Hall([ToolBoundary()], rules=[RateLimits()]).hear(one.events)


@pytest.mark.parametrize(
    ("arguments", "rule", "path"),
    [
        ({"amount": 0.01}, None, ""),
        ({"amount": 500}, None, ""),
        ({"amount": "500.00"}, None, ""),
        ({"amount": None}, None, ""),
        ({}, None, ""),
        ({"amount": 0}, "minimum", "/amount"),
        ({"amount": -5}, "minimum", "/amount"),
        ({"amount": 500.01}, "maximum", "/amount"),
        ({"amount": "5e2"}, None, ""),
        ({"amount": "5e9"}, "maximum", "/amount"),
        ({"amount": "1,000"}, "number", "/amount"),
        ({"amount": True}, "number", "/amount"),
        ({"amount": [1]}, "number", "/amount"),
        ({"amount": 10**400}, "maximum", "/amount"),
        ({"unit": "kg"}, None, ""),
        ({"unit": 1.0}, None, ""),
        ({"unit": True}, "allowed", "/unit"),
        ({"unit": "KG"}, "allowed", "/unit"),
        ("no JSON", None, ""),
        ([], None, ""),
    ],
)
def test_a_bound_holds_to_its_edge_and_fails_closed(arguments: Any, rule: str | None, path: str) -> None:
    found = broken(REFUND, arguments)
    if rule is None:
        assert found == []
    else:
        [one] = found
        assert [(breach.rule, breach.path) for breach in one.breaches] == [(rule, path)]


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), (2.5, 2.5), ("3", 3.0), (" 3 ", 3.0), ("+1e2", 100.0), ("nan", None), ("0x10", None), ("", None)],
)
def test_what_is_read_as_a_number(value: Any, number: float | None) -> None:
    assert number_of(value) == number


@pytest.mark.parametrize(
    ("order", "within"),
    [
        ("orders/7", True),
        ("orders/7/items", True),
        ("orders/../payroll", False),
        ("payroll/7", False),
        ("", False),
        (7, False),
        (None, True),
        (["orders/7"], False),
    ],
)
def test_a_resource_is_within_what_is_allowed(order: Any, within: bool) -> None:
    found = broken(REFUND, {"order": order})
    assert [type(one) for one in found] == ([] if within else [ResourceOutOfScope])


@pytest.mark.parametrize(
    ("condition", "arguments", "rule", "got"),
    [
        ("args.amount <= 100.0", {"amount": 100}, None, ""),
        ("args.amount <= 100", {"amount": 99.5}, None, ""),
        ("args.amount <= 100", {"amount": 101}, "condition", "false"),
        ("args.amount <= 100", {}, "unevaluated", "the argument amount is absent"),
        ("!has(args.amount) || args.amount <= 100", {}, None, ""),
        ("args.amount <= 100", {"amount": "secret"}, "unevaluated", "an argument is of another type"),
        ("args.amount <= 100", {"amount": 2**70}, "condition", "false"),
        ("args.amount <= 100", {"amount": 10, "order": 10**25}, None, ""),
        ("100 / args.amount > 1", {"amount": 0}, "unevaluated", "it divides by zero"),
        ("args.amount <= 100", "no JSON", "unevaluated", "an argument is no object"),
        ("timestamp(args.at) > timestamp('2026-01-01T00:00:00Z')", {"at": "mon secret"}, "unevaluated", None),
        ("agent == 'support' && environment != 'production'", {}, "condition", "false"),
        ("customer == args.customer", {"customer": "c-9"}, None, ""),
        ("args.amount", {"amount": 3}, "unevaluated", None),
    ],
)
def test_a_condition_that_does_not_hold_or_cannot_be_evaluated_is_broken(
    condition: str, arguments: Any, rule: str | None, got: str | None
) -> None:
    tool = {"require": [{"condition": condition, "message": "Not so"}]}
    found = broken(tool, arguments, customer_id="c-9", environment="production")
    if rule is None:
        assert found == []
        return
    [breach] = found[0].breaches
    assert (breach.rule, breach.expected, breach.message) == (rule, condition, "Not so")
    assert "secret" not in breach.got
    assert got is None or breach.got == got


def test_what_stood_in_the_arguments_is_described_and_not_quoted() -> None:
    [found] = broken(
        {"bounds": {"to": {"pattern": "[a-z]+@example[.]com"}}}, {"to": "ann.smith@private.example, born 1970"}
    )
    assert found.breaches[0].got == "a string of 36 characters"


def test_many_breaches_are_counted() -> None:
    [found] = broken({"bounds": {"a[*]": {"maximum": 1.0}}}, {"a": [2] * 50})
    assert len(found.breaches) == MAX_BREACHES
    assert found.more == 50 - MAX_BREACHES


def test_a_pattern_must_match_the_whole_text_and_numbers_are_read_as_written() -> None:
    tool = {"bounds": {"id": {"pattern": "[0-9]{4}"}}}
    assert broken(tool, {"id": 1234}) == broken(tool, {"id": "1234"}) == []
    assert len(broken(tool, {"id": "12345"})) == len(broken(tool, {"id": {"x": 1}})) == 1


@pytest.mark.parametrize(
    ("given", "agent", "reason"),
    [
        ({"tools": {}}, "support", None),
        ({"tools": {}, "allow_unlisted_tools": False}, "support", "unlisted"),
        ({"tools": {"t": {"agents": ["support"]}}}, "support", None),
        ({"tools": {"t": {"agents": ["lead-*"]}}}, "support", "agent"),
        ({"tools": {"t": {"agents": ["lead-*"]}}}, "lead-2", None),
        ({"tools": {"t": {"agents": []}}}, "support", "agent"),
        (
            {"tools": {"t": {"effect": "write"}}, "allow_unlisted_tools": False, "allowed_effects": ["read"]},
            "x",
            "effect",
        ),
        ({"tools": {"t": {}}, "allow_unlisted_tools": False, "allowed_effects": ["read"]}, "x", None),
    ],
)
def test_who_may_call_what(given: dict[str, Any], agent: str, reason: str | None) -> None:
    found = crossings(Call("t", "c", {}, agent), policy(**given))
    assert [one.reason for one in found if isinstance(one, ToolNotAllowed)] == ([] if reason is None else [reason])


def test_effects_need_a_list_of_tools() -> None:
    with pytest.raises(ValueError, match="set allow_unlisted_tools: false"):
        policy(allowed_effects=["read"])


def test_a_tool_that_was_never_registered_is_told_by_another_rule(stories: Any) -> None:
    rules = policy(allow_unlisted_tools=False)
    listed = [stories.tool("known")]
    hall = heard(stories, rules, ("unknown", {}), ("known", {}), tools=listed)
    assert [finding.evidence.tool_name for finding in hall.findings] == ["known"]


@pytest.mark.parametrize(
    ("amount", "found"),
    [("all of it", 0), (900, 1), ("900", 1), (3, 0)],
)
def test_arguments_whose_types_the_schema_rejects_are_told_by_another_rule(
    stories: Any, amount: Any, found: int
) -> None:
    listed = [stories.tool("t", stories.obj(["amount"], amount="number"))]
    hall = heard(stories, policy(tools={"t": REFUND}), ("t", {"amount": amount}), tools=listed)
    assert len(hall.findings) == found


@pytest.mark.parametrize(
    ("status", "statuses"),
    [("ok", ["open"]), ("error", ["open"]), ("timeout", ["open"]), ("rejected", ["open", "resolved"])],
)
def test_what_the_guard_refused_is_taken_back(stories: Any, status: str, statuses: list[str]) -> None:
    hall = heard(stories, policy(tools={"t": REFUND}), ("t", {"amount": 900}), status=status)
    assert [finding.status for finding in hall.findings] == statuses
    assert len({finding.finding_id for finding in hall.findings}) == 1
    assert [finding.revision for finding in hall.findings] == list(range(len(statuses)))
    assert {type(finding.evidence) for finding in hall.findings} == {ArgumentsOutOfBounds}


def test_arguments_that_were_not_recorded_are_told_once_where_a_limit_needs_them(stories: Any) -> None:
    rules = policy(tools={"t": REFUND, "free": {"rate_limit": {"calls": 1, "seconds": 1.0}}})
    hall = heard(stories, rules, ("t", None), ("t", None), ("free", None))
    assert [finding.kind for finding in hall.findings] == ["unjudged"]


def test_a_call_that_comes_late_is_judged_too(stories: Any) -> None:
    story = stories.Story(policy=policy(tools={"t": REFUND}))
    story.start()
    story.lose()
    story.call("other")
    story.say("tool_call", {"tool_call_id": "c", "tool_name": "t", "arguments": {"amount": 900}}, seq=1)
    assert stories.Hall([ToolBoundary()]).hear(story.events).kinds() == ["arguments_out_of_bounds"]


def limit(calls: int, seconds: float) -> RateLimit:
    return RateLimit(calls=calls, seconds=seconds)


def breaks(times: list[int], allowed: RateLimit) -> list[int]:
    """The calls above the limit, by their places."""
    window, found, above = new_window(), [], 0
    for place, at_us in enumerate(times):
        before = (window["first"], window["above"])
        take(window, at_us, f"c-{place}", allowed)
        if (window["first"], window["above"]) != before:
            found.append(place)
        assert sum(count for _, count in window["times"]) <= allowed.calls
    return found if above == 0 else []


@given(
    st.lists(st.integers(0, 3_000_000), max_size=60),
    st.integers(1, 6),
    st.integers(1, 8).map(lambda tenths: tenths / 10),
)
def test_a_window_is_exact(gaps: list[int], calls: int, seconds: float) -> None:
    times = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    length = round(seconds * 1_000_000)
    expected = [
        place
        for place, at_us in enumerate(times)
        if sum(1 for earlier in times[: place + 1] if earlier > at_us - length) > calls
    ]
    assert breaks(times, limit(calls, seconds)) == expected


@given(st.lists(st.integers(0, 60_000), min_size=100, max_size=300), st.integers(EXACT + 1, 120))
def test_a_coarse_window_is_never_too_strict_and_hardly_too_lax(gaps: list[int], calls: int) -> None:
    times = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    length = 1_000_000
    grain = length // EXACT

    def beyond(span: int) -> set[int]:
        return {
            place
            for place, at_us in enumerate(times)
            if sum(1 for earlier in times[: place + 1] if earlier > at_us - span) > calls
        }

    found = set(breaks(times, limit(calls, 1.0)))
    assert found <= beyond(length)
    assert found >= beyond(length - grain)


def test_a_window_keeps_little() -> None:
    window = new_window()
    for place in range(5000):
        take(window, place * 100, f"c-{place}", limit(4000, 1.0))
    assert len(window["times"]) <= EXACT + 1
    assert window["above"] == 0 or window["times"]


def test_an_episode_is_told_when_it_begins_and_when_it_has_doubled() -> None:
    window = new_window()
    said = [place for place in range(20) if take(window, place, f"c-{place}", limit(2, 1.0))]
    assert said == [2, 3, 5, 9, 17]
    assert window["first"] == "c-2"
    assert take(window, 3_000_000, "a", limit(2, 1.0)) is False
    assert take(window, 3_000_001, "b", limit(2, 1.0)) is False
    assert take(window, 3_000_002, "c", limit(2, 1.0)) is True
    assert (window["first"], window["above"], window["revision"]) == ("c", 1, 0)


def test_a_call_that_was_taken_back_leaves_room() -> None:
    window = new_window()
    for place in range(3):
        assert not take(window, place, f"c-{place}", limit(3, 1.0))
        if place == 1:
            take_back(window, place, limit(3, 1.0))
    assert not take(window, 9, "c-9", limit(3, 1.0))
    assert take(window, 10, "c-10", limit(3, 1.0))


@pytest.mark.parametrize(
    ("per", "agents", "sessions", "found"),
    [
        ("session", ["a", "a"], ["s-1", "s-2"], []),
        ("agent", ["a", "a"], ["s-1", "s-2"], [1]),
        ("agent", ["a", "b"], ["s-1", "s-2"], []),
        ("tenant", ["a", "b"], ["s-1", "s-2"], [1]),
    ],
)
def test_over_whose_calls_a_rate_is_counted(
    stories: Any, per: str, agents: list[str], sessions: list[str], found: list[int]
) -> None:
    rules = policy(tools={"t": {"rate_limit": {"calls": 3, "seconds": 60.0, "per": per}}})
    hall = stories.Hall([ToolBoundary()], rules=[RateLimits()])
    for offset, (agent, session) in enumerate(zip(agents, sessions, strict=True)):
        story = stories.Story(policy=rules, agent=agent, session=session)
        story.start()
        story.ask("t", n=1)
        story.ask("t", n=2)
        hall.hear(story.events, offset=offset * 100)
    rates = [finding.evidence for finding in hall.findings]
    assert all(isinstance(one, RateExceeded) and one.per == per for one in rates)
    assert [one.above for one in rates] == found
    assert all(one.sessions == ["s-2"] for one in rates)


LONG: dict[str, Any] = {
    "breaks everything": lambda s, i: s.call("t", amount=-i, order="payroll", unit="x", id=f"{i}"),
    "too fast": lambda s, i: s.ask(f"rated_{i % 30}", "x", n=i),
    "not recorded": lambda s, i: s.say("tool_call", {"tool_call_id": f"c-{i}", "tool_name": f"bound_{i % 60}"}),
}


@pytest.mark.parametrize("name", LONG)
def test_the_state_of_a_long_session_stays_small(stories: Any, name: str) -> None:
    rated = {"rate_limit": {"calls": 5, "seconds": 3600.0}}
    bounds = {"bounds": {"n": {"maximum": 1.0}}}
    tools = {"t": REFUND} | {f"rated_{i}": rated for i in range(30)} | {f"bound_{i}": bounds for i in range(60)}
    story = stories.Story(policy=policy(tools=tools))
    story.start()
    for index in range(600):
        LONG[name](story, index)
    hall = stories.Hall([ToolBoundary()]).hear(story.events)
    [_, state] = hall.state().detectors["tool_boundary"]
    assert len(hall.state().dump()) < 6500
    assert len(state.windows) <= 16
