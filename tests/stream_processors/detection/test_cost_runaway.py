from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.evidence import CapUse
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.policy import AgentPolicy, Caps, Thresholds
from watchkeeper.schemas.signals import CapHit, SessionOpened
from watchkeeper.stream_processors.detection.pricing import Priced
from watchkeeper.stream_processors.detection.session_rules.cost_runaway import CostRunaway


class FlatPrice:
    """A cent a request; the model `secret` has no price."""

    def price(self, *, provider: str, model: str, usage: Any, at_us: int) -> Priced:
        return Priced("unpriced") if model == "secret" else Priced("priced", 0.01, "flat/1")


def policy(mode: str = "warn", share: float = 0.8, **caps: Any) -> AgentPolicy:
    return AgentPolicy.model_validate(
        {
            "agent": "support",
            "mode": mode,
            "caps": Caps(**caps).model_dump(),
            "thresholds": Thresholds(cap_warning_share=share),
        }
    )


def hall(stories: Any, story: Any) -> Any:
    return stories.Hall([CostRunaway()], prices=FlatPrice()).hear(story.events)


def told(found: Any) -> list[tuple[str, str, float]]:
    """Every finding as cap, severity and use."""
    return [(one.evidence.cap, one.severity, one.evidence.used) for one in found]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (19, []),
        (20, [("tool_calls", "low", 20)]),
        (25, [("tool_calls", "low", 20)]),
        (26, [("tool_calls", "low", 20), ("tool_calls", "high", 26)]),
        (60, [("tool_calls", "low", 20), ("tool_calls", "high", 26)]),
    ],
)
def test_a_cap_of_calls_allows_as_many_and_the_next_is_the_breach(stories: Any, calls: int, expected: Any) -> None:
    story = stories.Story(policy=policy(tool_calls=25))
    story.start()
    for _ in range(calls):
        story.call("search")
    judged = hall(stories, story)
    assert told(judged.findings) == expected
    if calls >= 26:
        assert judged.findings[-1].last_event_id == story.events[26].event_id


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(799, []), (800, ["low"]), (1000, ["low"]), (1001, ["high"])],
)
def test_tokens_are_uncached_input_and_output(stories: Any, tokens: int, expected: list[str]) -> None:
    story = stories.Story(policy=policy(tokens=1000))
    story.start()
    story.response(input_tokens=5000 + tokens - 100, cached=5000, output_tokens=100)
    assert [finding.severity for finding in hall(stories, story).findings] == expected


@pytest.mark.parametrize(("requests", "expected"), [(7, []), (8, ["low"]), (10, ["low"]), (11, ["low", "high"])])
def test_money_counts_what_is_priced(stories: Any, requests: int, expected: list[str]) -> None:
    story = stories.Story(policy=policy(cost_usd=0.1))
    story.start()
    for _ in range(requests):
        story.response(10, 10)
    assert [finding.severity for finding in hall(stories, story).findings] == expected


def test_what_is_unpriced_is_said_and_costs_nothing(stories: Any) -> None:
    story = stories.Story(policy=policy(cost_usd=0.1))
    story.start()
    for _ in range(50):
        story.response(10, 10, model="secret")
    assert hall(stories, story).kinds() == []
    for _ in range(11):
        story.response(10, 10)
    breach = hall(stories, story).findings[-1]
    assert "50 requests whose price is not known" in breach.summary
    assert breach.evidence.cost_usd == pytest.approx(0.11)


def test_without_a_priced_request_the_cost_is_unknown_not_zero(stories: Any) -> None:
    story = stories.Story(policy=policy(tool_calls=1))
    story.start()
    story.response(10, 10, model="secret")
    story.call("a")
    story.call("b")
    assert [finding.evidence.cost_usd for finding in hall(stories, story).findings] == [None, None]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(79.9, []), (80, ["low"]), (99.999999, ["low"]), (100, ["high"]), (500, ["high"])]
)
def test_the_wall_clock_breaches_when_it_reaches_its_cap(stories: Any, seconds: float, expected: list[str]) -> None:
    story = stories.Story(policy=policy(wall_clock_seconds=100.0))
    story.start()
    story.wait(seconds - 0.1)
    story.call("search")
    assert [finding.severity for finding in hall(stories, story).findings] == expected


@pytest.mark.parametrize(
    ("silence", "expected"),
    [(69.9, []), (70, ["low"]), (89.9, ["low"]), (90, ["low", "high"]), (5000, ["low", "high"])],
)
def test_a_tick_finds_the_session_that_hangs(stories: Any, silence: float, expected: list[str]) -> None:
    story = stories.Story(policy=policy(wall_clock_seconds=100.0))
    story.start()
    story.wait(9.9)
    story.call("slow")
    judged = hall(stories, story)
    for seconds in (silence / 2, silence * 0.9, silence, silence):
        judged.tick(seconds)
    assert [finding.severity for finding in judged.findings] == expected
    for finding in judged.findings:
        share = 0.8 if finding.severity == "low" else 1.0
        assert finding.evidence.by_tick
        assert finding.evidence.used == pytest.approx(100 * share)
        assert to_us(finding.last_event_at) == story.events[0].occurred_at.timestamp() * 1e6 + 100e6 * share


def test_one_tick_after_a_long_silence_says_what_many_would_have_said(stories: Any) -> None:
    story = stories.Story(policy=policy(wall_clock_seconds=100.0))
    story.start()
    judged = hall(stories, story)
    assert [finding.severity for finding in judged.tick(1000)] == ["low", "high"]
    assert judged.tick(2000) == []


def test_tick_and_event_find_the_same_breach(stories: Any) -> None:
    story = stories.Story(policy=policy(wall_clock_seconds=100.0))
    story.start()
    by_tick = hall(stories, story)
    by_tick.tick(150)
    story.wait(150).call("late")
    by_event = hall(stories, story)
    warning, breach = by_tick.findings
    assert [breach.finding_id] == [one.finding_id for one in by_event.findings]
    assert [one.signal_id for one in by_tick.signals] == [one.signal_id for one in by_event.signals]
    # One row replaces the other only within one partition of the table, by the day of the first event.
    assert breach.first_event_at == by_event.findings[0].first_event_at
    assert by_tick.signals[-1].source_offset is None
    by_tick.hear(story.events[1:])
    assert by_tick.findings == [warning, breach]


def test_what_others_tell_days_later_moves_no_clock(stories: Any) -> None:
    story = stories.Story(policy=policy(wall_clock_seconds=100.0))
    story.start()
    story.writer = "crm"
    story.wait(86_400)
    story.say("outcome", {"name": "refunded", "kind": "business", "value": 1.0})
    story.say("approval", {"approval_id": "a", "status": "granted"})
    assert hall(stories, story).kinds() == []


def test_after_the_end_the_clock_stands_still_but_the_end_itself_is_judged(stories: Any) -> None:
    story = stories.Story(policy=policy(wall_clock_seconds=100.0))
    story.start()
    story.end()
    story.wait(500).say("reasoning", {"text": story.content("afterthought")})
    assert hall(stories, story).kinds() == []
    slow = stories.Story(policy=policy(wall_clock_seconds=100.0))
    slow.start()
    slow.wait(200).end()
    judged = hall(stories, slow)
    assert [one.severity for one in judged.findings] == ["high"]
    assert judged.verdicts[-1].commands == []


def test_a_late_event_counts_and_crosses_at_the_next_one_in_order(stories: Any) -> None:
    story = stories.Story(policy=policy(tool_calls=2))
    story.start()
    story.call("a")
    story.lose()
    story.call("c")
    late = story.say("tool_call", {"tool_call_id": "b", "tool_name": "b"}, seq=2)
    judged = hall(stories, story)
    assert [one.severity for one in judged.findings] == ["low"]
    assert judged.verdicts[-1].late
    assert late.seq == 2
    story.response(1, 1)
    assert [one.severity for one in hall(stories, story).findings] == ["low", "high"]


@pytest.mark.parametrize(
    ("mode", "origin", "commanded"),
    [("warn", "live", True), ("enforce", "live", True), ("observe", "live", False), ("enforce", "import", False)],
)
def test_a_breach_is_commanded_where_the_policy_and_the_origin_allow(
    stories: Any, mode: str, origin: str, *, commanded: bool
) -> None:
    story = stories.Story(policy=policy(mode, tool_calls=1), origin=origin)
    story.start()
    story.call("a")
    story.call("b")
    judged = hall(stories, story)
    commands = [command for verdict in judged.verdicts for command in verdict.commands]
    assert [command.action for command in commands] == (["terminate"] if commanded else [])
    if commanded:
        assert commands[0].finding_id == judged.findings[-1].finding_id


def test_the_default_policy_commands_nothing_in_the_place_of_one_that_is_missing(stories: Any) -> None:
    story = stories.Story()
    story.start(policy={"name": "p", "content": {"address": "u-" + "0" * 64, "size": 9}})
    for _ in range(26):
        story.call("a")
    judged = hall(stories, story)
    assert [one.severity for one in judged.findings] == ["low", "high"]
    assert not any(verdict.commands for verdict in judged.verdicts)


def test_the_sessions_own_caps_only_narrow(stories: Any) -> None:
    story = stories.Story(policy=policy(tool_calls=5))
    story.start(caps={"tool_calls": 2, "tokens": 10})
    story.say("session_started", {"resumed": True, "caps": {"tool_calls": 50}})
    for _ in range(3):
        story.call("a")
    story.response(20, 0)
    assert told(hall(stories, story).findings) == [
        ("tool_calls", "low", 2),
        ("tool_calls", "high", 3),
        ("tokens", "high", 20),
    ]


def test_without_caps_nothing_is_said(stories: Any) -> None:
    story = stories.Story(policy=policy())
    story.start()
    for _ in range(100):
        story.call("a")
        story.response(10**6, 10**6)
    story.wait(10**6).end()
    assert hall(stories, story).kinds() == []


def test_stage_two_is_told_of_sessions_and_of_caps(stories: Any) -> None:
    story = stories.Story(policy=policy(tool_calls=1))
    story.start()
    for _ in range(4):
        story.call("a")
    opened, hit = (one for one in hall(stories, story).signals if one.kind != "finding_told")
    assert isinstance(opened, SessionOpened)
    assert isinstance(hit, CapHit)
    assert (opened.subject, hit.subject) == ("agent:default/live/support",) * 2
    assert (opened.source_offset, hit.source_offset) == (0, 2)
    assert (hit.cap, hit.started_at) == ("tool_calls", story.events[0].occurred_at)


def test_a_session_joined_in_the_middle_is_counted_and_a_resumed_one_is_not(stories: Any) -> None:
    middle = stories.Story()
    middle.call("a")
    middle.start()
    assert [type(signal) for signal in hall(stories, middle).signals] == [SessionOpened]
    resumed = stories.Story()
    resumed.start(resumed=True)
    resumed.call("a")
    assert hall(stories, resumed).signals == []


@given(cap=st.integers(1, 12), share=st.floats(0.01, 0.99), calls=st.integers(0, 15))
def test_at_most_one_warning_and_one_breach_and_in_that_order(stories: Any, cap: int, share: float, calls: int) -> None:
    story = stories.Story(policy=policy(share=share, tool_calls=cap))
    story.start()
    for _ in range(calls):
        story.call("a")
    found = hall(stories, story).findings
    uses = [one.evidence for one in found]
    assert all(isinstance(use, CapUse) for use in uses)
    assert [one.severity for one in found] in ([], ["low"], ["high"], ["low", "high"])
    assert ("high" in [one.severity for one in found]) == (calls > cap)
    assert bool(found) == (calls > 0 and calls >= cap * share - 1e-6)
