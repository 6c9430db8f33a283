from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.policy import AgentPolicy, Fact
from watchkeeper.stream_processors.detection.agreement import agree, apart, plainly
from watchkeeper.stream_processors.detection.proportions import lower_bound, upper_bound
from watchkeeper.stream_processors.detection.session_rules.drifted_value import (
    MAX_SOURCES,
    MAX_STEPS,
    MAX_VALUES,
    DriftedValues,
)
from watchkeeper.stream_processors.detection.source_versions import Versions, is_older, see
from watchkeeper.stream_processors.detection.subject_rules.workflow_accuracy import WorkflowAccuracies

LISTED = AgentPolicy.model_validate(
    {"agent": "support", "checkpoints": [{"step": "pay", "values": ["a"], "tolerance": 0.1}]}
)
OBJECTIVE = AgentPolicy.model_validate(
    {"agent": "support", "objectives": [{"rate": "workflow_accuracy", "target": 0.9, "window_days": 28}]}
)


def value(held: Any, source_value: Any = None, version: str = "1", source: str = "crm") -> dict[str, Any]:
    return {"value": held, "source": source, "source_value": source_value, "source_version": version}


def heard(stories: Any, *steps: tuple[str, dict[str, Any]], policy: AgentPolicy | None = None) -> Any:
    story = stories.Story(policy=policy)
    story.start()
    for number, (step, values) in enumerate(steps):
        story.say("checkpoint", {"checkpoint_id": f"k-{number}", "values": values}, step=step, workflow="claim")
    story.end()
    return stories.Hall([DriftedValues()], rules=[WorkflowAccuracies()]).hear(story.events)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (5, 5.0, True),
        (0.1 + 0.2, 0.3, True),
        (4800, 4801, False),
        ("4800", 4800, True),
        ("$4,800.00", 4800, True),
        ("15%", 0.15, True),
        ("Kim  LEE ", "kim lee", True),
        ("ﬁne", "fine", True),
        ("Kim Lee", "Kim Leh", False),
        ("PN-11-7", "PN-11-1", False),
        ("007", "7", True),
        (True, 1, False),
        (True, "true", False),
        (None, 0, False),
        ("2026-01-31", "2026-01-31T10:00:00Z", True),
        ("2026-01-31T10:00:00Z", "2026-01-31T12:00:00+02:00", True),
        ("2026-01-31T10:00:00Z", "2026-01-31T11:00:00Z", False),
        ("2026-01-31", "2026-02-01", False),
        ([1, "A"], [1.0, "a"], True),
        ([1, 2], [2, 1], False),
        ({"x": 1}, {"x": "1"}, True),
        ({"x": 1}, {"y": 1}, False),
        ("nan", float("nan"), False),
        (10**400, 10**401, True),
        ("", 0, False),
    ],
)
def test_what_agrees(one: Any, other: Any, same: bool) -> None:
    assert agree(one, other) == same
    assert agree(other, one) == same


@pytest.mark.parametrize(
    ("held", "source", "tolerance", "same"),
    [
        (99, 100, 0.01, True),
        (98.9, 100, 0.01, False),
        (101, 100, 0.01, True),
        (-99, -100, 0.01, True),
        (0, 1, 0.5, False),
    ],
)
def test_a_tolerance_is_a_share(held: float, source: float, tolerance: float, same: bool) -> None:
    assert agree(held, source, tolerance=tolerance) == same


def test_facts_are_read_as_declared() -> None:
    day = Fact.model_validate({"type": "date", "normalize": ["us_date"]})
    assert agree("1/31/2026", "2026-01-31", day)
    assert not agree("1/31/2026", "2026-01-31")
    tags = Fact.model_validate({"type": "list", "unordered": True})
    assert agree(["b", "a"], ["a", "b"], tags)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(one=JSON, other=JSON)
def test_agreement_is_the_same_in_both_directions(one: Any, other: Any) -> None:
    assert agree(one, one)
    assert agree(one, other) == agree(other, one)
    json.dumps(plainly(one))


@given(one=st.floats(-1e12, 1e12), other=st.floats(-1e12, 1e12))
def test_how_far_apart(one: float, other: float) -> None:
    share = apart(one, other)
    assert (share is None) == (other == 0 or abs(one - other) / abs(other) == float("inf"))
    assert share is None or (share > 0) == (one != other)


@pytest.mark.parametrize(
    ("seen", "version", "older"),
    [
        (["1", "2"], "1", True),
        (["9", "10"], "9", True),
        (["v1.9", "v1.10"], "v1.9", True),
        (["2"], "1", True),
        (["1"], "2", False),
        (["1"], "1", False),
        (["a", "b"], "a", True),
        (["a", "b"], "c", False),
        (["2026-01-02T00:00:00Z"], "2026-01-01T00:00:00Z", True),
        (["2026-01-02T00:00:00Z"], "7", False),
        ([], "7", False),
    ],
)
def test_which_version_was_left_behind(seen: list[str], version: str, older: bool) -> None:
    versions = Versions(seen=[], step="")
    for one in seen:
        see(versions, one, "s")
    assert is_older(version, versions) == older


@given(numbers=st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_of_numbered_versions_the_largest_is_the_newest(numbers: list[int]) -> None:
    versions = Versions(seen=[], step="")
    for number in numbers:
        see(versions, str(number), "s")
    assert versions["seen"][-1] == str(max(numbers))
    assert [is_older(str(number), versions) for number in numbers] == [number < max(numbers) for number in numbers]


@pytest.mark.parametrize(
    ("steps", "kinds"),
    [
        ([("x", {"a": value(5, 5)}), ("y", {"a": value(5.0, "5")})], []),
        ([("x", {"a": value(5, 6)})], ["value_mismatch"]),
        ([("x", {"a": value(5, 6)}), ("y", {"a": value(5, 6)})], ["value_mismatch"]),
        ([("x", {"a": value(5, 6)}), ("y", {"a": value(4, 6)})], ["value_mismatch"] * 2),
        ([("x", {"a": value(5, 6)}), ("y", {"a": value(6, 6)})], ["value_mismatch"]),
        ([("x", {"a": value(5)}), ("y", {"a": value(6)})], ["value_changed"]),
        ([("x", {"a": value(5)}), ("y", {"a": value(6, version="2")})], []),
        ([("x", {"a": value(5)}), ("y", {"a": value(6, source="b")})], []),
        ([("x", {"a": value(5, version="")}), ("y", {"a": value(6, version="")})], []),
        ([("x", {"a": value(5, 5, "")}), ("y", {"a": value(6, 6, "")})], []),
        ([("x", {"a": value(5)}), ("y", {"a": value(None)}), ("z", {"a": value(5)})], []),
        ([("x", {"a": value("5")}), ("y", {"a": value(5.0)})], []),
        ([("x", {"a": value(5, 5, "2")}), ("y", {"a": value(5, 5, "1")})], ["stale_source"]),
        ([("x", {"a": value(5, 5, "2"), "b": value(1, 1, "1")})], ["stale_source"]),
        ([("x", {"a": value(5, 5, "2")}), ("y", {"a": value(5, 4, "1")})], ["stale_source", "value_mismatch"]),
        ([("x", {"a": value("[email:3f]", "[email:4f]")})], []),
        ([("x", {"a": value("k@x", "[email:4f]")})], []),
    ],
)
def test_what_is_found_at_which_step(stories: Any, steps: Any, kinds: list[str]) -> None:
    assert heard(stories, *steps).kinds() == kinds


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ({"a": value(95, 100)}, []),
        ({"a": value(89, 100)}, ["value_mismatch"]),
        ({"a": {"value": 5}}, ["unjudged"]),
        ({}, ["unjudged"]),
        ({"a": value(None, 5)}, ["unjudged"]),
        ({"a": value(5)}, []),
    ],
)
def test_what_the_policy_lists_must_be_checked(stories: Any, values: dict[str, Any], kinds: list[str]) -> None:
    hall = heard(stories, ("pay", values), ("pay", values), policy=LISTED)
    assert hall.kinds() == kinds
    assert {finding.severity for finding in hall.findings} <= {"high", "low"}


def test_values_are_described_and_not_quoted(stories: Any) -> None:
    [finding] = heard(stories, ("x", {"iban": value("DE02 1203 0000", "DE02 1203 0001")})).findings
    assert "1203" not in finding.model_dump_json()
    assert finding.evidence.held == "a string of 14 characters"


def test_a_session_of_many_values_stays_small_and_says_what_it_left_out(stories: Any) -> None:
    steps = [
        (f"step {number % 60}", {f"v{number}_{index}": value(index, index, "1", f"s{index}") for index in range(20)})
        for number in range(100)
    ]
    hall = heard(stories, *steps, policy=OBJECTIVE)
    assert hall.kinds() == ["unjudged"]
    state = hall.state().detectors["drifted_value"][1]
    assert (len(state.held), len(state.sources), len(state.steps)) == (MAX_VALUES, MAX_SOURCES, MAX_STEPS)
    assert len(hall.state().dump()) < 8192


def ran(stories: Any, sessions: list[list[bool]], policy: AgentPolicy = OBJECTIVE, apart_s: float = 3600) -> Any:
    """Sessions of a workflow, each step of which is right or wrong."""
    hall, offset = stories.Hall([DriftedValues()], rules=[WorkflowAccuracies()]), 0
    for number, steps in enumerate(sessions):
        start_us = stories.START_US + round(number * apart_s * 1_000_000)
        story = stories.Story(session=f"s-{number}", policy=policy, start_us=start_us)
        story.start()
        for index, right in enumerate(steps):
            values = {"a": value(1 if right else 2, 1)}
            story.say("checkpoint", {"checkpoint_id": "k", "values": values}, step=f"{index}", workflow="claim")
        story.end()
        story.start(resumed=True)
        story.end()
        hall.hear(story.events, offset=offset)
        offset += len(story.events)
    return hall


def of_workflow(hall: Any) -> list[Any]:
    return [finding for finding in hall.findings if finding.kind == "workflow_accuracy"]


def test_a_workflow_that_misses_its_objective(stories: Any) -> None:
    dice = random.Random(4)
    hall = ran(stories, [[dice.random() < 0.85 for _ in range(3)] for _ in range(150)])
    [finding] = of_workflow(hall)
    evidence = finding.evidence
    assert evidence.lower < evidence.compounded < evidence.upper
    assert min(evidence.whole, evidence.compounded) < 0.75
    assert len(evidence.steps) == 3
    assert finding.subject.startswith("workflow:default/live/")
    [subject] = [state for name, state in hall.subjects.items() if name.startswith("workflow:")]
    assert len(subject.dump()) < 8192


def test_it_is_taken_back_when_the_objective_is_met_again(stories: Any) -> None:
    hall = ran(stories, [[False]] * 30 + [[True]] * 800, apart_s=7200)
    assert [finding.status for finding in of_workflow(hall)] == ["open", "resolved"]
    assert len({finding.finding_id for finding in of_workflow(hall)}) == 1


@pytest.mark.parametrize("seed", range(8))
def test_a_workflow_that_just_meets_its_objective_is_not_accused(stories: Any, seed: int) -> None:
    dice = random.Random(seed)
    share = 0.9**0.5
    hall = ran(stories, [[dice.random() < share for _ in range(2)] for _ in range(150)], apart_s=14400)
    assert of_workflow(hall) == []


def test_without_an_objective_nothing_is_told_to_stage_two(stories: Any) -> None:
    assert not [one for one in ran(stories, [[False]] * 3, LISTED).signals if one.kind == "workflow_ran"]


def test_a_session_that_ends_twice_counts_once(stories: Any) -> None:
    hall = ran(stories, [[True]] * 5)
    assert sum(one.kind == "workflow_ran" for one in hall.signals) == 5


@given(trials=st.integers(1, 500), right=st.integers(0, 500), alpha=st.floats(1e-6, 0.4))
def test_bounds_hold_what_was_seen_and_narrow(trials: int, right: int, alpha: float) -> None:
    right = min(right, trials)
    share = right / trials
    low, high = lower_bound(right, trials, alpha), upper_bound(right, trials, alpha)
    assert 0 <= low <= share <= high <= 1
    assert upper_bound(right * 4, trials * 4, alpha) <= high + 1e-9
    assert upper_bound(right, trials, alpha / 2) >= high - 1e-9


@pytest.mark.parametrize(("share", "trials"), [(0.5, 20), (0.9, 50), (0.95, 200)])
def test_bounds_are_broken_no_more_often_than_they_say(share: float, trials: int) -> None:
    dice = random.Random(1)
    broken = sum(
        upper_bound(sum(dice.random() < share for _ in range(trials)), trials, 0.1) < share for _ in range(1000)
    )
    assert broken <= 130
