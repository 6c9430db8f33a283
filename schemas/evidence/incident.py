"""Evidence of `incident`: failures of several modes that belong together."""

from __future__ import annotations

from typing import Literal

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.failure_modes import FailureMode, Severity
from watchkeeper.schemas.model import Model


class IncidentStep(Model):
    """One finding of an incident.

    Attributes:
        finding_kind: the shape of its evidence.
        after_seconds: when that failure began, counted from the first one, at the finding's `first_event_at`.
    """

    failure_mode: FailureMode
    finding_kind: str
    finding_id: str
    session_id: str
    severity: Severity
    after_seconds: float


class Compounded(Model):
    """Findings of one delegation tree in the order in which their failures began.

    Attributes:
        first_cause: the mode of the earliest.
        first_session: the session in which that was.
        steps: the findings, earliest first.
        modes: each mode once, in the order of its first finding.
        sessions: each session once, in the same order.
        more: findings beyond those listed.
    """

    kind: Literal["incident"] = "incident"
    first_cause: FailureMode
    first_session: str
    steps: list[IncidentStep]
    modes: list[FailureMode]
    sessions: list[str]
    more: Count = 0
