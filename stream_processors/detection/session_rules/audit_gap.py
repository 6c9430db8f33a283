"""Records from which nobody could reconstruct what happened.

What it sees and finds, each once:

- `sequence_gap` (medium): numbers of a writer that never arrived; revised while they come late, resolved when all did.
- `conflicting_event` (high): a writer's number came again with other content.
- `content_mismatch` (high): an inline text does not have the hash under which it came.
- `unanswered_call`: a tool call without a result, when the session ends (low), or when the call has waited for
  `tools[name].timeout_seconds`, else `thresholds.call_timeout_seconds` (medium, by the tick); resolved by its result.
- `unexplained_result` (low): a result for a call that nobody recorded, unless events are missing that may explain it;
  resolved where the call comes after all, from another writer.
- `never_closed` (medium): no event for `thresholds.close_timeout_seconds` and no end; the session counts as silent, and
  the finding is resolved when events come again.
- `unjudged` (low): the session's start was not recorded, so its tools, policy and caps are not known (resolved when it
  comes late); or so many calls were open at once that some were forgotten.

Method. Numbering comes from the judge's notices. Calls and results are matched as a multiset: models repeat call ids,
so a result answers the oldest open call of its id. What fills a gap is matched too: late is not lost. Hashes of inline
texts are computed anew, salted ones with the salt that the writer told first.

Parameters, from the policy: `tools[name].timeout_seconds`, `thresholds.call_timeout_seconds` (120 s: four times the
usual request time-out), `thresholds.close_timeout_seconds` (1,800 s: longer than a person keeps a chat waiting).

What it gets wrong. Texts that travel in several parts, and salted texts of a writer whose first event was lost, are
not hashed here; that a text was never sent is for the store to tell. Beyond `open_calls.MAX_CALLS` open calls the
oldest is forgotten. A writer that never sends anything leaves no gap, and a lost tail shows only as `never_closed`. A
session that a person left open for longer than the limit is held for never closed until the person comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.schemas.events import EVENT_TYPES, Event, SessionEnded, ToolCall, ToolResult
from watchkeeper.schemas.evidence import (
    ConflictingEvent,
    ContentMismatch,
    NeverClosed,
    UnansweredCall,
    UnexplainedResult,
    Unjudged,
)
from watchkeeper.stream_processors.detection.detector import Closed, Context, Detector, Found, Notice, Said
from watchkeeper.stream_processors.detection.inline_texts import mismatches
from watchkeeper.stream_processors.detection.session_rules.closing import close_limit_us
from watchkeeper.stream_processors.detection.session_rules.missing_events import Gap, filled, opened
from watchkeeper.stream_processors.detection.session_rules.open_calls import (
    MAX_CALLS,
    OpenCall,
    OpenCalls,
    answer,
    await_call,
    begin,
    shortest_wait_us,
    waiting,
)

_SECOND_US = 1_000_000
_OF_OTHERS = frozenset({"content", "approval", "outcome"})
"""Types that may come before the agent's own first event, or from somebody else."""


@dataclass(slots=True)
class AuditGapState(OpenCalls):
    """What is open, beside calls.

    Attributes:
        begun: whether the agent's first event was seen; its time and id, where it was no `session_started`.
        gaps: gaps of all writers.
        gapped: whether events of this session were ever missing.
        silent_us: since when the session counts as silent, 0 while it does not.
        overflowed: whether it was told that calls were forgotten.
    """

    begun: list[Any] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    gapped: bool = False
    silent_us: int = 0
    overflowed: bool = False


class AuditGap(Detector[AuditGapState]):
    """See the module."""

    rule_id = "audit_gap"
    failure_mode = "audit_gap"
    listens = frozenset(EVENT_TYPES)
    state_type = AuditGapState

    def step(self, state: AuditGapState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        wrong = mismatches(event, context.session.writer(event.writer_id).salt)
        kind = type(event)
        said: Sequence[Said] = ()
        if kind is ToolCall or kind is ToolResult or kind is SessionEnded:
            said = _of_type(state, event, context)
        if wrong or state.silent_us or not state.begun or event.type == "session_started":
            before: list[Said] = _texts(event, wrong)
            if state.silent_us and event.type != "outcome":
                before.append(_spoke_again(state, context))
            if not state.begun or event.type == "session_started":
                before += _begun(state, event, context)
            return [*before, *said]
        return said

    def sequence(self, state: AuditGapState, event: Event, notice: Notice, context: Context) -> Iterable[Said]:
        """See `Detector.sequence`."""
        if notice.kind == "conflict":
            return [_conflict(notice)]
        if notice.kind == "gap":
            state.gapped = True
            return [opened(state.gaps, notice, event.event_id, context.at_us)]
        wrong = mismatches(event, context.session.writer(event.writer_id).salt)
        said: list[Said] = [*_texts(event, wrong), *filled(state.gaps, notice, context)]
        if event.type == "session_started":
            said += _begun(state, event, context)
        elif type(event) is ToolCall:
            said += _call(state, event, context)
        elif type(event) is ToolResult:
            said += _result(state, event, context, late=True)
        return said

    def due_us(self, state: AuditGapState, context: Context) -> int | None:
        """When the next call has waited too long, or the session has been silent too long."""
        closes_us = context.session.last_us + close_limit_us(context)
        return min([closes_us, *(due_us for due_us, _ in waiting(state, context))]) if state.calls else closes_us

    def soonest_us(self, context: Context) -> int | None:
        """See `Detector.soonest_us`."""
        return min(close_limit_us(context), shortest_wait_us(context))

    def tick(self, state: AuditGapState, now_us: int, context: Context) -> Iterable[Said]:
        """See `Detector.tick`."""
        said: list[Said] = []
        for due_us, call in waiting(state, context):
            if due_us <= now_us:
                seconds = (due_us - call["us"]) / _SECOND_US
                said.append(_unanswered(call, waited=seconds, limit=seconds, severity="medium", at_us=due_us))
        last_us, limit_us = context.session.last_us, close_limit_us(context)
        if now_us >= last_us + limit_us and not state.silent_us:
            state.silent_us = last_us
            said += [_never_closed(last_us, limit_us), Closed()]
        return said


def _of_type(state: AuditGapState, event: Event, context: Context) -> Sequence[Said]:
    """What is said of calls and results, and of those that the end leaves open."""
    if type(event) is ToolCall:
        return _call(state, event, context)
    if type(event) is ToolResult:
        return _result(state, event, context, late=False)
    return _left_open(state, context) if event.type == "session_ended" else ()


def _begun(state: AuditGapState, event: Event, context: Context) -> list[Said]:
    """The agent's first event, or a `session_started` after it."""
    if event.type == "session_started":
        missed, state.begun = state.begun, [0, ""]
        return [_no_start(*missed, resolved=True)] if missed and missed[1] else []
    if event.type in _OF_OTHERS:
        return []
    state.begun = [context.at_us, event.event_id]
    return [_no_start(*state.begun)]


def _texts(event: Event, wrong: Iterable[tuple[str, str]]) -> list[Said]:
    return [
        Found(
            about=("content", event.event_id, name),
            severity="high",
            summary=f"The text of {event.type}.{name} does not have the hash under which it came.",
            evidence=ContentMismatch(address=address, field=name),
        )
        for name, address in wrong
    ]


def _call(state: AuditGapState, event: ToolCall, context: Context) -> Sequence[Said]:
    begin(state, event, context.at_us)
    if not state.forgotten or state.overflowed:
        return ()
    state.overflowed = True
    reason = f"more than {MAX_CALLS} calls were open at once"
    return [_unjudged("calls", reason, f"Not all calls of this session can be matched with results: {reason}.")]


def _result(state: AuditGapState, event: ToolResult, context: Context, *, late: bool) -> Sequence[Said]:
    call = answer(state, event)
    if call is not None:
        if not call["told"]:
            return ()
        waited = max(0, context.at_us - call["us"]) / _SECOND_US
        return [_unanswered(call, waited=waited, severity="medium", resolved=True)]
    if state.forgotten:
        state.forgotten -= 1
        return []
    if late or state.gapped:
        await_call(state, event)
        return []
    return [
        Found(
            about=("result", event.event_id),
            severity="low",
            summary=f"A result of {_shown(event.data.tool_name)} came for a call that was never recorded.",
            evidence=UnexplainedResult(tool_name=event.data.tool_name, tool_call_id=event.data.tool_call_id),
        )
    ]


def _left_open(state: AuditGapState, context: Context) -> list[Said]:
    return [
        _unanswered(call, waited=max(0, context.at_us - call["us"]) / _SECOND_US, severity="low")
        for call in state.calls
        if not call["told"]
    ]


def _unanswered(
    call: OpenCall,
    *,
    waited: float,
    severity: Any,
    limit: float | None = None,
    at_us: int | None = None,
    resolved: bool = False,
) -> Found:
    call["told"] = 1
    end = f"within {limit:,.6g} s" if limit is not None else "before the session ended"
    what = f"answered after {waited:,.6g} s" if resolved else f"not answered {end}"
    return Found(
        about=("call", call["event"]),
        severity=severity,
        summary=f"The call of {_shown(call['tool'])} was {what}.",
        evidence=UnansweredCall(
            tool_name=call["tool"], tool_call_id=call["id"], waited_seconds=waited, limit_seconds=limit
        ),
        first_event_id=call["event"],
        first_us=call["us"],
        at_us=at_us,
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


def _no_start(at_us: int, event_id: str, *, resolved: bool = False) -> Found:
    reason = "the session's start was not recorded"
    found = _unjudged(
        "start", reason, "The session's start was not recorded: its tools, policy and caps are not known."
    )
    found.first_event_id, found.first_us = event_id, at_us
    if resolved:
        found.summary = "The session's start came late: what it had in force is known now."
        found.revision, found.status = 1, "resolved"
    return found


def _unjudged(about: str, reason: str, summary: str) -> Found:
    evidence = Unjudged(detector=AuditGap.rule_id, reason=reason)
    return Found(about=("unjudged", about), severity="low", summary=summary, evidence=evidence)


def _shown(name: str) -> str:
    return name if len(name) <= 60 else name[:59] + "…"
