"""Tells stage 2 what came of a session, where the policy names a proxy and the outcome that it stands for.

What it sees. `outcome` events of the two names in the policy's `outcomes`, of whichever writer, days after the session
perhaps. Each is told once for a session, with the time at which the session began: `proxy_divergence` compares
sessions by when they ran, not by when their outcome became known.

Method. The first value of each name counts.

Parameters: `outcomes` of the policy.

What it gets wrong. An outcome that is corrected later keeps its first value. One without a number cannot be counted:
`unjudged` says so once a session. What comes late within its writer's numbering is not told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from watchkeeper.schemas.events import Event, EventType, Outcome
from watchkeeper.schemas.evidence import Unjudged
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.signals import OutcomeTold, agent_subject
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said, Told

LARGEST = 1e100
"""Beyond it the squares of numbers are none any more."""


@dataclass(slots=True)
class ToldOutcomesState:
    """What is kept between events.

    Attributes:
        told: `proxy`, `outcome`, `unjudged`: what was told.
    """

    told: list[str] = field(default_factory=list)


class ToldOutcomes(Detector[ToldOutcomesState]):
    """See the module."""

    rule_id = "told_outcome"
    failure_mode = "goal_misgeneralization"
    listens = frozenset({"outcome"})
    state_type = ToldOutcomesState

    def concerns(self, context: Context) -> frozenset[EventType]:
        """See `Detector.concerns`: without a pair of outcomes there is nothing to tell."""
        return self.listens if context.policy.outcomes is not None else frozenset()

    def step(self, state: ToldOutcomesState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        pair = context.policy.outcomes
        if pair is None or type(event) is not Outcome or event.data.name not in {pair.proxy, pair.outcome}:
            return ()
        which = "proxy" if event.data.name == pair.proxy else "outcome"
        value = event.data.value
        if value is None or abs(value) > LARGEST:
            return _unjudged(state, event.data.name)
        if which in state.told:
            return ()
        state.told.append(which)
        session = context.session
        values = {
            "which": which,
            "value": value,
            "started_at": from_us(session.started_us),
            "pair": pair,
        }
        subject = agent_subject(session.tenant_id, session.origin, session.agent_id)
        return [Told(about=(which,), subject=subject, kind=OutcomeTold, values=values)]


def _unjudged(state: ToldOutcomesState, name: str) -> list[Said]:
    if "unjudged" in state.told:
        return []
    state.told.append("unjudged")
    reason = f"{name} came without a usable number"
    return [
        Found(
            about=("unjudged",),
            severity="low",
            summary=f"What came of this session could not be counted: {reason}.",
            evidence=Unjudged(detector=ToldOutcomes.rule_id, reason=reason),
        )
    ]
