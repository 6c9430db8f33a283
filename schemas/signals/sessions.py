"""What sessions ran with, what was found in them, and how much of them was recorded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from watchkeeper.schemas.failure_modes import FailureMode, Severity
from watchkeeper.schemas.model import Model, Moment, Name
from watchkeeper.schemas.signals.base import SignalBase


class SessionFact(Model):
    """One thing that a session ran with.

    Attributes:
        what: see `VersionDrift`.
        value: equal where it is the same.
        shown: a name, or the address of the content.
        version: its own, where it has one.
    """

    what: Literal["model", "model_version", "prompt_version", "system", "tools", "policy"]
    value: Annotated[str, StringConstraints(max_length=600)]
    shown: Annotated[str, StringConstraints(max_length=256)]
    version: Annotated[str, StringConstraints(max_length=256)] = ""


class SessionFacts(SignalBase):
    """What a session ran with, as far as it was not told before.

    Attributes:
        agent_version: the release that the session names.
    """

    kind: Literal["session_facts"] = "session_facts"
    agent_version: Annotated[str, StringConstraints(max_length=128)] = ""
    environment: Annotated[str, StringConstraints(max_length=64)] = ""
    facts: list[SessionFact]


class FindingTold(SignalBase):
    """A finding of at least medium severity was made of a session: the first few of each mode, and what became of them.

    Attributes:
        failure_mode: of the finding, as are `finding_kind`, `severity`, `status` and `first_event_at`.
        first_event_id: the event with which that failure began.
        last_event_id: the event at which it was found; "" for either where no event is to blame.
        revision: of the finding: what is heard again, or late, changes nothing.
        parent_session_id: the session that delegated to this one.
        window_seconds: failures of several modes that began within it belong together.
    """

    kind: Literal["finding_told"] = "finding_told"
    finding_id: Name
    failure_mode: FailureMode
    finding_kind: Name
    severity: Severity
    status: Literal["open", "resolved"] = "open"
    revision: Annotated[int, Field(ge=0)] = 0
    first_event_id: str = ""
    last_event_id: str = ""
    first_event_at: Moment
    parent_session_id: str = ""
    window_seconds: Annotated[float, Field(gt=0)] = 3600.0


class SessionRecorded(SignalBase):
    """How much of what a reviewer needs was recorded of a session that ended or fell silent.

    Attributes:
        expected: what was needed, counted piece by piece.
        missing: what of it was not recorded, by part.
        target: the share that the policy promises.
        window_days: over how many days.
    """

    kind: Literal["session_recorded"] = "session_recorded"
    expected: Annotated[int, Field(ge=0)]
    missing: dict[str, Annotated[int, Field(ge=0)]] = {}
    target: Annotated[float, Field(ge=0, le=1)]
    window_days: Annotated[int, Field(gt=0)]
