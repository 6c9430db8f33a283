"""What agents do, as events: one closed union, discriminated by `type`. `event_data` tells what each of them carries.

A thing that takes time is told when it starts and when it ends (`tool_call` and `tool_result`, `prompt` and
`response`, `retrieval` twice): what hangs must be visible while it hangs.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, TypeAdapter

from watchkeeper.schemas.envelope import Envelope
from watchkeeper.schemas.event_data import (
    ApprovalData,
    CheckedValue,
    CheckpointData,
    ContentData,
    Count,
    DecisionData,
    DelegationData,
    Document,
    Label,
    Message,
    OutcomeData,
    PolicyRef,
    PromptData,
    ReasoningData,
    ResponseData,
    RetrievalData,
    RuleRef,
    SessionEndedData,
    SessionStartedData,
    ToolCallData,
    ToolResultData,
    Usage,
)

__all__ = [
    "EVENT_ADAPTER",
    "EVENT_CLASSES",
    "EVENT_TYPES",
    "Approval",
    "ApprovalData",
    "CheckedValue",
    "Checkpoint",
    "CheckpointData",
    "ContentData",
    "ContentPart",
    "Count",
    "Decision",
    "DecisionData",
    "Delegation",
    "DelegationData",
    "Document",
    "Event",
    "EventType",
    "Label",
    "Message",
    "Outcome",
    "OutcomeData",
    "PolicyRef",
    "Prompt",
    "PromptData",
    "Reasoning",
    "ReasoningData",
    "Response",
    "ResponseData",
    "Retrieval",
    "RetrievalData",
    "RuleRef",
    "SessionEnded",
    "SessionEndedData",
    "SessionStarted",
    "SessionStartedData",
    "ToolCall",
    "ToolCallData",
    "ToolResult",
    "ToolResultData",
    "Usage",
]


class SessionStarted(Envelope):
    """See `SessionStartedData`."""

    type: Literal["session_started"]
    data: SessionStartedData


class Prompt(Envelope):
    """See `PromptData`."""

    type: Literal["prompt"]
    data: PromptData


class Reasoning(Envelope):
    """See `ReasoningData`."""

    type: Literal["reasoning"]
    data: ReasoningData


class ToolCall(Envelope):
    """See `ToolCallData`."""

    type: Literal["tool_call"]
    data: ToolCallData


class ToolResult(Envelope):
    """See `ToolResultData`."""

    type: Literal["tool_result"]
    data: ToolResultData


class Retrieval(Envelope):
    """See `RetrievalData`."""

    type: Literal["retrieval"]
    data: RetrievalData


class Decision(Envelope):
    """See `DecisionData`."""

    type: Literal["decision"]
    data: DecisionData


class Delegation(Envelope):
    """See `DelegationData`."""

    type: Literal["delegation"]
    data: DelegationData


class Approval(Envelope):
    """See `ApprovalData`."""

    type: Literal["approval"]
    data: ApprovalData


class Checkpoint(Envelope):
    """See `CheckpointData`."""

    type: Literal["checkpoint"]
    data: CheckpointData


class Response(Envelope):
    """See `ResponseData`."""

    type: Literal["response"]
    data: ResponseData


class Outcome(Envelope):
    """See `OutcomeData`."""

    type: Literal["outcome"]
    data: OutcomeData


class ContentPart(Envelope):
    """See `ContentData`."""

    type: Literal["content"]
    data: ContentData


class SessionEnded(Envelope):
    """See `SessionEndedData`."""

    type: Literal["session_ended"]
    data: SessionEndedData


Event = Annotated[
    SessionStarted
    | Prompt
    | Reasoning
    | ToolCall
    | ToolResult
    | Retrieval
    | Decision
    | Delegation
    | Approval
    | Checkpoint
    | Response
    | Outcome
    | ContentPart
    | SessionEnded,
    Field(discriminator="type"),
]
EVENT_CLASSES: tuple[type[Envelope], ...] = get_args(get_args(Event)[0])
EVENT_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)

EventType = Literal[
    "session_started",
    "prompt",
    "reasoning",
    "tool_call",
    "tool_result",
    "retrieval",
    "decision",
    "delegation",
    "approval",
    "checkpoint",
    "response",
    "outcome",
    "content",
    "session_ended",
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
