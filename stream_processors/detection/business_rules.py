"""Whether a business rule holds of a decision or a call: pure, and closed where nobody knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from watchkeeper.schemas.events import Decision
from watchkeeper.schemas.expressions import ExpressionError, compile_condition
from watchkeeper.schemas.fact_values import as_cel, read_fact
from watchkeeper.schemas.policy import AgentPolicy, Constraint, Fact
from watchkeeper.schemas.policy_constraints import constraint_variables
from watchkeeper.schemas.policy_facts import fact_variables
from watchkeeper.stream_processors.detection.calls import Call
from watchkeeper.stream_processors.detection.session_rules.violations import key

_UNBOUND = re.compile(r'No value with name "([^"]*)"')
_ABSENT = re.compile(r'Key not found in map : "([^"]*)"')
_REASONS = {
    "No matching overloads": "a value is of another type",
    "Applying SELECT": "a value is no object",
    "out of range": "a number is too large",
    "divide by zero": "it divides by zero",
    "budget exceeded": "it loops over too many values",
}

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a constraint says.

    Attributes:
        holds: None where it does not apply.
        condition: the one that decided.
        unknown: why it could not be evaluated; "" where it could.
    """

    holds: bool | None
    condition: str = ""
    unknown: str = ""


def rule_on(constraint: Constraint, values: Values, facts: dict[str, Fact]) -> Ruling:
    """Whether the constraint applies, and holds. Where it cannot be evaluated it is broken."""
    variables = constraint_variables(constraint, facts)
    condition = constraint.when
    try:
        if condition and not compile_condition(condition, variables).holds(values):
            return Ruling(holds=None)
        condition = constraint.require or ""
        if not condition:
            return Ruling(holds=True)
        return Ruling(holds=compile_condition(condition, variables).holds(values), condition=condition)
    except ExpressionError as error:
        return Ruling(holds=False, condition=condition, unknown=_why(str(error), variables))


def values_of_decision(event: Decision, policy: AgentPolicy, about: Values) -> dict[str, Any]:
    """What conditions on decisions may refer to. A fact that is not what was declared has no value.

    In the map of all facts a date or a timestamp is a text, which `timestamp(facts.due)` reads.
    """
    data = event.data
    read: dict[str, Any] = dict(data.facts)
    values: dict[str, Any] = {}
    variables = fact_variables(policy.facts)
    for name, fact in policy.facts.items():
        if name not in read:
            continue
        reading = read_fact(read[name], fact)
        if reading.value is None:
            # As a map's entry it is looked at by `has` and must not pass for a value.
            if reading.fault is not None:
                del read[name]
            continue
        known = as_cel(reading.value, fact)
        # The engine takes no moment within a map, and gives up the whole map for one.
        read[name] = known.astimezone(UTC).isoformat() if isinstance(known, datetime) else known
        if name in variables:
            values[name] = known
    return values | {"facts": read, "outcome": data.outcome, "decision": data.name} | dict(about)


def values_of_call(call: Call) -> dict[str, Any]:
    """What conditions on calls may refer to."""
    return {
        "args": call.arguments,
        "agent": call.agent_id,
        "user": call.user_id,
        "customer": call.customer_id,
        "environment": call.environment,
    }


def applies_to(constraint: Constraint, where: Literal["decision", "tool_call"], name: str) -> bool:
    """Whether the constraint is about such a thing."""
    if where == "tool_call":
        return constraint.tool == name
    return constraint.tool is None and constraint.decision in {None, name}


def _why(error: str, variables: Mapping[str, Any]) -> str:
    """Why a condition could not be evaluated, in words that hold no value: CEL's own may quote one."""
    unbound = _UNBOUND.search(error)
    if unbound and unbound[1] in variables:
        return f"the fact {key(unbound[1])} is missing, or is not what it was declared to be"
    absent = _ABSENT.search(error)
    if absent:
        return f"{key(absent[1])} is absent"
    return next((words for sign, words in _REASONS.items() if sign in error), "a value is not of the type it compares")
