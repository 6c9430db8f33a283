"""What a day has room for. A day's budget is spread over the day, so that no hour takes it from those that follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

DAY: Final = timedelta(days=1)
_AHEAD: Final = 1 / 24
"""Of a day's budget, as much may be used ahead of the clock."""

_LEAST: Final = 1 / 20
"""Of what is left, as much is always there: while there is any, no session is without a chance."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used of a day's budget.

    Attributes:
        sessions: that were kept to be graded.
        usd: that grading cost.
        pending: sessions that are to be graded and are not, of this day or an earlier one.
        usd_a_session: what grading a session costs, as of late; 0 where nothing was paid.
    """

    sessions: int = 0
    usd: float = 0.0
    pending: int = 0
    usd_a_session: float = 0.0


def day_of(moment: datetime) -> datetime:
    """When the UTC day of a moment began."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def room(moment: datetime, spent: Spent, *, sessions_a_day: float, usd_a_day: float | None) -> float:
    """How many sessions more may be kept now; a fraction is a probability.

    Args:
        moment: now.
        spent: of the day.
        sessions_a_day: the day's budget.
        usd_a_day: the same in dollars; None where there is no limit.
    """
    passed = (moment - day_of(moment)) / DAY
    sessions = _left(passed, sessions_a_day, spent.sessions)
    if usd_a_day is None or spent.usd_a_session <= 0:
        return sessions
    bound = spent.usd + spent.pending * spent.usd_a_session
    return min(sessions, _left(passed, usd_a_day, bound) / spent.usd_a_session)


def _left(passed: float, budget: float, used: float) -> float:
    by_now = budget * min(1.0, passed + _AHEAD)
    return max(by_now - used, (budget - used) * _LEAST, 0.0)
