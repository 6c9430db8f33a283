"""Alerts as they stand, and what findings, verdicts and time make of them: the router's pure heart.

Everything is idempotent by the finding's id: what is heard again changes nothing, so that the router may be killed
anywhere and read its topic again. What is kept between is the ledger's (`ledger`); the time is handed in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from watchkeeper.dashboards.alerting.alert import Alert, Sort, Told, rank_of, weight_of
from watchkeeper.dashboards.alerting.config import AlertsConfig
from watchkeeper.dashboards.alerting.due import acknowledge, advance
from watchkeeper.dashboards.alerting.holding import Hold, Holding
from watchkeeper.dashboards.alerting.routing import Routed, pace_of, route, tree_of
from watchkeeper.schemas.alerts import FindingPlace, FindingStatus
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.verdicts import Verdict

_ON_TRIAL = frozenset({"draft", "shadow"})


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows of a finding.

    Attributes:
        ordinal: its number within its alert; 0 where it is part of none.
    """

    alert_id: str
    place: FindingPlace
    ordinal: int
    revision: int
    status: FindingStatus
    why: str = ""


class Book:
    """See the module.

    Args:
        config: routes, timing, bounds.
    """

    def __init__(self, config: AlertsConfig) -> None:
        self.config = config
        self.holding = Holding(config)
        self.alerts: dict[str, Alert] = {}
        self._by_key: dict[str, str] = {}
        self._by_tree: dict[str, str] = {}
        self._opened: dict[tuple[str, Severity], deque[int]] = {}

    def load(self, alerts: Iterable[Alert], trees: Iterable[tuple[str, str]]) -> None:
        """Takes up what was kept: alerts, and the delegation trees that belong to them, as (tree, alert)."""
        for alert in sorted(alerts, key=lambda one: one.opened_us):
            self._admit(alert)
        for tree, alert_id in trees:
            if tree and alert_id in self.alerts and self.alerts[alert_id].sort != "held":
                self._by_tree[tree] = alert_id

    def hear(self, finding: Finding, known: Known | None, now_us: int) -> Known | None:
        """Takes a finding in.

        Args:
            finding: in whichever revision.
            known: what the ledger knows of it; None where it never heard of it, or its alert was never kept.
            now_us: microseconds since 1970.

        Returns:
            What is to be kept of it; None where nothing changes.
        """
        alert = self.alerts.get(known.alert_id) if known is not None else None
        if known is not None and finding.revision < known.revision:
            return None
        if alert is None or (not alert.is_active and known is not None and finding.revision > known.revision):
            if known is not None and (finding.revision == known.revision or finding.status == "resolved"):
                return None if finding.revision == known.revision else _again(known, finding)
            placed = self._place(finding, now_us)
            if isinstance(placed, Known):
                return placed
            alert, known = placed, None
        return self._join(alert, finding, known, now_us)

    def judge(self, known: Known, verdict: Verdict, who: str, why: str, now_us: int) -> Known | None:
        """Takes in what somebody said of a finding; what is to be kept of it, or None where nothing changes."""
        alert = self.alerts.get(known.alert_id)
        if alert is None or not alert.is_active:
            return None
        if verdict != "wrong":
            # Who takes note of one that is held back has not seen the others that are held with it.
            if alert.sort != "held":
                acknowledge(alert, who, why, now_us)
            return None
        if known.status != "open":
            return None
        alert.open_findings = max(0, alert.open_findings - 1)
        return Known(known.alert_id, known.place, known.ordinal, known.revision, "wrong", f"{who}: {why}")

    def tick(self, now_us: int) -> list[Alert]:
        """Lets time pass; answers the alerts that changed."""
        changed = [alert for alert in self.alerts.values() if advance(alert, now_us)]
        for alert in [one for one in self.alerts.values() if _is_over(one, now_us)]:
            self._forget(alert)
        return changed

    def open(self, alert: Alert) -> Alert:
        """Takes up an alert that comes of no finding: the pipeline's own."""
        self._admit(alert)
        return alert

    def by_key(self, key: str) -> Alert | None:
        """The alert that goes on, or may come back, under a key."""
        return self.alerts.get(self._by_key.get(key, ""))

    def _place(self, finding: Finding, now_us: int) -> Alert | Known:
        """The alert that a finding joins, made where there is none; or why it joins none."""
        left_out = _left_out(finding)
        if left_out is not None:
            return left_out
        routed = route(self.config, finding)
        if routed is None:
            return _nowhere(finding, "unrouted", "no route fits")
        hold = self.holding.of(finding, now_us)
        if hold is not None:
            return self._held(finding, routed, hold, now_us)
        joined = self._known_alert(finding, routed, now_us)
        if joined is None:
            return self._new_or_storm(finding, routed, now_us)
        for name in routed.channels:
            joined.channels.setdefault(name, Told())
        return joined

    def _known_alert(self, finding: Finding, routed: Routed, now_us: int) -> Alert | None:
        for alert_id in (self._by_tree.get(tree_of(finding), ""), self._by_key.get(routed.key, "")):
            alert = self.alerts.get(alert_id)
            if alert is not None and (alert.is_active or alert.status == "resolved"):
                if not alert.is_active:
                    # Within the cool-down it goes on where it was.
                    alert.status, alert.ended_us, alert.reason, alert.opened_us = "open", 0, "", now_us
                return alert
        return None

    def _new_or_storm(self, finding: Finding, routed: Routed, now_us: int) -> Alert:
        crowded = [name for name in routed.channels if self._pages(name, finding.severity, now_us) >= self._bound]
        if not crowded:
            return self._open(finding, routed, now_us, sort="findings", key=routed.key)
        key = f"storm|{finding.severity}|{','.join(routed.channels)}"
        storm = self.by_key(key)
        if storm is not None and storm.is_active:
            return storm
        return self._open(finding, routed, now_us, sort="storm", key=key)

    @property
    def _bound(self) -> int:
        return self.config.storm.pages

    def _pages(self, channel: str, severity: Severity, now_us: int) -> int:
        """How many alerts of this severity the channel was paged of, or will be, within the bound's span."""
        opened = self._opened.get((channel, severity))
        if opened is None:
            return 0
        while opened and opened[0] <= now_us - self.config.storm.seconds * 1_000_000:
            opened.popleft()
        return len(opened)

    def _held(self, finding: Finding, routed: Routed, hold: Hold, now_us: int) -> Alert:
        key = f"held|{hold.name}|{','.join(routed.channels)}"
        held = self.by_key(key)
        if held is not None and held.is_active and now_us < held.hold_until_us:
            return held
        made = self._open(finding, routed, now_us, sort="held", key=key)
        made.hold_until_us, made.reason = hold.until_us, hold.why
        return made

    def _open(self, finding: Finding, routed: Routed, now_us: int, *, sort: Sort, key: str) -> Alert:
        alone = sort == "findings"
        alert = Alert(
            # Made of its first finding, so that it is the same alert after a crash before it was kept.
            alert_id=derived_id("alert", key, finding.tenant_id, finding.finding_id, finding.revision),
            tenant_id="" if sort == "storm" else finding.tenant_id,
            key=key,
            sort=sort,
            severity=finding.severity,
            mode=finding.failure_mode,
            agent_id=finding.agent_id if alone else "",
            lead=finding.finding_id,
            title=finding.summary,
            since_us=to_us(finding.first_event_at),
            opened_us=now_us,
            updated_us=now_us,
            pace=pace_of(self.config.timing) if sort == "held" else routed.pace,
            channels={name: Told() for name in routed.channels},
        )
        self._admit(alert)
        return alert

    def _join(self, alert: Alert, finding: Finding, known: Known | None, now_us: int) -> Known:
        status: FindingStatus = finding.status if known is None or known.status != "wrong" else "wrong"
        if known is None:
            alert.findings += 1
            alert.open_findings += 1
            alert.updated_us = now_us
        elif known.status == "open" and status != "open":
            alert.open_findings = max(0, alert.open_findings - 1)
        elif known.status == "resolved" and status == "open":
            alert.open_findings += 1
        if status == "open":
            self._weigh(alert, finding)
        tree = tree_of(finding)
        if tree and alert.sort != "held":
            self._by_tree[tree] = alert.alert_id
        place: FindingPlace = "held" if alert.sort == "held" else "alert"
        ordinal = known.ordinal if known is not None else alert.findings
        why = alert.reason if alert.sort == "held" else ""
        return Known(alert.alert_id, place, ordinal, finding.revision, status, why)

    def _weigh(self, alert: Alert, finding: Finding) -> None:
        """The worst finding speaks for the alert, and those routes that it needs are taken."""
        alert.since_us = min(alert.since_us, to_us(finding.first_event_at))
        if weight_of(finding.severity, finding.failure_mode) > alert.weight or finding.finding_id == alert.lead:
            alert.severity = max(alert.severity, finding.severity, key=rank_of)
            alert.mode, alert.lead, alert.title = finding.failure_mode, finding.finding_id, finding.summary
        if alert.sort == "findings":
            routed = route(self.config, finding)
            for name in routed.channels if routed is not None else ():
                alert.channels.setdefault(name, Told())

    def _admit(self, alert: Alert) -> None:
        self.alerts[alert.alert_id] = alert
        self._by_key[alert.key] = alert.alert_id
        if alert.sort == "findings":
            for name in alert.channels:
                self._opened.setdefault((name, alert.severity), deque()).append(alert.opened_us)

    def _forget(self, alert: Alert) -> None:
        del self.alerts[alert.alert_id]
        if self._by_key.get(alert.key) == alert.alert_id:
            del self._by_key[alert.key]
        self._by_tree = {tree: other for tree, other in self._by_tree.items() if other != alert.alert_id}


def _is_over(alert: Alert, now_us: int) -> bool:
    """Whether nothing is left to be told of it, and nothing that comes now would join it."""
    if alert.is_active or alert.notices:
        return False
    return alert.status == "closed" or now_us >= alert.ended_us + alert.pace.cool_us


def _left_out(finding: Finding) -> Known | None:
    if finding.origin == "import":
        return _nowhere(finding, "import", "a recording's findings never page")
    if finding.rule_stage in _ON_TRIAL:
        return _nowhere(finding, "shadow", f"rule {finding.rule_id} is on trial ({finding.rule_stage})")
    if finding.status == "resolved":
        return _nowhere(finding, "resolved", "over before it was heard")
    return None


def _nowhere(finding: Finding, place: FindingPlace, why: str) -> Known:
    return Known("", place, 0, finding.revision, finding.status, why)


def _again(known: Known, finding: Finding) -> Known:
    return Known(known.alert_id, known.place, known.ordinal, finding.revision, finding.status, known.why)
