"""Calls that wait for their results: matched as a multiset, since models repeat call ids."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict

from watchkeeper.schemas.events import ToolCall, ToolResult
from watchkeeper.stream_processors.detection.detector import Context
from watchkeeper.stream_processors.detection.fingerprints import short

_SECOND_US = 1_000_000

MAX_CALLS = 24
"""Open calls remembered; of recorded agents the busiest begins 15 at a time. Beyond it the oldest is forgotten."""


class OpenCall(TypedDict):
    """A call without a result: its id and tool, when and by which event it began, and whether that was told.

    `told` is 1 or 0, which takes less room in a stored state than a word.
    """

    id: str
    tool: str
    us: int
    event: str
    told: int


@dataclass(slots=True)
class OpenCalls:
    """See the module; part of a detector's state.

    Attributes:
        calls: oldest first.
        orphans: ids of results whose call may still come late.
        forgotten: calls given up for want of room, whose results may still come.
    """

    calls: list[OpenCall] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    forgotten: int = 0


def begin(state: OpenCalls, event: ToolCall, at_us: int) -> None:
    """A call begins; where its result came before it, both are done with."""
    call_id = short(event.data.tool_call_id)
    if call_id in state.orphans:
        state.orphans.remove(call_id)
        return
    # A literal, here and wherever an event makes one: to call a `TypedDict` takes five times as long.
    call: OpenCall = {"id": call_id, "tool": event.data.tool_name, "us": at_us, "event": event.event_id, "told": 0}
    state.calls.append(call)
    if len(state.calls) > MAX_CALLS:
        del state.calls[0]
        state.forgotten += 1


def answer(state: OpenCalls, event: ToolResult) -> OpenCall | None:
    """A result comes: the oldest open call of its id is answered, and returned."""
    call_id = short(event.data.tool_call_id)
    for position, call in enumerate(state.calls):
        if call["id"] == call_id:
            del state.calls[position]
            return call
    return None


def await_call(state: OpenCalls, event: ToolResult) -> None:
    """A result came whose call may still come late."""
    state.orphans.append(short(event.data.tool_call_id))
    del state.orphans[:-MAX_CALLS]


def waiting(state: OpenCalls, context: Context) -> Iterable[tuple[int, OpenCall]]:
    """Calls that were not told yet, each with the time at which it has waited too long."""
    policy = context.policy
    for call in state.calls:
        if not call["told"]:
            tool = policy.tools.get(call["tool"])
            seconds = (tool.timeout_seconds if tool else None) or policy.thresholds.call_timeout_seconds
            yield call["us"] + round(seconds * _SECOND_US), call


def shortest_wait_us(context: Context) -> int:
    """The shortest time after which any call has waited too long."""
    policy = context.policy
    limits = (tool.timeout_seconds for tool in policy.tools.values())
    return round(min([policy.thresholds.call_timeout_seconds, *filter(None, limits)]) * _SECOND_US)
