from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.detection.detector import Context
from watchkeeper.stream_processors.detection.latest import Latest
from watchkeeper.stream_processors.detection.seats import MAX_PLANS, Seats
from watchkeeper.stream_processors.detection.session import SessionState

if TYPE_CHECKING:
    import pytest

    from watchkeeper.schemas.events import EventType

PLAIN = AgentPolicy(agent="support")
WRITING = AgentPolicy.model_validate({"agent": "support", "tools": {"pay": {"effect": "irreversible"}}})


def under(policy: AgentPolicy) -> Context:
    session = SessionState("t", "s", "support", "live", 0, 0)
    return Context(session=session, policy=policy, caps=policy.caps, tools=None)


def shown(seats: Seats, policy: AgentPolicy, event_type: EventType) -> list[str]:
    return [detector.rule_id for _, _, detector in seats.taken(under(policy)).shown[event_type]]


def test_a_rule_is_shown_events_only_under_a_policy_that_concerns_it() -> None:
    seats = Seats(default_detectors())
    plain, writing = shown(seats, PLAIN, "tool_call"), shown(seats, WRITING, "tool_call")
    assert "duplicate_action" not in plain
    assert [rule for rule in writing if rule not in plain] == ["duplicate_action"]


def test_detectors_keep_their_order() -> None:
    detectors = default_detectors()
    order = [detector.rule_id for detector in detectors]
    listed = shown(Seats(detectors), WRITING, "tool_result")
    assert listed == sorted(listed, key=order.index)


def test_sessions_have_states_of_their_own_and_share_the_rest() -> None:
    seats = Seats(default_detectors())
    one, other = seats.taken(under(PLAIN)), seats.taken(under(PLAIN))
    assert one.shown is other.shown
    assert one.states is not other.states


def test_every_policy_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[AgentPolicy] = []
    (first, *_) = detectors = default_detectors()

    def concerns(context: Context) -> Any:
        asked.append(context.policy)
        return first.listens

    monkeypatch.setattr(first, "concerns", concerns)
    seats = Seats(detectors)
    for policy in (PLAIN, WRITING, PLAIN, WRITING):
        seats.taken(under(policy))
    assert asked == [PLAIN, WRITING]


def test_policies_that_come_and_go_take_no_more_room() -> None:
    seats = Seats(default_detectors())
    for _ in range(MAX_PLANS * 2 + 1):
        # Alike, and each another one: what was asked of one must not pass for the next at the same address.
        seats.taken(under(PLAIN.model_copy()))
    assert len(seats._by_policy) <= MAX_PLANS
    assert len(seats._plans) == 1


def test_a_rule_that_cannot_tell_is_shown_all_that_it_listens_to(monkeypatch: pytest.MonkeyPatch) -> None:
    (first, *_) = detectors = default_detectors()

    def fail(context: Context) -> Any:
        raise RuntimeError("no answer")

    monkeypatch.setattr(first, "concerns", fail)
    taken = Seats(detectors).taken(under(PLAIN))
    assert {kind for kind, seated in taken.shown.items() if any(one is first for _, _, one in seated)} == first.listens


def test_what_was_made_of_an_object_is_made_once_and_never_of_another() -> None:
    made: list[list[int]] = []

    def total(of: list[int]) -> int:
        made.append(of)
        return sum(of)

    latest = Latest(total)
    one, alike = [1, 2], [1, 2]
    assert [latest(one), latest(one), latest(alike), latest(one)] == [3, 3, 3, 3]
    assert [id(of) for of in made] == [id(one), id(alike), id(one)]
