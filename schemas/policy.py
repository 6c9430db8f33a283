"""What an agent may do, spend and say: one policy per agent.

Detectors judge against it, the guard enforces it, `session_started` names it by hash. Every figure that a policy
leaves out has a default here with its source: the ranges that field reports agree on.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationInfo, field_validator, model_validator
from pydantic_core import SchemaError

from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.model import Model, Name, Sentence

Mode = Literal["observe", "warn", "enforce"]
"""`observe`: findings only. `warn`: the host is told too. `enforce`: the session is stopped."""

Effect = Literal["read", "write", "irreversible"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
PositiveInt = Annotated[int, Field(gt=0, lt=2**53)]
Share = Annotated[float, Field(ge=0, le=1)]


class Caps(Model):
    """Hard limits of one session. None means "no cap of this kind".

    Attributes:
        tool_calls: calls begun. Field reports use 5 to 25.
        tokens: uncached input plus output tokens: context that is sent again from a cache is not work done again.
            Field reports use 50,000 to 200,000.
        wall_clock_seconds: seconds since the session began. Field reports use 120 to 300.
        cost_usd: money, at the price book's rates.
    """

    tool_calls: PositiveInt | None = None
    tokens: PositiveInt | None = None
    wall_clock_seconds: Positive | None = None
    cost_usd: Positive | None = None


DEFAULT_CAPS = Caps(tool_calls=25, tokens=200_000, wall_clock_seconds=300.0, cost_usd=5.0)
"""Without a policy: the upper ends of the usual ranges, in `warn`."""

CapName = Literal["tool_calls", "tokens", "wall_clock_seconds", "cost_usd"]
CAP_NAMES: tuple[CapName, ...] = ("tool_calls", "tokens", "wall_clock_seconds", "cost_usd")


class Goal(Model):
    """What the agent is for, and what it must refuse.

    Attributes:
        statement: the goal in sentences.
        refuses_tools: tools that no goal of this agent explains.
        refuses_actions: actions it must decline, in words.
        refuses_resources: resources out of its scope; wildcards allowed.
        tool_budget: calls that the job needs; narrow jobs need 3 to 5.
    """

    statement: Annotated[str, Field(max_length=20_000)] = ""
    refuses_tools: list[Name] = []
    refuses_actions: list[Sentence] = []
    refuses_resources: list[Name] = []
    tool_budget: PositiveInt | None = None


class Bound(Model):
    """A limit on one argument of a tool, by its path (`amount`, `items[0].price`).

    Attributes:
        minimum: the smallest number allowed.
        maximum: the largest number allowed.
        allowed: the only values allowed.
        pattern: a regular expression (Python's `re`) that the whole text must match.
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
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{error}: write a regular expression of Python's re module") from error
        return pattern


class RateLimit(Model):
    """At most `calls` in any `seconds`."""

    calls: PositiveInt
    seconds: Positive


class ApprovalThreshold(Model):
    """Above this amount in this argument a person must approve; without an argument every call needs it."""

    argument: Name | None = None
    above: float | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> ApprovalThreshold:
        if (self.argument is None) != (self.above is None):
            raise ValueError("give argument and above together, or neither to ask for every call")
        return self


class Objective(Model):
    """A service level objective of a tool, a step or the agent.

    Attributes:
        rate: what is counted, for example `latency`, `errors`, `guard_blocks`, `acceptance`.
        target: the share of good events promised, 0 to 1.
        threshold_ms: for latency: what is still good, in milliseconds.
        window_days: over how many days.
    """

    rate: Name
    target: Share
    threshold_ms: Positive | None = None
    window_days: PositiveInt = 28

    @model_validator(mode="after")
    def _latency_has_a_threshold(self) -> Objective:
        if self.rate == "latency" and self.threshold_ms is None:
            raise ValueError("a latency objective needs threshold_ms, what is still good in milliseconds")
        return self


class ToolPolicy(Model):
    """What this agent may do with one tool.

    Attributes:
        effect: `read`, `write` or `irreversible`.
        resource: the argument that names what is touched; wildcards of `allowed_resources` apply to its value.
        idempotency_key: the argument that makes a repeat harmless.
        bounds: limits by argument path.
        approval: when a person must approve.
        rate_limit: calls in a window, per session.
        timeout_seconds: after which a call without a result is a finding.
        objectives: what the tool promises.
        fallback: what to do while its circuit is open, in words.
    """

    effect: Effect = "read"
    resource: Name | None = None
    allowed_resources: list[Name] | None = None
    idempotency_key: Name | None = None
    bounds: dict[str, Bound] = {}
    approval: ApprovalThreshold | None = None
    rate_limit: RateLimit | None = None
    timeout_seconds: Positive | None = None
    objectives: list[Objective] = []
    fallback: Sentence = ""

    @model_validator(mode="after")
    def _resources_have_an_argument(self) -> ToolPolicy:
        if self.allowed_resources is not None and self.resource is None:
            raise ValueError("allowed_resources needs resource, the argument that names what is touched")
        return self


class Budgets(Model):
    """Money in US dollars over all sessions of the agent."""

    per_hour_usd: Positive | None = None
    per_day_usd: Positive | None = None
    per_user_day_usd: Positive | None = None


class Constraint(Model):
    """A business rule over declared facts, in CEL."""

    name: Name
    when: Annotated[str, Field(max_length=4000)] = ""
    require: Annotated[str, Field(min_length=1, max_length=4000)]
    message: Sentence = ""


class CheckpointRule(Model):
    """Values that must agree with their source at a step."""

    step: Name
    values: list[Name]


class Retrieval(Model):
    """When the agent must abstain: best similarity below the threshold (field reports: 0.55)."""

    threshold: Share = 0.55


class Thresholds(Model):
    """Parameters of detectors for this agent, where their defaults do not suit."""

    cap_warning_share: Annotated[float, Field(gt=0, lt=1)] = 0.8
    capped_sessions_share: Annotated[float, Field(gt=0, lt=1)] = 0.05
    loop_repeats: Annotated[int, Field(ge=2, le=20)] = 3
    call_timeout_seconds: Positive = 120.0
    close_timeout_seconds: Positive = 1800.0


MaskKind = Literal["secret", "email", "phone", "card", "iban", "ssn", "ip"]


class MaskPattern(Model):
    """An expression of the user's own.

    Attributes:
        name: what it is called in counts and replacements: small letters, digits and underscores.
        regex: in the syntax of RE2, which has neither look-around nor backreferences and so cannot run away.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    regex: Annotated[str, Field(min_length=1, max_length=1000)]

    @field_validator("regex")
    @classmethod
    def _linear(cls, regex: str) -> str:
        try:
            # Pydantic's engine is linear as RE2 is, and is there anyway.
            TypeAdapter(Annotated[str, Field(pattern=regex)])
        except SchemaError:
            raise ValueError(
                "no expression that runs in linear time: write a regular expression of RE2, "
                "without look-around and backreferences"
            ) from None
        if re.search(regex, "") is not None:
            raise ValueError("matches the empty text, so it would mask nothing, everywhere: ask for a character")
        return regex


class Masking(Model):
    """What is masked at the source, before anything is hashed, spooled or sent. `docs/masking.md` tells each kind.

    Attributes:
        kinds: what is looked for. Secrets by default: no record needs them.
        patterns: expressions of the user's own.
        fields: values that are masked whole, by path from the event's type on: `tool_call.arguments.card_number`,
            `*.password`.
        exempt: paths that are left as they are.
        replacement: `pseudonym` (`[email:3f2a90c1]`, equal for equal values) or `constant` (`[email]`).
        phone_regions: regions whose numbers are known without a country's code, such as `US`.
    """

    kinds: list[MaskKind] = ["secret"]
    patterns: list[MaskPattern] = []
    fields: list[Name] = []
    exempt: list[Name] = []
    replacement: Literal["pseudonym", "constant"] = "pseudonym"
    phone_regions: list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]] = []

    @field_validator("fields", "exempt")
    @classmethod
    def _paths(cls, paths: list[str]) -> list[str]:
        for path in paths:
            first, *rest = path.split(".")
            if not rest or not all(rest) or not first:
                raise ValueError(f"{path!r} is no path: begin with the event's type or *, as in *.password")
        return paths


class AgentPolicy(Model):
    """The policy of one agent. `docs/policies.md` has examples.

    Attributes:
        agent: the agent's id.
        version: the policy's own version, for people; sessions pin the hash.
        mode: what happens on a breach of caps.
        caps: a cap that is left out keeps its default; an explicit None takes it away.
        allow_unlisted_tools: whether registered tools that `tools` does not list may be called.
        masking: what is masked at the source.
    """

    agent: Name
    version: Annotated[str, Field(max_length=128)] = ""
    mode: Mode = "warn"
    caps: Caps = DEFAULT_CAPS
    goal: Goal = Goal()
    budgets: Budgets = Budgets()
    tools: dict[Name, ToolPolicy] = {}
    allow_unlisted_tools: bool = True
    constraints: list[Constraint] = []
    checkpoints: list[CheckpointRule] = []
    retrieval: Retrieval = Retrieval()
    objectives: list[Objective] = []
    thresholds: Thresholds = Thresholds()
    masking: Masking = Masking()

    @field_validator("caps")
    @classmethod
    def _no_cap_lost(cls, caps: Caps) -> Caps:
        given = {name: getattr(caps, name) for name in caps.model_fields_set}
        return DEFAULT_CAPS.model_copy(update=given)

    # At the field and not at the model: a model's validator is silent while any other field is wrong.
    @field_validator("goal")
    @classmethod
    def _budget_within_caps(cls, goal: Goal, info: ValidationInfo) -> Goal:
        caps: Caps | None = info.data.get("caps")
        if goal.tool_budget is None or caps is None or caps.tool_calls is None or goal.tool_budget <= caps.tool_calls:
            return goal
        raise ValueError(
            f"tool_budget {goal.tool_budget} is above caps.tool_calls {caps.tool_calls}: "
            "raise the cap or lower the budget"
        )

    def canonical(self) -> bytes:
        """The policy as canonical JSON: keys sorted, defaults written out. The hash is over these bytes.

        Sections that came after the first release are left out while they say what holds without them: an upgrade
        must not rename every policy.
        """
        fields = self.model_dump(mode="json")
        if self.masking == Masking():
            del fields["masking"]
        return dump_json(fields, sort_keys=True)

    @property
    def address(self) -> str:
        """The unsalted content address of the canonical form, which sessions name."""
        return address_of(self.canonical())


def default_policy(agent: str) -> AgentPolicy:
    """What an agent without a policy runs under: the default caps, in `warn`."""
    return AgentPolicy(agent=agent, version="default")
