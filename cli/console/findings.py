"""Findings for the console: those of `watchkeeper findings` and `watchkeeper finding`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from watchkeeper.cli.console.errors import as_asked_wrong, as_not_there
from watchkeeper.cli.findings import find, history, query_findings
from watchkeeper.cli.incidents.gathering import gather
from watchkeeper.cli.incidents.markdown import markdown_of
from watchkeeper.cli.incidents.report import report_of
from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.cli.verdicts import Said, keep_verdicts
from watchkeeper.dashboards.console.finding_source import IncidentText, Judgement
from watchkeeper.schemas.model import EARLIEST, LATEST

_EVERY: Final[dict[str, Any]] = {
    **dict.fromkeys(("tenant", "mode", "kind", "agent", "session", "origin", "status", "verdict"), ""),
    "severities": [],
    "muted": 0,
}


class StoredFindings:
    """See `watchkeeper.dashboards.console.finding_source.Findings`."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def listed(self, *, stored_since: datetime, limit: int, after: Row | None = None, **filters: Any) -> list[Row]:
        """Findings by the time of storage, newest first."""
        place: Row = {}
        if after is not None:
            place = {"after_stored": after["stored_at"], "after_detected": after["detected_at"]}
            place["after_finding"] = after["finding_id"]
        bounds = {"since": EARLIEST, "until": LATEST, "limit": limit}
        return query_findings(self._store, stored_since=stored_since, **{**_EVERY, **filters, **bounds, **place})

    def one(self, finding_id: str, tenant: str) -> tuple[Row, list[Row]]:
        """A finding, and what people said of it."""
        with as_not_there():
            found = find(self._store, finding_id, tenant)
        return found, history(self._store, found)

    def judge(self, finding_id: str, tenant: str, judgement: Judgement) -> None:
        """Keeps what somebody says."""
        now = datetime.now(UTC)
        until = None if judgement.mute_for is None else now + judgement.mute_for
        with as_not_there():
            found = find(self._store, finding_id, tenant)
        try:
            said = Said(judgement.verdict, judgement.reason, judgement.who, now, until)
            keep_verdicts(self._store, [found], said)
        except ValidationError as error:
            raise as_asked_wrong(error, {"given_by": "your name"}) from error

    def incident(self, finding_id: str, tenant: str) -> IncidentText:
        """The report of the incident to which the finding belongs."""
        with as_not_there():
            report = report_of(gather(self._store, finding_id, tenant))
        return IncidentText(
            markdown_of(report),
            report.head["tenant_id"],
            sessions=frozenset(row["session_id"] for row in report.sessions),
            findings=frozenset(row["finding_id"] for row in (report.head, *report.findings)),
            events={deed.event_id: deed.session_id for deed in report.deeds},
        )
