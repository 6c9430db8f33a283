"""What a notice says: what, since when, how bad, on which evidence, what to do, and how to look further."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from shlex import quote
from typing import Any, Final
from urllib.parse import quote as quote_path

import orjson

from watchkeeper.dashboards.alerting.alert import Alert, Notice, NoticeKind, Sort
from watchkeeper.dashboards.alerting.config import AlertsConfig
from watchkeeper.dashboards.alerting.ledger import Ledger
from watchkeeper.schemas.alerts import AlertFindingRow
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.model import format_utc, from_us

VERSION: Final = 1
"""Of the document that webhooks get; fields are only added while it is the same."""

LISTED: Final = 10
"""Findings that stand in full in a message."""

MOST_IDS: Final = 20_000
"""Findings whose ids a webhook's message lists; a notice with more says how many."""

_GROUPS: Final = 10
_EVIDENCE: Final = 8
_CHARACTERS: Final = 160


@dataclass(frozen=True, slots=True)
class Listed:
    """One finding in a message."""

    finding_id: str
    tenant_id: str
    failure_mode: str
    kind: str
    severity: str
    status: str
    agent_id: str
    session_id: str
    subject: str
    summary: str
    since: str


@dataclass(frozen=True, slots=True)
class Message:
    """A notice as it goes out; `document` is what webhooks get of it.

    Attributes:
        notice_id: the same at every attempt: a receiver that keeps it hears nothing twice.
        alert_id: the same in all notices of one alert.
        attempt: 1 the first time.
        repeated: the router ended during an earlier attempt, so that nobody knows whether that one arrived.
        first: whether this is the first that the channel hears of the alert.
        status: the alert's, when the message was made.
        title: one line.
        why: one sentence on why it is told now; may be empty.
        since: when the failure began, ISO 8601.
        findings: of the whole alert.
        standing: those that were neither taken back nor said to be wrong.
        new: those that this notice tells of.
        groups: those by mode, agent and severity.
        listed: the first of them.
        ids: of all of them.
        evidence: of the finding that speaks for the alert.
        runbook: what to do.
        commands: how to look further, purpose and command line.
        link: the console's page of the finding that speaks for the alert, else its first page; may be empty.
    """

    notice_id: str
    alert_id: str
    kind: NoticeKind | str
    sort: Sort | str
    severity: Severity
    status: str
    tenant_id: str
    agent_id: str
    failure_mode: str
    title: str
    why: str
    since: str
    made_at: str
    findings: int
    standing: int
    new: int
    groups: list[dict[str, Any]] = field(default_factory=list)
    listed: list[Listed] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    evidence: list[tuple[str, str]] = field(default_factory=list)
    runbook: str = ""
    commands: list[tuple[str, str]] = field(default_factory=list)
    link: str = ""
    attempt: int = 1
    repeated: bool = False
    first: bool = True

    @property
    def document(self) -> dict[str, Any]:
        """The message as JSON values."""
        return {"version": VERSION, **asdict(self), "evidence": dict(self.evidence), "commands": dict(self.commands)}

    @property
    def is_over(self) -> bool:
        """Whether it says that the alert is over."""
        return self.kind == "resolved"


def compose(alert: Alert, one: Notice, ledger: Ledger, config: AlertsConfig, *, repeated: bool) -> Message:
    """The message of a notice, made of the ledger: at every attempt the same but for its attempt."""
    new = max(0, one.upto - one.after)
    rows = ledger.span(alert.alert_id, one.after, one.upto, LISTED) if new else []
    ids = (
        ledger.ids(alert.alert_id, one.after, one.upto, MOST_IDS) if new > LISTED else [row.finding_id for row in rows]
    )
    groups = ledger.groups(alert.alert_id, one.after, one.upto)[:_GROUPS] if new else []
    lead = ledger.finding(alert.alert_id, alert.lead) if alert.lead else None
    runbook = lead.runbook if lead is not None else _PIPELINE_RUNBOOK if alert.sort == "pipeline" else ""
    return Message(
        notice_id=one.notice_id,
        alert_id=alert.alert_id,
        kind=one.kind,
        sort=alert.sort,
        severity=one.severity,
        status=alert.status,
        tenant_id=alert.tenant_id,
        agent_id=alert.agent_id,
        failure_mode=alert.mode,
        title=_title(alert, one),
        why=_why(one, config),
        since=format_utc(from_us(alert.since_us)),
        made_at=format_utc(from_us(one.made_us)),
        findings=alert.findings,
        standing=alert.open_findings,
        new=new,
        groups=groups,
        listed=[_listed(row) for row in rows],
        ids=ids,
        evidence=evidence_lines(lead.evidence) if lead is not None else [],
        runbook=f"{config.runbooks}{runbook}" if runbook else "",
        commands=_commands(alert, one, lead),
        link=_link(config, lead),
        attempt=one.attempts,
        repeated=repeated,
        first=one.kind in {"page", "escalation", "summary"},
    )


_PIPELINE_RUNBOOK: Final = "docs/runbooks/stalled-worker.md"


_UNDELIVERED_RUNBOOK: Final = "docs/runbooks/undelivered-alerts.md"


def _why(one: Notice, config: AlertsConfig) -> str:
    if one.kind != "undelivered":
        return one.why
    return f"{one.why}; what to do about the channel: {config.runbooks}{_UNDELIVERED_RUNBOOK}"


def _title(alert: Alert, one: Notice) -> str:
    if alert.sort == "held":
        return f"{_counted(alert)} held back: {alert.reason}"
    if alert.sort == "storm":
        counted = "1 finding" if alert.findings == 1 else f"{alert.findings} findings"
        return f"storm: {counted} beyond the bound of pages, the first: {alert.title}"
    if one.kind == "undelivered" and alert.findings > 1:
        return f"{alert.title} (and {alert.findings - 1} more)"
    return alert.title


def _counted(alert: Alert) -> str:
    return "1 finding was" if alert.findings == 1 else f"{alert.findings} findings were"


def _listed(row: AlertFindingRow) -> Listed:
    return Listed(
        finding_id=row.finding_id,
        tenant_id=row.tenant_id,
        failure_mode=row.failure_mode,
        kind=row.kind,
        severity=row.severity,
        status=row.status,
        agent_id=row.agent_id,
        session_id=row.session_id,
        subject=row.subject,
        summary=row.summary,
        since=format_utc(row.first_event_at),
    )


def _link(config: AlertsConfig, lead: AlertFindingRow | None) -> str:
    if config.console is None:
        return ""
    console = f"{config.console}".rstrip("/")
    return f"{console}/findings/{quote_path(lead.finding_id, safe='')}" if lead is not None else console


def evidence_lines(evidence: str) -> list[tuple[str, str]]:
    """What a finding's evidence says that can be said on one line each; `finding show` shows the rest.

    Args:
        evidence: as it is stored, a JSON object.
    """
    told: list[tuple[str, str]] = []
    for name, value in orjson.loads(evidence).items():
        if name == "kind" or value in (None, "", [], {}):
            continue
        text = _spoken(value)
        told.append((name, text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}…"))
    return told[:_EVIDENCE]


def _spoken(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # No powers of ten: who is paged reads 60000 at once, and 6e+04 twice.
        return f"{value:.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"
    if isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        return ", ".join(str(item) for item in value[:5]) + (f" and {len(value) - 5} more" if len(value) > 5 else "")
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _commands(alert: Alert, one: Notice, lead: AlertFindingRow | None) -> list[tuple[str, str]]:
    channel = [("which channels take messages", "watchkeeper alerts test")] if one.kind == "undelivered" else []
    if lead is None:
        return [*channel, ("what is wrong with the pipeline", "watchkeeper status"), ("this alert", _show(alert))]
    # Agents give sessions and tenants their names: what is pasted into a shell must be quoted.
    tenant = f" --tenant {quote(lead.tenant_id)}" if lead.tenant_id != "default" else ""
    found = [*channel, ("what was found", f"watchkeeper finding show {lead.finding_id}")]
    if alert.mode == "incident":
        found.append(("the whole incident, as a report", f"watchkeeper incident report {lead.finding_id}"))
    if lead.session_id:
        found.append(("the session's record", f"watchkeeper session show {quote(lead.session_id)}{tenant}"))
    found.append(("all findings of this alert", _show(alert)))
    found.append(("take note: nobody else is paged", f"watchkeeper finding ack {lead.finding_id} --reason '…'"))
    return found


def _show(alert: Alert) -> str:
    return f"watchkeeper alerts show {alert.alert_id}"
