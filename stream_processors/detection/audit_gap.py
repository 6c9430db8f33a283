"""Records from which nobody could reconstruct what happened.

What it sees and finds, each once:

- `sequence_gap` (medium): numbers of a writer that never arrived; resolved when all of them came late.
- `conflicting_event` (high): a writer's number came again with other content.
- `content_mismatch` (high): an inline text does not have the hash under which it came.
- `unanswered_call`: a tool call without a result, when the session ends (low), or when the call has waited for
  `tools[name].timeout_seconds`, else `thresholds.call_timeout_seconds` (medium, by the tick); resolved by its result.
- `unexplained_result` (low): a result for a call that nobody recorded, unless events are missing that may explain it.
- `never_closed` (medium): no event for `thresholds.close_timeout_seconds` and no end; the session counts as silent, and
  the finding is resolved when events come again.

Method. Numbering comes from the judge's notices. Calls and results are matched as a multiset: models repeat call ids,
so a result answers the oldest open call of its id. What fills a gap is matched too: late is not lost.

Parameters, from the policy: `tools[name].timeout_seconds`, `thresholds.call_timeout_seconds` (120 s: four times the
usual request time-out), `thresholds.close_timeout_seconds` (1,800 s: longer than a person keeps a chat waiting).

What it gets wrong. A partly filled gap is told unchanged until it is filled wholly. Texts that travel in parts, and
salted texts of a writer whose first event was lost, are not hashed here. Beyond `MOST_CALLS` open calls the oldest is
forgotten unjudged. A writer that never sends anything leaves no gap, and a lost tail shows only as `never_closed`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.schemas.contents import matches
from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.events import EVENT_TYPES, Event, ToolCall, ToolResult
from watchkeeper.schemas.evidence import (
    ConflictingEvent,
    ContentMismatch,
    NeverClosed,
    SequenceGap,
    UnansweredCall,
    UnexplainedResult,
)
from watchkeeper.stream_processors.detection.detector import Closed, Context, Detector, Found, Notice, Said

MOST_CALLS = 32
MOST_GAPS = 8
_SECOND_US = 1_000_000


@dataclass(slots=True)
class AuditGapState:
    """What is open.

    Attributes:
        calls: open calls as `[call id, tool, called at µs, event id, 1 if told]`, oldest first.
        orphans: ids of results whose call may still come late.
        gaps: open gaps as `[writer, first, last, still missing, event id, at µs]`.
        gapped: whether events of this session were ever missing.
        silent_us: since when the session counts as silent, 0 while it does not.
    """

    calls: list[list[Any]] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    gaps: list[list[Any]] = field(default_factory=list)
    gapped: bool = False
    silent_us: int = 0


class AuditGap(Detector[AuditGapState]):
    """See the module."""

    rule_id = "audit_gap"
    failure_mode = "audit_gap"
    listens = frozenset(EVENT_TYPES)
    state_type = AuditGapState

    def step(self, state: AuditGapState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        said: list[Said] = []
        if state.silent_us and event.type != "outcome":
            said.append(_spoke_again(state, context))
        said += _mismatches(event, context)
        if type(event) is ToolCall:
            _begin(state, event, context.at_us)
        elif type(event) is ToolResult:
            said += _answer(state, event, context, late=False)
        elif event.type == "session_ended":
            said += _left_open(state, context)
        return said

    def sequence(self, state: AuditGapState, event: Event, notice: Notice, context: Context) -> Iterable[Said]:
        """See `Detector.sequence`."""
        if notice.kind == "conflict":
            return [_conflict(notice)]
        if notice.kind == "gap":
            return [_opened(state, event, notice, context)]
        said: list[Said] = [*_mismatches(event, context), *_filled(state, notice)]
        if type(event) is ToolCall:
            _begin(state, event, context.at_us)
        elif type(event) is ToolResult:
            said += _answer(state, event, context, late=True)
        return said

    def due_us(self, state: AuditGapState, context: Context) -> int | None:
        """When the next call has waited too long, or the session has been silent too long."""
        closes_us = context.session.last_us + _close_limit_us(context)
        return min([closes_us, *(due_us for due_us, _ in _waiting(state, context))])

    def tick(self, state: AuditGapState, now_us: int, context: Context) -> Iterable[Said]:
        """See `Detector.tick`."""
        said: list[Said] = []
        for due_us, call in _waiting(state, context):
            if due_us <= now_us:
                call[4] = 1
                seconds = (due_us - call[2]) / _SECOND_US
                said.append(_unanswered(call, waited=seconds, limit=seconds, severity="medium", at_us=due_us))
        last_us, limit_us = context.session.last_us, _close_limit_us(context)
        if now_us >= last_us + limit_us and not state.silent_us:
            state.silent_us = last_us
            said += [_never_closed(last_us, limit_us), Closed()]
        return said


def _mismatches(event: Event, context: Context) -> list[Said]:
    writer = context.session.writers.get(event.writer_id)
    salt = writer.salt if writer else None
    return [
        Found(
            about=("content", event.event_id, name),
            severity="high",
            summary=f"The text of {event.type}.{name} does not have the hash under which it came.",
            evidence=ContentMismatch(address=content.address, field=name),
        )
        for name, content in contents_of(event)
        if content.text is not None and matches(content.address, content.text, salt) is False
    ]


def _begin(state: AuditGapState, event: ToolCall, at_us: int) -> None:
    call_id = event.data.tool_call_id
    if call_id in state.orphans:
        state.orphans.remove(call_id)
        return
    state.calls.append([call_id, event.data.tool_name, at_us, event.event_id, 0])
    del state.calls[:-MOST_CALLS]


def _answer(state: AuditGapState, event: ToolResult, context: Context, *, late: bool) -> list[Said]:
    call_id = event.data.tool_call_id
    call = next((call for call in state.calls if call[0] == call_id), None)
    if call is not None:
        state.calls.remove(call)
        if not call[4]:
            return []
        waited = max(0, context.at_us - call[2]) / _SECOND_US
        return [_unanswered(call, waited=waited, limit=None, severity="medium", at_us=context.at_us, resolved=True)]
    if late or state.gapped:
        state.orphans.append(call_id)
        del state.orphans[:-MOST_CALLS]
        return []
    return [
        Found(
            about=("result", event.event_id),
            severity="low",
            summary=f"A result of {_shown(event.data.tool_name)} came for a call that was never recorded.",
            evidence=UnexplainedResult(tool_name=event.data.tool_name, tool_call_id=call_id),
        )
    ]


def _left_open(state: AuditGapState, context: Context) -> list[Said]:
    said: list[Said] = []
    for call in state.calls:
        if not call[4]:
            call[4] = 1
            waited = max(0, context.at_us - call[2]) / _SECOND_US
            said.append(_unanswered(call, waited=waited, limit=None, severity="low", at_us=None))
    return said


def _unanswered(
    call: list[Any], *, waited: float, limit: float | None, severity: Any, at_us: int | None, resolved: bool = False
) -> Found:
    call_id, tool, called_us, event_id, _ = call
    end = f"within {limit:,.6g} s" if limit is not None else "before the session ended"
    what = f"answered after {waited:,.6g} s" if resolved else f"not answered {end}"
    return Found(
        about=("call", event_id),
        severity=severity,
        summary=f"The call of {_shown(tool)} was {what}.",
        evidence=UnansweredCall(tool_name=tool, tool_call_id=call_id, waited_seconds=waited, limit_seconds=limit),
        first_event_id=event_id,
        first_us=called_us,
        at_us=at_us,
        revision=1 if resolved else 0,
        status="resolved" if resolved else "open",
    )


def _waiting(state: AuditGapState, context: Context) -> list[tuple[int, list[Any]]]:
    """Calls that were not told yet, with when each has waited too long."""
    policy = context.policy
    waiting: list[tuple[int, list[Any]]] = []
    for call in state.calls:
        if not call[4]:
            tool = policy.tools.get(call[1])
            seconds = (tool.timeout_seconds if tool else None) or policy.thresholds.call_timeout_seconds
            waiting.append((call[2] + round(seconds * _SECOND_US), call))
    return waiting


def _opened(state: AuditGapState, event: Event, notice: Notice, context: Context) -> Found:
    state.gapped = True
    state.gaps.append(
        [notice.writer_id, notice.first, notice.last, notice.last - notice.first + 1, event.event_id, context.at_us]
    )
    del state.gaps[:-MOST_GAPS]
    return _gap(state.gaps[-1])


def _filled(state: AuditGapState, notice: Notice) -> list[Said]:
    for gap in state.gaps:
        writer_id, first, last, *_ = gap
        if writer_id == notice.writer_id and first <= notice.first <= last:
            gap[3] -= 1
            if gap[3] > 0:
                return []
            state.gaps.remove(gap)
            return [_gap(gap, resolved=True)]
    return []


def _gap(gap: list[Any], *, resolved: bool = False) -> Found:
    writer_id, first, last, _, event_id, at_us = gap
    which = f"event {first}" if first == last else f"events {first} to {last}"
    what = "came late" if resolved else f"{'is' if first == last else 'are'} missing"
    return Found(
        about=("gap", writer_id, first),
        severity="medium",
        summary=f"{which.capitalize()} of writer {_shown(writer_id)} {what}.",
        evidence=SequenceGap(writer_id=writer_id, first_missing=first, last_missing=last),
        first_event_id=event_id,
        first_us=at_us,
        revision=1 if resolved else 0,
        status="resolved" if resolved else "open",
    )


def _conflict(notice: Notice) -> Found:
    return Found(
        about=("conflict", notice.writer_id, notice.first, notice.digests[-1]),
        severity="high",
        summary=f"Event {notice.first} of writer {_shown(notice.writer_id)} came again with other content.",
        evidence=ConflictingEvent(writer_id=notice.writer_id, seq=notice.first, digests=notice.digests),
    )


def _close_limit_us(context: Context) -> int:
    return round(context.policy.thresholds.close_timeout_seconds * _SECOND_US)


def _never_closed(last_us: int, limit_us: int) -> Found:
    seconds = limit_us / _SECOND_US
    return Found(
        about=("never_closed", last_us),
        severity="medium",
        summary=f"The session fell silent: no event and no end for {seconds:,.6g} s.",
        evidence=NeverClosed(silent_seconds=seconds, limit_seconds=seconds),
        first_us=last_us,
        at_us=last_us + limit_us,
    )


def _spoke_again(state: AuditGapState, context: Context) -> Found:
    since_us, state.silent_us = state.silent_us, 0
    seconds = max(0, context.at_us - since_us) / _SECOND_US
    return Found(
        about=("never_closed", since_us),
        severity="medium",
        summary=f"The session was silent for {seconds:,.6g} s and goes on.",
        evidence=NeverClosed(silent_seconds=seconds, limit_seconds=context.policy.thresholds.close_timeout_seconds),
        first_us=since_us,
        revision=1,
        status="resolved",
    )


def _shown(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"
