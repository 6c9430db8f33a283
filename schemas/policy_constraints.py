"""Business rules that live outside the model, compiled against the declared facts when the policy is loaded.

They say what must hold of decisions and calls, and how often one customer may meet with them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, ClassVar

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from watchkeeper.schemas.expressions import ExpressionError, ValueType, compile_condition
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.model import Model, Name, Sentence
from watchkeeper.schemas.policy_facts import Fact, fact_variables

_ABOUT: dict[str, ValueType] = {"agent": "text", "user": "text", "customer": "text", "environment": "text"}

Condition = Annotated[str, Field(min_length=1, max_length=4000)]


class CustomerLimit(Model):
    """At most so many for one customer in any so many days.

    Attributes:
        at_most: how many; 0 for none at all.
        days: in any window of so many days.
    """

    at_most: Annotated[int, Field(ge=0, le=64)]
    days: Annotated[float, Field(gt=0, le=366)]


class Constraint(Model):
    """A business rule over declared facts, in CEL.

    Attributes:
        name: what findings call it; stands once in a policy.
        decision: the decisions that it is about; None for all, unless `tool` is given.
        tool: the tool whose calls it is about, in place of decisions.
        when: when the rule applies; empty for always.
        require: what must hold then. A decision or call of which it cannot be evaluated breaks it.
        per_customer: how many of what `when` picks one customer may meet with, over all sessions of the agent.
        message: what to tell the agent.
        severity: of its findings.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"decision", "tool", "per_customer", "severity"})

    name: Name
    decision: Name | None = None
    tool: Name | None = None
    when: Annotated[str, Field(max_length=4000)] = ""
    require: Condition | None = None
    per_customer: CustomerLimit | None = None
    message: Sentence = ""
    severity: Severity = "high"

    @model_validator(mode="after")
    def _about_one_thing(self) -> Constraint:
        if self.decision is not None and self.tool is not None:
            raise ValueError("a constraint is about decisions or about calls: keep decision or tool")
        if self.require is None and self.per_customer is None:
            raise ValueError("a constraint needs require, per_customer or both")
        return self


def constraint_variables(constraint: Constraint, facts: dict[str, Fact]) -> dict[str, ValueType]:
    """What the conditions of a constraint may refer to."""
    if constraint.tool is not None:
        return _ABOUT | {"args": "any"}
    return fact_variables(facts) | _ABOUT | {"facts": "any", "outcome": "any", "decision": "text"}


def check_constraints(
    constraints: list[Constraint], facts: dict[str, Fact], known_tools: Collection[str] | None
) -> list[Constraint]:
    """The constraints, once all their conditions compile.

    Args:
        constraints: of one policy.
        facts: as it declares them.
        known_tools: the only tools that may be called; None where others may be.

    Raises:
        ValidationError: with the place of each mistake.
    """
    faults = [
        InitErrorDetails(type=PydanticCustomError("value_error", "{error}", {"error": says}), loc=loc, input=given)
        for loc, given, says in _faults(constraints, facts, known_tools)
    ]
    if faults:
        raise ValidationError.from_exception_data("constraints", faults)
    return constraints


def _faults(
    constraints: list[Constraint], facts: dict[str, Fact], known_tools: Collection[str] | None
) -> Iterator[tuple[tuple[int | str, ...], str, str]]:
    names: dict[str, int] = {}
    for index, constraint in enumerate(constraints):
        first = names.setdefault(constraint.name, index)
        if first != index:
            yield (index, "name"), constraint.name, f"stands for constraints[{first}] already; give it another name"
        if constraint.tool is not None and known_tools is not None and constraint.tool not in known_tools:
            yield (index, "tool"), constraint.tool, f"{constraint.tool} is not among `tools`, so it is never called"
        variables = constraint_variables(constraint, facts)
        for field, source in (("when", constraint.when), ("require", constraint.require)):
            if source:
                try:
                    compile_condition(source, variables)
                except ExpressionError as error:
                    yield (index, field), source, str(error)
