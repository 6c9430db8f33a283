"""What stage 1 tells stage 2: small facts about a subject that no single session can see.

Signals travel on `agent.signals`, keyed by subject, one JSON object on each line of a record. A signal that follows
from an event carries where that event stood (`source_partition`, `source_offset`, `ordinal`); a subject keeps a
watermark per source and ignores what is not newer. A signal found by a tick has no such place (`source_offset` is
None): a repeat of it has the same `signal_id`, and whoever folds it must make a repeat harmless.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, TypeAdapter

from watchkeeper.schemas.signals.actions import ActionTold, CustomerMet, RatedCall, ResourceWritten
from watchkeeper.schemas.signals.base import SignalBase
from watchkeeper.schemas.signals.budgets import CapHit, SessionOpened, Spent
from watchkeeper.schemas.signals.decisions import DecisionMade, OutcomeTold, WorkflowRan
from watchkeeper.schemas.signals.delegation import Delegated, ScopedAction, TreeLeft
from watchkeeper.schemas.signals.objectives import ObjectiveCount, ObjectivesCounted, ToolUsed
from watchkeeper.schemas.signals.quality import Scored, SessionFared
from watchkeeper.schemas.signals.sessions import FindingTold, SessionFact, SessionFacts, SessionRecorded
from watchkeeper.schemas.signals.subjects import (
    SUBJECT_KINDS,
    SubjectKind,
    agent_subject,
    name_of,
    quality_subject,
    subject_of,
)

__all__ = [
    "SIGNAL_ADAPTER",
    "SIGNAL_KINDS",
    "SUBJECT_KINDS",
    "ActionTold",
    "CapHit",
    "CustomerMet",
    "DecisionMade",
    "Delegated",
    "FindingTold",
    "ObjectiveCount",
    "ObjectivesCounted",
    "OutcomeTold",
    "RatedCall",
    "ResourceWritten",
    "ScopedAction",
    "Scored",
    "SessionFact",
    "SessionFacts",
    "SessionFared",
    "SessionOpened",
    "SessionRecorded",
    "Signal",
    "SignalBase",
    "SignalKind",
    "Spent",
    "SubjectKind",
    "ToolUsed",
    "TreeLeft",
    "WorkflowRan",
    "agent_subject",
    "name_of",
    "quality_subject",
    "subject_of",
]

Signal = Annotated[
    SessionOpened
    | CapHit
    | RatedCall
    | CustomerMet
    | DecisionMade
    | OutcomeTold
    | WorkflowRan
    | ActionTold
    | ResourceWritten
    | Delegated
    | ScopedAction
    | TreeLeft
    | SessionFacts
    | FindingTold
    | SessionRecorded
    | ToolUsed
    | ObjectivesCounted
    | Spent
    | Scored
    | SessionFared,
    Field(discriminator="kind"),
]
SIGNAL_ADAPTER: TypeAdapter[Signal] = TypeAdapter(Signal)

SignalKind = Literal[
    "session_opened",
    "cap_hit",
    "rated_call",
    "customer_met",
    "decision_made",
    "outcome_told",
    "workflow_ran",
    "action_told",
    "resource_written",
    "delegated",
    "scoped_action",
    "tree_left",
    "session_facts",
    "tool_used",
    "objectives_counted",
    "spent",
    "finding_told",
    "session_recorded",
    "scored",
    "session_fared",
]
SIGNAL_KINDS: tuple[SignalKind, ...] = get_args(SignalKind)
