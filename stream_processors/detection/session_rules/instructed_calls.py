"""Whether a call follows what a suspicious content asks for, and nothing else explains it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from watchkeeper.schemas.events import ToolCall
from watchkeeper.schemas.evidence import FollowedInstruction
from watchkeeper.stream_processors.detection.calls import Call, call_of
from watchkeeper.stream_processors.detection.deeds import deed_of, only_looks, runs_commands
from watchkeeper.stream_processors.detection.detector import Context, Found, Said
from watchkeeper.stream_processors.detection.fingerprints import brief as brief_address
from watchkeeper.stream_processors.detection.handles import Value, brief, holds, values_of
from watchkeeper.stream_processors.detection.session_rules.kept_findings import keep
from watchkeeper.stream_processors.detection.session_rules.reasons_said import MAX_KNOWN
from watchkeeper.stream_processors.detection.session_rules.suspicious_contents import (
    HOSTILE,
    SOURCES,
    PromptInjectionState,
    Remembered,
    evidence_of,
    listed_signals,
    signals_of,
)
from watchkeeper.stream_processors.detection.spoken_deeds import bit, spoken_of_shared

LOOKING_SCORE = 5
"""A link is opened more readily than money is sent."""

MAX_TOOLS = 16
"""Called tools remembered. With more, none passes for one that was not called before."""

MAX_TOLD = 8

_OUT = bit("send") | bit("publish") | bit("export")


def judge_call(state: PromptInjectionState, event: ToolCall, context: Context) -> Iterable[Said]:
    """Takes a call in, and tells where it follows a suspicious content."""
    mark = _mark_of(event.data.tool_name)
    is_new = len(state.called) < MAX_TOOLS * len(mark) and not holds(state.called, mark)
    if state.contents and state.told < MAX_TOLD and (found := _follows(state, event, context, is_new=is_new)):
        state.told += 1
        keep(state.kept, event.data.tool_call_id, event.event_id, context.at_us, [found])
        return [found]
    if is_new:
        state.called += mark
    return ()


_mark_of = lru_cache(maxsize=4096)(brief)
"""Of a tool: the same few are called again and again."""


def _follows(state: PromptInjectionState, event: ToolCall, context: Context, *, is_new: bool) -> Found | None:
    call = call_of(event, context)
    declared = context.policy.tools.get(call.tool_name)
    looks = only_looks(call.tool_name) if declared is None else declared.effect == "read"
    done = deed_of(call)
    explained = state.deeds | spoken_of_shared(context.policy.goal.statement)
    deed = 0 if done is None or explained & bit(done.deed) else bit(done.deed)
    values = values_of(call.arguments, as_commands=runs_commands(call.tool_name))
    for content in sorted(state.contents, key=lambda one: -one["score"]):
        if (looks and content["score"] < LOOKING_SCORE) or (state.delegates and not _is_hostile(content)):
            continue
        value = _copied(state, content, values)
        if content["weak"]:
            if value is not None and _kin(deed) & content["deeds"] and not looks:
                return _found(call, content, "argument", value, "" if done is None else done.deed)
        elif value is not None:
            return _found(call, content, "argument", value, "")
        elif is_new and not content["talks"]:
            # Where a user asked for the deed, its tool needs no other reason.
            if (done is None or deed) and _names_tool(state, content, call):
                return _found(call, content, "tool", None, "")
            if done is not None and _kin(deed) & content["deeds"] and content["fresh"]:
                return _found(call, content, "deed", None, done.deed)
    return None


def _kin(deed: int) -> int:
    """Sending, publishing and exporting are asked for by each other's words."""
    return deed | _OUT if deed & _OUT else deed


def _copied(state: PromptInjectionState, content: Remembered, values: list[Value]) -> Value | None:
    """The first value that the content named, and nobody else."""
    if len(state.known) >= MAX_KNOWN * len(brief("")):
        return None
    for value in values:
        if any(holds(content["handles"], one) for one in value.digests) and not any(
            holds(state.known, one) for one in value.digests
        ):
            return value
    return None


def _names_tool(state: PromptInjectionState, content: Remembered, call: Call) -> bool:
    named = brief(call.tool_name.casefold())
    return holds(content["handles"], named) and not holds(state.known, named)


def _is_hostile(content: Remembered) -> bool:
    return not HOSTILE.isdisjoint(signals_of(content))


def _found(
    call: Call, content: Remembered, link: Literal["argument", "tool", "deed"], value: Value | None, deed: str
) -> Found:
    what = {
        "argument": f"its argument {value.path} ({value.kind}) stands there" if value else "",
        "tool": "the tool is named there",
        "deed": f"it asks for that deed ({deed})",
    }[link]
    return Found(
        about=("followed", call.call_id, brief_address(content["address"]), content["event"]),
        severity="medium" if content["weak"] else "high",
        summary=(
            f"The agent called {call.tool_name} as a content from outside asks it to ({what}), and neither user nor "
            f"goal does. {SOURCES[content['source']]} {content['name']}: {listed_signals(content)}."
        ),
        evidence=FollowedInstruction(
            tool_name=call.tool_name,
            tool_call_id=call.call_id,
            link=link,
            path=value.path if value else "",
            value=value.kind if value else "",
            deed=deed,
            content=evidence_of(content),
        ),
        first_event_id=content["event"],
        first_us=content["us"],
    )
