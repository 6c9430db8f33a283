"""What all sessions of an agent together may spend."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from watchkeeper.schemas.model import Model
from watchkeeper.schemas.policy_tools import Positive

WhenSpent = Literal["tell", "slow_down", "pause", "terminate"]
Band = Annotated[float, Field(gt=0, le=1)]


class Budgets(Model):
    """Money in US dollars over all sessions of the agent, by hours and days in UTC.

    Attributes:
        per_hour_usd: an hour.
        per_day_usd: a day.
        per_user_day_usd: a day, for one user.
        per_tenant_hour_usd: an hour, of all agents of the tenant whose policies have such a budget.
        per_tenant_day_usd: the same for a day.
        bands: the shares of a budget at which to tell, each once for an hour or day. Half of a budget is what an agent
            that behaves may spend, so it is not among the defaults.
        when_spent: what to do when all of the agent's or the tenant's budget for an hour or day is spent, until that
            is over: findings alone, or a command to the agent, or to all agents of the tenant.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"per_tenant_hour_usd", "per_tenant_day_usd", "bands", "when_spent"})

    per_hour_usd: Positive | None = None
    per_day_usd: Positive | None = None
    per_user_day_usd: Positive | None = None
    per_tenant_hour_usd: Positive | None = None
    per_tenant_day_usd: Positive | None = None
    bands: Annotated[list[Band], Field(min_length=1, max_length=8)] = [0.8, 1.0]
    when_spent: WhenSpent = "tell"

    @cached_property
    def smallest_usd(self) -> float | None:
        """The smallest of the budgets; None where none is declared."""
        declared = (
            self.per_hour_usd,
            self.per_day_usd,
            self.per_user_day_usd,
            self.per_tenant_hour_usd,
            self.per_tenant_day_usd,
        )
        return min((budget for budget in declared if budget is not None), default=None)

    @field_validator("bands")
    @classmethod
    def _in_order(cls, bands: list[float]) -> list[float]:
        if bands != sorted(set(bands)):
            raise ValueError("bands must grow, each once: write [0.5, 0.8, 1.0]")
        return bands

    @model_validator(mode="after")
    def _something_can_be_spent(self) -> Budgets:
        if self.when_spent == "tell":
            return self
        if self.bands[-1] < 1:
            raise ValueError("when_spent is about the whole of a budget: end bands with 1.0, or leave when_spent out")
        commanded = (self.per_hour_usd, self.per_day_usd, self.per_tenant_hour_usd, self.per_tenant_day_usd)
        if all(budget is None for budget in commanded):
            raise ValueError(
                "when_spent commands agents and tenants: give one of per_hour_usd, per_day_usd, per_tenant_hour_usd "
                "and per_tenant_day_usd, or leave it out"
            )
        return self
