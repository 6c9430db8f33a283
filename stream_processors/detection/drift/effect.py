"""How large a change is, since when, and how sure both are.

The moment is chosen by `watch.since_change`. The mean since then has a *confidence sequence*: an interval that holds
the truth at all times at once, so that it may be looked at when the alarm says so. For zeros and ones it is exact (a
beta mixture of likelihood ratios, Robbins 1970); for other numbers and for weighted ones asymptotic (Waudby-Smith,
Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences", 2024). The
moment is one of several, one a size of bet, so the error is divided among them. That these moments are themselves
chosen by the scores is in no theorem: `make drift-bench` measures how often the interval holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from watchkeeper.stream_processors.detection.drift.baseline import Baseline
from watchkeeper.stream_processors.detection.drift.tallies import Tally, mean_of, spread_of
from watchkeeper.stream_processors.detection.drift.watch import Watch, since_change

ALPHA: Final = 0.05
_STEPS: Final = 40
_TIGHTEST: Final = 0.16
"""The asymptotic sequence is tightest at about 8 / this many blocks."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A change, with 95 % intervals.

    Attributes:
        before: the baseline's mean.
        after: the mean since the change, and where it lies.
        change: `after - before`, and where it lies.
        scores: how many there were since the change.
        since_index: how many scores came before the change.
        since_us: when the first score since the change was, epoch microseconds.
    """

    before: float
    after: float
    after_low: float
    after_high: float
    change: float
    change_low: float
    change_high: float
    scores: int
    since_index: int
    since_us: int


def effect_of(watch: Watch, baseline: Baseline, alpha: float = ALPHA) -> Effect:
    """The change that a watch has the greatest evidence for."""
    tally = since_change(watch)
    before = baseline["mean"]
    after = mean_of(tally) if tally["blocks"] else before
    low, high = mean_sequence(tally, baseline, alpha / len(watch["bets"]))
    wide = 1.96 * math.sqrt((baseline["spread"] + 1 / baseline["blocks"]) / baseline["blocks"])
    change = after - before
    return Effect(
        before=before,
        after=after,
        after_low=low,
        after_high=high,
        change=change,
        # Two intervals that err on their own: the squares of their arms add up (Zou and Donner 2008).
        change_low=max(-1.0, change - math.hypot(after - low, wide)),
        change_high=min(1.0, change + math.hypot(high - after, wide)),
        scores=tally["scores"],
        since_index=tally["index"],
        since_us=tally["at_us"],
    )


def mean_sequence(tally: Tally, baseline: Baseline, alpha: float = ALPHA) -> tuple[float, float]:
    """Where the mean since a moment lies, whenever one looks; 0 to 1 of nothing."""
    if not tally["blocks"]:
        return 0.0, 1.0
    coins = baseline["binary"] and tally["blocks"] == tally["scores"] and tally["weight"] == tally["scores"]
    return _of_coins(tally, alpha) if coins else _asymptotic(tally, baseline, alpha)


def _of_coins(tally: Tally, alpha: float) -> tuple[float, float]:
    right, wrong = tally["total"], tally["scores"] - tally["total"]
    mixture = math.lgamma(right + 1) + math.lgamma(wrong + 1) - math.lgamma(right + wrong + 2)
    least = mixture + math.log(alpha)

    def holds(share: float) -> bool:
        likelihood = (right * math.log(share) if right else 0.0) + (wrong * math.log1p(-share) if wrong else 0.0)
        return likelihood >= least

    middle = mean_of(tally)
    return _edge(holds, middle, 0.0), _edge(holds, middle, 1.0)


def _edge(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """The farthest from `inside`, towards `outside`, at which it holds."""
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        if 0 < middle < 1 and holds(middle):
            inside = middle
        else:
            outside = middle
    return outside


def _asymptotic(tally: Tally, baseline: Baseline, alpha: float) -> tuple[float, float]:
    blocks, mean = tally["blocks"], mean_of(tally)
    # The baseline's spread counts as one block more: few equal scores are not certain ones.
    spread = (blocks * spread_of(tally) + max(baseline["spread"], 1e-4)) / (blocks + 1)
    growth = blocks * _TIGHTEST + 1
    wide = math.sqrt(spread * 2 * growth / (blocks**2 * _TIGHTEST) * math.log(math.sqrt(growth) / alpha))
    return max(0.0, mean - wide), min(1.0, mean + wide)
