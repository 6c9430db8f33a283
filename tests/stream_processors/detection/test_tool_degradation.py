"""Tools that slow, fail or are called again and again."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.signals import ToolUsed, subject_of
from watchkeeper.stream_processors.detection.episodes import MAX_REPEATS, Episodes, is_repeat, move
from watchkeeper.stream_processors.detection.sequences.hall import Hall
from watchkeeper.stream_processors.detection.sequences.story import START_US, Story
from watchkeeper.stream_processors.detection.sequences.tool_degradation import SEQUENCES
from watchkeeper.stream_processors.detection.session_rules.told_tool_use import MAX_PENDING, MAX_TOOLS, ToldToolUse
from watchkeeper.stream_processors.detection.subject_rules.tool_health import ToolHealth

MINUTE_US = 60_000_000
OBJECTIVES = [
    {"rate": "errors", "target": 0.99},
    {"rate": "latency", "target": 0.95, "threshold_ms": 800.0},
]


def policy(**more: Any) -> AgentPolicy:
    return AgentPolicy.model_validate({"agent": "support", "tools": {"lookup": {"objectives": OBJECTIVES}}} | more)


def told(*results: tuple[str, int | None], end: bool = True, rules: AgentPolicy | None = None) -> list[ToolUsed]:
    """What stage 1 tells of a session with these results of `lookup`."""
    story = Story(policy=rules or policy())
    story.start()
    for status, duration_us in results:
        story.call("lookup")
        story.result("x", status=status, duration_us=duration_us)
    if end:
        story.end()
    hall = Hall([ToldToolUse()], rules=[]).hear(story.events)
    return [signal for signal in hall.signals if isinstance(signal, ToolUsed)]


CASES: dict[str, tuple[list[tuple[str, int | None]], list[tuple[int, int, int, list[list[int]]]]]] = {
    "all well": ([("ok", 1000)] * 3, [(3, 0, 0, [[3, 0], [3, 0]])]),
    "one too slow": ([("ok", 1000), ("ok", 900_000)], [(2, 0, 0, [[2, 0], [2, 1]])]),
    "just in time": ([("ok", 800_000)], [(1, 0, 0, [[1, 0], [1, 0]])]),
    "no duration": ([("ok", None)], [(1, 0, 0, [[1, 0], [0, 0]])]),
    "a failure at once": ([("ok", 10), ("error", 10)], [(2, 1, 0, [[2, 1], [2, 0]])]),
    "a retry that works": (
        [("timeout", 10), ("ok", 10), ("ok", 10)],
        [(1, 1, 0, [[1, 1], [1, 0]]), (1, 0, 1, [[1, 0], [1, 0]]), (1, 0, 0, [[1, 0], [1, 0]])],
    ),
    "what others stopped": ([("rejected", None), ("cancelled", 9)], []),
}


@pytest.mark.parametrize("name", CASES)
def test_a_session_tells_how_its_tools_fared(name: str) -> None:
    results, expected = CASES[name]
    rates = [
        (one.calls, one.errors, one.retries, [[rate.events, rate.bad] for rate in one.rates]) for one in told(*results)
    ]
    assert rates == expected


@given(st.lists(st.tuples(st.sampled_from(["ok", "error", "timeout", "rejected"]), st.integers(0, 10**8)), max_size=80))
def test_every_result_is_told_once(results: list[tuple[str, int | None]]) -> None:
    signals = told(*results)
    assert sum(one.calls for one in signals) == sum(status != "rejected" for status, _ in results)
    assert sum(one.errors for one in signals) == sum(status in {"error", "timeout"} for status, _ in results)
    assert sum(sum(one.durations.values()) for one in signals) == sum(one.calls for one in signals)
    assert len({one.signal_id for one in signals}) == len(signals)


def test_a_session_that_never_ends_is_told_by_the_tick() -> None:
    story = Story(policy=policy())
    story.start()
    story.ask("lookup")
    hall = Hall([ToldToolUse()], rules=[]).hear(story.events)
    assert hall.signals == []
    hall.tick(1801)
    hall.tick(4000)
    assert [signal.source_offset for signal in hall.signals] == [None]


def test_little_is_kept_and_nothing_when_all_is_told() -> None:
    story = Story()
    story.start()
    hall = Hall([ToldToolUse()], rules=[])
    for number in range(MAX_PENDING * 4):
        story.ask(f"a_tool_with_a_long_name_{number % 30}")
    largest = 0
    for event in story.events:
        hall.hear([event])
        state = hall.state().detectors.get("told_tool_use")
        if state is not None:
            assert len(state[1].pending) < MAX_TOOLS
            largest = max(largest, len(orjson.dumps(state)))
    assert largest < 900
    quiet = Story(policy=policy())
    quiet.start()
    quiet.call("lookup")
    assert b"told_tool_use" not in Hall([ToldToolUse()], rules=[]).hear(quiet.events).state().dump()


def down(rules: AgentPolicy, origin: str = "live") -> Hall:
    """Ten sessions whose calls all fail."""
    hall = Hall()
    for number in range(10):
        story = Story(session=f"s-{number}", policy=rules, start_us=START_US + number * MINUTE_US, origin=origin)
        story.start()
        story.ask("lookup")
        story.call("lookup")
        story.result("down", status="error", duration_us=10)
        story.end()
        hall.hear(story.events, offset=100 * number)
    return hall


@pytest.mark.parametrize(
    ("mode", "origin", "advised"),
    [("warn", "live", True), ("enforce", "live", True), ("observe", "live", False), ("warn", "import", False)],
)
def test_a_fast_burn_of_errors_advises_to_open_the_circuit(mode: str, origin: str, advised: bool) -> None:
    hall = down(policy(mode=mode), origin)
    commands = [command for verdict in hall.verdicts for command in verdict.commands]
    expected = [("circuit_open", "agent", "support", "lookup")] if advised else []
    assert [(one.action, one.target.kind, one.target.id, one.tool_name) for one in commands] == expected
    assert [finding.kind for finding in hall.findings] == ["budget_burn"]


def test_findings_and_commands_name_what_to_do_without_the_tool() -> None:
    rules = policy()
    told = rules.tools["lookup"].model_copy(update={"fallback": "Offer to call back."})
    hall = down(rules.model_copy(update={"tools": {**rules.tools, "lookup": told}}))
    (finding,) = hall.findings
    assert finding.evidence.kind == "budget_burn"
    assert finding.evidence.fallback == "Offer to call back."
    assert finding.summary.endswith("Without it: Offer to call back.")
    commands = [command for verdict in hall.verdicts for command in verdict.commands]
    assert [one.fallback for one in commands] == ["Offer to call back."]


def used(minute: float, session: int, errors: int = 0, calls: int = 5, **more: Any) -> ToolUsed:
    """A signal."""
    return ToolUsed.model_validate(
        {
            "signal_id": f"sig-{minute}-{session}",
            "subject": subject_of("tool", "default", "live", "support/lookup"),
            "tenant_id": "default",
            "origin": "live",
            "session_id": f"s-{session}",
            "agent_id": "support",
            "occurred_at": from_us(START_US + round(minute * MINUTE_US)),
            "source_partition": 0,
            "source_offset": 0,
            "tool_name": "lookup",
            "calls": calls,
            "errors": errors,
        }
        | more
    )


def test_a_signal_of_a_tick_counts_once() -> None:
    rule = ToolHealth()
    state = rule.state_type()
    for _ in range(3):
        assert list(rule.fold(state, used(1, 1, 5, source_offset=None))) == []
    assert [part["calls"] for part in state.history["parts"]] == [5]


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(-50_000, 50_000), st.integers(0, 40), st.integers(0, 5), st.integers(0, 5)),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_comes_the_state_is_bounded_and_episodes_alternate(
    signals: list[tuple[float, int, int, int]],
) -> None:
    rule = ToolHealth()
    state = rule.state_type()
    for minute, session, errors, retries in signals:
        for found in rule.fold(state, used(minute, session, errors, retries=retries, durations={"40": 3, "90": 2})):
            assert found.status == ("resolved" if found.revision % 2 else "open")
    assert len(orjson.dumps(state)) < 8000


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from([True, False, None])), max_size=40))
def test_an_episode_begins_and_ends_in_turn(steps: list[tuple[int, bool | None]]) -> None:
    episodes: Episodes = {}
    told_last: dict[int, int] = {}
    is_open = False
    for bucket, burning in steps:
        episode = move(episodes, "x", bucket, burning=burning)
        assert (episode is not None) == (burning is not None and burning != is_open)
        if episode is not None:
            is_open = not episode.resolved
            assert is_open == burning
            if episode.since in told_last and episode.revision:
                assert episode.revision == told_last[episode.since] + 1
            told_last[episode.since] = episode.revision


def test_no_more_repeats_are_remembered_than_come() -> None:
    seen: list[str] = []
    for number in range(MAX_REPEATS * 3):
        assert not is_repeat(seen, used(number, 1, source_offset=None))
    assert len(seen) == MAX_REPEATS
    assert not is_repeat(seen, used(0, 1))


def test_there_are_enough_sequences() -> None:
    assert sum(bool(one.fires) for one in SEQUENCES) >= 4
    assert sum(not one.fires for one in SEQUENCES) >= 5


def test_a_rate_that_is_not_counted_of_tools_is_refused() -> None:
    with pytest.raises(ValidationError, match="move the objective to the agent's own"):
        AgentPolicy.model_validate(
            {"agent": "a", "tools": {"t": {"objectives": [{"rate": "acceptance", "target": 0.9}]}}}
        )
