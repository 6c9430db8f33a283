"""Watching what a stream consists of: which intents are asked for, which tools are used, which fields are missing.

Every session says which part of it is which category: `{"refund": 1.0}` where there is one intent, `{"search": 0.75,
"pay": 0.25}` of four calls of tools. The mean part of each category is watched for a rise and for a fall, as `watch`
watches a score, and all of them together keep one promise (`family`): on average at most one false alarm in N sessions.
Nothing is assumed about how categories depend on each other; where they exclude nothing (problems of data, of which a
session may have several), they are watched for rises alone.

What the baseline did not have is one category, `NEW`: its part was 0, with a limit above it as for the others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

from watchkeeper.stream_processors.detection.drift.baseline import LEAST_SCORES
from watchkeeper.stream_processors.detection.drift.family import alarms_of
from watchkeeper.stream_processors.detection.drift.gamblers import bets_for, held_after, likelihood
from watchkeeper.stream_processors.detection.drift.limits import lower_limit_of_mean, lower_limit_of_share
from watchkeeper.stream_processors.detection.drift.scored import Direction, DriftError
from watchkeeper.stream_processors.detection.proportions import score_interval

NEW: Final = "(new)"
REST: Final = "(rest)"
"""All categories of the baseline that are too rare to be watched one by one."""
MOST: Final = 16
ERROR: Final = 0.1
_SIZES: Final = (0.25, 0.5, 1.5)

Parts = Mapping[str, float]
"""By category, which part of a session it is: 0 to 1."""


class MixBaseline(TypedDict):
    """What a reference window consisted of.

    Attributes:
        sessions: how many there were.
        error: the chance that any of the limits is beyond the truth.
        binary: whether all parts are 0 or 1.
        directions: what is watched for.
        parts: by category, `[mean, low, high, variance]`.
    """

    sessions: int
    error: float
    binary: bool
    directions: list[Direction]
    parts: dict[str, list[float]]


class Side(TypedDict):
    """One category, watched in one direction. Lists have an entry for each size of bet.

    Attributes:
        limit: of the mean part, turned so that a fall is looked for.
        bets: their sizes.
        held: what all gamblers hold.
        runs: the logarithm of what the luckiest gambler made of 1.
        since: `[sessions before, epoch us, sessions, sum of parts]` since that gambler came.
    """

    limit: float
    bets: list[float]
    held: list[float]
    runs: list[float]
    since: list[list[float]]


class MixWatch(TypedDict):
    """The state of a watched mix: plain JSON values, some 350 bytes a category and direction.

    Attributes:
        promise: N: on average at most one false alarm in N sessions.
        error: the chance that a limit is beyond the truth.
        sessions: how many were folded in.
        sides: by category and direction, `refund/rise`.
    """

    promise: int
    error: float
    sessions: int
    sides: dict[str, Side]


@dataclass(frozen=True, slots=True)
class Moved:
    """A category whose part has changed.

    Attributes:
        before: its mean part in the baseline; `after` since the change.
        low: where `after` lies, to `high` (95 %).
        sessions: how many there were since the change.
        since_us: when the first of them was, epoch microseconds.
    """

    category: str
    direction: Direction
    before: float
    after: float
    low: float
    high: float
    sessions: int
    since_us: int


def estimate_mix(
    window: Sequence[Parts],
    *,
    error: float = ERROR,
    directions: Sequence[Direction] = ("fall", "rise"),
    most: int = MOST,
) -> MixBaseline:
    """What the sessions of a reference window consist of.

    Args:
        window: each session's parts, in order.
        error: the chance that any limit is beyond the truth.
        directions: `("rise",)` for problems of data.
        most: how many categories are watched one by one, the most frequent ones.

    Raises:
        DriftError: there are too few sessions, or a part is not from 0 to 1.
    """
    if len(window) < LEAST_SCORES:
        raise DriftError(f"{len(window)} sessions are too few for a baseline; give at least {LEAST_SCORES}")
    totals: dict[str, float] = {}
    for parts in window:
        for name, part in _checked(parts).items():
            totals[name] = totals.get(name, 0.0) + part
    ordered = sorted(totals, key=lambda name: (-totals[name], name))
    names = [*ordered[:most], *([REST] if ordered[most:] else []), NEW]
    folded = [_folded(parts, ordered[:most], known=totals) for parts in window]
    columns = {name: [parts.get(name, 0.0) for parts in folded] for name in names}
    binary = all(part in {0.0, 1.0} for column in columns.values() for part in column)
    share = error / (len(names) * len(directions))
    return MixBaseline(
        sessions=len(window),
        error=error,
        binary=binary,
        directions=list(directions),
        parts={name: _limits(column, share, binary=binary) for name, column in columns.items()},
    )


def new_mix(baseline: MixBaseline, *, promise: int) -> MixWatch:
    """A watch that has seen nothing yet; `promise` is N, in sessions."""
    sides = {}
    for name, (_, low, high, variance) in baseline["parts"].items():
        for direction in baseline["directions"]:
            limit = low if direction == "fall" else 1 - high
            if limit > 0:
                sides[f"{name}/{direction}"] = _new_side(limit, variance, binary=baseline["binary"])
    return MixWatch(promise=promise, error=baseline["error"], sessions=0, sides=sides)


def fold_parts(mix: MixWatch, baseline: MixBaseline, parts: Parts, at_us: int) -> tuple[str, ...]:
    """Takes a session in, in place; which sides alarm (`refund/rise`), the strongest first.

    Raises:
        DriftError: a part is not from 0 to 1.
    """
    known = baseline["parts"]
    folded = _folded(_checked(parts), known, known=known, rest=REST in known)
    for key, side in mix["sides"].items():
        name, _, direction = key.rpartition("/")
        part = folded.get(name, 0.0)
        _fold_side(side, part, part if direction == "fall" else 1 - part, mix["sessions"], at_us)
    mix["sessions"] += 1
    return alarms_of({key: _evidence(mix, side) for key, side in mix["sides"].items()})


def moved(mix: MixWatch, baseline: MixBaseline, sides: Sequence[str]) -> tuple[Moved, ...]:
    """What these sides tell, in their order."""
    return tuple(_moved(mix["sides"][key], baseline, key) for key in sides)


def restart_mix(mix: MixWatch) -> None:
    """Forgets all evidence, in place, and keeps the limits."""
    for side in mix["sides"].values():
        count = len(side["bets"])
        side["held"], side["runs"] = [0.0] * count, [0.0] * count
        side["since"] = [[0, 0, 0, 0.0] for _ in range(count)]


def _checked(parts: Parts) -> Parts:
    for name, part in parts.items():
        if not 0 <= part <= 1:
            raise DriftError(f"the part {part!r} of {name} is not from 0 to 1; divide by the session's sum")
    return parts


def _folded(
    parts: Parts, names: Sequence[str] | Mapping[str, object], *, known: Mapping[str, object], rest: bool = True
) -> dict[str, float]:
    """Parts by the categories that are watched."""
    folded: dict[str, float] = {}
    for name, part in parts.items():
        kept = name if name in names else REST if rest and name in known else NEW
        folded[kept] = min(1.0, folded.get(kept, 0.0) + part)
    return folded


def _limits(column: Sequence[float], error: float, *, binary: bool) -> list[float]:
    mean = sum(column) / len(column)
    variance = sum((part - mean) ** 2 for part in column) / len(column)
    if binary:
        right = sum(column)
        low = lower_limit_of_share(right, len(column), error)
        high = 1 - lower_limit_of_share(len(column) - right, len(column), error)
    else:
        low = lower_limit_of_mean(column, error)
        high = 1 - lower_limit_of_mean([1 - part for part in column], error)
    return [mean, low, high, variance]


def _new_side(limit: float, variance: float, *, binary: bool) -> Side:
    bets = bets_for(limit, variance, coins=binary, sizes=_SIZES)
    return Side(
        limit=limit,
        bets=bets,
        held=[0.0] * len(bets),
        runs=[0.0] * len(bets),
        since=[[0, 0, 0, 0.0] for _ in bets],
    )


def _fold_side(side: Side, part: float, turned: float, index: int, at_us: int) -> None:
    for size, bet in enumerate(side["bets"]):
        factor = 1 + bet * (side["limit"] - turned)
        side["held"][size] = held_after(side["held"][size], factor)
        if side["runs"][size] <= 0:
            side["runs"][size], side["since"][size] = 0.0, [index, at_us, 0, 0.0]
        side["runs"][size] += math.log(factor)
        side["since"][size][2] += 1
        side["since"][size][3] += part


def _evidence(mix: MixWatch, side: Side) -> float:
    return math.fsum(side["held"]) / len(side["held"]) * (1 - mix["error"]) / mix["promise"]


def _moved(side: Side, baseline: MixBaseline, key: str) -> Moved:
    name, _, direction = key.rpartition("/")
    told: Direction = "fall" if direction == "fall" else "rise"

    def weight_of(since: list[float]) -> float:
        mean = since[3] / since[2] if since[2] else 0.0
        return likelihood(since[2], mean if told == "fall" else 1 - mean, side["limit"])

    _, at_us, sessions, total = max(side["since"], key=weight_of)
    after = total / sessions if sessions else 0.0
    # Parts spread no wider than coins of their mean: the interval of a share is wide enough for them.
    low, high = score_interval(round(total), round(sessions), z=2.58) or (0.0, 1.0)
    return Moved(
        category=name,
        direction=told,
        before=baseline["parts"][name][0],
        after=after,
        low=min(low, after),
        high=max(high, after),
        sessions=round(sessions),
        since_us=round(at_us),
    )
