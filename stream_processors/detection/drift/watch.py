"""Watching one stream for a fall of its mean (or a rise), with a promise of how seldom it is a false alarm.

A Shiryaev-Roberts e-detector (Shin, Ramdas, Rinaldo, "E-detectors: a nonparametric framework for sequential change
detection", NEJSDS 2024). At every score a new gambler comes, with a stake of 1, and bets on every score from then on
that the mean has fallen below the baseline's lower limit m: a bet `b` multiplies the stake by 1 + b (m - score). While
the mean is not below m, no gambler can expect to gain. The evidence is what they all hold together: after n scores it
is n in expectation, at most. So it takes N scores on average, at least, until it first reaches N: that is the promise,
and no more is assumed of scores than that each one's expectation, given those before, is m or more. There are several
sizes of a bet, each for a fall of another size; what the gamblers of all sizes hold is averaged, so that nobody must
know how large the fall will be.

The limit m is beyond the truth with a chance of `error`, and then nothing is promised. So the alarm is at N / (1 -
error) rather than N, and the average, over baselines too, is N.

Scores that follow each other (one bad day, ten bad scores) are taken in blocks: a block's mean is one bet, and the
alarm is at as many fewer. A score that was drawn more often than others weighs less: 1 + b w (m - score), with w the
smallest inclusion by its own. That is fair as well, since what a session adds, by the chance to be drawn, is that of
all sessions alike; and because w is at most 1 no gambler loses more than the stake.

Where a rise is worse, score and limit are taken from 1.
"""

from __future__ import annotations

import math
from typing import Final, TypedDict

from watchkeeper.stream_processors.detection.drift.baseline import Baseline
from watchkeeper.stream_processors.detection.drift.gamblers import bets_for, held_after, likelihood, sizes_for
from watchkeeper.stream_processors.detection.drift.scored import Direction, DriftError, Scored
from watchkeeper.stream_processors.detection.drift.tallies import (
    Tally,
    add_score,
    close_block,
    copy_tally,
    empty_tally,
    mean_of,
    merge_tally,
)

_NEARLY: Final = 1.5
"""In logarithms of likelihood; of 0 to 5, the least mean distance from the true moment."""


class Watch(TypedDict):
    """The state of one watched stream: plain JSON values, some 2 KB without segments.

    Attributes:
        direction: which way is worse.
        promise: N: on average at most one false alarm in N scores.
        error: the chance that the baseline's limit is beyond the truth.
        block: scores a block.
        limit: m, of scores turned so that a fall is worse.
        phases: m of each phase that has one of its own.
        bets: sizes of bets.
        held: what the gamblers of each size hold.
        runs: of each size, the logarithm of what the luckiest of all gamblers made of 1.
        since: of each size, sums over the scores since that gambler came.
        pending: sums over the scores of the open block; `pending_gap` their weighted distances from m.
        scores: how many were folded in.
    """

    direction: Direction
    promise: int
    error: float
    block: int
    limit: float
    phases: dict[str, float]
    bets: list[float]
    held: list[float]
    runs: list[float]
    since: list[Tally]
    pending: Tally
    pending_gap: float
    scores: int


def new_watch(baseline: Baseline, *, promise: int, direction: Direction = "fall", tolerance: float = 0.0) -> Watch:
    """A watch that has seen nothing yet.

    Args:
        baseline: what the stream is held against.
        promise: N, in scores; at least 10 blocks.
        direction: which way is worse.
        tolerance: a fall by less than this is none: taken from the baseline's limit.

    Raises:
        DriftError: the promise is too short, or the tolerance leaves nothing to fall from.
    """
    if promise < 10 * baseline["block"]:
        raise DriftError(
            f"a promise of one false alarm in {promise} scores, in blocks of {baseline['block']}, says nothing;"
            f" promise at least {10 * baseline['block']}"
        )
    lows = {name: limits[0] if direction == "fall" else 1 - limits[1] for name, limits in baseline["phases"].items()}
    limit = (baseline["low"] if direction == "fall" else 1 - baseline["high"]) - tolerance
    if limit <= 0 or tolerance < 0:
        raise DriftError(
            f"with a tolerance of {tolerance:g} no {direction} from a mean of {baseline['mean']:g} can be seen;"
            " give a smaller one, 0 or above"
        )
    phases = {name: max(0.0, low - tolerance) for name, low in lows.items()}
    bets = bets_for(
        limit,
        baseline["spread"],
        coins=baseline["binary"] and baseline["block"] == 1,
        least_limit=min(limit, *phases.values()) if phases else limit,
        weight=baseline["weight"],
        sizes=sizes_for(promise / baseline["block"]),
    )
    return Watch(
        direction=direction,
        promise=promise,
        error=baseline["error"],
        block=baseline["block"],
        limit=limit,
        phases=phases,
        bets=bets,
        held=[0.0] * len(bets),
        runs=[0.0] * len(bets),
        since=[empty_tally() for _ in bets],
        pending=empty_tally(),
        pending_gap=0.0,
        scores=0,
    )


def fold_score(watch: Watch, score: Scored) -> bool:
    """Takes a score in, in place; whether the alarm is reached (which stays so only while the evidence does)."""
    pending = watch["pending"]
    if not pending["scores"]:
        pending["index"], pending["at_us"] = watch["scores"], score.at_us
    add_score(pending, score)
    watch["scores"] += 1
    value = score.value if watch["direction"] == "fall" else 1 - score.value
    watch["pending_gap"] += score.weight * (watch["phases"].get(score.phase, watch["limit"]) - value)
    if pending["scores"] >= watch["block"]:
        _fold_block(watch, watch["pending_gap"] / watch["block"])
        watch["pending"], watch["pending_gap"] = empty_tally(), 0.0
    return is_alarm(watch)


def evidence(watch: Watch) -> float:
    """The evidence as a share of what alarms: 1 and more is an alarm; `family.alarms_of` compares such."""
    held = math.fsum(watch["held"]) / len(watch["held"])
    return held * watch["block"] * (1 - watch["error"]) / watch["promise"]


def is_alarm(watch: Watch) -> bool:
    """Whether the evidence keeps the promise when it is told now."""
    return evidence(watch) >= 1


def restart(watch: Watch) -> None:
    """Forgets the evidence, in place, and keeps the limit: what follows is watched under the same promise anew."""
    watch["held"] = [0.0] * len(watch["bets"])
    watch["runs"] = [0.0] * len(watch["bets"])
    watch["since"] = [empty_tally() for _ in watch["bets"]]
    watch["pending"], watch["pending_gap"] = empty_tally(), 0.0


def since_change(watch: Watch) -> Tally:
    """Sums over the scores since the change is likeliest to have been.

    The luckiest gambler of each size came at a moment of its own. Of these moments it is the earliest of those since
    which the mean, whatever it is, is nearly as likely as since the best: the best itself is late, since the worst
    scores in a row draw it to them.
    """
    likelihoods = []
    for tally in watch["since"]:
        mean = mean_of(tally) if watch["direction"] == "fall" else 1 - mean_of(tally)
        likelihoods.append(likelihood(tally["weight"], mean, watch["limit"]))
    near = max(likelihoods) - _NEARLY
    return min(
        (tally for tally, told in zip(watch["since"], likelihoods, strict=True) if told >= near),
        key=lambda tally: tally["index"],
    )


def _fold_block(watch: Watch, gap: float) -> None:
    block = watch["pending"]
    close_block(block)
    for size, bet in enumerate(watch["bets"]):
        factor = 1 + bet * gap
        watch["held"][size] = held_after(watch["held"][size], factor)
        if watch["runs"][size] <= 0:
            watch["runs"][size], watch["since"][size] = 0.0, copy_tally(block)
        else:
            merge_tally(watch["since"][size], block)
        watch["runs"][size] += math.log(factor)
