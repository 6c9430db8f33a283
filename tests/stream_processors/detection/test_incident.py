"""Failures of several modes in one tree are one incident, whichever is heard of first."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.signals import FindingTold
from watchkeeper.stream_processors.detection.finding_told import MAX_OF_A_KIND
from watchkeeper.stream_processors.detection.sequences.hall import Hall
from watchkeeper.stream_processors.detection.sequences.story import START_US, Story, obj, tool
from watchkeeper.stream_processors.detection.subject_rules.incident import MAX_FINDINGS, MAX_STEPS, Incidents
from watchkeeper.stream_processors.detection.subjects import SubjectJudge

MODES = ["hallucinated_tool", "scope_creep", "cost_runaway", "audit_gap", "tool_boundary"]
PARENTS = {"s-1": "", "s-2": "s-1", "s-3": "s-2"}


def finding(mode: str, at: float, session: str = "s-1", **given: Any) -> FindingTold:
    """A finding that the tree is told of; its event is its own unless `event` says otherwise."""
    us = START_US + round(at * 1_000_000)
    name = given.pop("name", f"{mode}/{session}/{at}")
    return FindingTold(
        signal_id=f"told {name}",
        subject="tree:t/live/s-1",
        tenant_id="t",
        origin="live",
        session_id=session,
        agent_id=f"agent-{session}",
        occurred_at=from_us(us),
        source_partition=0,
        finding_id=name,
        failure_mode=mode,  # type: ignore[arg-type] # the tests name modes
        finding_kind="loop",
        severity=given.pop("severity", "medium"),
        first_event_id=given.pop("event", f"event of {name}"),
        last_event_id=given.pop("last", ""),
        first_event_at=from_us(us),
        parent_session_id=PARENTS.get(session, ""),
        **given,
    )


def judged(*signals: FindingTold) -> tuple[list[Any], Any]:
    """What was found, and the subject's state."""
    judge = SubjectJudge([Incidents()], strict=True)
    state = judge.open(signals[0])
    found = [one for signal in signals for one in judge.step(state, signal, clock_us=START_US).findings]
    return found, state


def latest(*signals: FindingTold) -> Any:
    return {one.finding_id: one for one in judged(*signals)[0]}


@pytest.mark.parametrize(
    ("signals", "incidents"),
    [
        ([finding("scope_creep", 1)], 0),
        ([finding("scope_creep", 1), finding("scope_creep", 2, "s-2")], 0),
        ([finding("scope_creep", 1), finding("audit_gap", 2)], 1),
        ([finding("scope_creep", 1), finding("audit_gap", 3601)], 1),
        ([finding("scope_creep", 1), finding("audit_gap", 3601.000001)], 0),
        ([finding("scope_creep", 1, event="e"), finding("audit_gap", 1, event="e")], 0),
        ([finding("scope_creep", 1, event="e"), finding("audit_gap", 1, event="e"), finding("audit_gap", 2)], 0),
        ([finding("scope_creep", 1, event="e"), finding("prompt_injection", 0, event="text", last="e")], 0),
        ([finding("scope_creep", 1, event="e", last="end"), finding("audit_gap", 1, event="f", last="end")], 1),
        ([finding("scope_creep", 1, event=""), finding("audit_gap", 1, event="")], 1),
        (
            [finding(mode, at) for at in (1, 9000) for mode in ("scope_creep", "audit_gap")],
            2,
        ),
    ],
)
def test_what_is_an_incident(signals: list[FindingTold], incidents: int) -> None:
    assert len(latest(*signals)) == incidents


@pytest.mark.parametrize(
    ("signals", "severity"),
    [
        ([finding("scope_creep", 1), finding("audit_gap", 2)], "medium"),
        ([finding("scope_creep", 1), finding("audit_gap", 2, severity="high")], "high"),
        ([finding("scope_creep", 1), finding("audit_gap", 2, "s-2")], "high"),
        ([finding(mode, 1) for mode in MODES[:3]], "high"),
        ([finding(mode, 1, severity="critical") for mode in MODES[:3]], "critical"),
    ],
)
def test_how_severe_an_incident_is(signals: list[FindingTold], severity: str) -> None:
    [incident] = latest(*signals).values()
    assert incident.severity == severity


def test_an_incident_is_told_again_as_it_grows_and_taken_back_when_too_little_stands() -> None:
    signals = [
        finding("scope_creep", 10, "s-2", name="a"),
        finding("audit_gap", 20, "s-2", name="b"),
        finding("scope_creep", 21, "s-2"),
        finding("hallucinated_tool", 5, "s-1", name="c"),
        finding("hallucinated_tool", 5, "s-1", name="c"),
        finding("hallucinated_tool", 5, "s-1", name="c", status="resolved", revision=1),
        finding("audit_gap", 20, "s-2", name="b", status="resolved", revision=1),
        finding("audit_gap", 20, "s-2", name="b", revision=2),
    ]
    found, _ = judged(*signals)
    assert len({one.finding_id for one in found}) == 1
    assert [(one.revision, one.status, one.evidence.first_cause) for one in found] == [
        (0, "open", "scope_creep"),
        (1, "open", "hallucinated_tool"),
        (2, "open", "scope_creep"),
        (3, "resolved", "hallucinated_tool"),
        (4, "open", "scope_creep"),
    ]
    assert {(one.session_id, one.agent_id) for one in found} == {("s-1", "agent-s-2"), ("s-1", "agent-s-1")}


def test_what_a_tick_tells_again_after_a_crash_does_not_stand_again() -> None:
    unanswered = finding("audit_gap", 0, name="a")
    answered = finding("audit_gap", 0, name="a", status="resolved", revision=1)
    unknown = finding("hallucinated_tool", 1, name="b")
    found, state = judged(unanswered, answered, unknown, unanswered)
    assert found == []
    assert state == judged(unanswered, answered, unknown)[1]


def test_at_the_same_moment_the_session_that_delegated_comes_first() -> None:
    [incident] = latest(
        finding("audit_gap", 1, "s-3"), finding("scope_creep", 1, "s-2"), finding("cost_runaway", 1, "s-1")
    ).values()
    assert incident.evidence.sessions == ["s-1", "s-2", "s-3"]
    assert incident.evidence.first_session == "s-1"


TOLD = st.lists(
    st.tuples(st.sampled_from(MODES), st.integers(0, 300), st.sampled_from(sorted(PARENTS))),
    min_size=2,
    max_size=10,
    unique=True,
)


@settings(max_examples=200)
@given(TOLD, st.randoms(use_true_random=False))
def test_the_order_in_which_findings_are_heard_changes_nothing_in_the_end(told: Any, order: Any) -> None:
    signals = [finding(mode, at, session) for mode, at, session in told]
    mixed = list(signals)
    order.shuffle(mixed)

    def seen(heard: list[FindingTold]) -> list[Any]:
        state = judged(*heard)[1].folds["incident"][1]
        shown = [one.evidence.model_dump(exclude={"steps"}) for one in latest(*heard).values()]
        [chain] = state.chains
        return [sorted(one["id"] for one in chain["members"]), chain["shown"], shown]

    ordered = sorted(signals, key=lambda signal: signal.first_event_at)
    assert seen(mixed)[:2] == seen(ordered)[:2]
    times = [step.after_seconds for one in latest(*mixed).values() for step in one.evidence.steps]
    assert times == sorted(times)
    assert all(time >= 0 for time in times)


@settings(max_examples=100)
@given(TOLD)
def test_what_is_told_twice_is_one(told: Any) -> None:
    signals = [finding(mode, at, session) for mode, at, session in told]
    once, twice = judged(*signals), judged(*(signal for signal in signals for _ in range(2)))
    assert once[0] == twice[0]
    assert once[1].dump() == twice[1].dump()


def test_what_is_heard_late_joins_the_incident_of_its_time() -> None:
    early = [finding("audit_gap", 0, "s-1"), finding("cost_runaway", 300, "s-2")]
    later = [finding("audit_gap", 14_400, "s-1"), finding("cost_runaway", 14_500, "s-2")]
    expected = latest(*early, *later)
    assert sorted(one.evidence.first_session for one in expected.values()) == ["s-1", "s-1"]
    found = latest(early[0], later[0], early[1], later[1])
    assert {name: one.evidence for name, one in found.items()} == {name: one.evidence for name, one in expected.items()}
    assert latest(*later, finding("scope_creep", 0)).keys() == latest(*later).keys()


def test_what_a_tree_keeps_is_bounded_and_a_new_mode_finds_room() -> None:
    signals = [finding("scope_creep", number, f"s-{number}") for number in range(200)]
    found, state = judged(*signals, finding("audit_gap", 300))
    [incident] = found
    assert incident.evidence.modes == ["scope_creep", "audit_gap"]
    assert len(incident.evidence.steps) == MAX_STEPS
    assert incident.evidence.more > 100
    [chain] = state.folds["incident"][1].chains
    members = chain["members"]
    assert len(members) == MAX_FINDINGS
    assert len(state.dump()) < 8192


def test_a_session_tells_few_findings_of_a_mode_and_what_becomes_of_them(stories: Any) -> None:
    policy = AgentPolicy.model_validate(
        {"agent": "a", "allow_unlisted_tools": False, "incident_window_seconds": 60.0, "tools": {"t": {}}}
    )
    story = stories.Story(policy=policy)
    story.start()
    for number in range(10):
        story.call("u", n=number)
        story.result("no", status="rejected" if number == 1 else "ok")
    hall = stories.Hall().hear(story.events)
    told = [signal for signal in hall.signals if signal.kind == "finding_told"]
    assert [signal.status for signal in told] == ["open", "open", "resolved", "open"]
    assert len({signal.finding_id for signal in told}) == MAX_OF_A_KIND
    assert {(signal.window_seconds, signal.subject) for signal in told} == {(60.0, "tree:default/live/s-1")}


def test_small_findings_and_rules_that_could_not_judge_are_not_told(stories: Any) -> None:
    policy = AgentPolicy.model_validate({"agent": "a", "caps": {"tool_calls": 5}})
    story = stories.Story(policy=policy)
    story.start()
    for number in range(5):
        story.ask("t", f"answer {number}", n=number)
    hall = stories.Hall().hear(story.events)
    assert [one.severity for one in hall.findings] == ["low"]
    assert [signal for signal in hall.signals if signal.kind == "finding_told"] == []


def test_a_policy_that_keeps_the_window_keeps_its_name() -> None:
    policy = AgentPolicy.model_validate({"agent": "a"})
    assert b"incident_window_seconds" not in policy.canonical()
    other = AgentPolicy.model_validate({"agent": "a", "incident_window_seconds": 60.0})
    assert other.address != policy.address


def test_the_longest_names_make_a_tree_all_the_same() -> None:
    """Recordings have ids of 240 characters; with tenant and origin before it a subject is longer than any name."""
    session = "s" * 256
    story = Story(session=session, tenant="t" * 128, tools=[tool("look", obj(q="string"))])
    story.start()
    story.ask("invented", "no such tool")
    for _ in range(3):
        story.ask("look", "nothing", q="tram 9")
    hall = Hall().hear(story.events)
    assert [one.session_id for one in hall.findings if one.kind == "incident"][-1:] == [session]
