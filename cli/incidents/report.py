"""What an incident's report says: figures, a timeline, and what has to be made good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from watchkeeper.cli.incidents.deeds import Deed, deeds_of, events_of
from watchkeeper.cli.incidents.gathering import Gathered, evidence_of
from watchkeeper.cli.incidents.timeline import Moment, MomentKind, timeline_of
from watchkeeper.cli.record.model import Record
from watchkeeper.cli.store import Row
from watchkeeper.schemas.events import Response
from watchkeeper.schemas.model import from_us

_RUNNING: Final = frozenset({"open", "silent"})
"""Of these nobody knows that they ended."""


@dataclass(frozen=True, slots=True)
class Version:
    """What was in force in a session."""

    session_id: str
    agent: str
    agent_version: str
    model: str
    prompt_version: str
    policy: str
    policy_address: str


@dataclass(frozen=True, slots=True)
class Report:
    """See the module.

    Attributes:
        head: the finding that the report is about.
        first_cause: the earliest failure's mode.
        began: when the first failure began.
        last: when the last one was last seen.
        findings: by the time at which each failure began.
        found_after: from the first failure's beginning to the first finding.
        told_after: from the first finding to the first message about any of them that a channel took; None for none.
        acknowledged_after: from the first finding until somebody said that it is true; None where nobody did.
        commanded_after: from the first finding to the first command; None where nobody commanded anything.
        stopped_after: from the first finding to the end of the last session; None while one still runs.
        cost_usd: of all sessions; `cost_after_usd` of what they asked of models since the first failure.
        unpriced: requests whose price is not known: costs are at least what is told.
        customers: whom the sessions were about; `users` who asked.
        more: findings that the incident does not list.
    """

    head: Row
    first_cause: str
    began: datetime
    last: datetime
    findings: list[Row]
    timeline: list[Moment]
    deeds: list[Deed]
    versions: list[Version]
    found_after: timedelta
    told_after: timedelta | None
    acknowledged_after: timedelta | None
    commanded_after: timedelta | None
    stopped_after: timedelta | None
    cost_usd: Decimal
    cost_after_usd: Decimal
    unpriced: int
    customers: list[str]
    users: list[str]
    verdicts: list[Row]
    sessions: list[Row]
    gone: list[str]
    more: int


def report_of(gathered: Gathered) -> Report:
    """The report."""
    head, findings = gathered.head, gathered.findings or [gathered.asked]
    told = evidence_of(gathered.incident) if gathered.incident is not None else {}
    began = min(row["first_event_at"] for row in findings)
    found = min(row["detected_at"] for row in findings)
    records = gathered.records.values()
    deeds = sorted((deed for record in records for deed in deeds_of(record, began)), key=lambda deed: deed.at)
    timeline = sorted(timeline_of(gathered, deeds), key=lambda moment: moment.at)
    facts = [record.facts for record in records]
    running = not facts or any(row["status"] in _RUNNING for row in facts)
    acknowledged = [row["given_at"] for row in gathered.verdicts if row["verdict"] == "ack"]
    after = [event for record in records for event in events_of(record) if event.occurred_us >= _us(began)]
    return Report(
        head=head,
        first_cause=str(told.get("first_cause", findings[0]["failure_mode"])),
        began=began,
        last=max(row["last_event_at"] for row in findings),
        findings=findings,
        timeline=timeline,
        deeds=deeds,
        versions=[_version(record) for record in records],
        found_after=found - began,
        told_after=_first(timeline, "notice", began, found),
        acknowledged_after=min(acknowledged) - found if acknowledged else None,
        commanded_after=_first(timeline, "command", began, found),
        stopped_after=None if running else max(row["last_event_at"] for row in facts) - found,
        cost_usd=sum((Decimal(row["cost_usd"]) for row in facts), Decimal(0)),
        cost_after_usd=sum((Decimal(event.cost_usd) for event in after if event.cost_usd is not None), Decimal(0)),
        unpriced=sum(row["unpriced_requests"] for row in facts),
        customers=sorted({row["customer_id"] for row in facts if row["customer_id"]}),
        users=sorted({row["user_id"] for row in facts if row["user_id"]}),
        verdicts=gathered.verdicts,
        sessions=facts,
        gone=gathered.gone,
        more=int(told.get("more", 0)),
    )


def _first(timeline: list[Moment], kind: MomentKind, began: datetime, found: datetime) -> timedelta | None:
    """From the first finding to the first moment of a kind since the failure began."""
    moments = [moment.at for moment in timeline if moment.kind == kind and moment.at >= began]
    return min(moments) - found if moments else None


def _us(moment: datetime) -> int:
    from_zero = moment - from_us(0)
    return from_zero // timedelta(microseconds=1)


def _version(record: Record) -> Version:
    facts, policy, started = record.facts, record.policy, record.started
    models = {event.event.data.model for event in events_of(record) if isinstance(event.event, Response)} - {""}
    return Version(
        session_id=facts["session_id"],
        agent=facts["agent_id"],
        agent_version=facts["agent_version"],
        model=", ".join(sorted(models)) or facts["model"],
        prompt_version=started.data.prompt_version if started is not None else "",
        policy=f"{policy.name} {policy.version}".strip(),
        policy_address=policy.reference.address if policy.reference is not None else "",
    )
