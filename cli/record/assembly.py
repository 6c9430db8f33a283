"""One session as a record: who, under which rules, what it used, and the story in order of time.

Pure: it is given rows of ClickHouse and puts them together. `watchkeeper.cli.record.reading` brings the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from pydantic import ValidationError

from watchkeeper.cli.record.model import CapUse, PolicyInForce, Record, SessionRows
from watchkeeper.cli.record.story import tell
from watchkeeper.cli.store import Row
from watchkeeper.schemas.events import Response, SessionStarted
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.policy import CAP_NAMES, AgentPolicy, CapName, default_policy
from watchkeeper.schemas.prompts import RebuiltText
from watchkeeper.schemas.stored_events import StoredEvent, in_order
from watchkeeper.schemas.stored_texts import SessionTexts

_NOTHING: Final = Decimal(0)
_HEADER_FACTS: Final = (
    *("tenant_id", "session_id", "root_session_id", "parent_session_id", "agent_id", "agent_version", "environment"),
    *("origin", "user_id", "customer_id", "workflow", "retention_class"),
)


def assemble(rows: SessionRows) -> Record:
    """Puts a record together."""
    ordered = in_order(rows.events)
    events = [event for _, event in ordered]
    starts = [event for event in events if isinstance(event.event, SessionStarted)]
    facts = rows.session or _facts(events, rows.findings)
    policy = _policy(starts, rows.texts, facts["agent_id"])
    writers: dict[str, int] = {}
    for event in events:
        writers[event.writer_id] = writers.get(event.writer_id, 0) + 1
    return Record(
        facts=facts,
        started=next((event.event for event in starts if isinstance(event.event, SessionStarted)), None),
        policy=policy,
        caps=_caps(facts, starts, policy),
        price_versions=sorted({event.price_version for event in events if event.price_version}),
        writers=writers,
        texts=rows.texts,
        story=tell(ordered, rows, to_us(facts["started_at"])),
        truncated=rows.truncated,
    )


def _policy(starts: Sequence[StoredEvent], texts: SessionTexts, agent_id: str) -> PolicyInForce:
    for stored in starts:
        event = stored.event
        if isinstance(event, SessionStarted) and event.data.policy is not None:
            reference = texts.of(event.data.policy.content, stored.writer_id)
            return PolicyInForce(event.data.policy.name, event.data.policy.version, reference, _body(reference))
    default = default_policy(agent_id)
    return PolicyInForce(default.agent, default.version, None, default)


def _body(reference: RebuiltText) -> AgentPolicy | None:
    # A text that is not what its address says judged nobody.
    if reference.text is None or reference.verdict != "verified":
        return None
    try:
        return AgentPolicy.model_validate_json(reference.text)
    except ValidationError:
        return None


def _caps(facts: Row, starts: Sequence[StoredEvent], policy: PolicyInForce) -> list[CapUse]:
    used: dict[CapName, float] = {
        "tool_calls": facts["tool_calls"],
        "tokens": facts["tokens"],
        "wall_clock_seconds": (facts["last_event_at"] - facts["started_at"]).total_seconds(),
        "cost_usd": float(facts["cost_usd"]),
    }
    return [CapUse(name, used[name], min(_limits(name, starts, policy), default=None)) for name in CAP_NAMES]


def _limits(name: CapName, starts: Sequence[StoredEvent], policy: PolicyInForce) -> Iterator[float]:
    """The policy's cap and the session's own, which may only narrow it."""
    own = [start.event.data.caps for start in starts if isinstance(start.event, SessionStarted)]
    for caps in (policy.body.caps if policy.body is not None else None, *own):
        limit: float | None = getattr(caps, name, None)
        if limit is not None:
            yield limit


def _facts(events: Sequence[StoredEvent], findings: Sequence[Row]) -> Row:
    """The columns of `sessions` from events alone: the worker writes its row a moment after them."""
    known = [event.event for event in events if event.event is not None]
    usages = [event.data.usage for event in known if isinstance(event, Response) and event.data.usage is not None]
    start = next((event for event in known if isinstance(event, SessionStarted)), None)
    header: Any = start or known[0] if known else None
    costs = [event.cost_usd for event in events if event.cost_usd is not None]
    facts = {name: getattr(header, name, None) or "" for name in _HEADER_FACTS}
    return facts | {
        "intent": start.data.intent if start else "",
        "model": start.data.model if start else "",
        "started_at": from_us(min(event.occurred_us for event in events)),
        "last_event_at": from_us(max(event.occurred_us for event in events)),
        "status": next((event.data.status for event in known if event.type == "session_ended"), "open"),
        "events": len(events),
        "tool_calls": sum(event.type == "tool_call" for event in events),
        "tokens": sum(usage.input_tokens - usage.cache_read_input_tokens + usage.output_tokens for usage in usages),
        "input_tokens": sum(usage.input_tokens for usage in usages),
        "output_tokens": sum(usage.output_tokens for usage in usages),
        "cost_usd": sum(costs, start=_NOTHING),
        "unpriced_requests": sum(event.price_status == "unpriced" for event in events),
        "findings": len(findings),
        "worst_severity": "",
        "policy_address": "",
    }
