"""What a policy has against a call, before it is made: all that a guard can know without the events that follow.

The rules on tool boundaries, scope and approvals find afterwards what this says before, by the same functions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.approvals import (
    Asked,
    Given,
    Need,
    Shortfall,
    need_of,
    shortfall_of,
)
from watchkeeper.stream_processors.detection.argument_leaves import leaves_of
from watchkeeper.stream_processors.detection.boundaries import Crossing, crossings
from watchkeeper.stream_processors.detection.calls import Call
from watchkeeper.stream_processors.detection.fingerprints import short
from watchkeeper.stream_processors.detection.rate_windows import RateWindow, would_exceed
from watchkeeper.stream_processors.detection.refusals import Refusal, refusals_of


@dataclass(frozen=True, slots=True)
class Unapproved:
    """The call needs an approval that it has not.

    Attributes:
        need: why it needs one; `unknown` where the amount that decides is not among its arguments.
        shortfall: what is wrong with the approval that comes nearest; None where the amount is not known.
    """

    need: Need | Literal["unknown"]
    shortfall: Shortfall | None


@dataclass(frozen=True, slots=True)
class TooOften:
    """The call would be above the rate that its policy allows a session."""

    tool_name: str
    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class OverBudget:
    """The call would be above the calls that the job needs."""

    used: int
    budget: int


Objection = Crossing | Refusal | Unapproved | TooOften | OverBudget


def objections(
    call: Call,
    policy: AgentPolicy,
    *,
    at_us: int,
    given: Iterable[Given] = (),
    window: RateWindow | None = None,
    calls: int = 0,
) -> list[Objection]:
    """What the policy has against the call: nothing where it may be made.

    Args:
        call: as it would be made.
        policy: in force for the session.
        at_us: now.
        given: the session's approvals so far.
        window: of the tool's calls so far, for a rate limit over the session.
        calls: tool calls of the session so far.
    """
    tool = policy.tools.get(call.tool_name)
    found: list[Objection] = [*crossings(call, policy), *refusals_of(call, policy.goal, tool)]
    if tool is not None and tool.approval is not None:
        found += _unapproved(call, policy, at_us, given)
    limit = None if tool is None else tool.rate_limit
    if limit is not None and limit.per == "session" and window is not None and would_exceed(window, at_us, limit):
        found.append(TooOften(call.tool_name, limit.calls, limit.seconds))
    budget = policy.goal.tool_budget
    if budget is not None and calls >= budget:
        found.append(OverBudget(calls, budget))
    return found


def _unapproved(call: Call, policy: AgentPolicy, at_us: int, given: Iterable[Given]) -> list[Objection]:
    threshold = policy.tools[call.tool_name].approval
    if threshold is None:
        return []
    need = need_of(threshold, call.arguments)
    if need is None:
        return []
    if not isinstance(need, Need):
        return [Unapproved(need, None)]
    asked = Asked(
        call=short(call.call_id),
        tool_name=call.tool_name,
        leaves=leaves_of(call.arguments),
        us=at_us,
        agents=frozenset((call.agent_id.casefold(), policy.agent.casefold())),
    )
    judged = shortfall_of(given, asked, threshold.approvers)
    return [Unapproved(need, judged)] if isinstance(judged, Shortfall) else []
