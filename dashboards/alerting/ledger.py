"""What the router decided and did, in ClickHouse: any process goes on from there, and people look it up.

Findings are kept before the alerts that they belong to, and those before the topic is acknowledged: whatever comes
between, what was not decided is heard again, and what was counted is not counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import orjson

from watchkeeper.dashboards.alerting import statements
from watchkeeper.dashboards.alerting.alert import ALERT_ADAPTER, Alert
from watchkeeper.dashboards.alerting.book import Known
from watchkeeper.dashboards.alerting.ports import Row, Store
from watchkeeper.dashboards.alerting.routing import tree_of
from watchkeeper.schemas.alerts import AlertFindingRow, AlertNoticeRow, AlertRow
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import Model, from_us

FindingKey = tuple[str, str]
"""Tenant and finding."""

_T = TypeVar("_T")
_KEYS_AT_ONCE = 150
"""Parameters travel in the request's line, which servers bound."""

_EVIDENCE_CHARACTERS = 4000


class Ledger:
    """The tables `alert*`. Every method raises what its store raises.

    Args:
        store: ClickHouse.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def resume(self, since_us: int) -> tuple[list[Alert], list[tuple[str, str]]]:
        """Alerts that go on, those that ended or began since then, and the delegation trees that belong to them."""
        rows = self._store.rows(statements.ALERTS, since=since_us)
        alerts = {alert.alert_id: alert for alert in (ALERT_ADAPTER.validate_json(row["state"]) for row in rows)}
        trees: list[tuple[str, str]] = []
        for ids in _some(list(alerts)):
            for row in self._store.rows(statements.COUNTS, alerts=ids):
                alert = alerts[row["alert_id"]]
                alert.findings = max(alert.findings, int(row["findings"]))
                alert.open_findings = int(row["open_findings"])
            trees += [(row["tree"], row["alert_id"]) for row in self._store.rows(statements.TREES, alerts=ids)]
        return list(alerts.values()), trees

    def known(self, keys: Iterable[FindingKey], alerts: Mapping[str, Alert]) -> dict[FindingKey, Known]:
        """What is known of findings; those whose alert was never kept are left out: they are heard as new ones."""
        found: dict[FindingKey, Known] = {}
        for some in _some(list(dict.fromkeys(keys))):
            for row in self._store.rows(statements.KNOWN, findings=some):
                found[row["tenant_id"], row["finding_id"]] = _known(row)
        strange = {one.alert_id for one in found.values()} - set(alerts) - {""}
        kept = set(alerts) | {""}
        for some_ids in _some(list(strange)):
            kept |= {row["alert_id"] for row in self._store.rows(statements.KEPT, alerts=some_ids)}
        return {key: one for key, one in found.items() if one.alert_id in kept}

    def put_findings(self, kept: Sequence[tuple[Finding, Known]], now_us: int) -> None:
        """Keeps what became of findings."""
        self._put("alert_findings", [_finding_row(finding, known, now_us) for finding, known in kept])

    def mark(self, key: FindingKey, known: Known, now_us: int) -> None:
        """Keeps what somebody said of a finding that is kept already."""
        for row in self._store.rows(statements.ONE, alert=known.alert_id, finding=key[1]):
            changed = {**row, "status": known.status, "why": known.why, "version": now_us}
            self._put("alert_findings", [AlertFindingRow(**changed)])

    def put_alerts(self, alerts: Iterable[Alert], now_us: int) -> None:
        """Keeps alerts as they stand, with the messages on their way: all of them or none."""
        rows = []
        for alert in alerts:
            alert.version = max(alert.version + 1, now_us)
            rows.append(_alert_row(alert))
        self._put("alerts", rows)

    def put_notices(self, rows: Sequence[AlertNoticeRow]) -> None:
        """Keeps what became of messages."""
        self._put("alert_notices", rows)

    def span(self, alert_id: str, after: int, upto: int, limit: int) -> list[AlertFindingRow]:
        """An alert's findings with these numbers, in their order."""
        rows = self._store.rows(statements.SPAN, alert=alert_id, after=after, upto=upto, limit=limit)
        return [AlertFindingRow(**row) for row in rows]

    def ids(self, alert_id: str, after: int, upto: int, limit: int) -> list[str]:
        """Their ids alone."""
        rows = self._store.rows(statements.IDS, alert=alert_id, after=after, upto=upto, limit=limit)
        return [row["finding_id"] for row in rows]

    def groups(self, alert_id: str, after: int, upto: int) -> list[Row]:
        """How many of them there are, by mode, agent and severity."""
        return self._store.rows(statements.BY_GROUP, alert=alert_id, after=after, upto=upto)

    def finding(self, alert_id: str, finding_id: str) -> AlertFindingRow | None:
        """One of an alert's findings."""
        rows = self._store.rows(statements.ONE, alert=alert_id, finding=finding_id)
        return AlertFindingRow(**rows[0]) if rows else None

    def _put(self, table: str, rows: Sequence[Model]) -> None:
        if rows:
            self._store.insert(table, [row.model_dump_json().encode() for row in rows])


def _some(items: list[_T]) -> Iterable[list[_T]]:
    return (items[start : start + _KEYS_AT_ONCE] for start in range(0, len(items), _KEYS_AT_ONCE))


def _known(row: Row) -> Known:
    names = ("alert_id", "place", "ordinal", "revision", "status", "why")
    return Known(**{name: row[name] for name in names})


def _finding_row(finding: Finding, known: Known, now_us: int) -> AlertFindingRow:
    evidence = orjson.dumps(finding.evidence.model_dump(mode="json", exclude_none=True)).decode()
    return AlertFindingRow(
        tenant_id=finding.tenant_id,
        finding_id=finding.finding_id,
        revision=finding.revision,
        status=known.status,
        alert_id=known.alert_id,
        place=known.place,
        ordinal=known.ordinal,
        why=known.why,
        tree=tree_of(finding),
        failure_mode=finding.failure_mode,
        kind=finding.kind,
        severity=finding.severity,
        agent_id=finding.agent_id,
        session_id=finding.session_id or "",
        subject=finding.subject or "",
        summary=finding.summary,
        evidence=evidence if len(evidence) <= _EVIDENCE_CHARACTERS else _shortened(finding),
        runbook=finding.runbook,
        first_event_at=finding.first_event_at,
        detected_at=finding.detected_at,
        heard_at=from_us(now_us),
        version=now_us,
    )


def _shortened(finding: Finding) -> str:
    """Evidence that is long without its lists and long texts: the finding itself has them."""
    fields = finding.evidence.model_dump(mode="json", exclude_none=True)
    short = {name: value for name, value in fields.items() if isinstance(value, bool | int | float)}
    texts = {name: value[:200] for name, value in fields.items() if isinstance(value, str)}
    counts = {name: f"{len(value)} entries" for name, value in fields.items() if isinstance(value, list | dict)}
    return orjson.dumps(texts | short | counts).decode()


def _alert_row(alert: Alert) -> AlertRow:
    return AlertRow(
        tenant_id=alert.tenant_id,
        alert_id=alert.alert_id,
        sort=alert.sort,
        status=alert.status,
        severity=alert.severity,
        failure_mode=alert.mode,
        agent_id=alert.agent_id,
        lead=alert.lead,
        title=alert.title,
        since=from_us(alert.since_us),
        opened_at=from_us(alert.opened_us),
        updated_at=from_us(alert.updated_us),
        ended_at=from_us(alert.ended_us) if alert.ended_us else None,
        acked_by=alert.acked_by,
        reason=alert.reason,
        findings=alert.findings,
        open_findings=alert.open_findings,
        delivered=alert.delivered,
        dead=alert.dead,
        state=ALERT_ADAPTER.dump_json(alert).decode(),
        version=alert.version,
    )
