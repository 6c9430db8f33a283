"""What people say of findings, heard every few seconds: mutes hold new findings back, an ack ends escalation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from watchkeeper.dashboards.alerting.alert import Alert
from watchkeeper.dashboards.alerting.book import Book
from watchkeeper.dashboards.alerting.ledger import FindingKey, Ledger
from watchkeeper.dashboards.alerting.ports import People
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.verdicts import VerdictRow

EVERY_US: Final = 2_000_000
_OVERLAP: Final = timedelta(seconds=15)
"""Rows are visible a moment after the time of storage that they carry."""


class Listener:
    """See the module.

    Args:
        people: where verdicts are.
        ledger: where findings are kept.
        book: what is told.
    """

    def __init__(self, people: People, ledger: Ledger, book: Book) -> None:
        self._people, self._ledger, self._book = people, ledger, book
        self._next_us = 0
        self._since_us = min((alert.opened_us for alert in book.alerts.values()), default=0)
        self._heard: dict[str, None] = {}

    def listen(self, now_us: int) -> dict[str, Alert]:
        """The alerts that changed by what people said since the last time."""
        if now_us < self._next_us:
            return {}
        self._next_us = now_us + EVERY_US
        self._book.holding.muted(self._people.mutes())
        since = from_us(self._since_us or now_us) - _OVERLAP
        changed: dict[str, Alert] = {}
        for verdict in self._people.verdicts(since):
            if verdict.verdict_id not in self._heard:
                self._hear(verdict, changed, now_us)
                self._heard[verdict.verdict_id] = None
        self._since_us = now_us
        for old in list(self._heard)[:-10_000]:
            del self._heard[old]
        return changed

    def said_before(self, findings: Sequence[Finding]) -> dict[FindingKey, VerdictRow]:
        """What people said of findings that the router hears of only now: of each the last word.

        It may have been away, or behind, while somebody looked at them.
        """
        if not findings:
            return {}
        wanted = {(one.tenant_id, one.finding_id) for one in findings}
        since = min(one.detected_at for one in findings) - _OVERLAP
        said = ((verdict.tenant_id, verdict.finding_id, verdict) for verdict in self._people.verdicts(since))
        return {(tenant, finding): verdict for tenant, finding, verdict in said if (tenant, finding) in wanted}

    def _hear(self, verdict: VerdictRow, changed: dict[str, Alert], now_us: int) -> None:
        key = (verdict.tenant_id, verdict.finding_id)
        known = self._ledger.known([key], self._book.alerts).get(key)
        alert = self._book.alerts.get(known.alert_id) if known is not None else None
        if known is None or alert is None:
            return
        marked = self._book.judge(known, verdict.verdict, verdict.given_by, verdict.reason, now_us)
        if marked is not None:
            self._ledger.mark(key, marked, now_us)
        changed[alert.alert_id] = alert
