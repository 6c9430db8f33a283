"""Calls that changed something, or may have: what may have to be made good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from watchkeeper.cli.record.model import PolicyInForce, Record
from watchkeeper.schemas.events import Approval, ToolCall, ToolResult
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.stored_events import StoredEvent

MAX_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class Deed:
    """A call that changed something, or may have: what may have to be made good.

    Attributes:
        effect: by the policy; `unknown` where it does not name the tool.
        resource: what it was done to, by the policy's `resource` argument; else the arguments, shortened.
        result: how it ended; `no result` where none was recorded.
        approved_by: of the approval that was asked for this call.
    """

    at: datetime
    session_id: str
    tool: str
    effect: str
    resource: str
    result: str
    event_id: str
    approved_by: str = ""


def events_of(record: Record) -> Iterator[StoredEvent]:
    """The events of a record, in the order of its story."""
    for entry in record.story:
        stored = getattr(entry.told, "stored", entry.told)
        if isinstance(stored, StoredEvent):
            yield stored


def deeds_of(record: Record, since: datetime) -> Iterator[Deed]:
    """Calls since the first failure whose tool changes something, or is not known not to."""
    results: dict[str, list[ToolResult]] = {}
    approvals: dict[str, str] = {}
    events = list(events_of(record))
    for event in events:
        if isinstance(event.event, ToolResult):
            results.setdefault(event.event.data.tool_call_id, []).append(event.event)
        elif isinstance(event.event, Approval):
            approvals |= _approved(event.event)
    for event in events:
        call = event.event
        if not isinstance(call, ToolCall):
            continue
        # Models repeat call ids: the oldest result without a call is this one's.
        answers = results.get(call.data.tool_call_id)
        answer = answers.pop(0) if answers else None
        effect = effect_of(record.policy, call.data.tool_name)
        if effect == "read" or from_us(event.occurred_us) < since:
            continue
        yield Deed(
            at=from_us(event.occurred_us),
            session_id=record.facts["session_id"],
            tool=call.data.tool_name,
            effect=effect,
            resource=_resource(record, call),
            result=answer.data.status if answer is not None else "no result",
            event_id=event.event_id,
            approved_by=approvals.get(call.data.tool_call_id, ""),
        )


def _approved(approval: Approval) -> dict[str, str]:
    data = approval.data
    return {data.tool_call_id: f"{data.approver or 'nobody named'} ({data.status})"} if data.tool_call_id else {}


def effect_of(policy: PolicyInForce, tool: str) -> str:
    """What a tool does, by the policy in force; `unknown` where that does not say."""
    named = policy.body.tools.get(tool) if policy.body is not None else None
    return str(named.effect) if named is not None else "unknown"


def _resource(record: Record, call: ToolCall) -> str:
    arguments = call.data.arguments
    if call.data.arguments_content is not None:
        text = record.texts.of(call.data.arguments_content, call.writer_id).text
        arguments = _json(text) if text is not None else None
    named = record.policy.body.tools.get(call.data.tool_name) if record.policy.body is not None else None
    if named is not None and named.resource is not None and isinstance(arguments, dict) and named.resource in arguments:
        return f"{named.resource}={arguments[named.resource]}"
    if arguments is None:
        return "arguments were not recorded"
    return shortened(orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS).decode())


def shortened(text: str) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
