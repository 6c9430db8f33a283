"""Who is shown what: each session's events go only to the detectors that its rules give something to look at.

Which these are is asked once for each policy; policies that are alike share the answer. Each session's states stand in
one list, by seat, so that an event pays for no look-up by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from watchkeeper.schemas.events import Event, EventType
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.detector import Context, Detector, Said
from watchkeeper.stream_processors.detection.session import SessionState

MAX_PLANS: Final = 512
"""Policies, and different answers, that are kept."""

Step: TypeAlias = Callable[[Any, Event, Context], Iterable[Said]]
Shown: TypeAlias = dict[EventType, tuple[tuple[int, Step, Detector[Any]], ...]]


@dataclass(slots=True)
class Seating:
    """One session's detectors.

    Attributes:
        seats: whose seats these are: another judge has others.
        shown: by event type the seat, `step` and detector of everyone who is shown it, in the judge's order.
        states: by seat; None until first asked for.
    """

    seats: Seats
    shown: Shown
    states: list[Any]


class Seats:
    """The seats of a judge's detectors.

    Args:
        detectors: in the order in which they are shown each event.
    """

    def __init__(self, detectors: tuple[Detector[Any], ...]) -> None:
        self._detectors = detectors
        self._plans: dict[tuple[frozenset[EventType], ...], Shown] = {}
        self._by_policy: dict[int, tuple[AgentPolicy, Shown]] = {}

    def taken(self, context: Context) -> Seating:
        """A session's seats, under its policy."""
        policy = context.policy
        # By identity: to compare policies takes longer than to ask. The policy is held, so that its id stays its own.
        known = self._by_policy.get(id(policy))
        if known is None or known[0] is not policy:
            if len(self._by_policy) >= MAX_PLANS:
                self._by_policy.clear()
                self._plans.clear()
            known = self._by_policy[id(policy)] = (policy, self._asked(context))
        return Seating(self, known[1], [None] * len(self._detectors))

    def _asked(self, context: Context) -> Shown:
        """Asks every detector what concerns it; one that fails is shown all it listens to."""
        concerns = tuple(_concerns(detector, context) for detector in self._detectors)
        shown = self._plans.get(concerns)
        if shown is None:
            shown = self._plans[concerns] = self._planned(concerns)
        return shown

    def _planned(self, concerns: tuple[frozenset[EventType], ...]) -> Shown:
        shown: Shown = {}
        for seat, (detector, types) in enumerate(zip(self._detectors, concerns, strict=True)):
            for event_type in types:
                shown[event_type] = (*shown.get(event_type, ()), (seat, detector.step, detector))
        return shown


def state_of(session: SessionState, detector: Detector[Any]) -> Any:
    """A detector's state of a session; a new one where there is none, or one of another version."""
    stored = session.detectors.get(detector.rule_id)
    if stored is None or stored[0] != detector.state_version:
        stored = session.detectors[detector.rule_id] = [detector.state_version, detector.state_type()]
    state = stored[1]
    if type(state) is dict:
        state = stored[1] = detector.state_type(**state)
    return state


def _concerns(detector: Detector[Any], context: Context) -> frozenset[EventType]:
    try:
        return detector.concerns(context)
    except Exception:  # noqa: BLE001 - asked for less work, it must not cost the session its judge
        return detector.listens
