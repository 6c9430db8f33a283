"""Tools used beyond their permission.

What it sees. Each tool call against the session's policy:

- a tool that the agent may not call (`tool_not_allowed`, high): not listed where `allow_unlisted_tools` is false, for
  other agents (`tools[name].agents`), or with an effect that is not among `allowed_effects`;
- a resource that is not the agent's (`resource_out_of_scope`, high): `tools[name].allowed_resources`;
- arguments beyond a limit (`arguments_out_of_bounds`; high where the tool changes something, medium where it reads):
  `tools[name].bounds` by argument, `tools[name].require` in CEL;
- more calls than its rate allows within this session (`rate_exceeded`, medium): `tools[name].rate_limit` with
  `per: session`. Limits over an agent or a tenant are `rate_limits`, in stage 2: for these each call is a signal.

Each call is judged for itself; a rate's episode is one finding. What the guard refused (`rejected`) did not happen: the
finding is taken back and the call not counted. Without a policy that limits something nothing is said.

Method. `boundaries.crossings`, a pure function that a guard may ask before the call. Limits fail closed: a condition
that cannot be evaluated is broken, and so is a bound on numbers by what is no number. Rates by a sliding window, exact
up to 64 calls (`rate_windows`). Where limits need arguments that were not recorded, `unjudged` says so once for each
tool. A tool that was never registered, and arguments whose types its schema rejects, are `hallucinated_tool`'s
business and not told twice.

Parameters: all from the policy.

What it gets wrong. Agents are told apart by the `agent_id` that the runtime gives: one that lies about it is not seen.
A path that a tool resolves in its own way (links, aliases) may lead out of what is allowed. A tool that the runtime
registers under another name than the policy lists is accused. Calls that a tool's own server refused, told as `error`,
are findings all the same: the agent tried. Values that the producer masked are judged as masked. Calls that come late
are not counted for rates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from watchkeeper.schemas.events import Event, EventType, ToolCall, ToolResult
from watchkeeper.schemas.evidence import ArgumentsOutOfBounds, RateExceeded, ResourceOutOfScope, Unjudged
from watchkeeper.schemas.policy import AgentPolicy, RateLimit, ToolPolicy
from watchkeeper.schemas.signals import RatedCall, subject_of
from watchkeeper.stream_processors.detection.boundaries import Crossing, crossings, looks_at_arguments
from watchkeeper.stream_processors.detection.calls import Call, call_of
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Notice, Said, Told
from watchkeeper.stream_processors.detection.fingerprints import digest, short
from watchkeeper.stream_processors.detection.rate_windows import EXACT, RateWindow, new_window, take, take_back
from watchkeeper.stream_processors.detection.session_rules.kept_findings import Kept, keep, never_ran, settle

_OF_TYPES = frozenset({"number", "unevaluated"})

MAX_TOOLS = 16
"""Rate limited tools that are counted, and tools that are told as not judged; a policy that limits more is rare."""

MAX_RUNNING = 16
"""Calls that are counted and not answered yet."""


@dataclass(slots=True)
class ToolBoundaryState:
    """What is kept between events.

    Attributes:
        kept: findings whose calls wait for their results.
        windows: of rate limited tools.
        running: `[call, tool, time]` of counted calls without a result.
        unjudged: tools that were told as not judged.
    """

    kept: list[Kept] = field(default_factory=list)
    windows: dict[str, RateWindow] = field(default_factory=dict)
    running: list[tuple[str, str, int]] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)


class ToolBoundary(Detector[ToolBoundaryState]):
    """See the module."""

    rule_id = "tool_boundary"
    failure_mode = "tool_boundary"
    listens = frozenset({"tool_call", "tool_result"})
    state_type = ToolBoundaryState

    def concerns(self, context: Context) -> frozenset[EventType]:
        """See `Detector.concerns`: a policy that limits no tool."""
        policy = context.policy
        limits = not policy.allow_unlisted_tools or any(_is_limited(tool, policy) for tool in policy.tools.values())
        return self.listens if limits else frozenset()

    def step(self, state: ToolBoundaryState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is ToolCall:
            policy = context.policy
            name = event.data.tool_name
            declared = policy.tools.get(name)
            if policy.allow_unlisted_tools if declared is None else not _is_limited(declared, policy):
                return ()
            found = _judge(state, event, context)
            counted = () if declared is None or declared.rate_limit is None else _rate(state, event, context)
            said = [*found, *counted]
            if said:
                held = [one for one in said if isinstance(one, Found) and one.evidence.kind != "unjudged"]
                keep(state.kept, event.data.tool_call_id, event.event_id, context.at_us, held)
            return said
        if type(event) is ToolResult and (state.kept or state.running):
            _uncount(state, event, context)
            return settle(state.kept, event)
        return ()

    def sequence(self, state: ToolBoundaryState, event: Event, notice: Notice, context: Context) -> Iterable[Said]:
        """See `Detector.sequence`: a call that came late is beyond its permission as any."""
        return _judge(state, event, context) if notice.kind == "filled" and type(event) is ToolCall else ()


def _is_limited(tool: ToolPolicy, policy: AgentPolicy) -> bool:
    return bool(
        tool.agents is not None
        or policy.allowed_effects is not None
        or tool.rate_limit is not None
        or looks_at_arguments(tool)
    )


def _judge(state: ToolBoundaryState, event: ToolCall, context: Context) -> list[Found]:
    if context.tools is not None and event.data.tool_name not in context.tools:
        return []
    policy = context.policy
    declared = policy.tools.get(event.data.tool_name)
    call = call_of(event, context)
    crossed = [crossing for crossing in crossings(call, policy) if not _told_elsewhere(crossing, call, context)]
    found = [_found(event, crossing, context) for crossing in crossed]
    if call.unknown is not None and declared is not None and looks_at_arguments(declared):
        found += _unjudged(state, call, call.unknown)
    return found


def _told_elsewhere(crossing: Crossing, call: Call, context: Context) -> bool:
    """Whether nothing is wrong but that the arguments are of the wrong types, which `hallucinated_tool` tells."""
    if not isinstance(crossing, ArgumentsOutOfBounds) or context.tools is None:
        return False
    if any(breach.rule not in _OF_TYPES for breach in crossing.breaches):
        return False
    validator = context.tools.validator(call.tool_name)
    try:
        return validator is not None and not validator.is_valid(call.arguments)
    except ValueError:
        return False


def _found(event: ToolCall, crossing: Crossing, context: Context) -> Found:
    declared = context.policy.tools.get(crossing.tool_name)
    milder = isinstance(crossing, ArgumentsOutOfBounds) and declared is not None and declared.effect == "read"
    return Found(
        about=(event.event_id, crossing.kind, getattr(crossing, "reason", "")),
        severity="medium" if milder else "high",
        summary=_summary(crossing),
        evidence=crossing,
    )


def _summary(crossing: Crossing) -> str:
    tool = crossing.tool_name
    if isinstance(crossing, ArgumentsOutOfBounds):
        first = crossing.breaches[0]
        if first.path:
            return f"The agent called {tool} beyond its bounds: at {first.path}, {first.expected} is allowed."
        return (
            f"The agent called {tool} though its policy's condition does not hold: {first.message or first.expected}."
        )
    if isinstance(crossing, ResourceOutOfScope):
        return f"The agent used {tool} on a resource that is not among those it is allowed, at {crossing.path}."
    if crossing.reason == "unlisted":
        return f"The agent called {tool}, which its policy does not list."
    if crossing.reason == "agent":
        return f"{crossing.agent_id} called {tool}, which is for other agents."
    return f"The agent called {tool}, whose effect is {crossing.effect}; it is allowed {', '.join(crossing.allowed)}."


def _rate(state: ToolBoundaryState, event: ToolCall, context: Context) -> Iterable[Said]:
    name = event.data.tool_name
    limit = context.policy.tools[name].rate_limit
    if limit is None:
        return ()
    if limit.per != "session":
        return [_signal(event, context, limit)]
    key = short(name)
    if key not in state.windows and len(state.windows) >= MAX_TOOLS:
        return _no_room(state, name)
    window = state.windows.setdefault(key, new_window())
    state.running.append((short(event.data.tool_call_id), key, context.at_us))
    del state.running[:-MAX_RUNNING]
    if not take(window, context.at_us, event.event_id, limit):
        return ()
    word = "call" if window["above"] == 1 else "calls"
    return [
        Found(
            about=("rate", name, window["first"]),
            severity="medium",
            summary=(
                f"{window['above']} {word} of {name} above the {limit.calls} that its policy allows "
                f"a session in {limit.seconds:g} s."
            ),
            evidence=RateExceeded(
                tool_name=name,
                per="session",
                limit=limit.calls,
                seconds=limit.seconds,
                above=window["above"],
                lower_bound=limit.calls > EXACT,
            ),
            first_event_id=window["first"],
            first_us=window["first_us"],
            revision=window["revision"],
        )
    ]


def _signal(event: ToolCall, context: Context, limit: RateLimit) -> Told:
    session, name = context.session, event.data.tool_name
    over = short(f"{session.agent_id}/{name}") if limit.per == "agent" else short(name)
    return Told(
        about=(event.event_id,),
        subject=subject_of("tool", session.tenant_id, session.origin, f"rate/{limit.per}/{over}"),
        kind=RatedCall,
        values={"tool_name": name, "event_id": event.event_id, "limit": limit},
    )


def _uncount(state: ToolBoundaryState, event: ToolResult, context: Context) -> None:
    """A call is answered; one that never ran is not counted."""
    call_id = short(event.data.tool_call_id)
    for position, (known, key, at_us) in enumerate(state.running):
        if known == call_id:
            del state.running[position]
            declared = context.policy.tools.get(event.data.tool_name)
            if never_ran(event) and declared is not None and declared.rate_limit is not None:
                take_back(state.windows[key], at_us, declared.rate_limit)
            return


def _no_room(state: ToolBoundaryState, name: str) -> list[Found]:
    return _told_once(state, name, f"more than {MAX_TOOLS} tools have rate limits: {name} is not counted")


def _unjudged(state: ToolBoundaryState, call: Call, reason: str) -> list[Found]:
    return _told_once(state, call.tool_name, f"{call.tool_name} could not be held to its limits: {reason}")


def _told_once(state: ToolBoundaryState, name: str, reason: str) -> list[Found]:
    known = digest(name)
    if known in state.unjudged or len(state.unjudged) >= MAX_TOOLS:
        return []
    state.unjudged.append(known)
    return [
        Found(
            about=("unjudged", name),
            severity="low",
            summary=f"Calls of this session could not all be judged: {reason}.",
            evidence=Unjudged(detector=ToolBoundary.rule_id, reason=reason, detail={"tool_name": name}),
        )
    ]
