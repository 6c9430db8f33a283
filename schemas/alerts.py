"""The alert router's ledger: alerts, the findings that each was made of, and the messages that went out.

Written by the router alone. Field names are column names, as in `rows`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from watchkeeper.schemas.model import Model, Moment
from watchkeeper.schemas.rows import Big, Small

AlertStatus: TypeAlias = Literal["open", "acked", "resolved", "closed"]
FindingPlace: TypeAlias = Literal["alert", "held", "unrouted", "import", "shadow", "resolved"]
"""What became of a finding that the router heard. `alert`: it is part of one. `held`: of one that waits, since somebody
muted it or a maintenance window is open. `unrouted`: no route fits. `import`: a recording's. `shadow`: its rule is on
trial. `resolved`: it was over before it was heard."""

FindingStatus: TypeAlias = Literal["open", "resolved", "wrong"]
"""`wrong`: somebody said so."""

NoticeState: TypeAlias = Literal["pending", "delivered", "dead"]
"""`dead`: given up after so many attempts; other channels were told."""


class AlertRow(Model):
    """An alert as it stands.

    Attributes:
        tenant_id: empty where it gathers those of several, as in a storm.
        sort: `findings`, `held`, `storm` or `pipeline`.
        lead: the finding that speaks for it.
        since: when the earliest of its failures began.
        findings: how many it is made of.
        open_findings: those of them that stand.
        delivered: messages that arrived.
        dead: messages that were given up.
        state: what the router resumes from, as JSON.
        version: grows with every change; the highest counts.
    """

    tenant_id: str
    alert_id: str
    sort: str
    status: AlertStatus
    severity: str
    failure_mode: str
    agent_id: str
    lead: str
    title: str
    since: Moment
    opened_at: Moment
    updated_at: Moment
    ended_at: Moment | None = None
    acked_by: str
    reason: str
    findings: Big
    open_findings: Big
    delivered: Big
    dead: Big
    state: str
    version: Big


class AlertFindingRow(Model):
    """A finding that the router heard, and what became of it. Every finding has one, in its latest revision.

    Attributes:
        alert_id: empty where it is part of none.
        place: where it went.
        ordinal: its number within the alert, from 1; a notice tells of a span of these numbers. 0 where it has none.
        why: of what is held back or left out, why.
        tree: tenant and root session, by which findings of one delegation tree find together.
        evidence: as JSON, shortened.
        version: grows with every change; the highest counts.
    """

    tenant_id: str
    finding_id: str
    revision: Small
    status: FindingStatus
    alert_id: str
    place: FindingPlace
    ordinal: Big
    why: str
    tree: str
    failure_mode: str
    kind: str
    severity: str
    agent_id: str
    session_id: str
    subject: str
    summary: str
    evidence: str
    runbook: str
    first_event_at: Moment
    detected_at: Moment
    heard_at: Moment
    version: Big


class AlertNoticeRow(Model):
    """A message to one channel.

    Attributes:
        kind: `page`, `update`, `resolved`, `acknowledged`, `escalation`, `summary` or `undelivered`.
        after: it tells of the alert's findings behind this number,
        upto: and up to this one.
        attempts: how often it was tried.
        answer: what the channel answered last; holds no secret.
        title: its first line.
        text: what people read.
        made_at: when it was decided on.
        tried_at: when it was tried last.
    """

    alert_id: str
    notice_id: str
    channel: str
    kind: str
    state: NoticeState
    severity: str
    after: Big
    upto: Big
    attempts: Annotated[int, Field(ge=0, lt=2**31)]
    answer: str
    title: str
    text: str
    made_at: Moment
    tried_at: Moment | None = None
    version: Big
