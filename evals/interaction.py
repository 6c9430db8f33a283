"""One session as graders, suites and people who label see it: what was said, called, found, and how it ended.

An interaction is made of a stored session, of a recording, or of what a candidate just did; a grader does not see
which. It is a value: grading the same interaction twice sees the same.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from watchkeeper.schemas.envelope import Origin, RetentionClass
from watchkeeper.schemas.failure_modes import FailureMode, Severity
from watchkeeper.schemas.model import Model, Moment, Name

Speaker = Literal["system", "user", "assistant", "tool"]


class ToolUse(Model):
    """A tool that the agent called, and what came back.

    Attributes:
        arguments: None where they were not recorded.
        result: None where none came, or where it was not recorded.
        failed: whether the tool said so.
        trusted: False where the result's source may carry instructions.
    """

    call_id: str = ""
    name: Name
    arguments: dict[str, Any] | None = None
    result: str | None = None
    failed: bool = False
    trusted: bool | None = None


class Document(Model):
    """A text on which an answer may rest."""

    document_id: str = ""
    text: str
    score: float | None = None


class Turn(Model):
    """What one speaker said, in order; an assistant's turn holds the calls that it made."""

    speaker: Speaker
    text: str = ""
    reasoning: str = ""
    tools: tuple[ToolUse, ...] = ()
    at: Moment | None = None


class FindingNote(Model):
    """A finding of the detectors in this session, as last revised."""

    finding_id: Name
    failure_mode: FailureMode
    kind: Name
    severity: Severity
    status: Literal["open", "resolved"] = "open"


class Interaction(Model):
    """See the module.

    Attributes:
        interaction_id: the session's id.
        goal: the session's declared goal.
        tools: names of the tools that were registered.
        status: how the session ended, as its record says; `open` where no end is recorded.
        documents: everything retrieved.
        outcomes: what became of it by name (`reward`, `csat`, `refund_reversed`), told then or days later.
        escalated: whether it was handed to a person; None where nothing says so.
        tokens: input and output together.
        complete: False where events or texts are known to be missing, or were cut before they were recorded.
    """

    interaction_id: Name
    tenant_id: str = "default"
    origin: Origin = "live"
    agent_id: str = ""
    agent_version: str = ""
    model: str = ""
    prompt_version: str = ""
    intent: str = ""
    environment: str = ""
    retention_class: RetentionClass = "standard"
    goal: str = ""
    tools: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    documents: tuple[Document, ...] = ()
    findings: tuple[FindingNote, ...] = ()
    outcomes: dict[str, float | bool | str] = Field(default_factory=dict)
    escalated: bool | None = None
    status: str = "open"
    started_at: Moment
    ended_at: Moment
    cost_usd: float | None = None
    tokens: Annotated[int, Field(ge=0)] = 0
    complete: bool = True

    @property
    def asked(self) -> str:
        """What the user asked first."""
        return next((turn.text for turn in self.turns if turn.speaker == "user" and turn.text), "")

    @property
    def answer(self) -> str:
        """What the agent said last."""
        return next((turn.text for turn in reversed(self.turns) if turn.speaker == "assistant" and turn.text), "")

    @property
    def calls(self) -> tuple[ToolUse, ...]:
        """Every call, in order."""
        return tuple(use for turn in self.turns for use in turn.tools)
