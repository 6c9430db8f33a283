"""Counts by time, in bounded state: what the rules of stage 2 keep of an agent's or a tool's past.

Counts stand in buckets of one length, by the number of the bucket since 1970. A window ends with the bucket of the
signal at hand, never with the latest that was seen: a writer whose clock is ahead fills buckets of its own and empties
nobody's window, and what comes late counts when it was. When there are more buckets than a window has, those farthest
from the signal at hand are forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Buckets = dict[str, list[float]]
"""Counts by bucket. JSON has no numbers as names."""


@dataclass(frozen=True, slots=True)
class Span:
    """Buckets of one length.

    Attributes:
        seconds: of one bucket.
        buckets: how many are kept.
    """

    seconds: int
    buckets: int

    def bucket(self, at_us: int) -> int:
        """The bucket of a moment."""
        return at_us // (self.seconds * 1_000_000)

    def start_us(self, bucket: int) -> int:
        """When a bucket begins."""
        return bucket * self.seconds * 1_000_000


def add(buckets: Buckets, span: Span, at_us: int, counts: Sequence[float]) -> None:
    """Adds counts to the bucket of a moment; `buckets` is changed in place."""
    at = span.bucket(at_us)
    known = buckets.get(str(at))
    if known is not None:
        for place, count in enumerate(counts):
            known[place] += count
        return
    buckets[str(at)] = list(counts)
    while len(buckets) > span.buckets:
        # Of two that are equally far the older goes.
        del buckets[max(buckets, key=lambda name: (abs(int(name) - at), at - int(name)))]


def total(buckets: Buckets, span: Span, until_us: int, length: int, width: int) -> list[float]:
    """The sums over the `length` buckets that end with that of `until_us`.

    Args:
        buckets: the counts.
        span: how they stand.
        until_us: a moment of the last bucket.
        length: how many buckets.
        width: how many counts each has.
    """
    last = span.bucket(until_us)
    sums = [0.0] * width
    for bucket in range(last - length + 1, last + 1):
        for place, count in enumerate(buckets.get(str(bucket), ())):
            sums[place] += count
    return sums
