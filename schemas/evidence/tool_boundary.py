"""Evidence of `tool_boundary`: tools used beyond their permission."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model

Denial: TypeAlias = Literal["unlisted", "agent", "effect"]
BoundRule: TypeAlias = Literal["minimum", "maximum", "number", "allowed", "pattern", "condition", "unevaluated"]


class ToolNotAllowed(Model):
    """A tool that this agent may not call.

    Attributes:
        reason: `unlisted`: the policy lists the tools that may be called, and this is none of them; `agent`: it is for
            other agents; `effect`: it changes what only may be read.
        agent_id: who called.
        effect: the tool's, as the policy says; empty where it is not listed.
        allowed: what would have been allowed: tools, agents or effects.
    """

    kind: Literal["tool_not_allowed"] = "tool_not_allowed"
    tool_name: str
    tool_call_id: str
    reason: Denial
    agent_id: str
    effect: str = ""
    allowed: list[str]


class BoundBreach(Model):
    """One limit that the arguments break.

    Attributes:
        rule: which limit; `number` where a number is wanted and none stood there; `condition` for one in CEL,
            `unevaluated` where the condition could not be evaluated.
        path: JSON pointer into the arguments; empty for a condition.
        expected: the limit, or the condition as it is written.
        got: what stood there, described; why a condition could not be evaluated.
        message: what the policy says about it.
    """

    rule: BoundRule
    path: str
    expected: str
    got: str
    message: str = ""


class ArgumentsOutOfBounds(Model):
    """A permitted tool, called with arguments beyond the policy's limits."""

    kind: Literal["arguments_out_of_bounds"] = "arguments_out_of_bounds"
    tool_name: str
    tool_call_id: str
    breaches: list[BoundBreach]
    more: Count = 0


class ResourceOutOfScope(Model):
    """A permitted tool, used on a resource that is not the agent's.

    Attributes:
        path: JSON pointer to the argument that names the resource.
        got: what stood there, described.
        allowed: the resources that are the agent's.
    """

    kind: Literal["resource_out_of_scope"] = "resource_out_of_scope"
    tool_name: str
    tool_call_id: str
    path: str
    got: str
    allowed: list[str]


class RateExceeded(Model):
    """More calls of a tool than its policy allows in a window.

    Attributes:
        per: over whose calls it is counted.
        limit: calls allowed in any `seconds`.
        above: calls so far that came when the limit was reached.
        lower_bound: whether there may be more: limits above 64 calls are counted coarsely, never too high.
        sessions: sessions that made such calls, the latest last; for limits over more than one session.
    """

    kind: Literal["rate_exceeded"] = "rate_exceeded"
    tool_name: str
    per: Literal["session", "agent", "tenant"]
    limit: Count
    seconds: float
    above: Count
    lower_bound: bool = False
    sessions: list[str] = []
