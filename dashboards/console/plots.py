"""Plots over time, as numbers that a template draws: stretched to any width, with words beside them and not in them.

A plot is 1000 units wide and high, and is stretched to the room there is. Lines keep their width, and dots their size,
by `vector-effect`; what is written stands in HTML around it, so that it stays readable on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

UNITS: Final = 1000
_LEAST_SHARE: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Dot:
    """A point that stands for itself: `kind` is its class, `x` and `y` are units from the left and from the top."""

    kind: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line across the plot: at `place` units from the top, or from the left where it is upright."""

    kind: str
    place: float


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn, and what is written around it.

    Attributes:
        name: says what it shows, to who does not see it.
        line: points of one line, as SVG writes them; empty for none.
        dots: single points.
        levels: lines from left to right; `marks` from top to bottom.
        shade: from and to, in units from the left: a stretch of time that is told apart.
        y_words: beside it, from the top to the bottom, evenly spaced.
        x_words: below it, from the left to the right, evenly spaced.
    """

    name: str
    line: str = ""
    dots: Sequence[Dot] = ()
    levels: Sequence[Rule] = ()
    marks: Sequence[Rule] = ()
    shade: tuple[float, float] | None = None
    y_words: Sequence[str] = ()
    x_words: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time as the width of a plot."""

    first: datetime
    last: datetime
    _seconds: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_seconds", max(1.0, (self.last - self.first).total_seconds()))

    def place(self, moment: datetime) -> float:
        """Units from the left; what lies outside stands at the edge."""
        return _within((moment - self.first).total_seconds() / self._seconds) * UNITS

    @property
    def words(self) -> tuple[str, ...]:
        """Its beginning, its middle and its end."""
        middle = self.first + (self.last - self.first) / 2
        form = "%Y-%m-%d" if self._seconds > 3 * 86_400 else "%m-%d %H:%M"
        return tuple(moment.strftime(form) for moment in (self.first, middle, self.last))


@dataclass(frozen=True, slots=True)
class Shares:
    """Shares from `low` to `high` as the height of a plot."""

    low: float
    high: float

    def place(self, share: float) -> float:
        """Units from the top."""
        return (1 - _within((share - self.low) / (self.high - self.low))) * UNITS

    @property
    def words(self) -> tuple[str, ...]:
        """From the top to the bottom."""
        return tuple(f"{share:.0%}" for share in (self.high, (self.low + self.high) / 2, self.low))


@dataclass(frozen=True, slots=True)
class Powers:
    """Factors from a thousandth to `high`, each ten times as wide as high: what grows by factors shows as a slope."""

    high: float

    def place(self, share: float) -> float:
        """Units from the top."""
        wide = math.log10(self.high / _LEAST_SHARE)
        return (1 - _within(math.log10(max(share, _LEAST_SHARE) / _LEAST_SHARE) / wide)) * UNITS

    @property
    def words(self) -> tuple[str, ...]:
        """From the top to the bottom: a word for each factor of ten."""
        tens = range(round(math.log10(self.high)), -4, -1)
        return tuple(f"{10.0**ten:g}" for ten in tens)


def room_for(shares: Sequence[float]) -> Shares:
    """A height in which all of them have room, from and to whole tenths."""
    low = math.floor(min(shares, default=0.0) * 10 - 1e-9) / 10
    high = math.ceil(max(shares, default=1.0) * 10 + 1e-9) / 10
    return Shares(max(0.0, low), min(1.0, max(high, low + 0.1)) if low < 1 else 1.0)


def powers_for(shares: Sequence[float]) -> Powers:
    """A height in which all of them have room, and the alarm at 1 is not at the edge."""
    return Powers(10.0 ** max(1, math.ceil(math.log10(max([*shares, _LEAST_SHARE])))))


def points(places: Sequence[tuple[float, float]]) -> str:
    """Points as SVG writes them."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _within(share: float) -> float:
    return min(max(share, 0.0), 1.0)
