"""What an agent's spend is compared with where nobody declared a budget: its own past.

Spend stands in hours and days of UTC, each as `[US dollars, sessions that began to spend]`. Two questions are asked of
it. *An hour* is compared with the same hour of up to 14 days before, of each day the dearest of three (it and those
beside it): 9 o'clock with 9 o'clock, so that a busy morning is no alarm. Nine of ten of those days, their median with
its spread (MAD; Rousseeuw and Croux 1993) and the same day of the week say what is usual; one bad day moves the first
two by little. An hour in which the agent seldom works is compared with the dearest hours of those days instead. *A day*
is compared with the same weekday of four weeks before, by their median.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import Final

from watchkeeper.stream_processors.detection.windows import Buckets, Span

HOUR: Final = Span(3600, 15 * 24 + 2)
DAY: Final = Span(86_400, 36)
MAX_DAYS: Final = 14
MIN_DAYS: Final = 7
"""So that every weekday is among them."""
MIN_WEEKS: Final = 2
WEEKS: Final = 4

MIN_HOUR_USD: Final = 1.0
MIN_DAY_USD: Final = 5.0
WORSE_HOUR: Final = 3.0
SPREADS: Final = 6.0
WORSE_WEEKDAY: Final = 2.0
WORSE_DEAREST: Final = 2.0
DEAREST: Final = 3
"""The third dearest hour: one bad day has two."""
WORSE_DAY: Final = 1.5
_MAD: Final = 1.4826
"""Times the median absolute deviation it is the standard deviation, where values are normal."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is usual.

    Attributes:
        source: where that is known from, in words.
        usual: the median, in US dollars.
        limit: what is more is unusual.
        values: of how many hours or days it is made.
        usd: of all of them; `sessions`: that began to spend in them.
    """

    source: str
    usual: float
    limit: float
    values: int
    usd: float
    sessions: int

    @property
    def usd_per_session(self) -> float | None:
        """What a session used to cost; None where there was none."""
        return self.usd / self.sessions if self.sessions else None


def past_of_hour(hours: Buckets, hour: int) -> Past | None:
    """What the agent used to spend in such an hour; None while too little is known."""
    if not hours:
        return None
    oldest = min(map(int, hours))
    days = [day for day in range(1, MAX_DAYS + 1) if hour - 24 * day > oldest]
    if len(days) < MIN_DAYS:
        return None
    alike = [max(_at(hours, hour - 24 * day + beside) for beside in (-1, 0, 1)) for day in days]
    if 2 * sum(usd > 0 for usd, _ in alike) < len(days):
        dearest = sorted((_at(hours, one) for one in range(hour - 24 * len(days), hour - 1)), reverse=True)[:DEAREST]
        source = f"the {DEAREST} dearest hours of {len(days)} days"
        return _past(source, dearest, WORSE_DEAREST * dearest[-1][0], MIN_HOUR_USD)
    spent = sorted(usd for usd, _ in alike)
    middle = median(spent)
    spread = _MAD * median(abs(usd - middle) for usd in spent)
    high = spent[math.ceil(0.9 * len(spent)) - 1]
    weekday = max(usd for day, (usd, _) in zip(days, alike, strict=True) if day % 7 == 0)
    limit = max(WORSE_HOUR * high, middle + SPREADS * spread, WORSE_WEEKDAY * weekday)
    return _past(f"the same hour, give or take one, of {len(days)} days", alike, limit, MIN_HOUR_USD)


def past_of_day(days: Buckets, day: int) -> Past | None:
    """What the agent used to spend on such a day; None while too little is known."""
    if not days:
        return None
    oldest = min(map(int, days))
    weeks = [week for week in range(1, WEEKS + 1) if day - 7 * week > oldest]
    if len(weeks) < MIN_WEEKS:
        return None
    alike = [_at(days, day - 7 * week) for week in weeks]
    limit = WORSE_DAY * median(usd for usd, _ in alike)
    return _past(f"the same weekday of {len(weeks)} weeks", alike, limit, MIN_DAY_USD)


def spent_in(buckets: Buckets, bucket: int) -> tuple[float, int]:
    """US dollars, and sessions that began to spend, in an hour or on a day."""
    usd, sessions = _at(buckets, bucket)
    return usd, int(sessions)


def _at(buckets: Buckets, bucket: int) -> tuple[float, float]:
    usd, sessions = buckets.get(str(bucket), (0.0, 0.0))
    return usd, sessions


def _past(source: str, alike: list[tuple[float, float]], limit: float, least: float) -> Past:
    return Past(
        source=source,
        usual=median(usd for usd, _ in alike),
        limit=max(limit, least),
        values=len(alike),
        usd=sum(usd for usd, _ in alike),
        sessions=int(sum(sessions for _, sessions in alike)),
    )
