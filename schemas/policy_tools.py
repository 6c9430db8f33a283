"""What an agent may do with its tools: the part of a policy that each tool has of its own."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from watchkeeper.schemas.argument_paths import parse_path
from watchkeeper.schemas.expressions import ExpressionError, ValueType, compile_condition
from watchkeeper.schemas.model import Model, Name, Sentence
from watchkeeper.schemas.patterns import compile_pattern
from watchkeeper.schemas.policy_objectives import Objective
from watchkeeper.schemas.scopes import is_plain

Effect = Literal["read", "write", "irreversible"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PositiveInt = Annotated[int, Field(gt=0, lt=2**53)]
Share = Annotated[float, Field(ge=0, le=1)]
RatedOver = Literal["session", "agent", "tenant"]

CALL_VARIABLES: dict[str, ValueType] = {
    "args": "any",
    "agent": "text",
    "user": "text",
    "customer": "text",
    "environment": "text",
}
"""What the condition of a tool may refer to: the call's arguments, and who calls, for whom and where."""


class Bound(Model):
    """A limit on one argument of a tool, by its path (`amount`, `items[0].price`, `items[*].price`).

    Attributes:
        minimum: the smallest number allowed.
        maximum: the largest number allowed.
        allowed: the only values allowed.
        pattern: a regular expression that the whole text must match, in the syntax of RE2, which has neither
            look-around nor backreferences and so cannot run away.
    """

    minimum: float | None = None
    maximum: float | None = None
    allowed: list[Any] | None = None
    pattern: str | None = None

    @model_validator(mode="after")
    def _some_limit(self) -> Bound:
        if all(limit is None for limit in (self.minimum, self.maximum, self.allowed, self.pattern)):
            raise ValueError("a bound needs minimum, maximum, allowed or pattern")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}: swap them")
        return self

    @field_validator("pattern")
    @classmethod
    def _regular(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            compile_pattern(pattern)
        return pattern


class Requirement(Model):
    """What must hold of every call of a tool, in CEL.

    Attributes:
        condition: over `args` (the call's arguments), `agent`, `user`, `customer` and `environment`. A call of which
            it cannot be evaluated breaks it: one on an argument that may be absent begins with `!has(args.x) ||`.
        message: what to tell the agent.
    """

    condition: Annotated[str, Field(min_length=1, max_length=4000)]
    message: Sentence = ""

    @field_validator("condition")
    @classmethod
    def _compiles(cls, condition: str) -> str:
        try:
            compile_condition(condition, CALL_VARIABLES)
        except ExpressionError as error:
            raise ValueError(str(error)) from error
        return condition


class RateLimit(Model):
    """At most `calls` in any `seconds`.

    Attributes:
        calls: how many calls of the tool.
        seconds: in any window of so many seconds.
        per: over whose calls of the tool it is counted: one session's, all of the agent's, or all of the tenant's.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"per"})

    calls: PositiveInt
    seconds: Positive
    per: RatedOver = "session"


class ApprovalThreshold(Model):
    """Above this amount in this argument a person must approve; without an argument every call needs it.

    Attributes:
        argument: the argument that holds the amount, by its path.
        above: the amount above which a person must approve.
        approvers: who may approve, wildcards allowed; None for anybody but the agent itself.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"approvers"})

    argument: Name | None = None
    above: float | None = None
    approvers: list[Name] | None = None

    @field_validator("argument")
    @classmethod
    def _path(cls, argument: str | None) -> str | None:
        if argument is not None:
            parse_path(argument)
        return argument

    @model_validator(mode="after")
    def _both_or_none(self) -> ApprovalThreshold:
        if (self.argument is None) != (self.above is None):
            raise ValueError("give argument and above together, or neither to ask for every call")
        return self


class ToolPolicy(Model):
    """What this agent may do with one tool.

    Attributes:
        effect: `read`, `write` or `irreversible`.
        resource: the argument that names what is touched; wildcards of `allowed_resources` apply to its value.
        allowed_resources: the only values of that argument, wildcards allowed; None for any. Needs `resource`.
        idempotency_key: the argument that makes a repeat harmless.
        repeatable: whether a second call with the same arguments does no harm: the tool sets something and adds
            nothing.
        repeat_window_seconds: how long after a call the same call is a repeat of it. Job queues start a failed session
            again within minutes, seldom after more than an hour.
        agents: which agents of a session may call it, wildcards allowed; None for all.
        additive: whether the tool only adds to its resource and overwrites nothing: calls of two sessions are no
            conflict.
        conflict_window_seconds: how long after another session's write a write by one that did not look is a conflict.
            Field reports let a session run for 300 s at most.
        bounds: limits by argument path. An argument that is absent or null is within its bounds.
        require: what must hold of every call.
        approval: when a person must approve.
        rate_limit: calls in a window.
        scope: what a session to which work was delegated needs for a call: `refunds:write`.
        scope_amount: the argument whose number a limit in the session's grant (`refunds:write<=500`) applies to.
        timeout_seconds: after which a call without a result is a finding.
        objectives: what the tool promises.
        fallback: what to do while its circuit is open, in words.
    """

    LATER: ClassVar[frozenset[str]] = frozenset(
        {
            "agents",
            "require",
            "scope",
            "scope_amount",
            "repeatable",
            "repeat_window_seconds",
            "additive",
            "conflict_window_seconds",
        }
    )

    effect: Effect = "read"
    agents: list[Name] | None = None
    resource: Name | None = None
    allowed_resources: list[Name] | None = None
    idempotency_key: Name | None = None
    repeatable: bool = False
    repeat_window_seconds: Positive = 3600.0
    additive: bool = False
    conflict_window_seconds: Positive = 300.0
    bounds: dict[str, Bound] = {}
    require: list[Requirement] = []
    approval: ApprovalThreshold | None = None
    rate_limit: RateLimit | None = None
    scope: Name | None = None
    scope_amount: Name | None = None
    timeout_seconds: Positive | None = None
    objectives: list[Objective] = []
    fallback: Sentence = ""

    @model_validator(mode="after")
    def _what_adds_has_a_resource(self) -> ToolPolicy:
        if self.additive and (self.resource is None or self.effect == "read"):
            raise ValueError(
                "additive is about tools that write to a resource: give resource and effect, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _what_reads_repeats_nothing(self) -> ToolPolicy:
        if self.repeatable and self.effect == "read":
            raise ValueError("repeatable is about tools that change something: set effect, or leave repeatable out")
        return self

    @model_validator(mode="after")
    def _resources_have_an_argument(self) -> ToolPolicy:
        if self.allowed_resources is not None and self.resource is None:
            raise ValueError("allowed_resources needs resource, the argument that names what is touched")
        return self

    @model_validator(mode="after")
    def _amounts_have_a_scope(self) -> ToolPolicy:
        if self.scope_amount is not None and self.scope is None:
            raise ValueError("scope_amount needs scope, what a call needs to be granted")
        return self

    @field_validator("resource", "scope_amount")
    @classmethod
    def _path(cls, path: str | None) -> str | None:
        if path is not None:
            parse_path(path)
        return path

    @field_validator("scope")
    @classmethod
    def _names_one_thing(cls, scope: str | None) -> str | None:
        if scope is not None and not is_plain(scope):
            raise ValueError(
                f"{scope!r} is no single scope: write a name such as refunds:write; wildcards and limits are for grants"
            )
        return scope

    @field_validator("objectives")
    @classmethod
    def _rates_of_tools(cls, objectives: list[Objective]) -> list[Objective]:
        for objective in objectives:
            if objective.rate not in {"latency", "errors"}:
                raise ValueError(
                    f"of a tool, {objective.rate!r} is not counted: write latency or errors, or move the objective "
                    "to the agent's own"
                )
            if objective.step is not None:
                raise ValueError(
                    f"step {objective.step!r} within a tool: the tool is the step; leave it out, or move the "
                    "objective to the agent's own"
                )
        return objectives

    @field_validator("bounds")
    @classmethod
    def _paths(cls, bounds: dict[str, Bound]) -> dict[str, Bound]:
        for path in bounds:
            parse_path(path)
        return bounds
