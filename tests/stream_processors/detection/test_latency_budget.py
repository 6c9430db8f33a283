"""What an agent promises of its sessions and steps, and how fast it is missed."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from watchkeeper.schemas.evidence import BudgetBurn
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy, Objective
from watchkeeper.schemas.signals import ObjectivesCounted
from watchkeeper.stream_processors.detection.sequences.hall import Hall
from watchkeeper.stream_processors.detection.sequences.latency_budget import SEQUENCES
from watchkeeper.stream_processors.detection.sequences.story import START_US, Story
from watchkeeper.stream_processors.detection.session_rules.told_objectives import MAX_BAD, MAX_PENDING, ToldObjectives
from watchkeeper.stream_processors.detection.subject_rules.objective_burn import MAX_OBJECTIVES, ObjectiveBurn

MINUTE_US = 60_000_000


def policy(*objectives: dict[str, Any], **more: Any) -> AgentPolicy:
    told = [{"target": 0.9} | one for one in objectives]
    return AgentPolicy.model_validate({"agent": "support", "objectives": told} | more)


def court() -> Hall:
    return Hall([ToldObjectives()], rules=[])


def counted(hall: Hall) -> list[ObjectivesCounted]:
    return [signal for signal in hall.signals if isinstance(signal, ObjectivesCounted)]


def sums(hall: Hall) -> list[int]:
    """Events and bad ones of all that was told."""
    rates = [rate for signal in counted(hall) for rate in signal.rates]
    return [sum(rate.events for rate in rates), sum(rate.bad for rate in rates)]


def call(name: str, status: str = "ok", ms: float | None = 10.0) -> tuple[str, dict[str, Any]]:
    duration = None if ms is None else round(ms * 1000)
    return "tool_result", {"tool_call_id": "c", "tool_name": name, "status": status, "duration_us": duration}


def request(ms: float | None = 10.0, **data: Any) -> tuple[str, dict[str, Any]]:
    return "response", {"request_id": "r", "duration_us": None if ms is None else round(ms * 1000)} | data


def outcome(value: float | None, label: str = "", name: str = "acceptance") -> tuple[str, dict[str, Any]]:
    return "outcome", {"name": name, "kind": "business", "value": value, "label": label}


def retrieval(phase: str, ms: float) -> tuple[str, dict[str, Any]]:
    return "retrieval", {"retrieval_id": "q", "phase": phase, "duration_us": round(ms * 1000)}


LATE: dict[str, Any] = {"rate": "latency", "threshold_ms": 100.0}
CASES: dict[str, tuple[dict[str, Any], list[tuple[str, dict[str, Any]]], list[int]]] = {
    "calls in time and not": (
        LATE | {"step": "find"},
        [call("find"), call("find", ms=101), call("get", ms=500)],
        [2, 1],
    ),
    "just in time": (LATE | {"step": "find"}, [call("find", ms=100)], [1, 0]),
    "calls without a duration": (LATE | {"step": "find"}, [call("find", ms=None)], [0, 0]),
    "calls that never ran": (LATE | {"step": "find"}, [call("find", "rejected"), call("find", "cancelled")], [0, 0]),
    "requests": (LATE | {"step": "response"}, [request(), request(200), call("find", ms=900)], [2, 1]),
    "retrievals": (LATE | {"step": "retrieval"}, [retrieval("started", 900), retrieval("finished", 900)], [1, 1]),
    "calls that fail": ({"rate": "errors", "step": "find"}, [call("find", "error"), call("find", "timeout")], [2, 2]),
    "requests that fail": ({"rate": "errors", "step": "response"}, [request(error_type="busy"), request()], [2, 1]),
    "steps are no sessions": ({"rate": "errors"}, [call("find", "error"), request(error_type="busy")], [1, 0]),
    "blocked": ({"rate": "guard_blocks"}, [call("find", "rejected"), call("get"), call("get", "cancelled")], [2, 1]),
    "blocked at a step": ({"rate": "guard_blocks", "step": "get"}, [call("find", "rejected"), call("get")], [1, 0]),
    "retried": ({"rate": "retries"}, [call("find", "error"), call("get"), call("find"), call("find")], [4, 1]),
    "requests retried": (
        {"rate": "retries", "step": "response"},
        [request(error_type="busy"), request(error_type="busy"), request(), call("find", "error"), call("find")],
        [3, 2],
    ),
    "abstained": ({"rate": "abstentions"}, [request(answer=True, abstained=True), request(abstained=True)], [1, 1]),
    "answered": ({"rate": "abstentions"}, [request(answer=True, abstained=False)], [1, 0]),
    "outcomes": ({"rate": "acceptance"}, [outcome(1.0), outcome(0.0), outcome(0.0, name="other")], [2, 1]),
    "outcomes from three on": ({"rate": "acceptance", "good_from": 3.0}, [outcome(3.0), outcome(2.9)], [2, 1]),
    "labels": (
        {"rate": "acceptance", "good_labels": ["yes"]},
        [outcome(None, "yes"), outcome(None, "no"), outcome(None)],
        [2, 1],
    ),
    "labels that nobody weighed": ({"rate": "acceptance"}, [outcome(None, "no")], [0, 0]),
    "nothing promised here": ({"rate": "completeness"}, [call("find", "error"), request(9000)], [0, 0]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_session_tells_of_an_objective(name: str) -> None:
    objective, events, expected = CASES[name]
    story = Story(policy=policy(objective))
    story.start()
    for kind, data in events:
        story.say(kind, data)
    story.end()
    assert sums(court().hear(story.events)) == expected


@pytest.mark.parametrize(("status", "expected"), [("completed", [1, 0]), ("failed", [1, 1]), ("stopped", [0, 0])])
def test_a_session_fails_or_does_not_or_was_stopped(status: str, expected: list[int]) -> None:
    story = Story(policy=policy({"rate": "errors"}))
    story.start()
    story.end(status)
    assert sums(court().hear(story.events)) == expected


@pytest.mark.parametrize("text", ["I could not find that.", "Das weiß ich leider nicht."])
def test_an_answer_declines_by_its_words(text: str) -> None:
    story = Story(policy=policy({"rate": "abstentions"}))
    story.start()
    story.response(answer=True, text=story.content(text))
    story.response(answer=True, text=story.content("It is at nine."))
    story.end()
    assert sums(court().hear(story.events)) == [2, 1]


SLOW = policy({"rate": "latency", "threshold_ms": 5000.0})


def test_a_session_is_late_as_soon_as_its_time_has_passed_and_once() -> None:
    story = Story(policy=SLOW)
    story.start()
    story.response()
    hall = court().hear(story.events, waiting=True)
    assert counted(hall) == []
    hall.tick(6)
    hall.tick(60)
    assert sums(hall) == [1, 1]
    assert [signal.source_offset for signal in hall.signals] == [None]
    story.wait(70)
    told = len(story.events)
    story.end()
    hall.hear(story.events[told:], offset=told, waiting=True)
    assert sums(hall) == [1, 1]


def test_an_import_is_late_at_its_next_event() -> None:
    story = Story(policy=SLOW, origin="import")
    story.start()
    story.wait(6)
    story.response()
    story.end()
    assert sums(court().hear(story.events)) == [1, 1]


def test_a_session_that_goes_on_counts_once() -> None:
    story = Story(policy=SLOW)
    story.start()
    story.end()
    story.start(resumed=True)
    story.wait(10)
    story.response()
    story.end()
    assert sums(court().hear(story.events)) == [1, 0]


def test_what_comes_of_a_session_later_is_told_at_once() -> None:
    story = Story(policy=policy({"rate": "acceptance"}))
    story.start()
    story.end()
    story.wait(86_400)
    story.writer = "feedback"
    story.say(*outcome(0.0))
    assert sums(court().hear(story.events)) == [1, 1]


def test_little_is_told_and_nothing_is_lost() -> None:
    story = Story(policy=policy({"rate": "errors", "step": "find"}, {"rate": "guard_blocks"}))
    story.start()
    for number in range(200):
        story.say(*call("find", "error" if number % 50 == 49 else "ok"))
    story.end()
    hall = court().hear(story.events)
    assert sums(hall) == [400, 4]
    assert len(counted(hall)) <= 400 // MAX_PENDING + 2
    assert sum(signal.steps for signal in counted(hall)) == 200


@given(st.lists(st.tuples(st.sampled_from(["find", "get"]), st.sampled_from(["ok", "error", "rejected"])), max_size=60))
def test_every_event_is_told_once(calls: list[tuple[str, str]]) -> None:
    story = Story(policy=policy({"rate": "errors", "step": "find"}))
    story.start()
    for name, status in calls:
        story.say(*call(name, status))
    story.end()
    ran = [status for name, status in calls if name == "find" and status != "rejected"]
    hall = court().hear(story.events)
    assert sums(hall) == [len(ran), ran.count("error")]
    assert len({signal.signal_id for signal in hall.signals}) == len(hall.signals) <= len(ran) // MAX_BAD + 2


def test_without_objectives_nothing_is_kept() -> None:
    story = Story()
    story.start()
    story.say(*call("find", "error"))
    hall = court().hear(story.events)
    assert b"told_objectives" not in hall.state().dump()


def signal(minute: float, session: int, bad: int, events: int = 5, **more: Any) -> ObjectivesCounted:
    objective = more.pop("objective", {"rate": "errors", "target": 0.99, "step": "response"})
    return ObjectivesCounted.model_validate(
        {
            "signal_id": f"sig-{minute}-{session}",
            "subject": "agent:default/live/support",
            "tenant_id": "default",
            "origin": "live",
            "session_id": f"s-{session}",
            "agent_id": "support",
            "occurred_at": from_us(START_US + round(minute * MINUTE_US)),
            "source_partition": 0,
            "source_offset": 0,
            "rates": [{"objective": objective, "events": events, "bad": bad}],
        }
        | more
    )


def test_one_session_is_no_trend_and_three_are() -> None:
    rule = ObjectiveBurn()
    state = rule.state_type()
    assert [found for minute in range(6) for found in rule.fold(state, signal(minute, 1, 5))] == []
    assert list(rule.fold(state, signal(6, 2, 5))) == []
    assert [found.evidence.kind for found in rule.fold(state, signal(7, 3, 5))] == ["budget_burn"]


def test_the_error_budget_is_of_the_objectives_own_days() -> None:
    rule = ObjectiveBurn()
    state = rule.state_type()
    objective = {"rate": "errors", "target": 0.9, "window_days": 7}
    found = []
    for day in range(20):
        found += list(rule.fold(state, signal(day * 1440, day, 0, 100, objective=objective)))
    for session in range(3):
        found += list(rule.fold(state, signal(20 * 1440, 20 + session, 50, 50, objective=objective)))
    evidence = [one.evidence for one in found]
    assert all(isinstance(one, BudgetBurn) for one in evidence)
    # Six days of a hundred good ones and fifty bad ones: sixty-five may be.
    assert evidence[0].budget_used == pytest.approx(50 / 65)  # type: ignore[union-attr] # asserted above


def test_a_signal_of_a_tick_counts_once() -> None:
    rule = ObjectiveBurn()
    state = rule.state_type()
    for _ in range(3):
        rule.fold(state, signal(1, 1, 5, source_offset=None))
    (tracked,) = state.tracked.values()
    assert list(tracked["days"].values()) == [[5, 5]]


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(-50_000, 50_000), st.integers(0, 40), st.integers(0, 5), st.integers(0, 20)),
        min_size=1,
        max_size=60,
    )
)
def test_whatever_comes_the_state_is_bounded_and_episodes_alternate(
    signals: list[tuple[float, int, int, int]],
) -> None:
    rule = ObjectiveBurn()
    state = rule.state_type()
    for minute, session, bad, step in signals:
        objective = {"rate": "errors", "target": 0.99, "step": f"tool-{step}"}
        one = signal(minute, session, bad, objective=objective, steps=9, retries=bad, retried=[f"tool-{step}"])
        for found in rule.fold(state, one):
            assert found.status == ("resolved" if found.revision % 2 else "open")
    assert len(state.tracked) <= MAX_OBJECTIVES
    assert len(orjson.dumps(state)) < MAX_OBJECTIVES * 4000


@pytest.mark.parametrize(("mode", "commanded"), [("warn", True), ("enforce", True), ("observe", False)])
def test_a_cascade_advises_to_slow_down(mode: str, commanded: bool) -> None:
    rules = policy({"rate": "errors", "step": "response"}, mode=mode)
    hall = Hall([ToldObjectives()], rules=[ObjectiveBurn()])
    for session in range(6):
        story = Story(session=f"s-{session}", policy=rules, start_us=START_US + session * MINUTE_US)
        story.start()
        for _ in range(3):
            story.say(*request(error_type="busy"))
            story.say(*call("find", "timeout"))
        story.end()
        hall.hear(story.events, offset=100 * session)
    assert [finding.kind for finding in hall.findings] == ["budget_burn", "retry_cascade"]
    commands = [(one.action, one.target.id) for verdict in hall.verdicts for one in verdict.commands]
    assert commands == ([("slow_down", "support")] if commanded else [])


def test_there_are_enough_sequences() -> None:
    assert sum(bool(one.fires) for one in SEQUENCES) >= 4
    assert sum(not one.fires for one in SEQUENCES) >= 5


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ({"rate": "error"}, "write errors"),
        ({"rate": "latency"}, "needs threshold_ms"),
        ({"rate": "abstentions", "step": "response"}, "leave step out"),
        ({"rate": "acceptance", "step": "response"}, "leave step out"),
        ({"rate": "errors", "step": "retrieval"}, "among response, tool"),
        ({"rate": "errors", "good_from": 1.0}, "leave it out"),
    ],
)
def test_an_objective_that_contradicts_itself_is_refused(objective: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        policy(objective)


def test_a_step_that_is_no_tool_is_refused_where_all_tools_are_listed() -> None:
    objective = {"rate": "errors", "step": "fnd"}
    assert policy(objective, tools={"find": {}}).objectives[0].step == "fnd"
    with pytest.raises(ValidationError, match="list it under tools"):
        policy(objective, tools={"find": {}}, allow_unlisted_tools=False)
    with pytest.raises(ValidationError, match="the tool is the step"):
        policy(tools={"find": {"objectives": [{"rate": "errors", "target": 0.9, "step": "find"}]}})


def test_new_fields_of_objectives_rename_no_policy() -> None:
    assert b'"step"' not in policy({"rate": "errors"}).canonical()
    assert b"good_" not in policy({"rate": "errors"}).canonical()
    told = Objective(rate="errors", target=0.9)
    assert Objective.model_validate_json(told.model_dump_json()) == told
