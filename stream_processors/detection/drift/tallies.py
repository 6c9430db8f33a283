"""Sums over blocks of scores, from which means, their spread and the shares of segments are told. Plain JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypedDict

from watchkeeper.stream_processors.detection.drift.scored import Scored

MAX_VALUES: Final = 32
"""Of one dimension; what comes after them is counted as `OTHER`."""
OTHER: Final = "(other)"

SegmentSums = dict[str, dict[str, list[float]]]
"""By dimension and value: `[sum of weights, sum of weighted values, sum of squared weights]`."""


class Tally(TypedDict):
    """Sums over the scores since one moment.

    Attributes:
        index: how many scores came before.
        at_us: when the first of these was, epoch microseconds.
        scores: how many these are.
        blocks: how many blocks they make.
        weight: sum of weights; `total` of weighted values.
        weight_squares: over blocks, the sum of squares of a block's weight; `cross` of weight times total,
            `total_squares` of squares of its total.
        segments: sums by dimension and value.
    """

    index: int
    at_us: int
    scores: int
    blocks: int
    weight: float
    total: float
    weight_squares: float
    cross: float
    total_squares: float
    segments: SegmentSums


def empty_tally(index: int = 0, at_us: int = 0) -> Tally:
    """Sums over nothing yet."""
    return Tally(
        index=index,
        at_us=at_us,
        scores=0,
        blocks=0,
        weight=0.0,
        total=0.0,
        weight_squares=0.0,
        cross=0.0,
        total_squares=0.0,
        segments={},
    )


def add_score(tally: Tally, score: Scored) -> None:
    """Takes a score in; its block is closed by `close_block`."""
    tally["scores"] += 1
    tally["weight"] += score.weight
    tally["total"] += score.weight * score.value
    for dimension, name in score.segments.items():
        _add_sums(tally["segments"], dimension, name, (score.weight, score.weight * score.value, score.weight**2))


def close_block(tally: Tally) -> None:
    """Says that what was added to an empty tally is one block."""
    tally["blocks"] = 1
    tally["weight_squares"] = tally["weight"] ** 2
    tally["cross"] = tally["weight"] * tally["total"]
    tally["total_squares"] = tally["total"] ** 2


def merge_tally(tally: Tally, other: Tally) -> None:
    """Takes the sums of blocks that came later in."""
    tally["scores"] += other["scores"]
    tally["blocks"] += other["blocks"]
    tally["weight"] += other["weight"]
    tally["total"] += other["total"]
    tally["weight_squares"] += other["weight_squares"]
    tally["cross"] += other["cross"]
    tally["total_squares"] += other["total_squares"]
    for dimension, names in other["segments"].items():
        for name, sums in names.items():
            _add_sums(tally["segments"], dimension, name, sums)


def copy_tally(tally: Tally) -> Tally:
    """The same sums, to be added to on their own."""
    copied = tally.copy()
    copied["segments"] = {
        dimension: {name: list(sums) for name, sums in names.items()} for dimension, names in tally["segments"].items()
    }
    return copied


def mean_of(tally: Tally) -> float:
    """The weighted mean; 0 of nothing."""
    return tally["total"] / tally["weight"] if tally["weight"] else 0.0


def spread_of(tally: Tally) -> float:
    """The variance of a block's weighted distance from the mean, in units of its mean weight squared; 0 of nothing."""
    if not tally["blocks"]:
        return 0.0
    mean = mean_of(tally)
    squares = tally["total_squares"] - 2 * mean * tally["cross"] + mean**2 * tally["weight_squares"]
    return max(0.0, squares) / tally["blocks"] / (tally["weight"] / tally["blocks"]) ** 2


def _add_sums(segments: SegmentSums, dimension: str, name: str, sums: tuple[float, ...] | list[float]) -> None:
    names = segments.setdefault(dimension, {})
    kept = name if name in names or len(names) < MAX_VALUES else OTHER
    past = names.get(kept)
    names[kept] = list(sums) if past is None else [a + b for a, b in zip(past, sums, strict=True)]


def named_sums(segments: Mapping[str, Mapping[str, list[float]]], dimension: str, name: str) -> list[float]:
    """The sums of one segment; of one that was never seen, zeros."""
    return segments.get(dimension, {}).get(name, [0.0, 0.0, 0.0])
