"""Calls of tools that do not exist, and of tools that do with arguments they do not take.

What it sees. Each tool call against the tools registered at `session_started`:

- a name that is not among them (`unknown_tool`, high), with the registered names most like it;
- arguments that the tool's JSON Schema rejects (`invalid_arguments`, medium): each place with path, keyword, what
  was expected and what stood there;
- keys that the schema permits but does not declare (`unknown_arguments`, low): most runtimes hand them to a
  function that refuses them, and many schemas leave out `additionalProperties: false`.

Each finding is revised when a later call tells what the agent made of it (`follow_up`): `corrected` where it called the
registered tool that was meant, or the same tool with arguments that its schema takes; `repeated` where it made the same
mistake again; `dropped` where its next three calls were about something else.

What it could not look at it says once for each session and reason (`unjudged`): a list of tools or a policy that is
absent or unreadable, a schema that does not compile, arguments that were not recorded or are too long to travel
with their event. Where the runtime does not know its tools (`tools` absent) there is nothing to say.

Method. Names by exact comparison; nearest ones by the edit similarity of `difflib`, at least 0.5. Arguments by
jsonschema-rs under the draft that the schema names (2020-12 without), formats as annotations, no references out of
the document. Arguments given as a JSON text are read first; a text that is no JSON is invalid for a tool with a
schema.

Parameters: `corrections.MAX_CALLS` (3) calls tell what followed: agents look something up before they try again;
`violations.MAX_VIOLATIONS` (8) places are told one by one, the rest is counted.

What it gets wrong. A runtime that registers tools while the session runs, and does not say so by another
`session_started`, is accused of calling unknown ones. Arguments that a schema allows and the runtime refuses are not
its business (they show as failing results). A tool with a schema that is stricter than its runtime is accused
although the call worked. Values that the producer masked are judged as masked. Of calls that are made at once, the
second passes for what followed the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs
import orjson

from watchkeeper.schemas.events import Event, ToolCall
from watchkeeper.schemas.evidence import InvalidArguments, SchemaViolation, Unjudged, UnknownArguments, UnknownTool
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Notice, Said
from watchkeeper.stream_processors.detection.fingerprints import digest
from watchkeeper.stream_processors.detection.session_rules.corrections import Mistake, follow, remember
from watchkeeper.stream_processors.detection.session_rules.hallucinations import Hallucination, found_of
from watchkeeper.stream_processors.detection.session_rules.violations import MAX_KEYS, describe, key, violations_of
from watchkeeper.stream_processors.detection.tools import ToolRegistry

MAX_REASONS = 32
"""Reasons not to judge that a session is told; each is a finding."""

MAX_KNOWN = 32
"""Declared names that a finding lists."""


@dataclass(slots=True)
class HallucinatedToolState:
    """What is kept between events.

    Attributes:
        told: reasons not to judge that were told.
        mistakes: calls of which nobody knows yet what followed.
    """

    told: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


class HallucinatedTool(Detector[HallucinatedToolState]):
    """See the module."""

    rule_id = "hallucinated_tool"
    failure_mode = "hallucinated_tool"
    listens = frozenset({"session_started", "tool_call"})
    state_type = HallucinatedToolState

    def step(self, state: HallucinatedToolState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        said: Iterable[Said] = ()
        if context.unusable:
            said = [one for why in context.unusable for one in _unjudged(state, why.reason)]
        if type(event) is ToolCall and context.tools is not None:
            judged = _judge(state, event, context.tools, context.at_us)
            if judged or state.mistakes:
                judged = _follow(state, event, judged, context.at_us)
            said = [*said, *judged] if said else judged
        return said

    def sequence(self, state: HallucinatedToolState, event: Event, notice: Notice, context: Context) -> Iterable[Said]:
        """See `Detector.sequence`: a call that came late is as wrong as any; what followed it is not known."""
        if notice.kind != "filled":
            return ()
        said = [one for why in context.unusable for one in _unjudged(state, why.reason)]
        if type(event) is ToolCall and context.tools is not None:
            said += _judge(state, event, context.tools, context.at_us)
        return said


def _follow(state: HallucinatedToolState, event: ToolCall, judged: list[Found], at_us: int) -> list[Found]:
    """What was found about the call, and what the call tells of those before it."""
    wrong = next((one.evidence for one in judged if isinstance(one.evidence, Hallucination)), None)
    found = [*judged, *follow(state.mistakes, event, wrong)]
    if wrong is not None:
        remember(state.mistakes, event, at_us, wrong)
    return found


def _judge(state: HallucinatedToolState, event: ToolCall, tools: ToolRegistry, at_us: int) -> list[Found]:
    name = event.data.tool_name
    if name not in tools:
        if tools.unreadable:
            return _unjudged(state, f"{tools.unreadable} entries of the list of tools are in no known shape", name)
        return [found_of(_unknown_tool(event, tools), event.event_id, at_us)]
    validator = tools.validator(name)
    if validator is not None:
        found = _judge_arguments(event, validator, tools.known_arguments(name))
        if isinstance(found, str):
            return _unjudged(state, found, name)
        return [] if found is None else [found_of(found, event.event_id, at_us)]
    if name in tools.unusable:
        return _unjudged(state, f"the schema of {name} does not compile: {tools.unusable[name]}", name)
    return []


def _judge_arguments(
    event: ToolCall, validator: jsonschema_rs.Validator, known: frozenset[str] | None
) -> Hallucination | str | None:
    """What is wrong with the arguments; a text where they cannot be judged."""
    why_not = _why_not(event)
    if why_not is not None:
        return why_not
    try:
        arguments = _arguments(event)
        valid = validator.is_valid(arguments)
    except orjson.JSONDecodeError:
        return _invalid(event, [_no_json(event.data.arguments)], 0)
    except ValueError as error:
        return f"the validator cannot read the arguments: {type(error).__name__}"
    if not valid:
        return _invalid(event, *violations_of(validator, arguments))
    if known is None or not isinstance(arguments, dict) or known.issuperset(arguments):
        return None
    return _unknown_arguments(event, arguments, known)


def _why_not(event: ToolCall) -> str | None:
    content = event.data.arguments_content
    if content is not None:
        return "arguments too long to travel with their call are not validated" if content.text is None else None
    return "arguments were not recorded" if event.data.arguments is None else None


def _arguments(event: ToolCall) -> Any:
    data = event.data
    if data.arguments_content is not None:
        return orjson.loads(data.arguments_content.text or "{}")
    return orjson.loads(data.arguments or "{}") if isinstance(data.arguments, str) else data.arguments


def _unknown_tool(event: ToolCall, tools: ToolRegistry) -> UnknownTool:
    name = event.data.tool_name
    return UnknownTool(
        tool_name=name,
        tool_call_id=event.data.tool_call_id,
        nearest=tools.nearest(name),
        registered=len(tools.names),
    )


def _invalid(event: ToolCall, violations: list[SchemaViolation], more: int) -> InvalidArguments:
    return InvalidArguments(
        tool_name=event.data.tool_name, tool_call_id=event.data.tool_call_id, violations=violations, more=more
    )


def _unknown_arguments(event: ToolCall, arguments: dict[str, Any], known: frozenset[str]) -> UnknownArguments:
    return UnknownArguments(
        tool_name=event.data.tool_name,
        tool_call_id=event.data.tool_call_id,
        keys=[key(name) for name in arguments if name not in known][:MAX_KEYS],
        known=sorted(known)[:MAX_KNOWN],
    )


def _unjudged(state: HallucinatedToolState, reason: str, tool_name: str | None = None) -> list[Found]:
    key_of_reason = digest(reason)
    if key_of_reason in state.told or len(state.told) >= MAX_REASONS:
        return []
    state.told.append(key_of_reason)
    return [
        Found(
            about=("unjudged", reason),
            severity="low",
            summary=f"Tool calls of this session could not all be judged: {reason}.",
            evidence=Unjudged(
                detector=HallucinatedTool.rule_id,
                reason=reason,
                detail={} if tool_name is None else {"tool_name": tool_name},
            ),
        )
    ]


def _no_json(text: Any) -> SchemaViolation:
    return SchemaViolation(path="", keyword="json", expected="a JSON object", got=f"{describe(text)} that is no JSON")
