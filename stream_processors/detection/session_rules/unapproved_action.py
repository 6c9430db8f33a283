"""High-impact actions that ran without the approval that their policy asks for.

What it sees. Calls of tools with `tools[name].approval` against the session's `approval` events. One that ran, and that
no approval covers, is `unapproved_action`: critical where it had been denied or the agent approved itself, medium where
the approval came after the fact, high otherwise (nobody was asked, the answer was not waited for, the approval had
expired, was given by somebody who may not, for less, or for another call).

Method. `approvals` says what needs approval and what covers it; both are pure, for a guard to ask before the call. A
call that nothing covers is watched until its result: `rejected` or `cancelled`, it did not happen, and nothing is said.
With any other result it is found, and so it is when it has run for `GRACE_US` and nobody was asked: a runtime that lets
the call begin and then asks a person needs that moment. While an answer is waited for, the result decides. An approval
that comes later is told with the finding, or takes it back where it was given before the call and only arrived late. A
call that failed (`error`, `rejected`, `cancelled`) sets its approval free for the retry.

Parameters. From the policy: `tools[name].approval`. `GRACE_US` 5 s: runtimes ask within milliseconds; a person who is
asked answers later, and is waited for. Remembered are 12 approvals and 4 calls; where approvals had to be forgotten,
calls that nothing covers are `unjudged`, not found. So are calls without the argument that the threshold is about.

What it gets wrong. Words of an action are compared with the tool's name, nothing else: an approval of "the repayment"
does not cover `refund`. An approver is told by the name that the runtime gives. Amounts are judged call by call: three
refunds of 90 pass a threshold of 100. A call that hangs while an answer is waited for is `audit_gap`'s. Approvals that
are given in another session do not count. A person who grants what was never asked for while the call runs is too late.
"""

from __future__ import annotations

from collections.abc import Iterable

from watchkeeper.schemas.events import Approval, Event, EventType, SessionEnded, ToolCall, ToolResult
from watchkeeper.schemas.evidence import Unjudged
from watchkeeper.schemas.evidence.unapproved_action import Outcome
from watchkeeper.schemas.policy import ApprovalThreshold
from watchkeeper.stream_processors.detection.approvals import (
    Asked,
    Need,
    Shortfall,
    is_about,
    need_of,
    shortfall_of,
)
from watchkeeper.stream_processors.detection.argument_leaves import leaves_of
from watchkeeper.stream_processors.detection.calls import arguments_of
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Notice, Said
from watchkeeper.stream_processors.detection.fingerprints import digest, short
from watchkeeper.stream_processors.detection.session_rules.approval_ledger import (
    Ledger,
    Watched,
    found_of,
    release,
    take_approval,
    watch,
)
from watchkeeper.stream_processors.detection.session_rules.violations import describe

GRACE_US = 5_000_000

MAX_UNJUDGED = 8
"""Reasons not to judge that a session is told."""

_OUTCOMES: dict[str, Outcome] = {"ok": "ok", "error": "error", "timeout": "timeout"}
"""Of calls that ran, or may have."""

_RETRIED = frozenset({"error", "rejected", "cancelled"})


class UnapprovedActions(Detector[Ledger]):
    """See the module."""

    rule_id = "unapproved_action"
    failure_mode = "unapproved_action"
    listens = frozenset({"approval", "tool_call", "tool_result", "session_ended"})
    state_type = Ledger

    def concerns(self, context: Context) -> frozenset[EventType]:
        """See `Detector.concerns`: a policy by which no tool needs an approval."""
        tools = context.policy.tools.values()
        return self.listens if any(tool.approval is not None for tool in tools) else frozenset()

    def step(self, state: Ledger, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is ToolCall:
            declared = context.policy.tools.get(event.data.tool_name)
            if declared is None or declared.approval is None:
                return ()
            return _begin(state, event, declared.approval, context)
        if type(event) is ToolResult:
            return _end(state, event, context) if state.watched or state.given else ()
        if type(event) is Approval:
            return _approve(state, event, context)
        if type(event) is SessionEnded and state.watched:
            return _found_all(state, list(_unasked(state)), context)
        return ()

    def sequence(self, state: Ledger, event: Event, notice: Notice, context: Context) -> Iterable[Said]:
        """See `Detector.sequence`: an approval that came late may still cover."""
        return _approve(state, event, context) if notice.kind == "filled" and type(event) is Approval else ()

    def soonest_us(self, context: Context) -> int | None:
        """See `Detector.soonest_us`."""
        return GRACE_US if any(tool.approval is not None for tool in context.policy.tools.values()) else None

    def due_us(self, state: Ledger, context: Context) -> int | None:  # noqa: ARG002 - the base class's signature
        """See `Detector.due_us`."""
        return min((one["us"] + GRACE_US for one in _unasked(state)), default=None)

    def tick(self, state: Ledger, now_us: int, context: Context) -> Iterable[Said]:
        """See `Detector.tick`."""
        due = [one for one in _unasked(state) if one["us"] + GRACE_US <= now_us]
        return _found_all(state, due, context, grace_us=GRACE_US)


def _begin(state: Ledger, event: ToolCall, threshold: ApprovalThreshold, context: Context) -> Iterable[Said]:
    arguments, unknown = arguments_of(event.data)
    need: Need | str | None = "unknown"
    if unknown is None or threshold.argument is None:
        need = need_of(threshold, arguments)
    if need is None:
        return ()
    if not isinstance(need, Need):
        reason = unknown or f"there is no {threshold.argument} to hold against the threshold"
        return _unjudged(state, event.data.tool_name, reason)
    asked = Asked(
        call=short(event.data.tool_call_id),
        tool_name=event.data.tool_name,
        leaves=leaves_of(arguments),
        us=context.at_us,
        agents=_agents(event, context),
    )
    judged = shortfall_of(state.given, asked, threshold.approvers)
    if not isinstance(judged, Shortfall):
        judged["by"].append(asked.call)
        return ()
    if state.forgotten and judged.given is None:
        return _unjudged(state, event.data.tool_name, "more approvals than are remembered")
    watched = Watched(
        call=asked.call,
        id=event.data.tool_call_id,
        tool=asked.tool_name,
        event=event.event_id,
        us=asked.us,
        leaves=asked.leaves,
        agents=sorted(asked.agents),
        path=need.path,
        got="" if need.value is None else describe(need.value),
        above=need.above,
        over=False,
        outcome="running",
        revision=-1,
        reason="",
    )
    watch(state, watched)
    return ()


def _end(state: Ledger, event: ToolResult, context: Context) -> Iterable[Said]:
    call, status = short(event.data.tool_call_id), event.data.status
    if status in _RETRIED:
        release(state, call)
    watched = next((one for one in state.watched if one["call"] == call and not one["over"]), None)
    if watched is None:
        return ()
    outcome = _OUTCOMES.get(status)
    if outcome is None:
        state.watched.remove(watched)
        return [found_of(watched, None, "the call did not run")] if watched["revision"] >= 0 else ()
    watched["outcome"] = outcome
    said = _found_all(state, [watched], context)
    watched["over"] = True
    return said


def _approve(state: Ledger, event: Approval, context: Context) -> Iterable[Said]:
    if not any(tool.approval is not None for tool in context.policy.tools.values()):
        return ()
    given = take_approval(state, event)
    if given["status"] == "requested":
        return ()
    about = [one for one in state.watched if one["revision"] >= 0 and is_about(given, one["call"], one["tool"])]
    return _found_all(state, about, context)


def _found_all(state: Ledger, watched: list[Watched], context: Context, grace_us: int = 0) -> list[Said]:
    """Judges watched calls anew: found, found otherwise than before, or taken back."""
    said: list[Said] = []
    for one in watched:
        declared = context.policy.tools.get(one["tool"])
        threshold = None if declared is None else declared.approval
        if threshold is None:
            continue
        judged = shortfall_of(state.given, _asked(one), threshold.approvers)
        if not isinstance(judged, Shortfall):
            judged["by"].append(one["call"])
            state.watched.remove(one)
            if one["revision"] >= 0:
                said.append(found_of(one, None, "it was approved"))
        elif judged.reason != one["reason"]:
            one["revision"] += 1
            one["reason"] = judged.reason
            found = found_of(one, judged)
            found.at_us = one["us"] + grace_us if grace_us else None
            said.append(found)
    return said


def _asked(one: Watched) -> Asked:
    return Asked(
        call=one["call"],
        tool_name=one["tool"],
        leaves=one["leaves"],
        us=one["us"],
        agents=frozenset(one["agents"]),
        phase="over" if one["over"] else "running",
    )


def _unasked(state: Ledger) -> Iterable[Watched]:
    """Calls that run, are not found yet, and for which no answer is waited."""
    for one in state.watched:
        if one["over"] or one["revision"] >= 0:
            continue
        if not any(
            given["status"] == "requested" and is_about(given, one["call"], one["tool"]) for given in state.given
        ):
            yield one


def _agents(event: ToolCall, context: Context) -> frozenset[str]:
    names = (event.agent_id, context.session.agent_id, context.policy.agent)
    return frozenset(name.casefold() for name in names)


def _unjudged(state: Ledger, tool_name: str, why: str) -> Iterable[Said]:
    known = digest(tool_name + why)
    if known in state.unjudged or len(state.unjudged) >= MAX_UNJUDGED:
        return ()
    state.unjudged.append(known)
    reason = f"{tool_name} may have needed approval: {why}"
    return [
        Found(
            about=("unjudged", tool_name, why),
            severity="low",
            summary=f"Approvals of this session could not all be judged: {reason}.",
            evidence=Unjudged(detector=UnapprovedActions.rule_id, reason=reason, detail={"tool_name": tool_name}),
        )
    ]
