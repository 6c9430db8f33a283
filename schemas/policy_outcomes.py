"""What an agent is measured by day to day, and what it is there for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from watchkeeper.schemas.model import Model, Name

Better = Literal["higher", "lower"]


class ProxyAndOutcome(Model):
    """A proxy that the agent can move itself, and the outcome that it stands for, both told by `outcome` events.

    Attributes:
        proxy: the name of the one: offers accepted, tickets closed.
        outcome: the name of the other: customers who stay, tickets that stay closed.
        proxy_better: in which direction the proxy improves.
        outcome_better: in which direction the outcome improves.
        window_days: sessions that began within it are compared with those of as many days before.
        lag_days: how long the outcome takes to be known: younger sessions are left out of both.
        min_sessions: in each of the two windows, with the value in question.
        min_effect: how many standard deviations each must have moved; 0.2 is a small effect (Cohen 1988).
    """

    proxy: Name
    outcome: Name
    proxy_better: Better = "higher"
    outcome_better: Better = "higher"
    window_days: Annotated[int, Field(ge=1, le=60)] = 14
    lag_days: Annotated[int, Field(ge=0, le=90)] = 0
    min_sessions: Annotated[int, Field(ge=20, lt=2**31)] = 50
    min_effect: Annotated[float, Field(ge=0, le=5)] = 0.2

    @model_validator(mode="after")
    def _two_things(self) -> ProxyAndOutcome:
        if self.proxy == self.outcome:
            raise ValueError("proxy and outcome are the same: name the outcome that the proxy stands for")
        return self
