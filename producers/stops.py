"""What a host is told when its session was asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from watchkeeper.schemas.control import Action


@dataclass(frozen=True, slots=True)
class StopOrder:
    """A command that reached a session.

    Attributes:
        session_id: the session it reached.
        action: `terminate`, `pause` or `slow_down`.
        reason: why, for a person.
        issued_by: `worker`, or the operator's name.
        finding_id: the finding behind it, where there is one.
        best_answer: the last answer that the session recorded, or None.
        enforced: whether the session will be stopped (or held) by the recorder; where not, it is the host's to do.
    """

    session_id: str
    action: Action
    reason: str
    issued_by: str
    finding_id: str | None
    best_answer: str | None
    enforced: bool


OnStop: TypeAlias = Callable[[StopOrder], None]
"""Called in a thread of its own, once for each command and session, never under a lock of the recorder's."""
