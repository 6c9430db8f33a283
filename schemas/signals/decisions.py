"""What was decided on which facts, whether a workflow's values were right, and what came of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from watchkeeper.schemas.model import Moment, Name
from watchkeeper.schemas.policy_outcomes import ProxyAndOutcome
from watchkeeper.schemas.signals.base import SignalBase


class DecisionMade(SignalBase):
    """A decision that claims to follow from its facts; its subject is those facts.

    Attributes:
        outcome: a keyed digest of what was decided.
        described: the outcome, described.
        facts: the names of the facts.
        rules: the rules that took part, with their versions.
    """

    kind: Literal["decision_made"] = "decision_made"
    event_id: Name
    decision_id: Name
    decision: Name
    outcome: Name
    described: Name
    facts: list[Name]
    rules: list[Name] = []


class WorkflowRan(SignalBase):
    """A session of a workflow ended whose accuracy has an objective.

    Attributes:
        steps: whether all values were right there, by step.
        target: the share of sessions that are to be right from the first step to the last.
    """

    kind: Literal["workflow_ran"] = "workflow_ran"
    workflow: Name
    steps: dict[str, bool]
    target: Annotated[float, Field(ge=0, le=1)]
    window_days: Annotated[int, Field(ge=1)]


class OutcomeTold(SignalBase):
    """It became known what came of a session. At most one for each session and `which`.

    Attributes:
        started_at: when the session began: it counts on that day.
        pair: by the policy of the session.
    """

    kind: Literal["outcome_told"] = "outcome_told"
    which: Literal["proxy", "outcome"]
    value: float
    started_at: Moment
    pair: ProxyAndOutcome
