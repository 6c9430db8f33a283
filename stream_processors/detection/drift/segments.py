"""Which segments explain a change: intents, models, prompt versions, tenants.

The mean of all changes because a segment's own mean did (`within`: its share of scores since the change, times how far
its mean moved), or because segments with other means are more frequent now (`mix`). Both add up, over a dimension's
segments, to the whole change. A segment that was never seen before is measured against all that was before: so a new
version is told by what it does. Intervals are simultaneous over the segments shown: 95 % that all of a dimension hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from watchkeeper.stream_processors.detection.drift.baseline import Baseline
from watchkeeper.stream_processors.detection.drift.tallies import Tally, mean_of, named_sums


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one segment has to do with a change.

    Attributes:
        dimension: `intent`, say; `name` the segment in it.
        share_before: its share of weight in the baseline; `share_after` since the change.
        before: its mean in the baseline, or that of all where it was not there; `after` since the change.
        low: where `after - before` lies, to `high`.
        within: what its own change adds to the change of all; `mix` what its changed share adds.
        is_new: whether the baseline did not have it.
    """

    dimension: str
    name: str
    share_before: float
    share_after: float
    before: float
    after: float
    low: float
    high: float
    within: float
    mix: float
    is_new: bool

    @property
    def moved(self) -> bool:
        """Whether chance does not explain that its mean moved."""
        return self.low > 0 or self.high < 0


def contributions(since: Tally, baseline: Baseline, alpha: float = 0.05) -> tuple[Contribution, ...]:
    """What each segment contributes, those that moved first, by what they add to the change of all."""
    found = []
    for dimension in since["segments"]:
        names = sorted({*since["segments"][dimension], *baseline["segments"].get(dimension, {})})
        z = NormalDist().inv_cdf(1 - alpha / 2 / len(names))
        found += [_contribution(since, baseline, dimension, name, z) for name in names]
    sign = -1 if mean_of(since) < baseline["mean"] else 1
    return tuple(
        sorted(found, key=lambda one: (not one.moved, -sign * (one.within + one.mix), one.dimension, one.name))
    )


def _contribution(since: Tally, baseline: Baseline, dimension: str, name: str, z: float) -> Contribution:
    weight, total, squares = named_sums(baseline["segments"], dimension, name)
    weight_after, total_after, squares_after = named_sums(since["segments"], dimension, name)
    is_new = not weight
    before = total / weight if weight else baseline["mean"]
    after = total_after / weight_after if weight_after else before
    whole = sum(sums[0] for sums in baseline["segments"].get(dimension, {}).values())
    share_before = weight / whole if whole else 0.0
    share_after = weight_after / sum(sums[0] for sums in since["segments"][dimension].values())
    many = weight**2 / squares if weight else float(baseline["scores"])
    low_before, high_before = _interval(before, many, z)
    low_after, high_after = _interval(after, weight_after**2 / squares_after if weight_after else 0.0, z)
    return Contribution(
        dimension=dimension,
        name=name,
        share_before=share_before,
        share_after=share_after,
        before=before,
        after=after,
        low=max(-1.0, after - before - math.hypot(after - low_after, high_before - before)),
        high=min(1.0, after - before + math.hypot(high_after - after, before - low_before)),
        within=share_after * (after - before),
        mix=(share_after - share_before) * (before - baseline["mean"]),
        is_new=is_new,
    )


def _interval(mean: float, many: float, z: float) -> tuple[float, float]:
    """Wilson's, of as many scores as these weigh; no number from 0 to 1 spreads wider than a coin of its mean."""
    if not many:
        return 0.0, 1.0
    part = z * z / many
    middle = (mean + part / 2) / (1 + part)
    half = z / (1 + part) * math.sqrt(mean * (1 - mean) / many + part / (4 * many))
    return max(0.0, middle - half), min(1.0, middle + half)
