"""What a recording says, whatever form it was written in: the model between readers and recorder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from watchkeeper.schemas.errors import WatchkeeperError

Form = Literal["neutral", "chat", "events"]
"""How a line is written: the neutral form, OpenAI's chat messages, or our own events."""

FORMS: Final[tuple[Form, ...]] = ("neutral", "chat", "events")


class NotRecorded:
    """Stands where a recording has nothing, and nothing would mean something: a call without arguments."""

    def __repr__(self) -> str:
        return "NOT_RECORDED"


NOT_RECORDED: Final = NotRecorded()


class UnreadableError(WatchkeeperError):
    """A line that cannot be imported. The message says why, and what would be needed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A line, or the rest of a file, that was not imported.

    Attributes:
        line: counts from 1.
    """

    path: Path
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


@dataclass(slots=True)
class RecordedCall:
    """A tool call, as the model wrote it.

    Attributes:
        call_id: empty where none was recorded. Models repeat ids.
        arguments: a JSON value, a text, or `NOT_RECORDED`.
    """

    call_id: str
    name: str
    arguments: Any


@dataclass(slots=True)
class RecordedMessage:
    """One message of a conversation.

    Attributes:
        role: `system`, `user`, `assistant`, `tool`, or whatever else was recorded.
        shown: the message as recorded, without what the recorder measured (times, tokens, money, errors).
        text: its text; None where it has none.
        calls: the tools that an assistant called.
        call_id: of a result, the call that it answers; empty where it was not recorded.
        tool_name: of a result; empty where it was not recorded.
        at_us: the recorded time, epoch microseconds. With a duration it is when the message began, without one
            when it was complete.
        duration_us: how long it took, microseconds.
        usage: token counts, by whichever names.
        cost_usd: money as the runtime reports it.
        failed: whether the runtime reports a failure.
        error: what it says about it.
        reasoning: what the model showed of its reasoning.
        refused: whether the model declined to answer; None where that is not recorded.
        finish_reason: why the model stopped.
        cut: whether its text or arguments were shortened before they were recorded.
    """

    role: str
    shown: Mapping[str, Any]
    text: str | None = None
    calls: list[RecordedCall] = field(default_factory=list)
    call_id: str = ""
    tool_name: str = ""
    at_us: int | None = None
    duration_us: int | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    cost_usd: float | None = None
    failed: bool = False
    error: str = ""
    reasoning: list[str] = field(default_factory=list)
    refused: bool | None = None
    finish_reason: str = ""
    cut: bool = False

    @property
    def is_assistant(self) -> bool:
        """Whether the model wrote it."""
        return self.role == "assistant"

    @property
    def is_result(self) -> bool:
        """Whether a tool wrote it."""
        return self.role == "tool"


@dataclass(slots=True)
class RecordedSession:
    """One session of one agent.

    Attributes:
        fingerprint: SHA-256 of the line that it was read from, in hexadecimal: what its ids are derived from.
        session_id: the recorded id; derived from the fingerprint where there is none.
        agent: empty where none was recorded.
        tools: the registered tools as recorded, an empty list for "no tools"; None where they are not recorded.
        labels: what people or programs said about the session afterwards, by name.
        source: where the recording comes from, in its own words.
    """

    fingerprint: str
    session_id: str
    form: Form
    agent: str = ""
    model: str = ""
    tools: list[Any] | None = None
    messages: list[RecordedMessage] = field(default_factory=list)
    labels: dict[str, Any] = field(default_factory=dict)
    source: str = ""
