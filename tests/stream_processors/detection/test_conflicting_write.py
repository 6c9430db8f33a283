from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_tools import ToolPolicy
from watchkeeper.schemas.signals import ResourceWritten
from watchkeeper.stream_processors.detection.sequences.story import START_US
from watchkeeper.stream_processors.detection.session_rules.resource_writes import MAX_KNOWN, MAX_NAMED, ResourceWrites
from watchkeeper.stream_processors.detection.subject_rules.conflicting_write import (
    MAX_PAIRS,
    MAX_WRITES,
    ConflictingWrites,
    ConflictingWriteState,
)

TOOLS: dict[str, Any] = {
    "list": {"effect": "read"},
    "get": {"effect": "read", "resource": "id"},
    "put": {"effect": "write", "resource": "id"},
    "note": {"effect": "write", "resource": "id", "additive": True},
    "move": {"effect": "irreversible", "resource": "items[*].id"},
    "fetch": {"effect": "read", "resource": "order"},
}
POLICY = AgentPolicy.model_validate({"agent": "support", "tools": TOOLS})


def write(session: str, at: float, known: float, **told: Any) -> ResourceWritten:
    """A signal; times in seconds."""
    values = {
        "signal_id": f"{session}/{at}",
        "subject": "resource:t/live/r",
        "tenant_id": "t",
        "origin": "live",
        "session_id": session,
        "agent_id": "a",
        "occurred_at": from_us(START_US + round(at * 1_000_000)),
        "source_partition": 0,
        "tool_name": "put",
        "effect": "write",
        "event_id": f"{session}@{at}",
        "called_at": from_us(START_US + round(at * 1_000_000)),
        "known_at": from_us(START_US + round(known * 1_000_000)),
        "basis": "read",
        "resource": "id: a string of 9 characters",
        "deed": f"{session}@{at}",
        "root_session_id": session,
    }
    return ResourceWritten.model_validate(values | told)


def folded(*signals: ResourceWritten) -> list[Any]:
    """What stage 2 finds, in order."""
    rule, state = ConflictingWrites(), ConflictingWriteState()
    found = [one for signal in signals for one in rule.fold(state, signal)]
    for signal in signals:
        assert list(rule.fold(state, signal)) == []
    return found


TREE = {"root_session_id": "lead"}


@pytest.mark.parametrize(
    ("one", "other", "stale"),
    [
        ((10, 0), (12, 1), "b"),
        ((10, 0), (9, 1), "a"),
        ((10, 0), (12, 11), None),
        ((10, 0), (12, 9.95), None),
        ((10, 0), (12, 9.85), "b"),
        ((10, 0), (10, 0), "b"),
        ((10, 0), (4000, 1), "b"),
        ((10, 0), (90_000, 1), None),
        ((10, 0), (12, 1, {"basis": "began"}), "b"),
        ((10, 0), (309, 1, {"basis": "began"}), "b"),
        ((10, 0), (311, 1, {"basis": "began"}), None),
        ((10, 0), (311, 1, {"basis": "began", "window_seconds": 400.0}), "b"),
        ((10, 0), (12, 11, {"basis": "began"}), None),
        ((10, 0), (12, 1, {"basis": "listed"}), "b"),
        ((10, 0), (12, 1, {"basis": "wrote"}), "b"),
        ((10, 0, {"deed": "x"}), (12, 1, {"deed": "x"}), None),
        ((10, 0, TREE), (12, 1, TREE), "b"),
        ((10, 0, TREE), (12, 1, TREE | {"basis": "began"}), None),
        ((10, 0, {"root_session_id": "a"}), (12, 1, {"root_session_id": "a"}), None),
        ((10, 0, TREE), (12, 1, TREE | {"parent_session_id": "a"}), None),
    ],
)
def test_whose_write_is_stale_in_either_order_of_arrival(one: Any, other: Any, stale: str | None) -> None:
    signals = [
        write(name, told[0], told[1], **(told[2] if len(told) > 2 else {})) for name, told in (("a", one), ("b", other))
    ]
    for arrival in itertools.permutations(signals):
        found = folded(*arrival)
        assert [finding.evidence.stale for finding in found] == ([] if stale is None else [stale])
        assert all(finding.session_id == stale for finding in found)


def test_a_session_that_goes_on_in_another_is_no_conflict_with_itself() -> None:
    assert folded(write("a", 10, 0), write("a", 12, 1)) == []


def test_a_fight_over_a_resource_is_one_finding_told_when_it_has_doubled() -> None:
    signals = [write("ab"[turn % 2], 10 + turn, turn + 8.5, basis="wrote") for turn in range(9)]
    found = folded(*signals)
    assert [finding.evidence.conflicts for finding in found] == [1, 2, 4, 8]
    assert len({finding.about for finding in found}) == 1
    assert [finding.revision for finding in found] == [0, 1, 2, 3]


def test_the_steps_are_in_the_order_in_which_they_happened() -> None:
    [found] = folded(write("a", 10, 0), write("b", 12, 1))
    assert [(step.session_id, step.step) for step in found.evidence.steps] == [
        ("a", "read"),
        ("b", "read"),
        ("a", "wrote"),
        ("b", "wrote"),
    ]


WRITES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.integers(1, 30)),
    max_size=MAX_WRITES,
    unique_by=lambda w: w[1],
)


@given(WRITES, st.randoms(use_true_random=False))
def test_late_signals_find_the_same_pairs(told: list[tuple[str, int, int]], order: Any) -> None:
    signals = [write(session, at, at - back) for session, at, back in told]
    late = order.sample(signals, len(signals))

    def pairs(found: list[Any]) -> set[Any]:
        return {finding.about for finding in found}

    assert pairs(folded(*signals)) == pairs(folded(*late))


@given(WRITES)
def test_sessions_that_look_just_before_they_write_never_conflict(told: list[tuple[str, int, int]]) -> None:
    assert folded(*(write(session, at, at - 0.05) for session, at, _ in told)) == []


def test_the_state_of_a_resource_that_all_write_stays_small() -> None:
    rule, state = ConflictingWrites(), ConflictingWriteState()
    for index in range(200):
        list(rule.fold(state, write(f"session-{index:036d}", 10 + index, 0)))
    assert len(state.writes) == MAX_WRITES
    assert len(state.pairs) == MAX_PAIRS


def heard(stories: Any, *steps: tuple[Any, ...]) -> list[ResourceWritten]:
    """What stage 1 tells of calls: `(tool, arguments, status)`."""
    story = stories.Story(policy=POLICY)
    story.start()
    for tool, arguments, *status in steps:
        story.call(tool, arguments)
        story.result("done", status=status[0] if status else "ok")
    hall = stories.Hall([ResourceWrites()], rules=[]).hear(story.events)
    assert hall.findings == []
    return list(hall.signals)


def seconds(signal: ResourceWritten) -> float:
    return round((signal.called_at - signal.known_at).total_seconds(), 1)


@pytest.mark.parametrize(
    ("steps", "known"),
    [
        ([("put", {"id": "o/1"})], [("began", 0.1)]),
        ([("list", {}), ("put", {"id": "o/1"})], [("listed", 0.1)]),
        ([("list", {}, "error"), ("put", {"id": "o/1"})], [("began", 0.3)]),
        ([("get", {"id": "o/1"}), ("list", {}), ("put", {"id": "o/1"})], [("read", 0.3)]),
        ([("get", {"id": "o/2"}), ("put", {"id": "o/1"})], [("began", 0.3)]),
        ([("get", {"id": "o/1"}, "error"), ("put", {"id": "o/1"})], [("began", 0.3)]),
        ([("fetch", {"order": "o/1"}), ("put", {"id": "o/1"})], [("read", 0.1)]),
        ([("fetch", {"order": 1}), ("put", {"id": 1})], [("began", 0.3)]),
        ([("get", {"id": 1}), ("put", {"id": "1"})], [("read", 0.1)]),
        ([("put", {"id": "o/1"}), ("put", {"id": "o/1"})], [("began", 0.1), ("wrote", 0.1)]),
        ([("put", {"id": "o/1"}, "error")], []),
        ([("put", {"id": "o/1"}, "rejected")], []),
        ([("put", {"id": "o/1"}, "timeout"), ("put", {"id": "o/1"})], [("began", 0.1), ("began", 0.3)]),
        ([("note", {"id": "o/1"}), ("get", {"id": "o/1"})], []),
        ([("put", {"id": None}), ("put", {}), ("put", "no JSON"), ("unlisted", {"id": "o/1"})], []),
        ([("move", {"items": [{"id": "o/1"}, {"id": "o/2"}]})], [("began", 0.1)] * 2),
        ([("move", {"items": [{"id": f"o/{n}"} for n in range(9)]})], [("began", 0.1)] * MAX_NAMED),
    ],
)
def test_what_a_session_knew_when_it_wrote(stories: Any, steps: Any, known: list[tuple[str, float]]) -> None:
    assert [(signal.basis, seconds(signal)) for signal in heard(stories, *steps)] == known


def test_a_resource_is_the_same_under_tools_that_name_it_alike(stories: Any) -> None:
    signals = heard(
        stories, ("put", {"id": "o/1"}), ("move", {"items": [{"id": "o/1"}, {"id": 7}]}), ("put", {"id": 7})
    )
    assert signals[0].subject == signals[1].subject != signals[2].subject
    assert signals[2].subject == signals[3].subject


def test_what_names_a_resource_is_described_and_not_quoted(stories: Any) -> None:
    [signal] = heard(stories, ("put", {"id": "ann.smith@example.com"}))
    assert "ann.smith" not in signal.model_dump_json()
    assert signal.resource == "id: a string of 21 characters"


def test_a_resource_that_is_not_known_is_told_once(stories: Any) -> None:
    story = stories.Story(policy=POLICY)
    story.start()
    for _ in range(2):
        story.say("tool_call", {"tool_call_id": "c", "tool_name": "put"})
    assert stories.Hall([ResourceWrites()]).hear(story.events).kinds() == ["unjudged"]


@pytest.mark.parametrize(
    "given", [{"additive": True}, {"additive": True, "resource": "id"}, {"additive": True, "effect": "write"}]
)
def test_additive_is_about_tools_that_write_to_a_resource(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give resource and effect"):
        ToolPolicy(**given)


def test_a_policy_of_before_keeps_its_name() -> None:
    canonical = AgentPolicy.model_validate({"agent": "a", "tools": {"t": {}}}).canonical()
    assert b"additive" not in canonical
    assert b"conflict_window" not in canonical


def test_the_state_of_a_long_session_stays_small(stories: Any) -> None:
    story = stories.Story(policy=POLICY)
    story.start()
    empty = len(stories.Hall([ResourceWrites()]).hear(story.events).state().dump())
    for index in range(300):
        story.ask("get", "x", id=f"orders/{index}")
        story.call("move", items=[{"id": f"a/{index}/{n}"} for n in range(6)])
    hall = stories.Hall([ResourceWrites()], rules=[]).hear(story.events)
    [_, state] = hall.state().detectors["resource_writes"]
    assert len(state.known) == MAX_KNOWN
    assert len(hall.state().dump()) - empty < 3400
