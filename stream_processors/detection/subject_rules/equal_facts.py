"""Equal facts, decided differently.

What it sees. The decisions of one agent that rest on the same facts and the same versions of the same rules, over all
its sessions (`told_decision`). Two outcomes among them are `different_outcomes` (high), with the decisions side by
side; told again with each further outcome, and whenever the decisions have doubled.

Method. Outcomes by their digest, with a count and the latest decision that had each; those of the last `window_days`
are compared. A decision that is told again under its own id, in its session, replaces what it said before: that is a
correction. Where corrections leave one outcome, the finding is taken back.

Parameters: `window_days` 30: facts seldom tell the day on which they are looked at, and a rule on deadlines decides
differently when they have passed; a month is as long as field reports ask decisions to be repeatable. `MAX_OUTCOMES` 4
are kept side by side: two prove it.

What it gets wrong. A rule whose outcome turns with the day, on facts that do not tell the day, is found within the
window. A rule that was changed under the same version is found, which is what it is for; one whose version is not told
is taken for unchanged. Which of the outcomes is right it cannot say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict

from watchkeeper.schemas.evidence import DecidedOutcome, DifferentOutcomes
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.signals import DecisionMade, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.fingerprints import digest
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

MAX_OUTCOMES = 4
_DAY_US = 86_400_000_000


class Outcome(TypedDict):
    """One outcome.

    Attributes:
        name: its digest.
        told: described.
        count: decisions that had it.
        made: digest of session and id of the latest.
    """

    name: str
    told: str
    count: int
    made: str
    decision_id: str
    session_id: str
    event_id: str
    us: int


@dataclass(slots=True)
class EqualFactsState:
    """The decisions on one set of facts.

    Attributes:
        outcomes: in the order in which they were first seen.
        episode: the event whose decision made it two; "" while there is one.
        episode_us: its time.
        first_event_id: the event of the decision that it differs from.
        revision: of what was told of the episode.
        more_at: the number of decisions at which to tell it again.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    episode: str = ""
    episode_us: int = 0
    first_event_id: str = ""
    revision: int = 0
    more_at: int = 0


class EqualFacts(SubjectRule[EqualFactsState]):
    """See the module."""

    rule_id = "equal_facts"
    failure_mode = "nondeterministic_decision"
    listens = frozenset({"decision_made"})
    state_type = EqualFactsState

    def __init__(self, *, window_days: int = 30) -> None:
        self._window_us = window_days * _DAY_US

    def fold(self, state: EqualFactsState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, DecisionMade):
            return ()
        self._forget(state, to_us(signal.occurred_at))
        before = len(state.outcomes)
        _take(state, signal)
        if len(state.outcomes) < 2:
            return _taken_back(state, signal) if state.episode else ()
        if not state.episode:
            first = state.outcomes[0]
            state.episode, state.episode_us = signal.event_id, to_us(signal.occurred_at)
            state.first_event_id, state.revision, state.more_at = first["event_id"], 0, 4
            return [_found(state, signal)]
        decisions = sum(one["count"] for one in state.outcomes)
        if len(state.outcomes) <= before and decisions < state.more_at:
            return ()
        state.more_at = max(state.more_at, decisions * 2)
        state.revision += 1
        return [_found(state, signal)]

    def _forget(self, state: EqualFactsState, at_us: int) -> None:
        latest_us = max([at_us, *(one["us"] for one in state.outcomes)])
        state.outcomes = [one for one in state.outcomes if one["us"] > latest_us - self._window_us]
        if state.episode and len(state.outcomes) < 2:
            # It ended because time passed, and not because nobody differs any more: it stays as it was told.
            state.episode = ""


def _take(state: EqualFactsState, signal: DecisionMade) -> None:
    made = digest(f"{signal.session_id}\0{signal.decision_id}")
    for one in state.outcomes:
        if one["made"] == made:
            one["count"] -= 1
    state.outcomes = [one for one in state.outcomes if one["count"] or one["name"] == signal.outcome]
    known = next((one for one in state.outcomes if one["name"] == signal.outcome), None)
    if known is None:
        if len(state.outcomes) >= MAX_OUTCOMES:
            return
        known = Outcome(
            name=signal.outcome, told="", count=0, made="", decision_id="", session_id="", event_id="", us=0
        )
        state.outcomes.append(known)
    known["count"] += 1
    if to_us(signal.occurred_at) >= known["us"]:
        known["told"], known["made"], known["decision_id"] = signal.described, made, signal.decision_id
        known["session_id"], known["event_id"] = signal.session_id, signal.event_id
        known["us"] = to_us(signal.occurred_at)


def _taken_back(state: EqualFactsState, signal: DecisionMade) -> list[Found]:
    state.revision += 1
    found = _found(state, signal)
    found.status = "resolved"
    found.summary = f"Decisions of {signal.decision} on equal facts differed; taken back: one was corrected."
    state.episode = ""
    return [found]


def _found(state: EqualFactsState, signal: DecisionMade) -> Found:
    told = " and ".join(one["told"] for one in state.outcomes[:2])
    return Found(
        about=("outcomes", state.episode),
        severity="high",
        summary=f"Decisions of {signal.decision} on equal facts and rules differ: {told}.",
        evidence=DifferentOutcomes(
            decision=signal.decision,
            facts=signal.facts,
            rules=signal.rules,
            outcomes=[
                DecidedOutcome(
                    outcome=one["told"],
                    decisions=one["count"],
                    decision_id=one["decision_id"],
                    session_id=one["session_id"],
                    event_id=one["event_id"],
                    decided_at=from_us(one["us"]),
                )
                for one in state.outcomes
            ],
        ),
        first_event_id=state.first_event_id,
        first_us=state.episode_us,
        revision=state.revision,
        session_id=signal.session_id,
    )
