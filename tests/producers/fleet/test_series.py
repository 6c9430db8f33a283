from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.fleet import series
from watchkeeper.producers.fleet.agent_spec import AgentSpec
from watchkeeper.producers.fleet.cast import Cast
from watchkeeper.producers.fleet.faults import Fault
from watchkeeper.producers.fleet.ledger import Ledger
from watchkeeper.producers.fleet.pace import Pace
from watchkeeper.producers.fleet.scenario import Brief
from watchkeeper.producers.fleet.scenarios import REGISTRY
from watchkeeper.producers.fleet.stage import Stage, perform
from watchkeeper.producers.identity import system_clock
from watchkeeper.producers.stops import OnStop
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.events import Delegation, Event, Outcome, SessionEnded, SessionStarted
from watchkeeper.schemas.model import to_us


class Theatre:
    """Plays one scenario and keeps what was told."""

    def __init__(self) -> None:
        self.memory = MemoryTransport()
        self.ledger = Ledger()
        self.cast = Cast(self._wire, Pace(0))

    def events(self, name: str) -> list[Event]:
        scenario = REGISTRY[name]
        stage = Stage(scenario, Brief(name, 0, 1, 7), self.cast, self.ledger)
        perform(stage)
        assert self.cast.flush(60)
        assert [entry.trouble for entry in self.ledger.entries() if entry.trouble] == []
        return self.memory.events()

    def _wire(self, spec: AgentSpec, on_stop: OnStop, fault: Fault | None) -> Watchkeeper:
        assert fault is None
        return Watchkeeper(
            agent=spec.name,
            policy=spec.policy,
            transport=self.memory,
            agent_version=spec.version,
            on_stop=on_stop,
            origin="simulated",
        )


@pytest.fixture
def theatre() -> Iterator[Theatre]:
    theatre = Theatre()
    yield theatre
    theatre.cast.close()


def test_sessions_in_series_begin_when_the_one_before_has_ended(theatre: Theatre) -> None:
    events = theatre.events("offer-after-offer")
    spans = _spans(events)
    assert len(spans) == 3
    assert all(ended <= begun for (_, ended), (begun, _) in pairwise(spans))
    assert {event.customer_id for event in events if isinstance(event, SessionStarted)} == {events[0].customer_id}


def test_two_sessions_in_turns_overlap(theatre: Theatre) -> None:
    (begun, ended), (other_begun, other_ended) = _spans(theatre.events("calendar-of-two"))
    assert max(begun, other_begun) < min(ended, other_ended)


def test_a_release_is_announced_by_its_version(theatre: Theatre) -> None:
    started = [event for event in theatre.events("released-with-another-model") if isinstance(event, SessionStarted)]
    assert [event.agent_version for event in started] == ["1.0", "1.0", "1.1", "1.1"]
    assert len({event.data.model for event in started}) == 2


def test_a_silent_change_is_not(theatre: Theatre) -> None:
    started = [event for event in theatre.events("model-changed-silently") if isinstance(event, SessionStarted)]
    assert {event.agent_version for event in started} == {"1.0"}
    assert len({event.data.model for event in started}) == 2


def test_days_of_the_past_are_over_and_what_became_of_them_is_known_later_and_by_now(theatre: Theatre) -> None:
    events = theatre.events("accepted-but-gone")
    now_us = system_clock()
    assert all(to_us(event.occurred_at) < now_us for event in events)
    begun = {event.session_id: to_us(event.occurred_at) for event in events if isinstance(event, SessionStarted)}
    stayed = [event for event in events if isinstance(event, Outcome) and event.data.name == "still_customer"]
    assert len(begun) == len(stayed) > 50
    assert all(to_us(event.occurred_at) - begun[event.session_id] >= series.DAY_US for event in stayed)
    assert len({at_us // series.DAY_US for at_us in begun.values()}) == 6


def test_work_is_handed_down_with_the_grant_that_it_derives_from(theatre: Theatre) -> None:
    first, second = [
        event.data for event in theatre.events("three-hops-each-narrower") if isinstance(event, Delegation)
    ]
    assert second.parent_grant_id == first.grant_id != ""
    assert (first.granted_by, second.granted_by) == ("ada@travel.example", "travel-booker")


@pytest.mark.parametrize(("left_seconds", "waited"), [(5, 1), (1800, 0)])
def test_what_counts_by_hours_waits_where_the_hour_is_nearly_over(
    left_seconds: int, waited: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []

    class Waiting(Pace):
        def wait_whole(self, seconds: float) -> None:
            done.append(seconds)

    class Quiet:
        class cast:  # noqa: N801 - stands where a stage has its cast
            pace = Waiting(0)

    monkeypatch.setattr(series, "system_clock", lambda: 500_000 * series.HOUR_US - left_seconds * 1_000_000)
    series.within_one_hour(lambda _: done.append("played"))(Quiet())  # type: ignore[arg-type] # all that it looks at
    assert done == [left_seconds] * waited + ["played"]


def _spans(events: list[Event]) -> list[tuple[int, int]]:
    begun = {event.session_id: to_us(event.occurred_at) for event in events if isinstance(event, SessionStarted)}
    ended = {event.session_id: to_us(event.occurred_at) for event in events if isinstance(event, SessionEnded)}
    return sorted((at_us, ended[session]) for session, at_us in begun.items())
