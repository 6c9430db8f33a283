"""What a stream of scores was in a reference window, and how far from it the truth may have been.

A baseline from 500 scores is itself a guess: a stream that merely goes on would be found guilty of the guess's error.
So the limits of the mean (`limits`) are held against the stream, at an error that the promise pays for (`watch`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypedDict

from watchkeeper.stream_processors.detection.drift.limits import lower_limit_of_mean, lower_limit_of_share
from watchkeeper.stream_processors.detection.drift.scored import DriftError, Scored
from watchkeeper.stream_processors.detection.drift.tallies import (
    SegmentSums,
    Tally,
    add_score,
    close_block,
    empty_tally,
    mean_of,
    merge_tally,
    spread_of,
)

ERROR: Final = 0.1
"""The chance, by default, that a limit of the baseline is beyond the truth."""
LEAST_SCORES: Final = 50
BLOCKS: Final = (1, 2, 5, 10, 20, 50)
"""Block lengths that are tried where scores follow each other."""
_LEAST_BLOCKS: Final = 20
_FOLLOWS: Final = 0.1
"""A lag-1 correlation up to this is left alone."""


class Baseline(TypedDict):
    """The reference window. Plain JSON values.

    Attributes:
        scores: how many there were.
        since_us: when the first was; `until_us` the last. Epoch microseconds.
        mean: the weighted mean.
        spread: the variance of a block's mean.
        weight: the mean weight.
        low: the true mean is below it with a chance of at most `error`; `high`, above it.
        error: see there.
        binary: whether all are 0 or 1.
        block: how many scores make a block (1 where scores do not follow each other).
        blocks: how many blocks there were.
        phases: `[low, high]` of each phase whose mean differs by rule; empty where phases do not matter.
        segments: sums by dimension and value (`tallies`).
    """

    scores: int
    since_us: int
    until_us: int
    mean: float
    spread: float
    weight: float
    low: float
    high: float
    error: float
    binary: bool
    block: int
    blocks: int
    phases: dict[str, list[float]]
    segments: SegmentSums


def estimate_baseline(
    scores: Sequence[Scored], *, error: float = ERROR, block: int | None = None, phases: bool = True
) -> Baseline:
    """The baseline of these scores, in the order in which their sessions ended.

    Args:
        scores: of the reference window; 500 are good, `LEAST_SCORES` the least. They come from the same sampling plan
            as what is watched: weights are relative to the same smallest inclusion.
        error: the chance that a limit is beyond the truth. Divide it by the number of streams that share one promise.
        block: scores a block; None takes the shortest of `BLOCKS` whose means no longer follow each other.
        phases: whether each phase that scores name, with at least half of `LEAST_SCORES`, has a limit of its own. Few
            phases (workdays and weekends) cost hardly any delay; seven share the error and the scores in seven.

    Raises:
        DriftError: there are too few scores, or `error` is not between 0 and 1.
    """
    if not 0 < error < 1:
        raise DriftError(f"an error of {error!r} is not between 0 and 1; give a chance, 0.1 for example")
    length = block if block is not None else block_for([score.value for score in scores])
    if length < 1 or len(scores) < max(LEAST_SCORES, _LEAST_BLOCKS * length):
        raise DriftError(
            f"{len(scores)} scores in blocks of {length} are too few for a baseline;"
            f" give at least {max(LEAST_SCORES, _LEAST_BLOCKS * length)}, better 500"
        )
    whole, blocks = _in_blocks(scores, length)
    by_phase = _by_phase(scores) if phases else {}
    low, high = _limits(scores, blocks, error)
    share = error / max(1, len(by_phase))
    return Baseline(
        scores=len(scores),
        since_us=scores[0].at_us,
        until_us=scores[-1].at_us,
        mean=mean_of(whole),
        spread=spread_of(whole),
        weight=whole["weight"] / whole["scores"],
        low=low,
        high=high,
        error=error,
        binary=all(score.value in {0.0, 1.0} for score in scores),
        block=length,
        blocks=whole["blocks"],
        phases={
            name: list(_limits(of, _in_blocks(of, min(length, len(of)))[1], share)) for name, of in by_phase.items()
        },
        segments=whole["segments"],
    )


def block_for(values: Sequence[float]) -> int:
    """The shortest of `BLOCKS` in which the means of neighbouring blocks no longer follow each other."""
    fitting = [length for length in BLOCKS if len(values) >= _LEAST_BLOCKS * length]
    for length in fitting:
        means = [sum(values[start : start + length]) / length for start in range(0, len(values) - length + 1, length)]
        if _correlation(means) <= max(_FOLLOWS, 2 / math.sqrt(len(means))):
            return length
    return fitting[-1] if fitting else 1


def _correlation(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    if squares == 0:
        return 0.0
    return sum((left - mean) * (right - mean) for left, right in pairwise(values)) / squares


def _in_blocks(scores: Sequence[Scored], length: int) -> tuple[Tally, list[Tally]]:
    """All sums and each block's; what is left over at the end makes no block."""
    whole, blocks = empty_tally(0, scores[0].at_us), []
    for start in range(0, len(scores) - length + 1, length):
        block = empty_tally(start, scores[start].at_us)
        for score in scores[start : start + length]:
            add_score(block, score)
        close_block(block)
        blocks.append(block)
        merge_tally(whole, block)
    return whole, blocks


def _limits(scores: Sequence[Scored], blocks: Sequence[Tally], error: float) -> tuple[float, float]:
    plain = blocks[0]["scores"] == 1 and all(score.weight == 1 and score.value in {0.0, 1.0} for score in scores)
    if plain:
        right = sum(score.value for score in scores)
        return (
            lower_limit_of_share(right, len(scores), error),
            1 - lower_limit_of_share(len(scores) - right, len(scores), error),
        )
    values = [mean_of(block) for block in blocks]
    weights = [block["weight"] / block["scores"] for block in blocks]
    return (
        lower_limit_of_mean(values, error, weights),
        1 - lower_limit_of_mean([1 - value for value in values], error, weights),
    )


def _by_phase(scores: Sequence[Scored]) -> dict[str, list[Scored]]:
    phases: dict[str, list[Scored]] = defaultdict(list)
    for score in scores:
        if score.phase:
            phases[score.phase].append(score)
    return {name: of for name, of in phases.items() if len(of) >= LEAST_SCORES / 2}
