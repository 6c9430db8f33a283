"""An alert: what is told as one, to whom it was told, and how far. All times are microseconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from pydantic import TypeAdapter

from watchkeeper.schemas.failure_modes import SEVERITIES, Severity

Sort: TypeAlias = Literal["findings", "held", "storm", "pipeline"]
"""`held`: what was held back until a moment. `storm`: what is new beyond the bound of pages. `pipeline`: the router's
own word on the pipeline."""

Status: TypeAlias = Literal["open", "acked", "resolved", "closed"]
"""`resolved`: all its findings were taken back, or said to be wrong. `closed`: nothing new came for long."""

NoticeKind: TypeAlias = Literal["page", "update", "resolved", "acknowledged", "escalation", "summary", "undelivered"]
PAGING: Final = frozenset({"page", "escalation", "summary"})
"""The first that a channel hears of an alert."""


@dataclass(slots=True)
class Notice:
    """One message to one channel, until it is delivered or given up.

    Attributes:
        after: findings are numbered within their alert; what it tells begins after this number.
        upto: and ends with this one.
        state: `sending` says that an attempt was begun: should the router end now, nobody knows whether it arrived.
        next_us: not before.
        why: one sentence for people.
    """

    notice_id: str
    channel: str
    kind: NoticeKind
    after: int
    upto: int
    made_us: int
    next_us: int
    severity: Severity
    why: str = ""
    state: Literal["pending", "sending"] = "pending"
    attempts: int = 0


@dataclass(slots=True)
class Told:
    """What a channel was told of an alert.

    Attributes:
        paged_us: when its first notice was made; 0 before.
        upto: the number of the last finding that it was told of.
        weight: the alert's, that it was told of.
        updates: notices since the page.
        last_us: when the last one was made.
        notices: how many were made: part of their ids.
        over: whether it was told last that the alert is over.
    """

    kind: NoticeKind = "page"
    paged_us: int = 0
    upto: int = 0
    weight: int = -1
    updates: int = 0
    last_us: int = 0
    notices: int = 0
    over: bool = False


@dataclass(slots=True)
class Pace:
    """`config.Timing`, and escalations, as they stood when the alert began."""

    gather_us: int = 1_000_000
    update_us: int = 300_000_000
    longest_us: int = 14_400_000_000
    close_us: int = 21_600_000_000
    cool_us: int = 900_000_000
    escalate: list[tuple[int, list[str]]] = field(default_factory=list)


@dataclass(slots=True)
class Alert:
    """See the module.

    Attributes:
        key: findings with it join; what belongs to a session or a tree of this alert joins it as well.
        lead: the finding that speaks for it: the worst, and of those the first.
        title: the lead's summary.
        since_us: when the earliest of its failures began.
        opened_us: when the router made it.
        updated_us: when its last finding was heard.
        findings: how many it has; the last one's number.
        open_findings: those that were neither taken back nor said to be wrong.
        channels: who is told, by name.
        hold_until_us: of what is held back: when it is told.
        reason: why it is held back, or who took note, or why it ended.
        escalated: how many of the steps were taken.
        notices: those on their way.
        delivered: messages that arrived.
        dead: messages that were given up.
    """

    alert_id: str
    tenant_id: str
    key: str
    sort: Sort
    severity: Severity
    mode: str
    agent_id: str
    lead: str
    title: str
    since_us: int
    opened_us: int
    updated_us: int
    pace: Pace
    status: Status = "open"
    findings: int = 0
    open_findings: int = 0
    channels: dict[str, Told] = field(default_factory=dict)
    hold_until_us: int = 0
    reason: str = ""
    acked_by: str = ""
    acked_us: int = 0
    ended_us: int = 0
    escalated: int = 0
    notices: list[Notice] = field(default_factory=list)
    delivered: int = 0
    dead: int = 0
    version: int = 0

    @property
    def weight(self) -> int:
        """How bad it is; failures that compound weigh more than each of them."""
        return weight_of(self.severity, self.mode)

    @property
    def is_active(self) -> bool:
        """Whether it goes on."""
        return self.status in {"open", "acked"}


def rank_of(severity: Severity) -> int:
    """How bad, from 0."""
    return SEVERITIES.index(severity)


def weight_of(severity: Severity, mode: str) -> int:
    """See `Alert.weight`."""
    return 2 * rank_of(severity) + (mode == "incident")


ALERT_ADAPTER: TypeAdapter[Alert] = TypeAdapter(Alert)
