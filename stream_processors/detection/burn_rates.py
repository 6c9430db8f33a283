"""How fast an error budget burns: several windows, each in a long and a short form.

After Google, "The Site Reliability Workbook", chapter 5, "Alerting on SLOs", method 6.

An objective promises a share of good events, `target`; the rest is its error budget. A burn rate of 1 uses the budget
up just by the end of its window of 30 days. A pair of windows alarms while *both* burn faster than its rate: the long
one so that a moment's trouble says nothing, the short one so that the alarm ends when the trouble does.

| pair | rate | long | short | part of the budget that is gone by then |
|---|---|---|---|---|
| fast | 14.4 | 1 h | 5 min | 2 % |
| slow | 6 | 6 h | 30 min | 5 % |
| chronic | 1 | 3 d | 6 h | 10 % |

Two things are added. With a low target a rate times the budget may be more than there can be: the share that alarms is
at most halfway from the budget to all. And few events prove nothing: at least `MIN_BAD` bad ones, and the share of bad
events in the long window must be above the budget with a confidence of 1 - `ALPHA` (`proportions`). The slower pairs
need a past of half their long window: ten minutes of trouble are not a chronic burn because nothing is known from
before. And a slower pair says nothing while a faster one is burning: it is one story.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypedDict

from watchkeeper.stream_processors.detection.proportions import lower_bound
from watchkeeper.stream_processors.detection.windows import Buckets, Span, add, total

PairName = Literal["fast", "slow", "chronic"]
ALPHA: Final = 1e-4
MIN_BAD: Final = 5


@dataclass(frozen=True, slots=True)
class Pair:
    """A long and a short window, in buckets of one span, and the burn rate at which both alarm.

    Attributes:
        past: how many buckets back there must be events.
    """

    name: PairName
    rate: float
    span: Span
    long: int
    short: int
    past: int


PAIRS: Final = (
    Pair("fast", 14.4, Span(60, 60), 60, 5, 0),
    Pair("slow", 6.0, Span(600, 36), 36, 3, 18),
    Pair("chronic", 1.0, Span(7200, 36), 36, 3, 18),
)


class Burn(TypedDict):
    """One objective's past.

    Attributes:
        counts: `[events, bad]` by bucket, for each pair.
        open: `[start of the episode in us, revision]`, by pair.
        ended: the same of the latest that ended.
    """

    counts: list[Buckets]
    open: dict[str, list[int]]
    ended: dict[str, list[int]]


class Windows(TypedDict):
    """What evidence tells of both windows; see `BudgetBurn`."""

    pair: PairName
    burn: float
    limit: float
    long_seconds: int
    long_events: int
    long_bad: int
    short_seconds: int
    short_events: int
    short_bad: int


@dataclass(frozen=True, slots=True)
class Change:
    """An episode of burning began, or ended.

    Attributes:
        since_us: what the episode is named by.
        limit: the share of bad events at which the pair alarms.
    """

    pair: Pair
    since_us: int
    revision: int
    resolved: bool
    limit: float
    long_events: int
    long_bad: int
    short_events: int
    short_bad: int

    def burn(self, target: float) -> float:
        """The rate in the long window; 0 where there is no budget to compare with."""
        return self.long_bad / self.long_events / (1 - target) if self.long_events and target < 1 else 0.0

    def windows(self, target: float) -> Windows:
        """For evidence."""
        return {
            "pair": self.pair.name,
            "burn": self.burn(target),
            "limit": self.limit,
            "long_seconds": self.pair.long * self.pair.span.seconds,
            "long_events": self.long_events,
            "long_bad": self.long_bad,
            "short_seconds": self.pair.short * self.pair.span.seconds,
            "short_events": self.short_events,
            "short_bad": self.short_bad,
        }


def new_burn() -> Burn:
    """Nothing yet."""
    return Burn(counts=[{} for _ in PAIRS], open={}, ended={})


def take(burn: Burn, at_us: int, events: int, bad: int, target: float, *, spread_us: int | None = None) -> list[Change]:
    """Takes events in; `burn` is changed in place.

    Args:
        burn: the objective's past.
        at_us: when they were.
        events: how many.
        bad: how many of them were bad.
        target: the share of good events promised.
        spread_us: since when the bad events are of as many sessions as it takes to prove something: no pair whose long
            window began later alarms. None where each event proves something by itself.

    Returns:
        Episodes that began or ended.
    """
    for pair, buckets in zip(PAIRS, burn["counts"], strict=True):
        add(buckets, pair.span, at_us, [events, bad])
    changes = []
    is_burning = False
    if bad or burn["open"]:
        for pair, buckets in zip(PAIRS, burn["counts"], strict=True):
            is_thin = spread_us is not None and spread_us <= at_us - pair.long * pair.span.seconds * 1_000_000
            change = _judge(burn, pair, buckets, at_us, target, quiet=is_burning or is_thin)
            is_burning = is_burning or pair.name in burn["open"]
            if change is not None:
                changes.append(change)
    return changes


def _judge(burn: Burn, pair: Pair, buckets: Buckets, at_us: int, target: float, *, quiet: bool) -> Change | None:
    long_events, long_bad = (int(count) for count in total(buckets, pair.span, at_us, pair.long, 2))
    short_events, short_bad = (int(count) for count in total(buckets, pair.span, at_us, pair.short, 2))
    budget = 1 - target
    limit = min(pair.rate * budget, (budget + 1) / 2)
    is_above = short_bad > limit * short_events and long_bad > limit * long_events
    known = burn["open"].get(pair.name)
    if known is not None:
        if is_above or at_us < known[0]:
            return None
        del burn["open"][pair.name]
        known = burn["ended"][pair.name] = [known[0], known[1] + 1]
        return Change(pair, known[0], known[1], True, limit, long_events, long_bad, short_events, short_bad)
    if quiet or not is_above or long_bad < MIN_BAD or lower_bound(long_bad, long_events, ALPHA) <= budget:
        return None
    at = pair.span.bucket(at_us)
    if not any(pair.past <= at - int(bucket) < pair.long for bucket in buckets):
        return None
    since_us = pair.span.start_us(at)
    ended = burn["ended"].get(pair.name)
    # Twice within one bucket it is the same episode, gone on.
    known = [since_us, ended[1] + 1 if ended is not None and ended[0] == since_us else 0]
    burn["open"][pair.name] = known
    return Change(pair, known[0], known[1], False, limit, long_events, long_bad, short_events, short_bad)
