"""Why a finding says what it says, as typed fields: one shape for each kind of finding, one module for each mode."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from watchkeeper.schemas.evidence.audit_gap import (
    ConflictingEvent,
    ContentMismatch,
    MissingContent,
    NeverClosed,
    SequenceGap,
    UnansweredCall,
    UnexplainedResult,
)
from watchkeeper.schemas.evidence.burn import BudgetBurn, RetryCascade, RetryStorm, ToolWorse
from watchkeeper.schemas.evidence.cascading_approval import ActionBeyondGrant, BrokenDelegation
from watchkeeper.schemas.evidence.completeness import (
    LowCompleteness,
    MissingReasoning,
    UnpromptedAction,
    UntracedDecision,
)
from watchkeeper.schemas.evidence.conflicting_write import ConflictingWrite
from watchkeeper.schemas.evidence.context_drift import (
    StaleSource,
    StepAccuracy,
    ValueChanged,
    ValueMismatch,
    WorkflowAccuracy,
)
from watchkeeper.schemas.evidence.cost_runaway import BudgetUse, CappedShare, CapUse, SpendAboveHistory, SpendOutlier
from watchkeeper.schemas.evidence.data_leak import DataLeaked
from watchkeeper.schemas.evidence.duplicate_action import DuplicateAction
from watchkeeper.schemas.evidence.goal_misgeneralization import (
    ConstraintBroken,
    CustomerLimitExceeded,
    Move,
    ProxyDivergence,
)
from watchkeeper.schemas.evidence.hallucinated_tool import (
    InvalidArguments,
    SchemaViolation,
    UnknownArguments,
    UnknownTool,
)
from watchkeeper.schemas.evidence.incident import Compounded
from watchkeeper.schemas.evidence.input_drift import MovedPart, MovedText, ShiftedData, ShiftedMix, ShiftedTexts
from watchkeeper.schemas.evidence.nondeterministic_decision import DecidedOutcome, DifferentOutcomes
from watchkeeper.schemas.evidence.permission_leak import LeakedDocument, StaleAccessList
from watchkeeper.schemas.evidence.prompt_injection import FollowedInstruction, InjectionSignal, SuspiciousContent
from watchkeeper.schemas.evidence.quality_drift import DriftedScores, FellSuite, MovedSegment, NewVersion
from watchkeeper.schemas.evidence.reasoning_loop import Loop
from watchkeeper.schemas.evidence.scope_creep import BudgetExceeded, RefusedAction, UnexplainedAction
from watchkeeper.schemas.evidence.span import Span
from watchkeeper.schemas.evidence.tool_boundary import (
    ArgumentsOutOfBounds,
    BoundBreach,
    RateExceeded,
    ResourceOutOfScope,
    ToolNotAllowed,
)
from watchkeeper.schemas.evidence.unapproved_action import UnapprovedAction
from watchkeeper.schemas.evidence.ungrounded_answer import AnsweredAnyway, UnsupportedClaim, UnsupportedClaims
from watchkeeper.schemas.evidence.unjudged import Unjudged
from watchkeeper.schemas.evidence.untyped_fact import NormalizedFact, UntypedFact
from watchkeeper.schemas.evidence.version_drift import VersionDrift

__all__ = [
    "ActionBeyondGrant",
    "AnsweredAnyway",
    "ArgumentsOutOfBounds",
    "BoundBreach",
    "BrokenDelegation",
    "BudgetBurn",
    "BudgetExceeded",
    "BudgetUse",
    "CapUse",
    "CappedShare",
    "Compounded",
    "ConflictingEvent",
    "ConflictingWrite",
    "ConstraintBroken",
    "ContentMismatch",
    "CustomerLimitExceeded",
    "DataLeaked",
    "DecidedOutcome",
    "DifferentOutcomes",
    "DriftedScores",
    "DuplicateAction",
    "Evidence",
    "FellSuite",
    "FollowedInstruction",
    "InjectionSignal",
    "InvalidArguments",
    "LeakedDocument",
    "Loop",
    "LowCompleteness",
    "MissingContent",
    "MissingReasoning",
    "Move",
    "MovedPart",
    "MovedSegment",
    "MovedText",
    "NeverClosed",
    "NewVersion",
    "NormalizedFact",
    "ProxyDivergence",
    "RateExceeded",
    "RefusedAction",
    "ResourceOutOfScope",
    "RetryCascade",
    "RetryStorm",
    "SchemaViolation",
    "SequenceGap",
    "ShiftedData",
    "ShiftedMix",
    "ShiftedTexts",
    "Span",
    "SpendAboveHistory",
    "SpendOutlier",
    "StaleAccessList",
    "StaleSource",
    "StepAccuracy",
    "SuspiciousContent",
    "ToolNotAllowed",
    "ToolWorse",
    "UnansweredCall",
    "UnapprovedAction",
    "UnexplainedAction",
    "UnexplainedResult",
    "Unjudged",
    "UnknownArguments",
    "UnknownTool",
    "UnpromptedAction",
    "UnsupportedClaim",
    "UnsupportedClaims",
    "UntracedDecision",
    "UntypedFact",
    "ValueChanged",
    "ValueMismatch",
    "VersionDrift",
    "WorkflowAccuracy",
]

Evidence = Annotated[
    UnknownTool
    | InvalidArguments
    | UnknownArguments
    | CapUse
    | CappedShare
    | Loop
    | SequenceGap
    | ConflictingEvent
    | ContentMismatch
    | MissingContent
    | UnansweredCall
    | UnexplainedResult
    | NeverClosed
    | ToolNotAllowed
    | ArgumentsOutOfBounds
    | ResourceOutOfScope
    | RateExceeded
    | UnapprovedAction
    | RefusedAction
    | BudgetExceeded
    | UnexplainedAction
    | ConstraintBroken
    | CustomerLimitExceeded
    | ProxyDivergence
    | DifferentOutcomes
    | ValueMismatch
    | ValueChanged
    | StaleSource
    | WorkflowAccuracy
    | UntypedFact
    | NormalizedFact
    | LeakedDocument
    | StaleAccessList
    | DuplicateAction
    | ConflictingWrite
    | BrokenDelegation
    | ActionBeyondGrant
    | VersionDrift
    | SuspiciousContent
    | FollowedInstruction
    | AnsweredAnyway
    | UnsupportedClaims
    | Compounded
    | LowCompleteness
    | MissingReasoning
    | UnpromptedAction
    | UntracedDecision
    | DataLeaked
    | BudgetBurn
    | BudgetUse
    | SpendOutlier
    | SpendAboveHistory
    | ToolWorse
    | RetryStorm
    | RetryCascade
    | DriftedScores
    | FellSuite
    | ShiftedMix
    | ShiftedData
    | ShiftedTexts
    | Unjudged,
    Field(discriminator="kind"),
]
