"""Caps and money: what a session crossed, and what it spent."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from watchkeeper.schemas.model import Moment
from watchkeeper.schemas.policy import CapName
from watchkeeper.schemas.policy_budgets import WhenSpent
from watchkeeper.schemas.signals.base import SignalBase


class SessionOpened(SignalBase):
    """A session of the agent began.

    Attributes:
        capped_sessions_share: the policy's limit for the share of sessions that may hit one cap.
    """

    kind: Literal["session_opened"] = "session_opened"
    capped_sessions_share: Annotated[float, Field(gt=0, lt=1)] = 0.05


class CapHit(SignalBase):
    """A session of the agent crossed a cap. At most one for each session and cap.

    Attributes:
        started_at: when the session began: a hit counts in the window of its session's start.
    """

    kind: Literal["cap_hit"] = "cap_hit"
    cap: CapName
    started_at: Moment


class Spent(SignalBase):
    """A session spent money since it was last told.

    Attributes:
        usd: how much, by the price book.
        per_hour_usd: the subject's budgets.
        bands: shares of them at which to tell.
        session_usd: all that the session has spent; 0 where the teller did not say.
        is_first: whether nothing of the session was told before.
        is_over: whether the session ended, or fell silent, for the first time.
        when_spent: what to do when a budget is spent.
    """

    kind: Literal["spent"] = "spent"
    usd: Annotated[float, Field(ge=0)]
    per_hour_usd: Annotated[float, Field(gt=0)] | None = None
    per_day_usd: Annotated[float, Field(gt=0)] | None = None
    bands: list[float]
    session_usd: Annotated[float, Field(ge=0)] = 0.0
    is_first: bool = False
    is_over: bool = False
    when_spent: WhenSpent = "tell"
