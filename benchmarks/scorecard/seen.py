"""A finding as the scorecard compares it, wherever it was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from scorecard.model import Sought

NOTE = "info"
"""The severity of what is noted for who looks into a session: nobody is alarmed by it."""

UNJUDGED = "unjudged"
"""The kind of what no rule could look at: neither a hit nor an alarm."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One revision of a finding.

    Attributes:
        at_us: the time of the event at which it was found.
        visible_us: when it stood in the store, by the machine's clock; None where nothing was stored.
    """

    tenant: str
    finding_id: str
    revision: int
    is_open: bool
    session_id: str | None
    subject: str | None
    agent_id: str
    mode: str
    kind: str
    severity: str
    summary: str
    evidence: Mapping[str, Any]
    at_us: int
    visible_us: int | None = None

    @property
    def was_open(self) -> bool:
        """Whether it was told as open, in this revision or an earlier one, which the store may have replaced."""
        return self.is_open or self.revision > 0

    @property
    def about(self) -> str:
        """The session, or the subject, that it is about."""
        return self.session_id or self.subject or ""


def latest(findings: Iterable[Seen]) -> list[Seen]:
    """Findings as people see them: the highest revision of each id, in the order in which they were first found."""
    shown: dict[tuple[str, str], Seen] = {}
    for one in findings:
        key = (one.tenant, one.finding_id)
        if key not in shown or one.revision >= shown[key].revision:
            shown[key] = one
    return list(shown.values())


def is_alarm(one: Seen) -> bool:
    """Whether an open finding is an alarm: neither a note nor a word that nothing could be judged."""
    return one.is_open and one.kind != UNJUDGED and one.severity != NOTE


def fits(sought: Sought, mode: str, one: Seen) -> bool:
    """Whether a revision of a finding is what was sought. What was found stays found when it is resolved later."""
    if one.mode != mode or not one.was_open or one.kind == UNJUDGED or one.at_us < sought.since_us:
        return False
    if sought.severities and one.severity not in sought.severities:
        return False
    about = one.session_id in sought.sessions or bool(sought.subject and sought.subject in (one.subject or ""))
    return about and all(_agrees(value, one.evidence.get(name)) for name, value in sought.evidence.items())


def _agrees(wanted: Any, got: Any) -> bool:
    if isinstance(wanted, (list, tuple)):
        return list(wanted) == list(got or ())
    return bool(wanted == got)
