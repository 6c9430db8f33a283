"""Calls that the agent's goal refuses, and more of them than its job needs.

What it sees. Each tool call against the goal of the session's policy:

- tools, resources and actions that it refuses (`refused_action`, high), one finding for each refusal, told again when
  its calls have doubled, taken back where the guard refused the call;
- more calls than `tool_budget` (`tool_budget_exceeded`, medium), once, and told again when they have doubled.

Method. `refusals.refusals_of`, a pure function that a guard may ask before the call: names with wildcards, and a
careful comparison of words for actions. Reading what is refused is refused as well. The budget counts calls begun, as
the cap does. Without refusals and budget nothing is said: what only the goal's statement tells is
`unexplained_action`'s.

Parameters: `goal.refuses_tools`, `goal.refuses_resources`, `goal.refuses_actions`, `goal.tool_budget` of the policy.
The shares of words in `refusals` are such that all of a short sentence's nouns, or half of a long one's, must be there.

What it gets wrong. Actions in other words than the policy's and the tool's ("Forgive debts" and `write_off`) are not
seen, nor are those under a condition. A refused action is found by its words even where the agent speaks of declining
it, in a message that says both. Texts that do not travel with their event are not searched for resources.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.schemas.events import Event, EventType, ToolCall, ToolResult
from watchkeeper.schemas.evidence import BudgetExceeded, RefusedAction
from watchkeeper.schemas.policy import Goal
from watchkeeper.stream_processors.detection.calls import call_of
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said
from watchkeeper.stream_processors.detection.fingerprints import digest
from watchkeeper.stream_processors.detection.refusals import Refusal, refusals_of
from watchkeeper.stream_processors.detection.session_rules.kept_findings import Kept, keep, settle

MAX_REFUSALS = 12
"""Refusals of one session that are told."""


@dataclass(slots=True)
class ScopeCreepState:
    """What is kept between events.

    Attributes:
        refused: by the digest of the refusal: the first call's event, how many there were, the revision told.
        above: calls above the budget at which it is told again.
        revision: of the budget's finding, -1 before.
        first: the call that went above the budget, and its time.
        kept: findings whose calls wait for their results.
    """

    refused: dict[str, list[Any]] = field(default_factory=dict)
    above: int = 1
    revision: int = -1
    first: list[Any] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)


class ScopeCreep(Detector[ScopeCreepState]):
    """See the module."""

    rule_id = "scope_creep"
    failure_mode = "scope_creep"
    rule_version = 2
    listens = frozenset({"tool_call", "tool_result"})
    state_type = ScopeCreepState

    def concerns(self, context: Context) -> frozenset[EventType]:
        """See `Detector.concerns`: a goal that refuses nothing and needs any number of calls."""
        goal = context.policy.goal
        limits = goal.refuses_tools or goal.refuses_resources or goal.refuses_actions or goal.tool_budget is not None
        return self.listens if limits else frozenset()

    def step(self, state: ScopeCreepState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is ToolResult:
            return settle(state.kept, event) if state.kept else ()
        if type(event) is not ToolCall:
            return ()
        goal = context.policy.goal
        said: list[Said] = []
        if goal.refuses_tools or goal.refuses_resources or goal.refuses_actions:
            said += _refused(state, event, goal, context)
        if goal.tool_budget is not None and context.session.totals.tool_calls > goal.tool_budget:
            said += _beyond_budget(state, event, goal.tool_budget, context)
        return said


def _refused(state: ScopeCreepState, event: ToolCall, goal: Goal, context: Context) -> list[Found]:
    call = call_of(event, context)
    found = []
    for refusal in refusals_of(call, goal, context.policy.tools.get(call.tool_name)):
        known = digest(f"{refusal.by}/{refusal.entry}/{call.tool_name}")
        if known not in state.refused and len(state.refused) >= MAX_REFUSALS:
            continue
        told = state.refused.setdefault(known, [event.event_id, context.at_us, 0, -1])
        told[2] += 1
        if told[2] & (told[2] - 1):
            continue
        told[3] += 1
        found.append(_found(event, refusal, told))
    if found:
        keep(state.kept, call.call_id, event.event_id, context.at_us, found)
    return found


def _found(event: ToolCall, refusal: Refusal, told: list[Any]) -> Found:
    name = event.data.tool_name
    words = {
        "tool": f"The agent called {name}, which its goal refuses.",
        "resource": f"The agent used {name} on what its goal refuses: {refusal.entry}.",
        "action": f"The agent called {name}, and its goal refuses that: {refusal.entry}",
    }
    return Found(
        about=(refusal.by, refusal.entry, name),
        severity="high",
        summary=words[refusal.by],
        evidence=RefusedAction(
            tool_name=name,
            tool_call_id=event.data.tool_call_id,
            by=refusal.by,
            refusal=refusal.entry,
            path=refusal.path,
            calls=told[2],
        ),
        first_event_id=told[0],
        first_us=told[1],
        revision=told[3],
    )


def _beyond_budget(state: ScopeCreepState, event: ToolCall, budget: int, context: Context) -> list[Found]:
    used = context.session.totals.tool_calls
    if used - budget < state.above:
        return []
    while state.above <= used - budget:
        state.above *= 2
    state.revision += 1
    state.first = state.first or [event.event_id, context.at_us]
    return [
        Found(
            about=("tool_budget",),
            severity="medium",
            summary=f"The session made {used} tool calls: its job needs {budget}.",
            evidence=BudgetExceeded(used=used, budget=budget, cap=context.caps.tool_calls),
            first_event_id=state.first[0],
            first_us=state.first[1],
            revision=state.revision,
        )
    ]
