"""Brings what is stored about an incident: its findings, the records of its sessions, and what people said."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import orjson

from watchkeeper.cli import finding_queries
from watchkeeper.cli.exit_codes import NotFoundError
from watchkeeper.cli.findings import find, history
from watchkeeper.cli.record.model import Record
from watchkeeper.cli.record.reading import read_record
from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.schemas.model import EARLIEST, LATEST

MAX_SESSIONS: Final = 20
"""Sessions whose records are read: one incident names few, and a record may be long."""

_TREE_LASTS: Final = timedelta(days=31)
"""No delegation tree goes on for longer: an incident begins that close to each of its findings."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is stored about an incident.

    Attributes:
        asked: the finding that was asked for; the incident itself, or one of its findings, or one that stands alone.
        incident: the incident's own finding; None where the finding belongs to none.
        findings: the incident's findings as last revised, by the time at which each failure began.
        records: by session id, in the order in which the incident reached them.
        gone: sessions whose events are past their retention, or were not read because there are too many.
        verdicts: what people said of any of them, and of which, the earliest first.
        notices: the first message about any of them that each channel took, by alert; the earliest first.
    """

    asked: Row
    incident: Row | None
    findings: list[Row]
    records: dict[str, Record]
    gone: list[str] = field(default_factory=list)
    verdicts: list[Row] = field(default_factory=list)
    notices: list[Row] = field(default_factory=list)

    @property
    def head(self) -> Row:
        """The finding that the report is about."""
        return self.incident or self.asked


def gather(store: ReadStore, finding_id: str, tenant: str = "") -> Gathered:
    """What is stored about the incident to which a finding belongs.

    Args:
        store: where it is.
        finding_id: of the incident, or of any finding of it.
        tenant: whose; looked up where it is empty.

    Raises:
        NotFoundError: there is no such finding; the message names the nearest ids.
        StoreUnavailableError: see `ReadStore`.
    """
    asked = find(store, finding_id, tenant)
    incident = asked if asked["failure_mode"] == "incident" else _incident_of(store, asked)
    findings = _findings(store, incident) if incident is not None else [asked]
    told = evidence_of(incident)["sessions"] if incident is not None else [asked["session_id"]]
    sessions = [name for name in dict.fromkeys([*told, *(row["session_id"] for row in findings)]) if name]
    records, gone = _records(store, sessions, asked["tenant_id"])
    about = _once([asked, *findings, *([incident] if incident else [])])
    said = [{**verdict, "finding_id": row["finding_id"]} for row in about for verdict in history(store, row)]
    told_to = store.rows(
        finding_queries.NOTICES_OF_FINDINGS,
        tenant=asked["tenant_id"],
        findings=[row["finding_id"] for row in about],
    )
    said.sort(key=lambda verdict: (verdict["given_at"], verdict["verdict_id"]))
    return Gathered(asked, incident, findings, records, gone, said, told_to)


def evidence_of(row: Row) -> dict[str, Any]:
    """The evidence of a finding's row."""
    told: dict[str, Any] = orjson.loads(row["evidence"])
    return told


def _incident_of(store: ReadStore, finding: Row) -> Row | None:
    """The incident of a finding's delegation tree that names it."""
    if not finding["root_session_id"]:
        return None
    rows = store.rows(
        finding_queries.INCIDENTS_OF_TREE,
        tenant=finding["tenant_id"],
        root=finding["root_session_id"],
        since=max(EARLIEST, finding["first_event_at"] - _TREE_LASTS),
        until=min(LATEST, finding["first_event_at"] + _TREE_LASTS),
    )
    for row in rows:
        if finding["finding_id"] in {step["finding_id"] for step in evidence_of(row)["steps"]}:
            return find(store, row["finding_id"], finding["tenant_id"])
    return None


def _findings(store: ReadStore, incident: Row) -> list[Row]:
    ids = [step["finding_id"] for step in evidence_of(incident)["steps"]]
    rows = store.rows(finding_queries.FINDINGS_BY_IDS, tenant=incident["tenant_id"], findings=ids)
    return sorted(rows, key=lambda row: (row["first_event_at"], ids.index(row["finding_id"])))


def _records(store: ReadStore, sessions: list[str], tenant: str) -> tuple[dict[str, Record], list[str]]:
    records: dict[str, Record] = {}
    gone = sessions[MAX_SESSIONS:]
    for name in sessions[:MAX_SESSIONS]:
        try:
            records[name] = read_record(store, name, tenant)
        except NotFoundError:
            gone.append(name)
    return records, gone


def _once(rows: list[Row]) -> list[Row]:
    return list({row["finding_id"]: row for row in rows}.values())
