"""Why a finding says what it says, as typed fields: one shape for each kind of finding."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from watchkeeper.schemas.model import Model, Moment
from watchkeeper.schemas.policy import CapName

Count = Annotated[int, Field(ge=0)]


class UnknownTool(Model):
    """A call to a name that was never registered."""

    kind: Literal["unknown_tool"] = "unknown_tool"
    tool_name: str
    tool_call_id: str
    nearest: list[str]
    registered: Count


class SchemaViolation(Model):
    """One place where arguments and JSON Schema disagree.

    Attributes:
        path: JSON pointer into the arguments; empty for the arguments as a whole.
        keyword: the schema keyword that refused.
        expected: what the schema asks for there.
        got: what stood there, shortened.
    """

    path: str
    keyword: str
    expected: str
    got: str


class InvalidArguments(Model):
    """A registered tool, called with arguments that its JSON Schema rejects."""

    kind: Literal["invalid_arguments"] = "invalid_arguments"
    tool_name: str
    tool_call_id: str
    violations: list[SchemaViolation]
    more: Count = 0


class UnknownArguments(Model):
    """A registered tool, called with keys that its schema permits but does not know."""

    kind: Literal["unknown_arguments"] = "unknown_arguments"
    tool_name: str
    tool_call_id: str
    keys: list[str]
    known: list[str]


class CapUse(Model):
    """A cap crossed, or nearly.

    Attributes:
        used: in the cap's own unit: calls, tokens, seconds or US dollars.
        share: used over limit.
        by_tick: found while no event arrived.
    """

    kind: Literal["cap_use"] = "cap_use"
    cap: CapName
    limit: float
    used: float
    share: float
    by_tick: bool = False
    tool_calls: Count
    tokens: Count
    wall_clock_seconds: float
    cost_usd: float | None


class CappedShare(Model):
    """Too many of an agent's sessions hit a cap."""

    kind: Literal["capped_share"] = "capped_share"
    cap: CapName
    sessions: Count
    capped: Count
    share: float
    limit: float
    window_from: Moment
    window_to: Moment
    examples: list[str]


class Loop(Model):
    """Calls that repeat and never converge.

    Attributes:
        cycle: the tools of one round, in order.
        rounds: how many times the cycle ran.
        match: `identical` arguments, or `near` ones.
        arguments: one round's arguments, shortened.
        cost_usd: money spent since the first round began; None where it is not priced.
    """

    kind: Literal["loop"] = "loop"
    cycle: list[str]
    rounds: Count
    calls: Count
    match: Literal["identical", "near"]
    arguments: list[str]
    tokens: Count
    seconds: float
    cost_usd: float | None


class SequenceGap(Model):
    """Events of a writer that never arrived (or arrived late: then the finding is resolved)."""

    kind: Literal["sequence_gap"] = "sequence_gap"
    writer_id: str
    first_missing: Count
    last_missing: Count


class ConflictingEvent(Model):
    """A writer's number came again with other content; both are kept."""

    kind: Literal["conflicting_event"] = "conflicting_event"
    writer_id: str
    seq: Count
    digests: list[str]


class ContentMismatch(Model):
    """A text does not have the hash that it came under."""

    kind: Literal["content_mismatch"] = "content_mismatch"
    address: str
    field: str


class MissingContent(Model):
    """An event refers to a text that was never sent."""

    kind: Literal["missing_content"] = "missing_content"
    address: str
    field: str


class UnansweredCall(Model):
    """A tool was called and no result came."""

    kind: Literal["unanswered_call"] = "unanswered_call"
    tool_name: str
    tool_call_id: str
    waited_seconds: float
    limit_seconds: float | None


class UnexplainedResult(Model):
    """A result came for a call that nobody recorded."""

    kind: Literal["unexplained_result"] = "unexplained_result"
    tool_name: str
    tool_call_id: str


class NeverClosed(Model):
    """A session fell silent without an end."""

    kind: Literal["never_closed"] = "never_closed"
    silent_seconds: float
    limit_seconds: float


class Unjudged(Model):
    """A detector could not look: what it needs was missing or unusable. Silence is not a clean bill."""

    kind: Literal["unjudged"] = "unjudged"
    detector: str
    reason: str
    detail: dict[str, Any] = {}


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
    | Unjudged,
    Field(discriminator="kind"),
]
