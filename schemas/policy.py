"""What an agent may do, spend and say: one policy per agent.

Detectors judge against it, the guard enforces it, `session_started` names it by hash. Every figure that a policy
leaves out has a default here with its source: the ranges that field reports agree on.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.model import Model, Name, Sentence
from watchkeeper.schemas.policy_budgets import Budgets
from watchkeeper.schemas.policy_canonical import canonical_fields
from watchkeeper.schemas.policy_checkpoints import CheckpointRule
from watchkeeper.schemas.policy_constraints import Constraint, CustomerLimit, check_constraints
from watchkeeper.schemas.policy_delegation import DelegationRules
from watchkeeper.schemas.policy_facts import MAX_FACTS, Fact, FactName
from watchkeeper.schemas.policy_injection import Injection
from watchkeeper.schemas.policy_leaks import Canary, Leaks
from watchkeeper.schemas.policy_masking import Masking, MaskKind, MaskPattern
from watchkeeper.schemas.policy_objectives import Objective, check_steps
from watchkeeper.schemas.policy_outcomes import ProxyAndOutcome
from watchkeeper.schemas.policy_quality import QualityRules
from watchkeeper.schemas.policy_retrieval import Retrieval
from watchkeeper.schemas.policy_tools import (
    ApprovalThreshold,
    Bound,
    Effect,
    Positive,
    PositiveInt,
    RateLimit,
    ToolPolicy,
)

__all__ = [
    "CAP_NAMES",
    "DEFAULT_CAPS",
    "AgentPolicy",
    "ApprovalThreshold",
    "Bound",
    "Budgets",
    "Canary",
    "CapName",
    "Caps",
    "CheckpointRule",
    "Constraint",
    "CustomerLimit",
    "DelegationRules",
    "Effect",
    "Fact",
    "Goal",
    "Injection",
    "Leaks",
    "MaskKind",
    "MaskPattern",
    "Masking",
    "Mode",
    "Objective",
    "RateLimit",
    "Retrieval",
    "Thresholds",
    "ToolPolicy",
    "default_policy",
]

Mode = Literal["observe", "warn", "enforce"]
"""`observe`: findings only. `warn`: the host is told too. `enforce`: the session is stopped."""


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


class Thresholds(Model):
    """Parameters of detectors for this agent, where their defaults do not suit.

    Attributes:
        cap_warning_share: a warning at this share of a cap.
        capped_sessions_share: an alarm when more of the agent's sessions than this share hit one cap. Field reports ask
            for another design of the agent above 0.05.
        loop_repeats: rounds of the same calls that make a loop.
        call_timeout_seconds: a call without a result after this long is a finding; a tool may have a time of its own.
        close_timeout_seconds: a session that is silent for this long was never closed.
    """

    cap_warning_share: Annotated[float, Field(gt=0, lt=1)] = 0.8
    capped_sessions_share: Annotated[float, Field(gt=0, lt=1)] = 0.05
    loop_repeats: Annotated[int, Field(ge=2, le=20)] = 3
    call_timeout_seconds: Positive = 120.0
    close_timeout_seconds: Positive = 1800.0


class AgentPolicy(Model):
    """The policy of one agent. `docs/policies.md` has examples.

    Attributes:
        agent: the agent's id.
        version: the policy's own version, for people; sessions pin the hash.
        mode: what happens on a breach of caps.
        caps: hard limits of one session. A cap that is left out keeps its default; an explicit null takes it away.
        goal: what the agent is for, and what it must refuse.
        budgets: money over all sessions of the agent.
        tools: what the agent may do with each tool, by the tool's name.
        allow_unlisted_tools: whether registered tools that `tools` does not list may be called.
        allowed_effects: the effects that tools may have to be called; None for all. Needs
            `allow_unlisted_tools: false`.
        constraints: business rules, in CEL.
        checkpoints: values that must agree with their source at a step.
        retrieval: when the agent must abstain, and who may see which documents.
        objectives: what the agent promises: service level objectives.
        thresholds: parameters of detectors, where their defaults do not suit this agent.
        outcomes: a proxy, and the outcome that it stands for.
        facts: what the facts of decisions, and values at checkpoints, must be.
        allow_undeclared_facts: whether decisions may rest on facts that `facts` does not declare.
        masking: what is masked at the source.
        leaks: what may not leave a session.
        injection: which contents from outside may instruct the agent.
        delegation: what is asked of the authority that sessions of this agent hand on.
        incident_window_seconds: failures of several modes that begin within it are one incident.
        quality: how closely quality and inputs are watched for drift.
    """

    LATER: ClassVar[frozenset[str]] = frozenset(
        {
            "injection",
            "leaks",
            "masking",
            "allowed_effects",
            "facts",
            "outcomes",
            "allow_undeclared_facts",
            "delegation",
            "incident_window_seconds",
            "quality",
        }
    )

    agent: Name
    version: Annotated[str, Field(max_length=128)] = ""
    mode: Mode = "warn"
    caps: Caps = DEFAULT_CAPS
    goal: Goal = Goal()
    # The default as it was first written: what a section gained since has defaults of its own.
    budgets: Annotated[
        Budgets,
        Field(json_schema_extra={"default": {"per_day_usd": None, "per_hour_usd": None, "per_user_day_usd": None}}),
    ] = Budgets()
    tools: dict[Name, ToolPolicy] = {}
    allow_unlisted_tools: bool = True
    allowed_effects: list[Effect] | None = None
    facts: Annotated[dict[FactName, Fact], Field(max_length=MAX_FACTS)] = {}
    allow_undeclared_facts: bool = True
    constraints: list[Constraint] = []
    checkpoints: list[CheckpointRule] = []
    outcomes: ProxyAndOutcome | None = None
    # The default as it was first written: what a section gained since has defaults of its own.
    retrieval: Annotated[Retrieval, Field(json_schema_extra={"default": {"threshold": 0.55}})] = Retrieval()
    objectives: list[Objective] = []
    thresholds: Thresholds = Thresholds()
    masking: Masking = Masking()
    leaks: Leaks = Leaks()
    injection: Injection = Injection()
    delegation: DelegationRules = DelegationRules()
    incident_window_seconds: Positive = 3600.0
    quality: QualityRules = QualityRules()

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

    @field_validator("allowed_effects")
    @classmethod
    def _effects_are_known(cls, effects: list[Effect] | None, info: ValidationInfo) -> list[Effect] | None:
        if effects is not None and info.data.get("allow_unlisted_tools", False):
            raise ValueError(
                "the effect of a tool that `tools` does not list is not known: set allow_unlisted_tools: false"
            )
        return effects

    @field_validator("constraints")
    @classmethod
    def _constraints_compile(cls, constraints: list[Constraint], info: ValidationInfo) -> list[Constraint]:
        facts, tools = info.data.get("facts"), info.data.get("tools")
        # Where facts or tools are wrong that is told already, and nothing can be compiled against them.
        if facts is None or tools is None:
            return constraints
        return check_constraints(constraints, facts, None if info.data.get("allow_unlisted_tools", True) else tools)

    @field_validator("objectives")
    @classmethod
    def _objectives_are_of_steps(cls, objectives: list[Objective], info: ValidationInfo) -> list[Objective]:
        tools = info.data.get("tools")
        if tools is not None and not info.data.get("allow_unlisted_tools", True):
            check_steps(objectives, tools)
        return objectives

    def canonical(self) -> bytes:
        """The policy as canonical JSON: keys sorted, defaults written out. The hash is over these bytes.

        Fields that came after the first release (`LATER`) are left out while they say what holds without them: an
        upgrade must not rename every policy.
        """
        return dump_json(canonical_fields(self), sort_keys=True)

    @property
    def address(self) -> str:
        """The unsalted content address of the canonical form, which sessions name."""
        return address_of(self.canonical())


def default_policy(agent: str) -> AgentPolicy:
    """What an agent without a policy runs under: the default caps, in `warn`."""
    return AgentPolicy(agent=agent, version="default")
