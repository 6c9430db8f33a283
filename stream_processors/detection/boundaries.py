"""Whether a policy permits a tool call: pure, so that a guard may ask before the call is made.

Every limit fails closed. What stands where a number is wanted and is none, breaks the limit; so does a call of which
a condition cannot be evaluated. An argument that is absent or null breaks no bound: whether it may be absent is for
the tool's schema to say, and a condition may ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, TypeAlias

import orjson

from watchkeeper.schemas.argument_paths import values_at
from watchkeeper.schemas.evidence import ArgumentsOutOfBounds, BoundBreach, ResourceOutOfScope, ToolNotAllowed
from watchkeeper.schemas.evidence.tool_boundary import BoundRule, Denial
from watchkeeper.schemas.expressions import ExpressionError, compile_condition
from watchkeeper.schemas.patterns import compile_pattern
from watchkeeper.schemas.policy import AgentPolicy, Bound, ToolPolicy
from watchkeeper.schemas.policy_tools import CALL_VARIABLES, Requirement
from watchkeeper.schemas.wildcards import covers, permits
from watchkeeper.stream_processors.detection.calls import Call
from watchkeeper.stream_processors.detection.session_rules.violations import describe, key

MAX_BREACHES = 8
"""Told one by one; the rest is counted."""

MAX_COUNTED = 1000

MAX_LISTED = 32
"""Of what would have been allowed."""

_MAX_TEXT = 200
_ABSENT = re.compile(r'Key not found in map : "([^"]*)"')
_REASONS = {
    "No matching overloads": "an argument is of another type",
    "Applying SELECT": "an argument is no object",
    "out of range": "a number is too large",
    "divide by zero": "it divides by zero",
    "budget exceeded": "it loops over too many values",
}
_NUMBER = re.compile(r"[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,3})?")

Crossing: TypeAlias = ToolNotAllowed | ArgumentsOutOfBounds | ResourceOutOfScope


def looks_at_arguments(tool: ToolPolicy) -> bool:
    """Whether the tool's limits need the arguments."""
    return bool(tool.bounds or tool.require or tool.allowed_resources is not None)


def crossings(call: Call, policy: AgentPolicy) -> list[Crossing]:
    """What the call would break: nothing where it is permitted.

    Args:
        call: where its arguments are not known (`unknown`), what needs them is not judged.
        policy: of the agent whose session it is.
    """
    tool = policy.tools.get(call.tool_name)
    if tool is None:
        return [] if policy.allow_unlisted_tools else [_not_allowed(call, "unlisted", sorted(policy.tools), "")]
    found: list[Crossing] = []
    if tool.agents is not None and not any(covers(pattern, call.agent_id) for pattern in tool.agents):
        found.append(_not_allowed(call, "agent", tool.agents, tool.effect))
    if policy.allowed_effects is not None and tool.effect not in policy.allowed_effects:
        found.append(_not_allowed(call, "effect", list(policy.allowed_effects), tool.effect))
    if call.unknown is None and looks_at_arguments(tool):
        found += _of_arguments(call, tool)
    return found


def _of_arguments(call: Call, tool: ToolPolicy) -> Iterator[Crossing]:
    if tool.allowed_resources is not None and tool.resource is not None:
        for pointer, value in values_at(call.arguments, tool.resource):
            named = value if isinstance(value, str) else orjson.dumps(value).decode()
            if value is not None and not permits(tool.allowed_resources, named):
                yield ResourceOutOfScope(
                    tool_name=call.tool_name,
                    tool_call_id=call.call_id,
                    path=pointer,
                    got=describe(value),
                    allowed=tool.allowed_resources[:MAX_LISTED],
                )
                break
    breaches = islice(_breaches(call, tool), MAX_BREACHES + MAX_COUNTED)
    told = list(islice(breaches, MAX_BREACHES))
    if told:
        yield ArgumentsOutOfBounds(
            tool_name=call.tool_name, tool_call_id=call.call_id, breaches=told, more=sum(1 for _ in breaches)
        )


def _breaches(call: Call, tool: ToolPolicy) -> Iterator[BoundBreach]:
    for path, bound in tool.bounds.items():
        for pointer, value in values_at(call.arguments, path):
            if value is not None and (broken := _broken(bound, value)) is not None:
                rule, expected = broken
                yield BoundBreach(rule=rule, path=pointer, expected=_shortened(expected), got=describe(value))
    for required in tool.require:
        breach = _unmet(required, call)
        if breach is not None:
            yield breach


def _broken(bound: Bound, value: Any) -> tuple[BoundRule, str] | None:
    """The first limit that the value breaks, and what it asks for."""
    if bound.minimum is not None or bound.maximum is not None:
        number = number_of(value)
        if number is None:
            return "number", "a number"
        if bound.minimum is not None and number < bound.minimum:
            return "minimum", f"a number of at least {bound.minimum:g}"
        if bound.maximum is not None and number > bound.maximum:
            return "maximum", f"a number of at most {bound.maximum:g}"
    if bound.allowed is not None and not any(_same(value, one) for one in bound.allowed):
        return "allowed", "one of " + orjson.dumps(bound.allowed).decode()
    if bound.pattern is not None and not _matches(bound.pattern, value):
        return "pattern", f"a text that matches {bound.pattern}"
    return None


def _unmet(required: Requirement, call: Call) -> BoundBreach | None:
    values = {
        "args": call.arguments,
        "agent": call.agent_id,
        "user": call.user_id,
        "customer": call.customer_id,
        "environment": call.environment,
    }
    rule: BoundRule
    try:
        if compile_condition(required.condition, CALL_VARIABLES).holds(values):
            return None
        rule, got = "condition", "false"
    except ExpressionError as error:
        rule, got = "unevaluated", _why(str(error))
    return BoundBreach(
        rule=rule, path="", expected=_shortened(required.condition), got=_shortened(got), message=required.message
    )


def _why(error: str) -> str:
    """Why a condition could not be evaluated, in words that hold no value: CEL's own may quote one."""
    for sign, words in _REASONS.items():
        if sign in error:
            return words
    absent = _ABSENT.search(error)
    return f"the argument {key(absent[1])} is absent" if absent else "it has no value of the type that it compares"


def number_of(value: Any) -> float | None:
    """A number, also one in quotes; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    return None


def _matches(pattern: str, value: Any) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = orjson.dumps(value).decode()
    return isinstance(value, str) and compile_pattern(pattern).matches(value)


def _same(one: Any, other: Any) -> bool:
    """Equality as JSON has it: 1 is 1.0, and true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _not_allowed(call: Call, reason: Denial, allowed: list[str], effect: str) -> ToolNotAllowed:
    return ToolNotAllowed(
        tool_name=call.tool_name,
        tool_call_id=call.call_id,
        reason=reason,
        agent_id=call.agent_id,
        effect=effect,
        allowed=allowed[:MAX_LISTED],
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
