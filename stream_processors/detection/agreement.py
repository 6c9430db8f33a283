"""Whether a value agrees with its source: the same thing, however it is written.

Read as declared where both can be. Otherwise leniently, since nobody said how: numbers by nine digits (or the tolerance
given), an amount or a percentage in a text like the number, texts without regard to letter case and white space, a day
like the moment on it. Lists agree entry by entry, objects name by name.
"""

from __future__ import annotations

import math
import unicodedata
from typing import Any

from watchkeeper.schemas.fact_values import read_fact, read_number
from watchkeeper.schemas.policy import Fact
from watchkeeper.schemas.policy_facts import day_of, moment_of
from watchkeeper.stream_processors.detection.fingerprints import canonical

EXACT = 1e-9
"""Numbers that differ by less are one number in two spellings."""

MAX_DEPTH = 8


def agree(value: Any, source: Any, fact: Fact | None = None, tolerance: float = 0.0) -> bool:
    """Whether they agree."""
    one, other = as_declared(value, fact), as_declared(source, fact)
    if fact is not None and fact.unordered and isinstance(one, list) and isinstance(other, list):
        one, other = sorted(one, key=canonical), sorted(other, key=canonical)
    return _agree(one, other, max(tolerance, EXACT), MAX_DEPTH)


def as_declared(value: Any, fact: Fact | None) -> Any:
    """The value as it was declared; as it stands where it cannot be read so."""
    if fact is None:
        return value
    read = read_fact(value, fact).value
    return value if read is None else read


def apart(value: Any, source: Any) -> float | None:
    """By which share of the source's number the value differs; None where one of them is no number."""
    one, other = _number(value), _number(source)
    if one is None or other is None or other == 0:
        return None
    share = abs(one - other) / abs(other)
    return share if math.isfinite(share) else None


def plainly(value: Any) -> Any:
    """One spelling of the values that agree by `EXACT`, as far as there is one: for telling whether a value changed."""
    number = _number(value)
    if number is not None:
        return float(f"{number:.9g}") if math.isfinite(number) else f"{number}"
    if isinstance(value, str):
        return _folded(value)
    if isinstance(value, list):
        return [plainly(item) for item in value]
    if isinstance(value, dict):
        return {str(name): plainly(inner) for name, inner in value.items()}
    return value


def _agree(one: Any, other: Any, tolerance: float, depth: int) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    first, second = _number(one), _number(other)
    if first is not None and second is not None:
        return first == second or math.isclose(first, second, rel_tol=tolerance)
    if isinstance(one, str) and isinstance(other, str):
        return _folded(one) == _folded(other) or _same_day(one, other)
    if depth and isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            _agree(a, b, tolerance, depth - 1) for a, b in zip(one, other, strict=True)
        )
    if depth and isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            _agree(inner, other[name], tolerance, depth - 1) for name, inner in one.items()
        )
    return bool(one == other)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) if abs(value) < 1e300 else math.inf
    return read_number(value) if isinstance(value, str) and len(value) <= 40 else None


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _same_day(one: str, other: str) -> bool:
    """Whether one names a day and the other a moment on it, or both one moment."""
    if len(one) > 40 or len(other) > 40:
        return False
    moments = moment_of(one), moment_of(other)
    if moments[0] is not None and moments[1] is not None:
        return moments[0] == moments[1]
    days = day_of(one) or (moments[0] and moments[0].date()), day_of(other) or (moments[1] and moments[1].date())
    return days[0] is not None and days[0] == days[1]
