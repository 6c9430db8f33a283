"""The worst that an agent can spend in a day: caps times price times sessions.

A session ends at the event that crosses a cap, so it may cost one request to a model more than the cap. Where the mode
is not `enforce` caps are told and nothing is stopped: the figures are then what a session spends when it is told.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.events import Usage
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.pricing import PriceBook


@dataclass(frozen=True, slots=True)
class WorstSpend:
    """The worst case, in US dollars.

    Attributes:
        by_cost_usd: what `caps.cost_usd` leaves a session; None without that cap.
        by_tokens_usd: what `caps.tokens` come to where all of them are of the dearest kind that the model has; None
            without that cap or a model.
        session_usd: the lesser of the two; None where nothing bounds a session.
        sessions: a day, as was assumed.
        day_usd: of all sessions.
        budget_usd: `budgets.per_day_usd`: what is told of a day's spend, and stops nothing.
        stops: whether the mode stops a session at its caps.
    """

    by_cost_usd: float | None
    by_tokens_usd: float | None
    session_usd: float | None
    sessions: int
    day_usd: float | None
    budget_usd: float | None
    stops: bool


def dearest_usd(prices: PriceBook, *, model: str, provider: str, tokens: int) -> float:
    """What so many tokens of one request cost, of the dearest kind.

    Raises:
        ConfigurationError: the model has no price.
    """
    kinds = (
        Usage(input_tokens=tokens),
        Usage(output_tokens=tokens),
        Usage(output_tokens=tokens, reasoning_output_tokens=tokens),
        Usage(input_tokens=tokens, cache_creation_input_tokens=tokens),
    )
    at_us = time.time_ns() // 1000
    costs = [prices.price(provider=provider, model=model, usage=usage, at_us=at_us).cost_usd for usage in kinds]
    known = [cost for cost in costs if cost is not None]
    if not known:
        raise ConfigurationError(
            f"the model {model} has no price: write its name as its provider does, or leave --model out"
        )
    return max(known)


def worst_spend(policy: AgentPolicy, *, sessions: int, tokens_usd: float | None) -> WorstSpend:
    """The worst case of a policy.

    Args:
        policy: whose caps bound a session.
        sessions: a day.
        tokens_usd: what its cap on tokens comes to; None where that is not known.
    """
    bounds = [bound for bound in (policy.caps.cost_usd, tokens_usd) if bound is not None]
    session = min(bounds, default=None)
    return WorstSpend(
        by_cost_usd=policy.caps.cost_usd,
        by_tokens_usd=tokens_usd,
        session_usd=session,
        sessions=sessions,
        day_usd=None if session is None else session * sessions,
        budget_usd=policy.budgets.per_day_usd,
        stops=policy.mode == "enforce",
    )
