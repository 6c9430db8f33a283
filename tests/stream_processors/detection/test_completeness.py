from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.signals import SessionRecorded
from watchkeeper.stream_processors.detection.sequences.story import START_US
from watchkeeper.stream_processors.detection.session_rules.record_completeness import RecordCompleteness
from watchkeeper.stream_processors.detection.subject_rules.completeness import (
    DAY_US,
    MAX_EXAMPLES,
    MAX_REMEMBERED,
    Completeness,
    CompletenessState,
)

PROMISE = {"objectives": [{"rate": "completeness", "target": 0.9}]}


def policy(**more: Any) -> AgentPolicy:
    return AgentPolicy.model_validate({"agent": "support"} | PROMISE | more)


def heard(stories: Any, tell: Any, rules: AgentPolicy | None = None, **started: Any) -> Any:
    """Judges a story that `tell` tells after its start, by stage 1 alone."""
    story = stories.Story(policy=rules or policy(), tools=[stories.tool("t")])
    story.start(**started)
    tell(story)
    return stories.Hall([RecordCompleteness()], rules=[]).hear(story.events)


def prompt(story: Any, **more: Any) -> Any:
    """A request in full."""
    story.prompt("do it", system=story.content("You do it."), **more)
    return story.response()


def missing(hall: Any) -> dict[str, int]:
    signal: SessionRecorded = hall.signals[-1]
    return signal.missing


CASES: dict[str, tuple[Any, int, dict[str, int]]] = {
    "nothing happened": (lambda s: s.end(), 1, {}),
    "a whole call": (lambda s: (prompt(s), s.ask("t"), s.end()), 6, {}),
    "two calls of one prompt": (lambda s: (prompt(s), s.ask("t"), s.ask("t"), s.end()), 11, {}),
    "no result": (lambda s: (prompt(s), s.call("t"), s.end()), 6, {"result": 1}),
    "no prompt": (lambda s: (s.ask("t"), s.end()), 6, {"prompt": 1, "system": 1, "tools": 1}),
    "no system prompt": (lambda s: (s.prompt("x"), s.response(), s.ask("t"), s.end()), 6, {"system": 1}),
    "a response of its own": (
        lambda s: (prompt(s), s.ask("t"), s.response(), s.ask("t"), s.end()),
        11,
        {"prompt": 1, "system": 1, "tools": 1},
    ),
    "no arguments": (
        lambda s: (prompt(s), s.say("tool_call", {"tool_call_id": "c", "tool_name": "t"}), s.result(), s.end()),
        6,
        {"arguments": 1},
    ),
    "a decision": (lambda s: (s.say("decision", {"decision_id": "d", "name": "n"}), s.end()), 2, {"decision": 1}),
    "a rule": (
        lambda s: (s.say("decision", {"decision_id": "d", "name": "n", "rules": [{"name": "r"}]}), s.end()),
        2,
        {},
    ),
    "events lost": (lambda s: (s.lose(3), s.end()), 4, {"events": 3}),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_expected_and_what_is_missing(stories: Any, name: str) -> None:
    tell, expected, lacks = CASES[name]
    hall = heard(stories, tell)
    assert (hall.signals[-1].expected, missing(hall)) == (expected, lacks)


def test_an_event_that_comes_late_is_not_lost(stories: Any) -> None:
    def tell(story: Any) -> None:
        story.lose()
        prompt(story)
        story.say("reasoning", {"text": story.content("late")}, seq=1)
        story.end()

    assert missing(heard(stories, tell)) == {}


def test_a_session_that_falls_silent_is_told_and_told_anew_when_it_ends(stories: Any) -> None:
    hall = heard(stories, prompt)
    hall.tick(1799)
    assert hall.signals == []
    hall.tick(1801)
    hall.tick(4000)
    assert [signal.missing for signal in hall.signals] == [{"end": 1}]
    assert hall.signals[0].source_offset is None


@pytest.mark.parametrize(
    ("exposed", "tell", "found"),
    [
        ("full", lambda s: [(prompt(s), s.ask("t")) for _ in range(2)], True),
        ("summary", lambda s: [(prompt(s), s.ask("t")) for _ in range(2)], True),
        ("none", lambda s: [(prompt(s), s.ask("t")) for _ in range(2)], False),
        ("full", lambda s: (prompt(s), s.ask("t"), s.ask("t")), False),
        ("full", lambda s: [prompt(s) for _ in range(5)], False),
        (
            "full",
            lambda s: (s.say("reasoning", {"text": s.content("x")}), prompt(s), s.ask("t"), prompt(s), s.ask("t")),
            False,
        ),
    ],
)
def test_reasoning_is_missed_where_the_model_shows_it_and_none_was_recorded(
    stories: Any, exposed: str, tell: Any, found: bool
) -> None:

    def whole(story: Any) -> None:
        tell(story)
        story.end()

    assert heard(stories, whole, reasoning_exposed=exposed).kinds() == (["missing_reasoning"] if found else [])
    assert heard(stories, whole, AgentPolicy(agent="support"), reasoning_exposed=exposed).findings == []


@pytest.mark.parametrize(("place", "found"), [("before", 0), ("after", 0), ("nowhere", 1)])
def test_tokens_spent_on_reasoning_ask_for_some(stories: Any, place: str, found: int) -> None:
    def tell(story: Any) -> None:
        story.prompt("x")
        if place == "before":
            story.say("reasoning", {"text": story.content("because")})
        usage = {"input_tokens": 9, "output_tokens": 9, "reasoning_output_tokens": 5}
        story.say("response", {"request_id": "r", "usage": usage})
        if place == "after":
            story.say("reasoning", {"text": story.content("because")})
        story.ask("t")
        story.end()

    assert len(heard(stories, tell, AgentPolicy(agent="support"), reasoning_exposed="full").findings) == found


def test_what_was_lost_on_the_way_is_not_missed_twice(stories: Any) -> None:
    def tell(story: Any) -> None:
        story.lose()
        usage = {"input_tokens": 9, "output_tokens": 9, "reasoning_output_tokens": 5}
        story.say("response", {"request_id": "r", "usage": usage})
        story.ask("t")
        story.end()

    assert heard(stories, tell, reasoning_exposed="full").findings == []


def test_each_kind_is_found_once(stories: Any) -> None:
    def tell(story: Any) -> None:
        for number in range(5):
            story.ask("t")
            story.say("decision", {"decision_id": f"d-{number}", "name": "n"})
        story.end()

    assert heard(stories, tell).kinds() == ["unprompted_action", "untraced_decision"]


def test_without_a_promise_nothing_is_told_and_no_prompt_is_missed(stories: Any) -> None:
    hall = heard(stories, lambda s: (s.ask("t"), s.end()), AgentPolicy(agent="support"))
    assert hall.findings == hall.signals == []


@pytest.mark.parametrize(("retention", "severity"), [("standard", "low"), ("regulated", "high")])
def test_a_regulated_decision_without_a_trace_is_grave(stories: Any, retention: str, severity: str) -> None:
    story = stories.Story()
    story.say("session_started", {}, retention_class=retention)
    story.say("decision", {"decision_id": "d", "name": "n"})
    [found] = stories.Hall([RecordCompleteness()]).hear(story.events).findings
    assert found.severity == severity


def recorded(session: int, lacks: int, *, day: float = 0, expected: int = 20, target: float = 0.9) -> SessionRecorded:
    return SessionRecorded.model_validate(
        {
            "signal_id": f"{session}",
            "subject": "agent:t/live/a",
            "tenant_id": "t",
            "origin": "live",
            "session_id": f"s-{session}",
            "agent_id": "a",
            "occurred_at": from_us(START_US + round(day * DAY_US)),
            "source_partition": 0,
            "expected": expected,
            "missing": {"result": lacks} if lacks else {},
            "target": target,
            "window_days": 7,
        }
    )


def folded(*signals: SessionRecorded) -> list[Any]:
    rule, state = Completeness(), CompletenessState()
    return [one for signal in signals for one in rule.fold(state, signal)]


def test_an_agent_below_its_promise_is_one_episode_until_it_recovers() -> None:
    bad = [recorded(number, 4) for number in range(10)]
    good = [recorded(100 + number, 0) for number in range(30)]
    found = folded(*bad, *good)
    assert [(one.status, one.revision) for one in found] == [("open", 0), ("resolved", 1)]
    assert (found[0].evidence.sessions, found[0].evidence.share) == (5, 0.8)
    assert found[0].evidence.missing == {"result": 20}
    assert found[1].evidence.share >= 0.92
    assert len({one.about for one in found}) == 1


@pytest.mark.parametrize(
    ("sessions", "lacks", "expected", "found"),
    [(4, 10, 20, 0), (5, 2, 20, 0), (5, 3, 20, 1), (6, 4, 8, 0), (7, 4, 8, 1)],
)
def test_few_sessions_decide_nothing(sessions: int, lacks: int, expected: int, found: int) -> None:
    assert len(folded(*(recorded(number, lacks, expected=expected) for number in range(sessions)))) == found


def test_what_is_older_than_the_window_counts_no_more() -> None:
    old = [recorded(number, 10, day=0) for number in range(4)]
    new = [recorded(10 + number, 0, day=8) for number in range(6)]
    assert folded(*old, *new) == []
    assert len(folded(*old, *(recorded(10 + number, 0, day=2) for number in range(2)))) == 1
    assert folded(*new, *(recorded(20 + number, 10, day=0.5) for number in range(6))) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 9)), max_size=40))
def test_a_session_told_again_replaces_what_was_told_before(told: list[tuple[int, int, int]]) -> None:
    rule, state = Completeness(), CompletenessState()
    latest: dict[int, tuple[int, int]] = {}
    for session, lacks, more in told:
        expected = 20 + more
        signal = recorded(session, lacks, expected=expected)
        list(rule.fold(state, signal))
        assert list(rule.fold(state, signal)) == []
        if session not in latest or latest[session][0] <= expected:
            latest[session] = (expected, lacks)
    assert sum(day["sessions"] for day in state.days.values()) == len(latest)
    assert sum(day["expected"] for day in state.days.values()) == sum(expected for expected, _ in latest.values())
    assert sum(sum(day["missing"].values()) for day in state.days.values()) == sum(
        lacks for _, lacks in latest.values()
    )


def test_the_state_of_an_agent_stays_small() -> None:
    rule, state = Completeness(), CompletenessState()
    for number in range(2000):
        list(rule.fold(state, recorded(number, 1, day=number / 50)))
    assert len(state.days) <= 7
    assert len(state.told) <= MAX_REMEMBERED
    assert len(state.examples) <= MAX_EXAMPLES


def test_the_state_of_a_session_stays_tiny(stories: Any) -> None:
    def tell(story: Any) -> None:
        for _ in range(300):
            story.response()
            story.ask("t")

    hall = heard(stories, tell, reasoning_exposed="full")
    assert len(str(hall.state().detectors["record_completeness"])) < 500
