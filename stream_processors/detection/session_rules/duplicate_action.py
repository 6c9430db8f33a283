"""Calls that do again what was done, or may have been done, already.

What it sees. Calls of tools that the policy calls `write` or `irreversible`. One with the same arguments as an earlier
call of the session (`actions` says what is the same) is `duplicate_action` (high where irreversible, medium else),
unless it could do no harm:

- both calls had the same idempotency key; or different ones, and the first had succeeded: then the second says that it
  is another deed. After a timeout a fresh key protects nothing (`new_key`);
- the first call failed without effect, was refused or cancelled;
- a person spoke since the first call succeeded: asking for the same again is their right;
- the first call had no answer that tells, and since then a tool that reads looked at the same thing, or at all things
  of its kind (`list_transfers` after `transfer_money`): the agent made sure;
- the tool is of effect `write` and wrote something else to the same thing since: writing back what stood there before
  is no repeat;
- the tool is `repeatable` by its policy;
- it has no arguments and the first call succeeded: nothing says that both are about the same thing.

One finding for each deed, told again when the repeats have doubled; taken back when no repeat is left: each failed
without effect, or the first call turned out to have failed. Every such call is also told to stage 2
(`repeated_across`), which sees sessions of the same job. Without a policy that names effects nothing is said.

Method. Calls are remembered by a keyed digest of tool, arguments and customer, with what became of them. The repeat is
found when it is made.

Parameters, from the policy: `tools[name].effect`, `idempotency_key`, `repeatable`, and `repeat_window_seconds` (3,600
s: job queues start a failed session again after their visibility timeout, by default 30 s with SQS and an hour with
Celery on Redis; a person who wants the same again the next day must not be accused).

What it gets wrong. A repeat that differs in anything (a time, a new comment) is another deed. So is one after a
person's word, even if that was only "thanks". Tools that set a value (`set_status`) do no harm when they are repeated
and should be declared `repeatable`. Of the deeds of a session the last eight are remembered, those of irreversible
tools longest; `forgotten` counts the others. Late events are not seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from watchkeeper.schemas.events import Event, EventType, ToolCall, ToolResult
from watchkeeper.schemas.evidence import DuplicateAction, Unjudged
from watchkeeper.schemas.evidence.duplicate_action import ActionCall, RepeatReason
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import ToolPolicy
from watchkeeper.schemas.signals import ActionTold, subject_of
from watchkeeper.stream_processors.detection.actions import changes, key_of, leaves_of, name_of
from watchkeeper.stream_processors.detection.calls import arguments_of
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said, Told
from watchkeeper.stream_processors.detection.fingerprints import digest, short
from watchkeeper.stream_processors.detection.session_rules.deed_ledger import (
    MAX_ANSWERS,
    Deed,
    DuplicateActionState,
    Made,
    look,
    outcome_in,
    reason_of,
    remember,
    write_over,
)
from watchkeeper.stream_processors.detection.session_rules.user_turns import spoke
from watchkeeper.stream_processors.detection.session_rules.violations import outline


class DuplicateActions(Detector[DuplicateActionState]):
    """See the module."""

    rule_id = "duplicate_action"
    failure_mode = "duplicate_action"
    rule_version = 2
    listens = frozenset({"prompt", "tool_call", "tool_result"})
    state_type = DuplicateActionState

    def concerns(self, context: Context) -> frozenset[EventType]:
        """See `Detector.concerns`: a policy by which no tool changes anything."""
        return self.listens if any(map(changes, context.policy.tools.values())) else frozenset()

    def step(self, state: DuplicateActionState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is ToolCall:
            tool = context.policy.tools.get(event.data.tool_name)
            if tool is None or not (state.deeds or changes(tool)):
                return ()
            # The turn is told by the envelope of any event: the first deed sets where counting begins.
            state.turn += spoke(state.spoken, event)
            if not changes(tool):
                look(state, event)
                return ()
            return () if tool.repeatable else _do(state, event, tool, context)
        if not state.deeds:
            return ()
        state.turn += spoke(state.spoken, event)
        return _answer(state, event, context) if type(event) is ToolResult else ()


class _Case(NamedTuple):
    """The call that is made or answered."""

    tool_name: str
    tool: ToolPolicy
    context: Context


def _do(state: DuplicateActionState, event: ToolCall, tool: ToolPolicy, context: Context) -> Iterable[Said]:
    named = name_of(event, tool, context)
    if named is None:
        return _unjudged(state, event)
    name, arguments = named
    case = _Case(event.data.tool_name, tool, context)
    made: Made = {
        "call": digest(event.data.tool_call_id),
        "event": event.event_id,
        "us": context.at_us,
        "key": key_of(event, tool, arguments_of(event.data)[0]),
        "outcome": "running",
    }
    leaves = leaves_of(arguments)
    tool_name = short(event.data.tool_name)
    write_over(state, name, tool_name, leaves)
    window_us = round(tool.repeat_window_seconds * 1_000_000)
    state.deeds = [one for one in state.deeds if one["first"]["us"] > context.at_us - window_us or one["name"] == name]
    shown = outline(arguments)
    said: list[Said] = [] if not arguments else [_signal(case, name, made, shown)]
    deed = next((one for one in state.deeds if one["name"] == name), None)
    reason = None if deed is None else reason_of(state, deed, made, window_us)
    if deed is not None and reason is not None:
        deed["again"].append(made)
        del deed["again"][:-MAX_ANSWERS]
        deed["repeats"] += 1
        said += _tell(case, deed, made, reason, shown)
        return said
    if deed is not None:
        state.deeds.remove(deed)
    is_grave = tool.effect == "irreversible"
    remember(state, _fresh(name, tool_name, made, leaves, grave=is_grave, empty=not arguments, turn=state.turn))
    return said


def _fresh(name: str, tool_name: str, made: Made, leaves: list[str], *, grave: bool, empty: bool, turn: int) -> Deed:
    return {
        "name": name,
        "tool": tool_name,
        "first": made,
        "again": [],
        "leaves": leaves,
        "grave": grave,
        "empty": empty,
        "turn": turn,
        "looked": False,
        "repeats": 0,
        "told": [],
    }


def _tell(case: _Case, deed: Deed, made: Made, reason: RepeatReason, shown: str) -> list[Found]:
    revision, more_at, *_, first = deed["told"] or (-1, 1, deed["first"].copy())
    if deed["repeats"] < more_at:
        return []
    deed["told"] = [revision + 1, deed["repeats"] * 2, reason, shown, first]
    return [_found(case, deed, made)]


def _found(case: _Case, deed: Deed, made: Made) -> Found:
    revision, _, reason, shown, first = deed["told"]
    session = case.context.session.session_id
    times = "again" if deed["repeats"] <= 1 else f"{deed['repeats']} times again"
    return Found(
        about=("deed", first["event"]),
        severity="high" if deed["grave"] else "medium",
        summary=f"The agent called {case.tool_name} {times} with the same arguments, {_WHY[reason]}.",
        evidence=DuplicateAction(
            tool_name=case.tool_name,
            effect="write" if case.tool.effect == "write" else "irreversible",
            reason=reason,
            arguments=shown,
            first=_call(session, first),
            again=_call(session, made),
            seconds_between=(made["us"] - first["us"]) / 1_000_000,
            repeats=deed["repeats"],
        ),
        first_event_id=first["event"],
        first_us=first["us"],
        revision=revision,
    )


_WHY: dict[str, str] = {
    "done": "though the first call had succeeded",
    "unsure": "though nobody knew whether the first call had taken effect",
    "running": "though the first call was not answered yet",
    "new_key": "under another idempotency key, though nobody knew whether the first call had taken effect",
}


def _call(session: str, made: Made) -> ActionCall:
    return ActionCall(session_id=session, event_id=made["event"], has_key=bool(made["key"]))


def _answer(state: DuplicateActionState, event: ToolResult, context: Context) -> list[Said]:
    call = digest(event.data.tool_call_id)
    for deed in state.deeds:
        for made in (deed["first"], *deed["again"]):
            if made["call"] == call and made["outcome"] == "running":
                made["outcome"] = outcome_in(state, event)
                return _settle(state, deed, made, event, context)
    return []


def _settle(state: DuplicateActionState, deed: Deed, made: Made, event: ToolResult, context: Context) -> list[Said]:
    """What the answer to one call of a deed changes."""
    if made["outcome"] != "failed":
        if made is not deed["first"]:
            deed["again"].remove(made)
            if made["outcome"] == "ok":
                deed["first"]["outcome"] = "ok"
        return []
    tool = context.policy.tools.get(event.data.tool_name)
    if tool is None:
        return []
    case = _Case(event.data.tool_name, tool, context)
    said: list[Said] = [] if deed["empty"] else [_signal(case, deed["name"], made, "")]
    if not deed["repeats"]:
        state.deeds.remove(deed)
        return said
    repeat = made
    if made is deed["first"]:
        # One of the repeats was the call that did it.
        repeat = deed["again"].pop() if deed["again"] else made
        deed["first"] = repeat if repeat is not made else Made(**{**made, "outcome": "ok"})
    else:
        deed["again"].remove(made)
    deed["repeats"] -= 1
    if deed["told"] and not deed["repeats"]:
        said.append(_taken_back(case, deed, repeat))
    return said


def _taken_back(case: _Case, deed: Deed, repeat: Made) -> Found:
    deed["told"][:2] = [deed["told"][0] + 1, 1]
    found = _found(case, deed, repeat)
    found.status = "resolved"
    found.summary = f"{case.tool_name} was called again with the same arguments, but only one of the calls took effect."
    return found


def _signal(case: _Case, name: str, made: Made, shown: str) -> Told:
    session = case.context.session
    outcome: Literal["made", "failed"] = "failed" if made["outcome"] == "failed" else "made"
    return Told(
        about=(made["event"], outcome),
        subject=subject_of("action", session.tenant_id, session.origin, name),
        kind=ActionTold,
        values={
            "tool_name": case.tool_name,
            "effect": case.tool.effect,
            "event_id": made["event"],
            "called_at": from_us(made["us"]),
            "outcome": outcome,
            "key": made["key"],
            "arguments": shown,
            "window_seconds": case.tool.repeat_window_seconds,
        },
    )


def _unjudged(state: DuplicateActionState, event: ToolCall) -> Iterable[Said]:
    if state.unjudged:
        return ()
    state.unjudged = True
    reason = "arguments of calls that change something were not recorded with them"
    return [
        Found(
            about=("unjudged", "arguments"),
            severity="low",
            summary=f"Whether actions were repeated could not be judged for all of this session: {reason}.",
            evidence=Unjudged(
                detector=DuplicateActions.rule_id, reason=reason, detail={"tool_name": event.data.tool_name}
            ),
        )
    ]
