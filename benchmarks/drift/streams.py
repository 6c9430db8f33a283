"""Streams of scores, seeded: coins, numbers, ones that follow each other, ones that know the day of the week."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final

import numpy as np
from scipy.special import ndtri

from watchkeeper.stream_processors.detection.drift.scored import Scored

GOOD: Final = 0.95
BAD: Final = 0.83
REFERENCE: Final = 500
"""Scores that a baseline is estimated from."""
_CHUNK: Final = 512
_DAY_US: Final = 86_400_000_000
A_DAY: Final = 20
"""Scores a day, of streams that know days."""

Draw = Callable[[np.random.Generator], Iterator[Scored]]
"""An endless stream."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of stream that does not drift, and what it falls to.

    Attributes:
        says: what it is, for the table.
        still: the stream while nothing has changed.
        fallen: the stream after the change; None where only false alarms are counted.
    """

    name: str
    says: str
    still: Draw
    fallen: Draw | None = None


def coins(rate: float) -> Draw:
    """Passed or not, each on its own."""

    def draw(random: np.random.Generator) -> Iterator[Scored]:
        passed, failed = Scored(1.0), Scored(0.0)
        while True:
            yield from (passed if kept else failed for kept in random.random(_CHUNK) < rate)

    return draw


def numbers(mean: float, certainty: float) -> Draw:
    """A judge's numbers: Beta distributed."""

    def draw(random: np.random.Generator) -> Iterator[Scored]:
        while True:
            yield from map(Scored, random.beta(mean * certainty, (1 - mean) * certainty, _CHUNK).tolist())

    return draw


def drawn_by_risk(rate: float) -> Draw:
    """Coins of which the risky tenth, which fails more often, is drawn four times as often, and weighs a quarter."""
    risky_rate = rate - 0.2
    other_rate = (rate - 0.1 * risky_rate) / 0.9
    risky_share = 0.1 * 4 / (0.1 * 4 + 0.9)

    def draw(random: np.random.Generator) -> Iterator[Scored]:
        while True:
            risky = random.random(_CHUNK) < risky_share
            passed = random.random(_CHUNK) < np.where(risky, risky_rate, other_rate)
            for value, is_risky in zip(passed.tolist(), risky.tolist(), strict=True):
                yield Scored(float(value), weight=0.25 if is_risky else 1.0)

    return draw


def following(mean: float, deviation: float, follows: float) -> Draw:
    """Numbers of which each follows the one before: a Gaussian AR(1), cut to 0 to 1."""

    def draw(random: np.random.Generator) -> Iterator[Scored]:
        level, step = random.normal(), np.sqrt(1 - follows**2)
        while True:
            for shock in random.normal(size=_CHUNK).tolist():
                level = follows * level + step * shock
                yield Scored(min(1.0, max(0.0, mean + deviation * level)))

    return draw


def following_coins(rate: float, follows: float) -> Draw:
    """Passed or not, by whether a Gaussian AR(1) is below a level: bad scores come in rows."""
    level_of_rate = float(ndtri(rate))

    def draw(random: np.random.Generator) -> Iterator[Scored]:
        level, step = random.normal(), np.sqrt(1 - follows**2)
        while True:
            for shock in random.normal(size=_CHUNK).tolist():
                level = follows * level + step * shock
                yield Scored(float(level < level_of_rate))

    return draw


def weekly(workdays: float, weekend: float) -> Draw:
    """Coins that fail more often at weekends; each score says which it was."""

    def draw(random: np.random.Generator) -> Iterator[Scored]:
        for day in chain.from_iterable(repeat(range(7))):
            phase, rate = ("weekend", weekend) if day >= 5 else ("workday", workdays)
            for passed in (random.random(A_DAY) < rate).tolist():
                yield Scored(float(passed), at_us=day * _DAY_US, phase=phase)

    return draw


COINS: Final = Kind("coins", f"passed, {GOOD:.2f}", coins(GOOD), coins(BAD))
PLAIN: Final = (
    COINS,
    Kind("numbers", "a judge's numbers, 0.80 ± 0.15", numbers(0.8, 6.1), numbers(0.7, 6.1)),
    Kind("drawn_by_risk", "passed, 0.95; the risky drawn 4 times as often", drawn_by_risk(GOOD), drawn_by_risk(BAD)),
)
FOLLOWING: Final = (
    Kind("following_numbers", "numbers, 0.80 ± 0.10, AR(0.6)", following(0.8, 0.1, 0.6), following(0.7, 0.1, 0.6)),
    Kind(
        "following_coins",
        "passed, 0.90, of a hidden AR(0.8)",
        following_coins(0.9, 0.8),
        following_coins(0.75, 0.8),
    ),
)
WEEKLY: Final = (
    Kind("weekly_mild", "passed, 0.95, weekends 0.92", weekly(0.95, 0.92), weekly(0.83, 0.80)),
    Kind("weekly_strong", "passed, 0.95, weekends 0.85", weekly(0.95, 0.85), weekly(0.83, 0.73)),
)
