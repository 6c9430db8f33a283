"""What a session's record is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from watchkeeper.cli.store import Row
from watchkeeper.schemas.events import SessionStarted
from watchkeeper.schemas.policy import AgentPolicy, CapName
from watchkeeper.schemas.prompts import RebuiltPrompt, RebuiltText
from watchkeeper.schemas.stored_events import Gap, StoredEvent
from watchkeeper.schemas.stored_texts import SessionTexts


@dataclass(frozen=True, slots=True)
class PromptNote:
    """A prompt beside the one before it.

    Attributes:
        stored: the event.
        prompt: the prompt, rebuilt.
        repeated: how many of its messages stood at the head of the prompt before it.
        left_out: how many messages of the prompt before it are not shown to the model any more.
        same_system: whether the system prompt is that of the prompt before it.
    """

    stored: StoredEvent
    prompt: RebuiltPrompt
    repeated: int
    left_out: int
    same_system: bool


@dataclass(frozen=True, slots=True)
class FindingNote:
    """A finding, as its row."""

    row: Row


@dataclass(frozen=True, slots=True)
class CommandNote:
    """A control command that concerned the session, as its row."""

    row: Row


Told: TypeAlias = StoredEvent | PromptNote | Gap | FindingNote | CommandNote


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in the story.

    Attributes:
        at_us: when, in microseconds since 1970.
        offset_us: how long after the session's beginning.
        told: what.
    """

    at_us: int
    offset_us: int
    told: Told


@dataclass(frozen=True, slots=True)
class CapUse:
    """What was used of what was allowed; `limit` is None where there is no cap."""

    cap: CapName
    used: float
    limit: float | None

    @property
    def share(self) -> float | None:
        """Used over limit."""
        return None if self.limit is None else self.used / self.limit


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The policy that judged the session.

    Attributes:
        reference: the text it was named by; None for a session without a policy.
        body: None where its text is not there or cannot be read.
    """

    name: str
    version: str
    reference: RebuiltText | None
    body: AgentPolicy | None


@dataclass(frozen=True, slots=True)
class Record:
    """One session.

    Attributes:
        facts: the columns of `sessions`, made from the events where no row is stored yet.
        started: its first `session_started`; None where that was lost.
        writers: how many events each writer has.
        truncated: there are more events than were read.
    """

    facts: Row
    started: SessionStarted | None
    policy: PolicyInForce
    caps: list[CapUse]
    price_versions: list[str]
    writers: dict[str, int]
    texts: SessionTexts
    story: list[Entry]
    truncated: bool = False


@dataclass(slots=True)
class SessionRows:
    """What is stored about a session.

    Attributes:
        session: its row of `sessions`, if there is one.
        events: at least one.
    """

    session: Row | None
    events: list[StoredEvent]
    texts: SessionTexts
    findings: list[Row] = field(default_factory=list)
    commands: list[Row] = field(default_factory=list)
    truncated: bool = False
