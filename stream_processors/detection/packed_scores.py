"""The scores of a baseline that is being gathered, packed into a text: seven characters each, 0, a half and 1 exactly.

A baseline needs every one of its scores in their order, and a subject's state is small.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from watchkeeper.stream_processors.detection.drift.scored import DriftError

HOUR_US: Final = 3_600_000_000
SIZE: Final = 7
"""Characters a score."""
OTHER: Final = 90
"""The place that stands for all segments beyond those that have places of their own."""

_FIRST: Final = 35
_LEFT_OUT: Final = 92
_BASE: Final = 91
"""The printable characters of ASCII from `#` on, without the backslash: none is escaped in JSON."""
_VALUES: Final = 8280
"""Even, so that a half is exact; two characters hold 8281 levels."""
_INCLUSIONS: Final = 700.0
"""Levels for each factor of e: within 0.1 %, down to one session in 130,000."""


class Packed(NamedTuple):
    """One score.

    Attributes:
        hour: hours since the first.
        inclusion: the probability with which the session was drawn.
        place: of its segments.
    """

    value: float
    hour: int
    inclusion: float
    place: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Packed scores, read."""

    text: str

    def __len__(self) -> int:
        return len(self.text) // SIZE

    def __iter__(self) -> Iterator[Packed]:
        for start in range(0, len(self.text), SIZE):
            value, hour, inclusion = (_number(self.text[at : at + 2]) for at in (start, start + 2, start + 4))
            yield Packed(value / _VALUES, hour, math.exp(-inclusion / _INCLUSIONS), _digit(self.text[start + 6]))


def pack(score: Packed) -> str:
    """One score as text.

    Raises:
        DriftError: the value is not from 0 to 1, or the inclusion not above 0 and at most 1.
    """
    if not 0 <= score.value <= 1 or not 0 < score.inclusion <= 1:
        raise DriftError(
            f"a score of {score.value!r} with an inclusion of {score.inclusion!r} cannot be kept: give a value from 0 "
            "to 1 and an inclusion above 0 and at most 1"
        )
    level = min(round(-math.log(score.inclusion) * _INCLUSIONS), _BASE**2 - 1)
    hour = min(max(score.hour, 0), _BASE**2 - 1)
    return _text(round(score.value * _VALUES)) + _text(hour) + _text(level) + _character(min(score.place, OTHER))


def halved(text: str) -> str:
    """Every second of the scores, the first of them included."""
    return "".join(text[start : start + SIZE] for start in range(0, len(text), 2 * SIZE))


def _text(number: int) -> str:
    return _character(number // _BASE) + _character(number % _BASE)


def _number(text: str) -> int:
    return _digit(text[0]) * _BASE + _digit(text[1])


def _character(digit: int) -> str:
    code = digit + _FIRST
    return chr(code + (code >= _LEFT_OUT))


def _digit(character: str) -> int:
    code = ord(character)
    return code - _FIRST - (code > _LEFT_OUT)
