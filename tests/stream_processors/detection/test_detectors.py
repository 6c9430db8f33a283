"""What holds for every detector, and for all of them together."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.schemas.events import EVENT_TYPES
from watchkeeper.schemas.failure_modes import FAILURE_MODES
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.signals import SIGNAL_ADAPTER, SIGNAL_KINDS
from watchkeeper.stream_processors.detection.catalogue import default_detectors, default_subject_rules
from watchkeeper.stream_processors.detection.detector import Detector
from watchkeeper.stream_processors.detection.pricing import Priced
from watchkeeper.stream_processors.detection.sequences.hall import Hall
from watchkeeper.stream_processors.detection.sequences.library import SEQUENCES

if TYPE_CHECKING:
    from watchkeeper.schemas.findings import Finding

DETECTORS = default_detectors()
RULES: list[Any] = [*DETECTORS, *default_subject_rules()]

POLICY = AgentPolicy.model_validate(
    {
        "agent": "support",
        "caps": {"tool_calls": 12, "tokens": 3000, "wall_clock_seconds": 60.0, "cost_usd": 0.1},
        "tools": {"send": {"effect": "write"}, "slow": {"timeout_seconds": 5.0}},
    }
)


class FlatPrice:
    """A cent a request."""

    def price(self, *, provider: str, model: str, usage: Any, at_us: int) -> Priced:
        return Priced("priced", 0.01, "flat/1")


def ids(one: Any) -> str:
    return str(one.rule_id)


@pytest.mark.parametrize("detector", DETECTORS, ids=ids)
def test_a_detector_names_what_it_is_and_listens_to(detector: Detector[Any]) -> None:
    assert detector.listens <= frozenset(EVENT_TYPES)
    assert detector.listens
    assert detector.rule_version >= 1
    assert detector.state_version >= 1


@pytest.mark.parametrize("rule", default_subject_rules(), ids=ids)
def test_a_rule_of_stage_two_listens_to_signals_that_there_are(rule: Any) -> None:
    assert rule.listens
    assert rule.listens <= frozenset(SIGNAL_KINDS)


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_a_rule_has_a_state_of_plain_values(rule: Any) -> None:
    state = rule.state_type()
    assert dataclasses.is_dataclass(state)
    assert rule.state_type(**orjson.loads(orjson.dumps(state))) == state
    assert rule.failure_mode in FAILURE_MODES


@pytest.mark.parametrize("rule", RULES, ids=ids)
def test_a_rules_module_says_what_it_sees_and_what_it_gets_wrong(rule: Any) -> None:
    said = inspect.getdoc(importlib.import_module(type(rule).__module__)) or ""
    for part in ("What it sees", "Method.", "Parameters", "What it gets wrong."):
        assert part in said, part


def test_the_kinds_of_signals_are_those_of_the_union() -> None:
    listed = SIGNAL_ADAPTER.json_schema()["discriminator"]["mapping"]
    assert set(listed) == set(SIGNAL_KINDS)


def test_rules_have_names_of_their_own() -> None:
    assert len({rule.rule_id for rule in RULES}) == len(RULES)


MANY_SESSIONS = {"quality_drift", "input_drift"}


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(mode, marks=pytest.mark.long if mode in MANY_SESSIONS else ())
        for mode in sorted({sequence.mode for sequence in SEQUENCES})
    ],
)
def test_what_does_not_concern_a_detector_would_not_change_what_it_says(mode: str) -> None:
    """Every sequence of the mode, once with what concerns each detector and once with all that it listens to."""
    for sequence in (one for one in SEQUENCES if one.mode == mode):
        shown_all = default_detectors()
        for detector in shown_all:
            vars(detector)["concerns"] = partial(Detector.concerns, detector)
        scene = sequence.told()
        few, more = Hall().watch(scene), Hall(shown_all).watch(scene)
        assert everything(few) == everything(more), sequence.name
        for session, state in few.sessions.items():
            seating = state.context.seating
            assert all(
                event_type in detector.listens
                for event_type, seats in seating.shown.items()
                for _, _, detector in seats
            ), session


TOOLS = ["search", "send", "slow", "made_up"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.sampled_from(TOOLS), st.integers(0, 1)),
        st.tuples(st.just("ask"), st.sampled_from(TOOLS), st.sampled_from(["a", "b", "12 items"])),
        st.tuples(st.just("result"), st.sampled_from(["ok", "error"]), st.sampled_from(["a", "busy for 3 s"])),
        st.tuples(st.just("response"), st.integers(0, 400), st.integers(0, 400)),
        st.tuples(st.just("prompt"), st.sampled_from([None, "and now?"]), st.none()),
        st.tuples(st.just("lose"), st.integers(1, 3), st.none()),
        st.tuples(st.just("wait"), st.integers(0, 30), st.none()),
        st.tuples(st.just("end"), st.sampled_from(["completed", "failed"]), st.none()),
        st.tuples(st.just("resume"), st.none(), st.none()),
    ),
    max_size=45,
)


def tell(stories: Any, steps: Any, **story: Any) -> Any:
    """The story that the steps make."""
    tools = [stories.tool(name, stories.obj(["n"], n="integer")) for name in TOOLS[:3]]
    one = stories.Story(policy=POLICY, tools=tools, **story)
    one.start()
    acts: dict[str, Any] = {
        "call": lambda tool, number: one.call(tool, n=number),
        "ask": lambda tool, answer: one.ask(tool, answer, n=1),
        "result": lambda status, text: one.result(text, status=status),
        "response": one.response,
        "prompt": lambda user, _: one.prompt(user),
        "lose": lambda count, _: one.lose(count),
        "wait": lambda seconds, _: one.wait(seconds),
        "end": lambda status, _: one.end(status),
        "resume": lambda *_: one.start(resumed=True),
    }
    for kind, first, second in steps:
        acts[kind](first, second)
    return one


def heard(stories: Any, events: Any, **hall: Any) -> Any:
    return stories.Hall(prices=FlatPrice(), **hall).hear(events)


def everything(hall: Any) -> list[dict[str, Any]]:
    """All that was said, in order."""
    verdicts = hall.verdicts
    return [
        one.model_dump() for verdict in verdicts for one in (*verdict.findings, *verdict.signals, *verdict.commands)
    ]


@settings(max_examples=50)
@given(steps=STEPS)
def test_a_state_that_went_through_the_store_at_every_event_says_the_same(stories: Any, steps: Any) -> None:
    events = tell(stories, steps).events
    kept, stored = heard(stories, events), heard(stories, events, stored=True)
    assert everything(kept) == everything(stored)
    assert kept.state().dump() == stored.state().dump()


@settings(max_examples=50)
@given(steps=STEPS, cut=st.integers(0, 60), back=st.integers(0, 20))
def test_what_is_judged_again_after_a_crash_is_the_same(stories: Any, steps: Any, cut: int, back: int) -> None:
    events = tell(stories, steps).events
    whole = heard(stories, events)
    cut = min(cut, len(events))
    saved = max(0, cut - back)
    first = heard(stories, events[:saved], stored=True)
    lost = heard(stories, events[:cut])
    resumed = stories.Hall(prices=FlatPrice())
    resumed.judge.library = first.judge.library
    resumed.sessions.update(first.sessions)
    resumed.subjects.update(first.subjects)
    resumed.hear(events[saved:], offset=saved)
    assert everything(first) + everything(resumed) == everything(whole)
    assert everything(lost) == everything(whole)[: len(everything(lost))]


@settings(max_examples=50)
@given(one=STEPS, other=STEPS, order=st.randoms(use_true_random=False))
def test_sessions_do_not_touch_each_other(stories: Any, one: Any, other: Any, order: Any) -> None:
    first, second = tell(stories, one, session="s-1").events, tell(stories, other, session="s-2").events
    mixed, queues = [], [list(first), list(second)]
    while any(queues):
        mixed.append(order.choice([queue for queue in queues if queue]).pop(0))
    together = [one for one in heard(stories, mixed).findings if not one.subject]
    alone = {
        event.session_id: heard(stories, told).findings for event, told in ((first[0], first), (second[0], second))
    }
    for session, findings in alone.items():
        own = [finding for finding in findings if not finding.subject]
        assert [finding for finding in together if finding.session_id == session] == own


@settings(max_examples=50)
@given(steps=STEPS, hours=st.integers(-1000, 1000))
def test_time_comes_from_the_events_alone(stories: Any, steps: Any, hours: int) -> None:
    times = {"first_event_at", "last_event_at", "detected_at"}
    then = heard(stories, tell(stories, steps, start_us=stories.START_US).events).findings
    shifted = stories.START_US + hours * 3_600_000_000
    now = heard(stories, tell(stories, steps, start_us=shifted).events).findings
    assert [one.model_dump(exclude=times) for one in then] == [one.model_dump(exclude=times) for one in now]
    for one, other in zip(then, now, strict=True):
        for name in times:
            assert (getattr(other, name) - getattr(one, name)).total_seconds() == hours * 3600


@settings(max_examples=50)
@given(steps=STEPS, lost=st.integers(1, 40))
def test_a_late_event_is_judged_for_itself_and_changes_nothing_else(stories: Any, steps: Any, lost: int) -> None:
    events = [event for event in tell(stories, steps).events if event.type != "session_ended"]
    events = [event.model_copy(update={"seq": seq}) for seq, event in enumerate(events)]
    if len(events) < 3:
        return
    lost = 1 + lost % (len(events) - 2)
    without = [event for index, event in enumerate(events) if index != lost]
    known = heard(stories, without).findings
    late = heard(stories, [*without, events[lost]]).findings
    assert late[: len(known)] == known
    # What is wrong with the late event may make an incident of what was known.
    judged = {"audit_gap", "hallucinated_tool", "tool_boundary", "incident"}
    assert {finding.rule_id for finding in late[len(known) :]} <= judged


@settings(max_examples=50)
@given(steps=STEPS, silence=st.lists(st.integers(1, 4000), min_size=1, max_size=4))
def test_what_a_tick_finds_does_not_depend_on_when_it_came(stories: Any, steps: Any, silence: list[int]) -> None:
    events = tell(stories, steps).events
    often, once = heard(stories, events), heard(stories, events)
    found: list[Finding] = []
    for seconds in sorted(silence):
        found += often.tick(seconds)
    late = {finding.finding_id: finding for finding in once.tick(max(silence))}
    early = {finding.finding_id: finding for finding in found}
    assert set(late) == set(early)
    for key, finding in late.items():
        assert finding.model_copy(update={"detected_at": early[key].detected_at}) == early[key]


LONG = {
    "the same": lambda s, i: s.ask("search", "nothing", n=1),
    "always new": lambda s, i: s.ask("search", f"answer {i}", n=i, q=f"some words about topic {i}"),
    "without results": lambda s, i: s.call(f"a_tool_with_a_long_name_{i % 50}", n=i),
    "without calls": lambda s, i: s.result("x", call_id=f"call_{i:032d}"),
    "with losses": lambda s, i: s.lose() and s.ask("search", "x", n=i),
    "of many schemas": lambda s, i: s.ask(f"unknown_{i}", "x"),
    "with users": lambda s, i: s.prompt(f"question {i}") and s.ask("search", "x", n=i % 2),
}


@pytest.mark.parametrize("name", LONG)
def test_the_state_of_a_long_session_stays_small(stories: Any, name: str) -> None:
    story = tell(stories, [])
    for index in range(2000 if name != "with users" else 200):
        LONG[name](story, index)
    hall = heard(stories, story.events)
    assert len(hall.state().dump()) < 8192
