"""Evidence of `cost_runaway`: caps of one session, and of many."""

from __future__ import annotations

from typing import Literal

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model, Moment
from watchkeeper.schemas.policy import CapName


class CapUse(Model):
    """A cap crossed, or nearly.

    Attributes:
        used: in the cap's own unit: calls, tokens, seconds or US dollars.
        share: used over limit.
        by_tick: found while no event arrived.
    """

    kind: Literal["cap_use"] = "cap_use"
    cap: CapName
    limit: float
    used: float
    share: float
    by_tick: bool = False
    tool_calls: Count
    tokens: Count
    wall_clock_seconds: float
    cost_usd: float | None


class CappedShare(Model):
    """Too many of an agent's sessions hit a cap."""

    kind: Literal["capped_share"] = "capped_share"
    cap: CapName
    sessions: Count
    capped: Count
    share: float
    limit: float
    window_from: Moment
    window_to: Moment
    examples: list[str]


class BudgetUse(Model):
    """What an agent, a user or a tenant spent of a budget, or will have spent when its hour or day ends.

    Attributes:
        whose: `user` names nobody: the finding's subject is a name that is made for it.
        share: spent over budget.
        band: the share of the budget that was passed; None for a forecast.
        forecast_usd: at the end of the hour or day.
        rate_usd_per_hour: what the forecast rests on: the lesser of the rates since it began and in its last quarter
            hour or three hours.
    """

    kind: Literal["budget_use"] = "budget_use"
    whose: Literal["agent", "user", "tenant"]
    per: Literal["hour", "day"]
    budget_usd: float
    spent_usd: float
    share: float
    band: float | None = None
    forecast_usd: float | None = None
    rate_usd_per_hour: float | None = None
    window_from: Moment
    window_to: Moment
    examples: list[str] = []


class SpendOutlier(Model):
    """A session spends far more than the agent's sessions do.

    Attributes:
        usd: so far.
        usual_usd: the median session's, within 5 %.
        high_usd: what 99 of 100 sessions stay within, within 5 %.
        limit_usd: beyond it a session is told.
        sessions: in the agent's own past, since `history_from`.
        is_over: whether it had ended, or fallen silent.
    """

    kind: Literal["spend_outlier"] = "spend_outlier"
    usd: float
    usual_usd: float
    high_usd: float
    limit_usd: float
    sessions: Count
    history_from: Moment
    is_over: bool


class SpendAboveHistory(Model):
    """An agent spends more than it used to: in one hour, or for days.

    Attributes:
        what: `hour`: a spike; `days`: chronic, the latest three whole days.
        source: what it is compared with, in words.
        usd: in the hour so far, or in those days.
        usual_usd: the median of what it is compared with.
        limit_usd: what an hour may reach, or those days together at least.
        values: of how many hours or days the past consists.
        usd_per_session: None where no session began then; `usual_usd_per_session`: the same of the past.
        sessions: that began to spend then.
    """

    kind: Literal["spend_above_history"] = "spend_above_history"
    what: Literal["hour", "days"]
    source: str
    usd: float
    usual_usd: float
    limit_usd: float
    values: Count
    sessions: Count
    usd_per_session: float | None = None
    usual_usd_per_session: float | None = None
    window_from: Moment
    window_to: Moment
    examples: list[str] = []
