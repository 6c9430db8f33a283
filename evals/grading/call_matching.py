"""Calls as graders compare them: equal as JSON values, and how many of some match how many of others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson

One = TypeVar("One")
Other = TypeVar("Other")


def same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 3 is 3.0, but true is not 1, and "3" is not 3."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(value, other[key]) for key, value in one.items())
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(same_value, one, other))
    return bool(one == other)


def canonical(value: Any) -> bytes:
    """A JSON value in one spelling."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        # Integers of more than 64 bits, which JSON allows.
        return json.dumps(value, sort_keys=True, default=str).encode()


def most_matches(ones: Sequence[One], others: Sequence[Other], agree: Callable[[One, Other], bool]) -> int:
    """How many can be paired at most, each once, whatever their order (Kuhn's algorithm)."""
    rows = [[at for at, other in enumerate(others) if agree(one, other)] for one in ones]
    taken: dict[int, int] = {}
    return sum(_place(row, rows, taken, set()) for row in range(len(rows)))


def _place(row: int, rows: list[list[int]], taken: dict[int, int], tried: set[int]) -> bool:
    for at in rows[row]:
        if at in tried:
            continue
        tried.add(at)
        if at not in taken or _place(taken[at], rows, taken, tried):
            taken[at] = row
            return True
    return False


def matches_in_order(ones: Sequence[One], others: Sequence[Other], agree: Callable[[One, Other], bool]) -> int:
    """How many can be paired at most without crossing."""
    row = [0] * (len(others) + 1)
    for one in ones:
        corner = 0
        for at, other in enumerate(others, start=1):
            above = row[at]
            row[at] = corner + 1 if agree(one, other) else max(above, row[at - 1])
            corner = above
    return row[-1]
