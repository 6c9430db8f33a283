"""Reads numbers out of what hosts give for them."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.writing.encoding import Frozen
from watchkeeper.producers.writing.names import plain_text

COUNT_LIMIT: Final = 2**53 - 1


def whole(value: Frozen) -> int | None:
    """The value as a whole number that the contract takes, or None."""
    number = finite(value)
    return int(number) if number is not None and 0 <= number <= COUNT_LIMIT else None


def finite(value: Frozen) -> float | None:
    """The value as a finite number, or None. Numbers that came as text (or numpy's, as JSON) are read."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number: float
        if isinstance(value, float) or (isinstance(value, int) and -COUNT_LIMIT <= value <= COUNT_LIMIT):
            number = value
        else:
            number = float(plain_text(value))
        return number if number - number == 0 else None
    except (ValueError, OverflowError):
        return None
