from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.events import EVENT_TYPES
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.detection.detector import Context, Detector, Said
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.library import MAX_PARTS, Library
from watchkeeper.stream_processors.detection.pricing import Priced
from watchkeeper.stream_processors.detection.session import load_session
from watchkeeper.stream_processors.detection.session_rules.cost_runaway import CostRunawayState


class Failing(Detector[CostRunawayState]):
    """Fails at every event, and at every tick."""

    rule_id = "failing"
    failure_mode = "incident"
    listens = frozenset(EVENT_TYPES)
    state_type = CostRunawayState

    def step(self, state: CostRunawayState, event: Any, context: Context) -> Iterable[Said]:
        raise ValueError(f"the customer's card is {event.session_id}")

    def due_us(self, state: CostRunawayState, context: Context) -> int | None:
        raise RuntimeError

    def tick(self, state: CostRunawayState, now_us: int, context: Context) -> Iterable[Said]:
        raise RuntimeError


class Books:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def price(self, *, provider: str, model: str, usage: Any, at_us: int) -> Priced:
        self.asked.append((provider, model))
        return Priced("priced", 1.0, "books/1")


def test_a_rule_that_fails_is_told_once_without_payload_and_stops_no_other(stories: Any) -> None:
    story = stories.Story(tools=[])
    story.start()
    for _ in range(5):
        story.call("x")
    hall = stories.Hall([Failing(), *default_detectors()], strict=False).hear(story.events)
    hall.tick(5)
    failed = [finding for finding in hall.findings if finding.rule_id == "failing"]
    assert len(failed) == 1
    assert "test_judge.py" in failed[0].evidence.reason
    assert "card" not in failed[0].model_dump_json()
    assert [one.kind for one in hall.latest.values()].count("unknown_tool") == 5


def test_a_strict_judge_raises(stories: Any) -> None:
    with pytest.raises(ValueError, match="card"):
        stories.Hall([Failing()]).hear([stories.Story().start()])


def test_totals_are_those_of_all_events(stories: Any) -> None:
    story = stories.Story()
    story.start()
    story.ask("search")
    story.response(input_tokens=100, output_tokens=10, cached=60)
    story.response(input_tokens=100, output_tokens=10, cached=200)
    totals = stories.Hall(prices=Books()).hear(story.events).state().totals
    assert (totals.events, totals.tool_calls, totals.tokens) == (5, 1, 40 + 10 + 10)
    assert (totals.input_tokens, totals.cached_input_tokens, totals.output_tokens) == (200, 260, 20)
    assert (totals.cost_usd, totals.priced_requests, totals.unpriced_requests) == (2.0, 2, 0)


def test_a_response_without_a_provider_is_priced_by_the_sessions(stories: Any) -> None:
    story = stories.Story()
    story.start(model="gpt-4o", provider="azure.ai.openai")
    story.response(1, 1, model="gpt-4o-2024-11-20")
    story.response(1, 1, model="")
    story.response(1, 1, model="claude", provider="anthropic")
    books = Books()
    stories.Hall([], prices=books).hear(story.events)
    azure = "azure.ai.openai"
    assert books.asked == [(azure, "gpt-4o-2024-11-20"), (azure, "gpt-4o-2024-11-20"), ("anthropic", "claude")]


def test_a_start_that_comes_late_opens_nothing_again_and_overrides_nothing(stories: Any) -> None:
    story = stories.Story().lose()
    story.wait(10).response(1, 1, model="newer")
    story.end("failed")
    started = stories.START_US
    story.now_us = started
    story.say("session_started", {"model": "older", "intent": "refund", "caps": {"tool_calls": 3}}, seq=0)
    state = stories.Hall().hear(story.events).state()
    assert (state.status, state.model, state.intent) == ("failed", "newer", "refund")
    assert (state.started_us, state.caps) == (started, {"tool_calls": 3})


def test_a_resumed_session_keeps_its_policy_and_its_start(stories: Any) -> None:
    story = stories.Story(policy=AgentPolicy(agent="support", version="1"))
    story.start()
    first = story.policy.address
    story.policy = AgentPolicy(agent="support", version="2")
    story.end()
    story.wait(100).start(resumed=True)
    state = stories.Hall().hear(story.events).state()
    assert (state.policy_address, state.started_us, state.status) == (first, stories.START_US, "open")


def test_a_silent_session_is_brought_back_by_the_agent_not_by_an_outcome(stories: Any) -> None:
    story = stories.Story()
    story.start()
    hall = stories.Hall().hear(story.events)
    hall.tick(2000)
    assert hall.state().status == "silent"
    story.wait(90_000).say("outcome", {"name": "csat", "kind": "feedback", "value": 5.0}, writer_id="crm", seq=0)
    assert hall.hear(story.events[-1:]).state().status == "silent"
    story.prompt("hello again")
    assert hall.hear(story.events[-1:]).state().status == "open"


def test_an_event_that_is_out_of_order_in_time_does_not_turn_the_clock_back(stories: Any) -> None:
    story = stories.Story()
    story.start()
    story.wait(100).prompt()
    hall = stories.Hall().hear(story.events)
    state = hall.state()
    before = state.now_us(state.arrived_us + 5_000_000)
    story.now_us = stories.START_US
    early = story.say("approval", {"approval_id": "a", "status": "granted"}, writer_id="web", seq=0)
    hall.judge.step(state, early, clock_us=state.arrived_us + 5_000_000)
    assert state.now_us(state.arrived_us + 5_000_000) == before


def test_an_idle_tick_looks_at_nothing_until_something_is_due(stories: Any) -> None:
    story = stories.Story()
    story.start()
    hall = stories.Hall().hear(story.events)
    state = hall.state()
    assert hall.judge.tick(state, clock_us=state.arrived_us + 1_000_000) is not None
    assert state.due_us > state.last_us
    assert hall.judge.tick(state, clock_us=state.arrived_us + 2_000_000) is None


def test_the_stored_state_holds_nothing_of_the_judges_own(stories: Any) -> None:
    story = stories.Story(tools=[])
    story.start()
    state = stories.Hall().hear(story.events).state()
    assert state.context is not None
    assert "context" not in json.dumps(json.loads(state.dump()))
    loaded = load_session(state.dump())
    assert loaded is not None
    assert loaded.context is None
    assert load_session(b'{"v": 0}') is None


def test_the_lists_of_tools_may_come_in_parts_before_their_session(stories: Any) -> None:
    text = json.dumps([stories.tool("search")])
    address = address_of(text)
    story = stories.Story()
    for part, piece in enumerate((text[:20], text[20:])):
        story.say("content", {"address": address, "part": part, "parts": 2, "size": len(text), "text": piece})
    story.start(tools={"address": address, "size": len(text)})
    story.call("search")
    story.call("made_up")
    judge = Judge(default_detectors(), strict=True)
    state = judge.open(story.events[0])
    found = [one for event in story.events for one in judge.step(state, event, clock_us=1).findings]
    assert [one.kind for one in found] == ["unknown_tool"]


def test_a_text_under_a_strange_hash_judges_nobody() -> None:
    library = Library()
    address = address_of("[]")
    assert not library.add(address, '[{"name": "forged"}]')
    assert address not in library
    library.add_part(address, 0, 2, "[{}")
    library.add_part(address, 1, 2, "]")
    assert address not in library
    assert library.add(address, "[]")
    assert library.add(address, "whatever follows is not looked at")
    assert library.tools(address) is not None


def test_the_library_forgets_the_oldest() -> None:
    library = Library(capacity=2, max_characters=100)
    addresses = [address_of(f'["{index}"]') for index in range(3)]
    for index, address in enumerate(addresses):
        library.add(address, f'["{index}"]')
    assert [address in library for address in addresses] == [False, True, True]
    large = "[" + " " * 200 + "]"
    library.add(address_of(large), large)
    assert address_of(large) in library
    assert addresses[2] not in library
    library.add_part("u-" + "0" * 64, 0, MAX_PARTS + 1, "x")


def test_what_a_policy_file_holds_is_not_quoted_when_it_is_refused() -> None:
    text = json.dumps({"agent": "support", "caps": {"tool_calls": "secret"}})
    library = Library()
    library.add(address_of(text), text)
    refused = library.policy(address_of(text))
    assert refused is not None
    assert "secret" not in str(refused)
    assert "caps.tool_calls" in str(refused)
