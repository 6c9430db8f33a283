"""Reads single values out of recordings: what is there is taken, what is none is None. Nothing here raises."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any, Final

from watchkeeper.schemas.json_text import dump_json
from watchkeeper.schemas.model import EARLIEST, LATEST, to_us

_MILLISECONDS_FROM: Final = 1e11
"""Epoch seconds stay below this until the year 5138, epoch milliseconds are above it since 1973."""

_MICROSECONDS_FROM: Final = 1e14
_NANOSECONDS_FROM: Final = 1e17


def text(value: Any) -> str:
    """A text, or a number as text; empty where it is neither."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def first(given: dict[str, Any], *keys: str) -> Any:
    """The first of these keys that holds something."""
    return next((given[key] for key in keys if given.get(key) is not None), None)


def json_text(value: Any) -> str:
    """A value as JSON, for a person to read."""
    try:
        return dump_json(value).decode()
    except TypeError:
        return json.dumps(value)


def number(value: Any) -> float | None:
    """A finite number; one that came as text is read."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def microseconds(seconds: Any) -> int | None:
    """A duration in seconds, as microseconds; None where it is negative or no number."""
    found = number(seconds)
    return round(found * 1e6) if found is not None and 0 <= found < 1e9 else None


def time_us(value: Any) -> int | None:
    """A moment as epoch microseconds.

    Read are ISO 8601 (a time without a zone is taken as UTC) and epoch numbers in seconds, milliseconds,
    microseconds or nanoseconds, told apart by their size. What lies outside 1970 to 2299 is none.
    """
    if isinstance(value, str) and value.strip():
        return _iso_us(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return _within(_epoch_us(value))


def _iso_us(value: str) -> int | None:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        found = number(value)
        return None if found is None else _within(_epoch_us(found))
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return to_us(aware) if EARLIEST <= aware <= LATEST else None


def _epoch_us(value: float) -> int:
    if value >= _NANOSECONDS_FROM:
        return int(value // 1000)
    if value >= _MICROSECONDS_FROM:
        return int(value)
    # Microseconds since 1970 fit a float's 53 bits; multiplied first, a float of seconds keeps its last digit.
    return round(value * (1000 if value >= _MILLISECONDS_FROM else 1_000_000))


def _within(epoch_us: int) -> int | None:
    return epoch_us if 0 <= epoch_us <= to_us(LATEST) else None
