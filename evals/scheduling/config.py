"""What `evals.yaml` may say. Everything has a default: without a file, live sessions are graded at a small rate."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, field_validator

from watchkeeper.evals.sampling import Rates, Risk
from watchkeeper.evals.scheduling.times import Schedule
from watchkeeper.schemas.envelope import Origin, TenantId
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.model import Model, Name

DEFAULT_GRADERS: Final = ("groundedness", "tool_use", "policy_findings")
"""Deterministic, and for any agent: what they cost is time."""

DEFAULT_RISKS: Final[dict[Risk, float]] = {
    "critical_finding": 1.0,
    "high_finding": 0.5,
    "negative_feedback": 0.5,
    "escalated": 0.2,
    "abstained": 0.2,
    "high_cost": 0.2,
    "failed": 0.2,
}

Rate = Annotated[float, Field(gt=0, le=1)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Graders = Annotated[tuple[str | dict[str, Any], ...], Field(min_length=1, max_length=40)]


class Budget(Model):
    """What a UTC day may take. What there is no room for is cut at random, counted, and told.

    Attributes:
        sessions_a_day: live sessions that are graded.
        usd_a_day: what graders may cost; None for no limit.
    """

    sessions_a_day: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    usd_a_day: Annotated[float, Field(gt=0)] | None = 5.0


class Live(Model):
    """How live sessions are drawn and graded.

    Attributes:
        origins: which sessions: `live`, `simulated`, `import`.
        rate: the share of sessions of which nothing special is known.
        risks: the share of sessions with a risk; the highest of a session's rates counts.
        high_cost_usd: from where a session counts as `high_cost`.
        salt: another salt draws other sessions.
        every_seconds: from one look to the next.
        settle_seconds: how long a session must have been quiet: late events and findings still come.
        look_back_hours: how far back the first look ever goes.
        graders: names, or mappings with options.
    """

    enabled: bool = True
    origins: Annotated[tuple[Origin, ...], Field(min_length=1)] = ("live",)
    rate: Rate = 0.05
    risks: dict[Risk, Rate] = Field(default_factory=lambda: dict(DEFAULT_RISKS))
    high_cost_usd: Annotated[float, Field(gt=0)] | None = 1.0
    salt: str = ""
    every_seconds: Annotated[float, Field(ge=1, le=86_400)] = 30.0
    settle_seconds: Annotated[float, Field(ge=0, le=604_800)] = 120.0
    look_back_hours: Annotated[float, Field(ge=0, le=2160)] = 24.0
    graders: Graders = Field(default=DEFAULT_GRADERS, validate_default=False)
    budget: Budget = Field(default_factory=Budget)

    @property
    def rates(self) -> Rates:
        """As the sampler takes them."""
        return Rates(self.rate, self.risks, self.high_cost_usd, self.salt)


class Inputs(Model):
    """How the prompts of each day are compared with those of the weeks before.

    Attributes:
        prompts: so many of the day, and of the reference, are read.
        promise: on average at most one false alarm in so many days of an agent.
    """

    enabled: bool = True
    prompts: Annotated[int, Field(ge=50, le=5000)] = 400
    promise: Annotated[int, Field(ge=20, le=1_000_000)] = 1000


class Target(Model):
    """A registered target: what a suite is run against.

    Attributes:
        candidate: as `watchkeeper evals run` names candidates: `package.module:function`, `https://host/v1#model`, a
            file of recorded answers (`.jsonl`), or `recorded`. Files are relative to this one.
        agent: the agent that it is; a new version of this agent seen in live sessions runs its suites.
        tenant: whose agent.
        version: what scores call it beside its name.
        key_variable: the environment variable that holds an endpoint's key.
        body: further fields of an endpoint's requests.
    """

    candidate: Annotated[str, Field(min_length=1)]
    agent: Name
    tenant: TenantId = "default"
    version: Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}$")] = "1"
    key_variable: str = ""
    body: dict[str, Any] = Field(default_factory=dict)


class SuiteJob(Model):
    """A suite that runs by itself.

    Attributes:
        suite: the suite's folder, relative to this file.
        target: a name under `targets`.
        schedule: a cron expression; empty to run at new versions alone.
        zone: the time zone in which it is read.
        on_new_version: whether it runs when a version of the target's agent, its model or its prompt is first seen.
        judge: the settings of who answers criteria of the suite's rubrics that name no grader, relative to this file.
            Its cap holds for a run.
        graders: in place of the suite's rubrics.
        concurrency: how many cases are asked at once.
        timeout_seconds: of one try.
        retries: further tries where an endpoint is away.
        margin: a fall of this size is one that matters, 0 to 1.
    """

    suite: Annotated[str, Field(min_length=1)]
    target: Key
    schedule: str = ""
    zone: str = "UTC"
    on_new_version: bool = True
    judge: str = ""
    graders: Graders | None = None
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 120.0
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    margin: Annotated[float, Field(gt=0, lt=1)] = 0.1

    @property
    def times(self) -> Schedule | None:
        """When it is due; None where only versions run it."""
        return Schedule(self.schedule, self.zone) if self.schedule else None

    @field_validator("schedule")
    @classmethod
    def _can_be_read(cls, value: str) -> str:
        if value:
            try:
                Schedule(value)
            except ConfigurationError as error:
                raise ValueError(str(error)) from error
        return value

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            Schedule("0 0 * * *", value)
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return value


class EvalsConfig(Model):
    """The whole file.

    Attributes:
        suites: by the name under which the schedule shows them.
        targets: by name.
    """

    live: Live = Field(default_factory=Live)
    inputs: Inputs = Field(default_factory=Inputs)
    suites: dict[Key, SuiteJob] = Field(default_factory=dict)
    targets: dict[Key, Target] = Field(default_factory=dict)
