"""Which findings of a session its delegation tree is told of: few, and what becomes of them."""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.failure_modes import SEVERITIES
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.signals import FindingTold, subject_of
from watchkeeper.stream_processors.detection.detector import Context, Told

MAX_OF_A_KIND = 3
"""Findings of one kind that a session tells: an incident is made of several modes, not of many findings.

By kind, since one is found in one way: which of an event's findings and a tick's comes first is chance.
"""

_HEAD = 6
_ENTRY = _HEAD + 2
"""Of each finding a session remembers the head of its id, whether it stands, and its severity: `fa2d5co3`."""

_TELLING: Final = frozenset({"medium", "high", "critical"})


def is_told(finding: Finding) -> bool:
    """Whether a finding counts for incidents: a failure of the agent, and no small one."""
    return finding.severity in _TELLING and finding.kind != "unjudged" and finding.failure_mode != "incident"


def tell_tree(finding: Finding, context: Context) -> Told | None:
    """The signal for a finding; None where it is none of those that are told, or the tree knows as much."""
    session = context.session
    told = session.told_findings.get(finding.kind, "")
    head = finding.finding_id[:_HEAD]
    now = f"{head}{finding.status[0]}{SEVERITIES.index(finding.severity)}"
    known = [told[start : start + _ENTRY] for start in range(0, len(told), _ENTRY)]
    if now in known:
        return None
    others = [one for one in known if not one.startswith(head)]
    is_new = len(others) == len(known)
    if is_new and (not is_told(finding) or finding.status == "resolved" or len(known) >= MAX_OF_A_KIND):
        return None
    session.told_findings[finding.kind] = "".join([*others, now])
    return Told(
        about=(finding.finding_id, finding.revision),
        subject=subject_of("tree", session.tenant_id, session.origin, session.root_session_id or session.session_id),
        kind=FindingTold,
        values={
            "finding_id": finding.finding_id,
            "failure_mode": finding.failure_mode,
            "finding_kind": finding.kind,
            "severity": finding.severity,
            "status": finding.status,
            "revision": finding.revision,
            "first_event_id": finding.first_event_id or "",
            "last_event_id": finding.last_event_id or "",
            "first_event_at": finding.first_event_at,
            "parent_session_id": session.parent_session_id,
            "window_seconds": context.policy.incident_window_seconds,
        },
    )
