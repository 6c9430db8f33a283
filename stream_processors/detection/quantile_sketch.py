"""Quantiles of positive numbers in bounded state: counts in buckets whose bounds grow by a constant factor.

DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB
2019): a value v falls into bucket ceil(log(v) / log(g)) with g = (1 + a) / (1 - a). What is told of a quantile is at
most the share `a` away from a true value. Sketches are merged by adding counts, in any order. Beyond `MAX_BUCKETS` the
lowest buckets are put together, so that high quantiles stay right.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

ACCURACY: Final = 0.05
MAX_BUCKETS: Final = 128
SMALLEST: Final = 1e-6
"""What is less, zero included, counts as this."""

_FACTOR: Final = (1 + ACCURACY) / (1 - ACCURACY)
_LOG: Final = math.log(_FACTOR)

Sketch = dict[str, int]
"""Counts by bucket."""


def bucket_of(value: float) -> str:
    """The bucket of a value."""
    return str(math.ceil(math.log(max(value, SMALLEST)) / _LOG))


def add(sketch: Sketch, value: float, count: int = 1) -> None:
    """Takes a value in; `sketch` is changed in place."""
    bucket = bucket_of(value)
    sketch[bucket] = sketch.get(bucket, 0) + count
    if len(sketch) > MAX_BUCKETS:
        _bound(sketch)


def merge(sketch: Sketch, other: Mapping[str, int]) -> None:
    """Takes another sketch in; `sketch` is changed in place."""
    for bucket, count in other.items():
        sketch[bucket] = sketch.get(bucket, 0) + count
    _bound(sketch)


def quantile(sketch: Mapping[str, int], share: float) -> float | None:
    """A value that at least `share` of all are not above, within `ACCURACY`; None of nothing."""
    left = max(1, math.ceil(share * sum(sketch.values())))
    for bucket in sorted(sketch, key=int):
        left -= sketch[bucket]
        if left <= 0:
            return float(2 * _FACTOR ** int(bucket) / (_FACTOR + 1))
    return None


def relative_deviation(sketch: Mapping[str, int]) -> float:
    """The standard deviation as a share of the mean, within about twice `ACCURACY`; 0 of nothing."""
    total = sum(sketch.values())
    if not total:
        return 0.0
    values = [(2 * _FACTOR ** int(bucket) / (_FACTOR + 1), count) for bucket, count in sketch.items()]
    mean = sum(value * count for value, count in values) / total
    return math.sqrt(sum(count * (value - mean) ** 2 for value, count in values) / total) / mean


def _bound(sketch: Sketch) -> None:
    if len(sketch) <= MAX_BUCKETS:
        return
    ordered = sorted(sketch, key=int)
    for bucket in ordered[: len(ordered) - MAX_BUCKETS]:
        into = ordered[len(ordered) - MAX_BUCKETS]
        sketch[into] += sketch.pop(bucket)
