"""Deeds that two sessions did.

What it sees. Calls of tools that change something (`duplicate_action` tells them), of all sessions of a tenant, by
tool, arguments, customer and environment. When a second session makes the call within the window, it is
`duplicate_action` (high where irreversible, medium else): a job that was started again and did not know how far the
first attempt had come, or two agents with the same task. One finding for each second session, with both calls; taken
back where one of the two turns out to have failed without effect. Repeats within one session are for stage 1 to tell.

It is none where both calls had the same idempotency key, or different ones: a key says which deed it is.

Method. The latest `MAX_CALLS` calls of the deed are remembered. Signals may come in any order: the earlier call is the
one that was made earlier, by the callers' clocks.

Parameters, from the policy of the session that calls: `tools[name].repeat_window_seconds` (3,600 s; `duplicate_action`
tells why).

What it gets wrong. Two people who ask two sessions for the same thing within an hour, for no customer that was told,
look like one deed. A job that starts again under fresh keys passes for another deed. Calls whose arguments did not
travel with them, and calls without any, are not seen. Until the failure of a first attempt is known the finding is
open; it is taken back when it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypedDict

from watchkeeper.schemas.evidence import DuplicateAction
from watchkeeper.schemas.evidence.duplicate_action import ActionCall
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.signals import ActionTold, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

MAX_CALLS = 16
MAX_TOLD = 16


class Call(TypedDict):
    """A call of the deed.

    Attributes:
        failed: whether it is known to have had no effect.
    """

    session: str
    event: str
    us: int
    key: str
    failed: bool


class Pair(TypedDict):
    """What was told: that the later call repeats the earlier one."""

    first: str
    again: str
    arguments: str
    revision: int
    open: bool


@dataclass(slots=True)
class RepeatedAcrossState:
    """One deed.

    Attributes:
        calls: in the order of their times.
    """

    calls: list[Call] = field(default_factory=list)
    told: list[Pair] = field(default_factory=list)


class RepeatedAcross(SubjectRule[RepeatedAcrossState]):
    """See the module."""

    rule_id = "repeated_across"
    failure_mode = "duplicate_action"
    listens = frozenset({"action_told"})
    state_type = RepeatedAcrossState

    def fold(self, state: RepeatedAcrossState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, ActionTold):
            return ()
        call = next((one for one in state.calls if one["event"] == signal.event_id), None)
        if signal.outcome == "failed":
            if call is None or call["failed"]:
                return ()
            call["failed"] = True
            return list(_taken_back(state, call, signal))
        if call is not None:
            return ()
        call = Call(
            session=signal.session_id,
            event=signal.event_id,
            us=to_us(signal.called_at),
            key=signal.key,
            failed=False,
        )
        state.calls.append(call)
        state.calls.sort(key=lambda one: (one["us"], one["event"]))
        del state.calls[:-MAX_CALLS]
        return list(_repeats(state, call, signal))


def _repeats(state: RepeatedAcrossState, call: Call, signal: ActionTold) -> Iterator[Found]:
    """What the call repeats, or what repeats it where it was told late."""
    window_us = round(signal.window_seconds * 1_000_000)
    for other in state.calls:
        first, again = sorted((call, other), key=lambda one: (one["us"], one["event"]))
        if other["session"] == call["session"] or again["us"] - first["us"] >= window_us or other["failed"]:
            continue
        if (first["key"] and again["key"]) or _is_told(state, again["session"]):
            continue
        pair = Pair(first=first["event"], again=again["event"], arguments=signal.arguments, revision=0, open=True)
        state.told.append(pair)
        del state.told[:-MAX_TOLD]
        yield _found(signal, pair, first, again)


def _is_told(state: RepeatedAcrossState, session: str) -> bool:
    """Whether it is known that this session repeats the deed."""
    events = {one["event"] for one in state.calls if one["session"] == session}
    return any(pair["open"] and pair["again"] in events for pair in state.told)


def _taken_back(state: RepeatedAcrossState, call: Call, signal: ActionTold) -> Iterator[Found]:
    by_event = {one["event"]: one for one in state.calls}
    for pair in state.told:
        if call["event"] not in (pair["first"], pair["again"]) or not pair["open"]:
            continue
        first, again = by_event.get(pair["first"]), by_event.get(pair["again"])
        if first is None or again is None:
            continue
        pair["revision"] += 1
        pair["open"] = False
        yield _found(signal, pair, first, again)


def _found(signal: ActionTold, pair: Pair, first: Call, again: Call) -> Found:
    tool = signal.tool_name
    if pair["open"]:
        summary = (
            f"Session {again['session']} called {tool} with the same arguments as session {first['session']} before."
        )
    else:
        summary = f"Two sessions called {tool} with the same arguments, but only one of the calls took effect."
    return Found(
        about=("across", pair["first"], pair["again"]),
        severity="high" if signal.effect == "irreversible" else "medium",
        summary=summary,
        evidence=DuplicateAction(
            tool_name=tool,
            effect=signal.effect,
            reason="done" if first["us"] < again["us"] else "running",
            arguments=pair["arguments"],
            first=_shown(first),
            again=_shown(again),
            seconds_between=(again["us"] - first["us"]) / 1_000_000,
        ),
        first_us=first["us"],
        revision=pair["revision"],
        status="open" if pair["open"] else "resolved",
        session_id=again["session"],
    )


def _shown(call: Call) -> ActionCall:
    return ActionCall(session_id=call["session"], event_id=call["event"], has_key=bool(call["key"]))
