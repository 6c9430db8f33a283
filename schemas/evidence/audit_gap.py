"""Evidence of `audit_gap`: what the record lacks."""

from __future__ import annotations

from typing import Literal

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model


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
