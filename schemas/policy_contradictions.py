"""What each field of a policy permits and all of them together do not: told when the file is read, with the remedy.

A worker does not ask for it: a policy that says two things is judged by both, as it was before these were told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any

from watchkeeper.schemas.patterns import compile_pattern
from watchkeeper.schemas.policy import AgentPolicy, Bound, Budgets
from watchkeeper.schemas.wildcards import covers

Place = tuple[str | int, ...]
Contradiction = tuple[Place, str]


def contradictions(policy: AgentPolicy) -> Iterator[Contradiction]:
    """What cannot hold together: the field's path, and one sentence with the remedy."""
    yield from _of_budgets(policy.budgets)
    yield from _of_tools(policy)
    if not policy.allow_unlisted_tools:
        yield from _of_listed_tools(policy)
    yield from _of_sinks(policy)
    for index, path in enumerate(policy.masking.exempt):
        if path in policy.masking.fields:
            yield ("masking", "exempt", index), f"{path} stands in masking.fields too: keep one of them"


def _of_budgets(budgets: Budgets) -> Iterator[Contradiction]:
    for part, whole in (
        ("per_hour_usd", "per_day_usd"),
        ("per_user_day_usd", "per_day_usd"),
        ("per_tenant_hour_usd", "per_tenant_day_usd"),
    ):
        less, more = getattr(budgets, part), getattr(budgets, whole)
        if less is not None and more is not None and less > more:
            yield (
                ("budgets", part),
                f"{less:g} can never be reached: {whole} is {more:g}; lower the one or raise the other",
            )


def _of_tools(policy: AgentPolicy) -> Iterator[Contradiction]:
    for name, tool in policy.tools.items():
        for path, bound in tool.bounds.items():
            for index, value in enumerate(bound.allowed or ()):
                why = _outside(value, bound)
                if why:
                    yield ("tools", name, "bounds", path, "allowed", index), f"{why}: remove it, or widen the bound"
        approval = tool.approval
        if approval is None or approval.argument is None or approval.above is None:
            continue
        limit = tool.bounds.get(approval.argument)
        if limit is not None and limit.maximum is not None and approval.above >= limit.maximum:
            yield (
                ("tools", name, "approval", "above"),
                (
                    f"no call is above {approval.above:g}, since {approval.argument} may be {limit.maximum:g} at "
                    "most: lower it, or raise the maximum"
                ),
            )


def _of_listed_tools(policy: AgentPolicy) -> Iterator[Contradiction]:
    """Where `tools` lists all that may be called."""
    for index, pattern in enumerate(policy.goal.refuses_tools):
        listed = [name for name in policy.tools if covers(pattern, name)]
        if listed:
            yield (
                ("goal", "refuses_tools", index),
                f"`tools` allows {', '.join(listed)}, and the goal refuses it: remove it from one of them",
            )
    named: Iterable[tuple[Place, str]] = (
        *((("leaks", "sinks", index), name) for index, name in enumerate(policy.leaks.sinks)),
        *((("injection", "trusted_tools", index), name) for index, name in enumerate(policy.injection.trusted_tools)),
    )
    for place, pattern in named:
        # A pattern may be one that all agents of a house share.
        if "*" not in pattern and pattern not in policy.tools:
            yield place, f"{pattern} is not among `tools`, so it is never called{_near(pattern, policy.tools)}"


def _of_sinks(policy: AgentPolicy) -> Iterator[Contradiction]:
    for name in policy.leaks.may_receive:
        if policy.leaks.sinks and not any(covers(sink, name) for sink in policy.leaks.sinks):
            yield (
                ("leaks", "may_receive", name),
                f"{name} is no sink, so nothing is kept from it: list it in leaks.sinks, or remove it here",
            )


def _outside(value: Any, bound: Bound) -> str:
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if number is not None and bound.minimum is not None and number < bound.minimum:
        return f"{number:g} is below minimum {bound.minimum:g}"
    if number is not None and bound.maximum is not None and number > bound.maximum:
        return f"{number:g} is above maximum {bound.maximum:g}"
    if isinstance(value, str) and bound.pattern is not None and not compile_pattern(bound.pattern).matches(value):
        return f'"{value}" does not match the pattern {bound.pattern}'
    return ""


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else "; list it there, or remove it here"
