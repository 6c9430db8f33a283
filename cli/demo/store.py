"""What ClickHouse knows of one run: its findings and sessions. Nothing here knows what was injected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from watchkeeper.cli.finding_queries import FINDING_COLUMNS
from watchkeeper.cli.store import ReadStore
from watchkeeper.producers.fleet.matching import Seen
from watchkeeper.schemas.signals import agent_subject
from watchkeeper.stream_processors.detection.subject_rules.capped_share import CappedShareRule
from watchkeeper.stream_processors.detection.subjects import load_subject

_FINDINGS: Final = f"""
SELECT {FINDING_COLUMNS}
FROM findings FINAL
WHERE tenant_id = {{tenant:String}}
ORDER BY stored_at, detected_at, finding_id
"""  # noqa: S608 - put together from constants

_SESSIONS: Final = """
SELECT session_id, agent_id, status, events, tool_calls, tokens, cost_usd, unpriced_requests, findings, model
FROM sessions FINAL
WHERE tenant_id = {tenant:String}
"""

_SUBJECTS: Final = """
SELECT subject, state
FROM subjects FINAL
WHERE subject IN {subjects:Array(String)}
"""

_HEARD: Final = """
SELECT count() AS subjects, sum(version) AS versions
FROM subjects FINAL
WHERE tenant_id = {tenant:String}
"""


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """A session as the store has it.

    Attributes:
        status: `open` while it may still go on.
        cost_usd: of its priced requests.
    """

    session_id: str
    agent: str
    status: str
    events: int
    tool_calls: int
    tokens: int
    cost_usd: float
    unpriced_requests: int
    findings: int
    model: str


class RunStore:
    """Reads what belongs to one tenant.

    Args:
        store: the way to ClickHouse.
        tenant: the run's own.
    """

    def __init__(self, store: ReadStore, tenant: str) -> None:
        self._store = store
        self._tenant = tenant

    def findings(self) -> list[Seen]:
        """All findings so far, in the order in which they were stored."""
        return [_seen(row) for row in self._store.rows(_FINDINGS, tenant=self._tenant)]

    def sessions(self) -> dict[str, SessionSeen]:
        """All sessions so far, by id."""
        rows = self._store.rows(_SESSIONS, tenant=self._tenant)
        return {row["session_id"]: _session(row) for row in rows}

    def heard(self) -> tuple[int, int]:
        """How many subjects stage 2 knows, and how often it wrote them: grows with all that it takes in."""
        (row,) = self._store.rows(_HEARD, tenant=self._tenant)
        return int(row["subjects"]), int(row["versions"])

    def counted(self, agents: Iterable[str]) -> dict[str, int]:
        """How many sessions of each agent stage 2 has taken into account."""
        subjects = {agent_subject(self._tenant, "simulated", agent): agent for agent in agents}
        rows = self._store.rows(_SUBJECTS, subjects=list(subjects))
        return {subjects[row["subject"]]: _begun(row["state"]) for row in rows}


def _seen(row: dict[str, Any]) -> Seen:
    return Seen(
        finding_id=row["finding_id"],
        session_id=row["session_id"],
        agent_id=row["agent_id"],
        failure_mode=row["failure_mode"],
        kind=row["kind"],
        severity=row["severity"],
        summary=row["summary"],
        evidence=orjson.loads(row["evidence"]),
        last_event_at=row["last_event_at"],
        detected_at=row["detected_at"],
        visible_at=row["stored_at"],
        resolved=row["status"] == "resolved",
    )


def _session(row: dict[str, Any]) -> SessionSeen:
    return SessionSeen(
        session_id=row["session_id"],
        agent=row["agent_id"],
        status=row["status"],
        events=row["events"],
        tool_calls=row["tool_calls"],
        tokens=row["tokens"],
        cost_usd=float(row["cost_usd"]),
        unpriced_requests=row["unpriced_requests"],
        findings=row["findings"],
        model=row["model"],
    )


def _begun(state: str) -> int:
    subject = load_subject(state)
    folded = subject.folds.get(CappedShareRule.rule_id) if subject is not None else None
    return int(folded[1]["sums"][0]) if folded else 0
