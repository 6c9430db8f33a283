"""Evidence of `nondeterministic_decision`: equal facts, decided differently."""

from __future__ import annotations

from typing import Literal

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model, Moment


class DecidedOutcome(Model):
    """One of the outcomes, and the latest decision that had it.

    Attributes:
        outcome: described.
        decisions: how many had it.
    """

    outcome: str
    decisions: Count
    decision_id: str
    session_id: str
    event_id: str
    decided_at: Moment


class DifferentOutcomes(Model):
    """Decisions that rest on equal facts and equal versions of their rules, and differ.

    Attributes:
        decision: the decision's name.
        facts: the names of the facts that are equal.
        rules: the rules with their versions.
        outcomes: side by side, at most four, in the order in which they were first seen.
    """

    kind: Literal["different_outcomes"] = "different_outcomes"
    decision: str
    facts: list[str]
    rules: list[str]
    outcomes: list[DecidedOutcome]
