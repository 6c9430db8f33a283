"""What a session knew of a resource when it wrote to it: told to stage 2, which sees the other sessions.

What it sees. Calls of tools whose policy names a `resource`, and their results. Each write that took effect, or may
have (`actions`), is one signal under the resource's own subject, with the time since which the session knew how it
stood; of reads none is told. `conflicting_write`, in stage 2, finds who overwrote whom. In a session alone nothing is
found but `unjudged`, once, where arguments were not recorded. Without a policy that names resources nothing is said.

Method. For each resource the session remembers when it last had an answer about it: of a read, or of its own write.
For one that it never asked about, the latest answer of a tool that reads and names no resource (a list, a search)
counts, or the session's start. What is known is dated by the answer, what is written by the call: of two sessions that
overlap by less than that, nothing is said.

A resource is told apart by the value of the argument and, where that is no path or URI (`orders/7`, `crm:7`), by the
name of the argument too: order 7 is not customer 7.

Parameters, from the policy: `tools[name].resource`, `effect`, `additive` (a tool that only adds overwrites nothing),
`conflict_window_seconds`.

What it gets wrong. Tools that name one thing by arguments of different names, with bare numbers, are about two things.
A tool that is not listed writes unseen. Beyond `MAX_KNOWN` resources the one asked about longest ago is forgotten, and
a write to it counts as one without a look. More than `MAX_NAMED` resources of one call are not all told. A write whose
answer never came is not told. Late events are not seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypedDict

from watchkeeper.schemas.argument_paths import parse_path, values_at
from watchkeeper.schemas.events import Event, EventType, ToolCall, ToolResult
from watchkeeper.schemas.evidence import Unjudged
from watchkeeper.schemas.evidence.conflicting_write import Basis
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import ToolPolicy
from watchkeeper.schemas.signals import ResourceWritten, subject_of
from watchkeeper.stream_processors.detection.actions import outcome_of
from watchkeeper.stream_processors.detection.calls import arguments_of
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said, Told
from watchkeeper.stream_processors.detection.fingerprints import canonical, digest
from watchkeeper.stream_processors.detection.session_rules.violations import describe, key

MAX_KNOWN = 12
MAX_OPEN = 6
MAX_NAMED = 4


class OpenUse(TypedDict):
    """A call that was not answered yet.

    Attributes:
        names: of the resources' subjects.
        shown: the resources, described; of writes.
        deed: a digest of tool and arguments; of writes.
    """

    call: str
    event: str
    us: int
    names: list[str]
    shown: list[str]
    deed: str


@dataclass(slots=True)
class ResourceWritesState:
    """What is kept between events.

    Attributes:
        known: `[time, basis]` of the latest answer about a resource, by the digest of its name.
        listed_us: of the latest answer of a tool that reads and names no resource.
    """

    known: dict[str, list[Any]] = field(default_factory=dict)
    running: list[OpenUse] = field(default_factory=list)
    listed_us: int = 0
    unjudged: bool = False


class ResourceWrites(Detector[ResourceWritesState]):
    """See the module."""

    rule_id = "resource_writes"
    failure_mode = "conflicting_write"
    listens = frozenset({"tool_call", "tool_result"})
    state_type = ResourceWritesState

    def concerns(self, context: Context) -> frozenset[EventType]:
        """See `Detector.concerns`: a policy that names no resource."""
        tools = context.policy.tools.values()
        return self.listens if any(tool.resource is not None for tool in tools) else frozenset()

    def step(self, state: ResourceWritesState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is ToolCall:
            tool = _followed(context, event.data.tool_name)
            return () if tool is None or tool.resource is None else _begin(state, event, tool, context)
        if type(event) is not ToolResult:
            return ()
        tool = _followed(context, event.data.tool_name)
        if tool is None:
            return ()
        if tool.resource is not None:
            return _end(state, event, tool, context) if state.running else ()
        if tool.effect == "read" and event.data.status == "ok":
            state.listed_us = context.at_us
        return ()


def _followed(context: Context, name: str) -> ToolPolicy | None:
    """The tool's policy; None where it has none, or only adds."""
    tool = context.policy.tools.get(name)
    return None if tool is None or tool.additive else tool


def _begin(state: ResourceWritesState, event: ToolCall, tool: ToolPolicy, context: Context) -> Iterable[Said]:
    arguments, unknown = arguments_of(event.data)
    if unknown is not None:
        return _unjudged(state, event, unknown)
    path = tool.resource or ""
    values = [value for _, value in islice(values_at(arguments, path), MAX_NAMED) if value is not None]
    if not values:
        return ()
    writes = tool.effect != "read"
    last = next((step for step in reversed(parse_path(path)) if isinstance(step, str) and step != "*"), "")
    state.running.append(
        {
            "call": digest(event.data.tool_call_id),
            "event": event.event_id,
            "us": context.at_us,
            "names": [_name(event, value, last, context) for value in values],
            "shown": [f"{key(last)}: {describe(value)}" for value in values] if writes else [],
            "deed": digest(event.data.tool_name.encode() + canonical(arguments)) if writes else "",
        }
    )
    del state.running[:-MAX_OPEN]
    return ()


def _name(event: ToolCall, value: Any, argument: str, context: Context) -> str:
    told = value if isinstance(value, str) else canonical(value).decode()
    kind = "" if "/" in told or ":" in told else argument
    return context.keys.name(context.session.tenant_id, "resource", event.environment, kind, told)


def _end(state: ResourceWritesState, event: ToolResult, tool: ToolPolicy, context: Context) -> Iterable[Said]:
    call = digest(event.data.tool_call_id)
    use = next((one for one in state.running if one["call"] == call), None)
    if use is None:
        return ()
    state.running.remove(use)
    outcome = outcome_of(event.data)
    if outcome == "failed":
        return ()
    if tool.effect == "read":
        for name in use["names"]:
            _know(state, name, "read", context.at_us)
        return ()
    said = [_told(state, use, place, event, tool, context) for place in range(len(use["names"]))]
    if outcome == "ok":
        for name in use["names"]:
            _know(state, name, "wrote", context.at_us)
    return said


def _know(state: ResourceWritesState, name: str, basis: Basis, at_us: int) -> None:
    short = digest(name)
    state.known.pop(short, None)
    state.known[short] = [at_us, basis]
    if len(state.known) > MAX_KNOWN:
        del state.known[next(iter(state.known))]


def _told(  # noqa: PLR0917 - one call, its result and its rules
    state: ResourceWritesState, use: OpenUse, place: int, event: ToolResult, tool: ToolPolicy, context: Context
) -> Told:
    session, name = context.session, use["names"][place]
    known_us, basis = state.known.get(digest(name), (0, ""))
    if not known_us:
        known_us, basis = max((session.started_us, "began"), (state.listed_us, "listed"))
    return Told(
        about=(use["event"], place),
        subject=subject_of("resource", session.tenant_id, session.origin, name),
        kind=ResourceWritten,
        values={
            "tool_name": event.data.tool_name,
            "effect": tool.effect,
            "event_id": use["event"],
            "called_at": from_us(use["us"]),
            "known_at": from_us(known_us),
            "basis": basis,
            "resource": use["shown"][place],
            "deed": use["deed"],
            "root_session_id": session.root_session_id or session.session_id,
            "parent_session_id": session.parent_session_id,
            "window_seconds": tool.conflict_window_seconds,
        },
    )


def _unjudged(state: ResourceWritesState, event: ToolCall, reason: str) -> Iterable[Said]:
    if state.unjudged:
        return ()
    state.unjudged = True
    name = event.data.tool_name
    return [
        Found(
            about=("unjudged", "resource"),
            severity="low",
            summary=f"Which resource {name} was used on is not known for all of this session: {reason}.",
            evidence=Unjudged(detector=ResourceWrites.rule_id, reason=reason, detail={"tool_name": name}),
        )
    ]
