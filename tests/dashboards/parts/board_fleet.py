"""A small fleet out of a seed: what happened, as plain objects, and the rows that the worker makes of it.

Tests compute what panels should say from the objects, in Python; panels compute it from the rows.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from board_asking import END, Row

MODELS = {"small": 0.002, "large": 0.03, "unknown": None}
TOOLS = ("search", "refund", "mail")
CAPS = {"tool_calls": 3.0, "tokens": 4000.0, "wall_clock_seconds": 300.0, "cost_usd": 0.05}


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call that was answered."""

    tool: str
    status: str
    duration_us: int


@dataclass(frozen=True, slots=True)
class Response:
    """One model's response."""

    model: str
    input_tokens: int
    cached: int
    output: int
    cost: float | None
    abstained: bool


@dataclass(slots=True)
class Session:
    """One session, whole.

    Attributes:
        caps: those that it crossed, with what it used of each.
        warned: caps of which it was told that it is near them.
        gap: `open`, `resolved`, or none.
    """

    tenant: str
    session_id: str
    agent: str
    version: str
    intent: str
    started: datetime
    lasted: timedelta
    status: str
    calls: list[Call] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)
    caps: dict[str, float] = field(default_factory=dict)
    warned: tuple[str, ...] = ()
    looped: bool = False
    gap: str = ""

    @property
    def cost(self) -> float:
        """Of the priced requests."""
        return sum(one.cost or 0.0 for one in self.responses)

    @property
    def unpriced(self) -> int:
        """Requests without a price."""
        return sum(one.cost is None for one in self.responses)

    @property
    def worst(self) -> str:
        """The gravest finding that was told."""
        if self.caps or self.looped:
            return "high"
        return "medium" if self.gap else "low" if self.warned else ""

    @property
    def findings(self) -> int:
        """How many there are."""
        return len(self.caps) + len(self.warned) + self.looped + bool(self.gap)


def fleet(seed: int = 7, sessions: int = 80) -> list[Session]:
    """Sessions of the last three days, a quarter of them of the last hour."""
    dice = random.Random(seed)
    return [_session(dice, number) for number in range(sessions)]


def _session(dice: random.Random, number: int) -> Session:
    ago = timedelta(minutes=dice.randrange(2, 59) if number % 4 == 0 else dice.randrange(61, 3 * 1440))
    agent = dice.choice(["support", "billing"])
    made = Session(
        tenant=dice.choice(["acme", "acme", "globex"]),
        session_id=f"{agent}-{number}",
        agent=agent,
        version=dice.choice(["1", "2"]),
        intent=dice.choice(["refund", "order", ""]),
        started=END - ago,
        lasted=timedelta(milliseconds=dice.randrange(1000, 90_000)),
        status=dice.choice(["completed", "completed", "failed", "stopped", "open"]),
    )
    made.calls = [
        Call(dice.choice(TOOLS), dice.choice(["ok", "ok", "error", "timeout"]), dice.randrange(1000, 5_000_000))
        for _ in range(dice.randrange(6))
    ]
    for _ in range(dice.randrange(1, 4)):
        model = dice.choice(list(MODELS))
        price, size = MODELS[model], dice.randrange(100, 3000)
        cost = None if price is None else round(size * price / 1000, 6)
        made.responses.append(Response(model, size, size // 3, size // 5, cost, dice.random() < 0.2))
    for cap, limit in CAPS.items():
        share = dice.random() * 4
        if share > 3.6:
            made.caps[cap] = round(limit * (share - 2), 6)
        elif share > 3.3:
            made.warned = (*made.warned, cap)
    made.looped = dice.random() < 0.15
    made.gap = dice.choice(["", "", "", "", "open", "resolved"])
    return made


def events(sessions: list[Session]) -> list[Row]:
    """The rows of `events`."""
    return [row for one in sessions for row in _events(one)]


def _events(one: Session) -> list[Row]:
    told: list[Row] = [{"type": "session_started"}]
    for number, call in enumerate(one.calls):
        told.append({"type": "tool_call", "tool_name": call.tool, "data": {"arguments": {"n": number}}})
        result = {"status": call.status, "duration_us": call.duration_us}
        told.append({"type": "tool_result", "tool_name": call.tool, "data": result})
    told += [_response(answer) for answer in one.responses]
    if one.status != "open":
        told.append({"type": "session_ended", "data": {"status": one.status}})
    step = one.lasted / max(1, len(told) - 1)
    return [_event(one, seq, one.started + seq * step, row) for seq, row in enumerate(told)]


def _response(answer: Response) -> Row:
    return {
        "type": "response",
        "model": answer.model,
        "input_tokens": answer.input_tokens,
        "cached_input_tokens": answer.cached,
        "output_tokens": answer.output,
        "cost_usd": answer.cost,
        "price_status": "unpriced" if answer.cost is None else "priced",
        "data": {"abstained": answer.abstained, "duration_us": 1_000_000},
    }


def _event(one: Session, seq: int, at: datetime, more: Row) -> Row:
    return {
        "tenant_id": one.tenant,
        "session_id": one.session_id,
        "writer_id": "w",
        "seq": seq,
        "digest": f"{one.session_id}-{seq}",
        "event_id": f"{one.tenant}-{one.session_id}-{seq}",
        "occurred_at": at.isoformat(),
        "agent_id": one.agent,
        "agent_version": one.version,
        "data": {},
        "source_partition": 0,
        "source_offset": seq,
        "source_line": 0,
        "received_at": at.isoformat(),
    } | more


def states(sessions: list[Session]) -> list[Row]:
    """The rows of `sessions`: each session twice, first as it was at its beginning."""
    return [row for one in sessions for row in (_state(one, 1), _state(one, 2))]


def _state(one: Session, version: int) -> Row:
    early = version == 1
    last = one.started if early else one.started + one.lasted
    return {
        "source_partition": 0,
        "tenant_id": one.tenant,
        "session_id": one.session_id,
        "version": version,
        "root_session_id": one.session_id,
        "parent_session_id": "",
        "agent_id": one.agent,
        "agent_version": one.version,
        "environment": "production",
        "origin": "live",
        "user_id": "",
        "customer_id": "",
        "workflow": "",
        "intent": one.intent,
        "model": one.responses[0].model,
        "started_at": one.started.isoformat(),
        "last_event_at": last.isoformat(),
        "status": "open" if early else one.status,
        "events": 1,
        "tool_calls": 0 if early else len(one.calls),
        "tokens": 0,
        "input_tokens": 0,
        "output_tokens": 0,
        "cost_usd": 99 if early else one.cost,
        "unpriced_requests": 0 if early else one.unpriced,
        "findings": 0 if early else one.findings,
        "worst_severity": "" if early else one.worst,
        "policy_address": f"u-policy-{one.version}",
        "retention_class": "standard",
        "state": "{}",
    }


def found(sessions: list[Session]) -> list[Row]:
    """The rows of `findings`: what was taken back comes as it was first, too."""
    rows: list[Row] = []
    for one in sessions:
        for cap, used in one.caps.items():
            rows.append(finding(one, "cost_runaway", "cap_use", cap, _use(cap, used), severity="high"))
        near = {cap: _use(cap, CAPS[cap] * 0.9) for cap in one.warned}
        rows += [finding(one, "cost_runaway", "cap_use", f"near-{cap}", near[cap], severity="low") for cap in near]
        if one.looped:
            loop = {"cycle": ["search", "mail"], "rounds": 3, "calls": 6, "match": "identical", "arguments": [],
                    "tokens": 600, "seconds": 12.5, "cost_usd": 0.25}  # fmt: skip
            rows.append(finding(one, "reasoning_loop", "loop", "loop", loop, severity="high"))
        if one.gap:
            gap = {"writer_id": "w", "first_missing": 3, "last_missing": 4}
            rows.append(finding(one, "audit_gap", "sequence_gap", "gap", gap, severity="medium"))
        if one.gap == "resolved":
            rows.append(
                finding(one, "audit_gap", "sequence_gap", "gap", gap, severity="medium", revision=1, status="resolved")
            )
    return rows


def _use(cap: str, used: float) -> dict[str, Any]:
    return {
        "cap": cap,
        "limit": CAPS[cap],
        "used": used,
        "share": used / CAPS[cap],
        "tool_calls": 1,
        "tokens": 1,
        "wall_clock_seconds": 1.0,
        "cost_usd": 0.01,
    }


def finding(one: Session, mode: str, kind: str, about: str, evidence: dict[str, Any], **more: Any) -> Row:
    """One row of `findings`, told at the end of its session."""
    at = (one.started + one.lasted / 2).isoformat()
    return {
        "tenant_id": one.tenant,
        "finding_id": f"{one.tenant}-{one.session_id}-{about}",
        "revision": 0,
        "schema_version": 1,
        "status": "open",
        "session_id": one.session_id,
        "root_session_id": one.session_id,
        "subject": None,
        "agent_id": one.agent,
        "agent_version": one.version,
        "environment": "production",
        "origin": "live",
        "user_id": "",
        "customer_id": "",
        "failure_mode": mode,
        "kind": kind,
        "severity": "medium",
        "rule_id": mode,
        "rule_version": 1,
        "rule_stage": "active",
        "summary": f"{about} of {one.session_id}",
        "evidence": {"kind": kind} | evidence,
        "first_event_at": at,
        "last_event_at": at,
        "detected_at": at,
        "policy_address": "",
        "runbook": f"docs/runbooks/{mode}.md",
    } | more


SMALL = fleet()
"""The fleet of the fixture `fleet_store`."""
