"""What is unwise in a policy that can be read: each piece of advice with its field and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from watchkeeper.cli.policies.usual_ranges import CAPPED_SHARE, GOAL_SENTENCES, NARROW_JOB, USUAL_CAPS
from watchkeeper.schemas.policy import CAP_NAMES, DEFAULT_CAPS, AgentPolicy
from watchkeeper.schemas.policy_file import WrittenPolicy
from watchkeeper.schemas.yaml_document import Path

AdviceCode = Literal[
    "cap_missing",
    "cap_unusual",
    "goal_short",
    "goal_without_refusals",
    "irreversible_without_approval",
    "name_nearly_right",
    "never_reached",
    "tool_argument_unknown",
    "tool_schema_open",
    "tool_unexplained",
    "tool_unregistered",
    "tools_open",
]


@dataclass(frozen=True, slots=True)
class Advice:
    """One warning.

    Attributes:
        code: what kind of advice it is, for machines.
        path: the field.
        text: what is unwise, and what to write instead.
    """

    code: AdviceCode
    path: Path
    text: str


def advice_on(written: WrittenPolicy) -> Iterator[Advice]:
    """What can be said of a policy by itself; `tool_schemas` and `goal_fit` say the rest."""
    policy = written.policy
    yield from _on_goal(policy)
    yield from _on_caps(written)
    yield from _on_tools(policy)
    yield from _on_names(policy)


_SENTENCE = re.compile(r"[^.!?;\n]+")


def sentences_of(statement: str) -> int:
    """How many sentences, or lines of a list, a goal has: pieces of at least two words."""
    return sum(1 for piece in _SENTENCE.findall(statement) if len(piece.split()) >= 2)


def _on_goal(policy: AgentPolicy) -> Iterator[Advice]:
    goal = policy.goal
    count = sentences_of(goal.statement)
    if count < GOAL_SENTENCES:
        yield Advice(
            "goal_short",
            ("goal", "statement"),
            f"the goal has {count} of at least {GOAL_SENTENCES} sentences: say what the agent is for, for whom, where "
            "its job ends, when it hands over to a person, and what a good result is",
        )
    if not (goal.refuses_tools or goal.refuses_actions or goal.refuses_resources):
        yield Advice(
            "goal_without_refusals",
            ("goal",),
            "the goal refuses nothing: name tools, actions or resources under refuses_tools, refuses_actions or "
            "refuses_resources",
        )
    if goal.tool_budget is not None and not NARROW_JOB.holds(goal.tool_budget):
        yield Advice(
            "cap_unusual",
            ("goal", "tool_budget"),
            f"{goal.tool_budget} is outside what narrow jobs need, {NARROW_JOB}: leave it out where the job is not "
            "narrow",
        )


def _on_caps(written: WrittenPolicy) -> Iterator[Advice]:
    caps = written.policy.caps
    for name in CAP_NAMES:
        value, usual, path = getattr(caps, name), USUAL_CAPS.get(name), ("caps", name)
        if value is None:
            yield Advice("cap_missing", path, f"nothing limits a session's {_words(name)}: write a cap")
        elif path not in written.document.spots:
            default = getattr(DEFAULT_CAPS, name)
            yield Advice("cap_missing", path, f"is not written, so the default of {default:g} holds: write it")
        elif usual is not None and not usual.holds(value):
            yield Advice("cap_unusual", path, f"{value:g} is outside the usual {usual}")
    share = written.policy.thresholds.capped_sessions_share
    if share > CAPPED_SHARE:
        yield Advice(
            "cap_unusual",
            ("thresholds", "capped_sessions_share"),
            f"an agent of which more than {CAPPED_SHARE:.0%} of the sessions hit a cap needs another design: {share:g} "
            "tells it late",
        )


def _on_tools(policy: AgentPolicy) -> Iterator[Advice]:
    if policy.tools and policy.allow_unlisted_tools:
        yield Advice(
            "tools_open",
            ("allow_unlisted_tools",),
            "any tool that is registered may be called, listed or not: write allow_unlisted_tools: false",
        )
    for name, tool in policy.tools.items():
        if tool.effect == "irreversible" and tool.approval is None:
            yield Advice(
                "irreversible_without_approval",
                ("tools", name),
                "cannot be undone, and no call of it needs a person's approval: write approval: {argument: …, above: "
                "…}, or approval: {} for every call",
            )
        if tool.timeout_seconds is not None and _above(tool.timeout_seconds, policy.caps.wall_clock_seconds):
            yield Advice(
                "never_reached",
                ("tools", name, "timeout_seconds"),
                f"{tool.timeout_seconds:g} is longer than a session may take (caps.wall_clock_seconds)",
            )
        limit = tool.rate_limit
        if limit is not None and limit.per == "session" and _above(limit.calls, policy.caps.tool_calls):
            yield Advice(
                "never_reached",
                ("tools", name, "rate_limit", "calls"),
                f"{limit.calls} is more than all calls of a session (caps.tool_calls)",
            )
    day = policy.budgets.per_day_usd
    if day is not None and _above(policy.caps.cost_usd, day):
        yield Advice(
            "never_reached",
            ("caps", "cost_usd"),
            f"one session may spend more than the agent's whole day (budgets.per_day_usd is {day:g})",
        )


def _on_names(policy: AgentPolicy) -> Iterator[Advice]:
    """Names that rules give to tools, where `tools` does not list all there are."""
    if not policy.allow_unlisted_tools:
        return
    named: list[tuple[Path, str]] = [
        (("constraints", index, "tool"), rule.tool) for index, rule in enumerate(policy.constraints) if rule.tool
    ]
    named += [(("leaks", "sinks", index), name) for index, name in enumerate(policy.leaks.sinks)]
    named += [
        (("injection", "trusted_tools", index), name) for index, name in enumerate(policy.injection.trusted_tools)
    ]
    for path, name in named:
        near = get_close_matches(name, policy.tools, n=1) if "*" not in name and name not in policy.tools else []
        if near:
            yield Advice("name_nearly_right", path, f"{name} is not among `tools`: did you mean {near[0]}?")


def _above(value: float | None, limit: float | None) -> bool:
    return value is not None and limit is not None and value > limit


def _words(cap: str) -> str:
    return {"wall_clock_seconds": "seconds", "cost_usd": "cost"}.get(cap, cap.replace("_", " "))
