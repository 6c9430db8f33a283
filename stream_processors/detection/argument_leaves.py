"""The values of a call's arguments by path, as limits are held against them: numbers, and digests of all else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from watchkeeper.stream_processors.detection.boundaries import number_of
from watchkeeper.stream_processors.detection.fingerprints import canonical, digest, short

MAX_LEAVES = 12
"""Values of a call that are kept."""

Leaf = float | str
"""A number, or the digest of anything else."""


def leaves_of(arguments: Any) -> dict[str, Leaf]:
    """The values of arguments by path (`amount`, `items[0].price`)."""
    found: dict[str, Leaf] = {}
    for path, value in _leaves(arguments, ""):
        if len(found) >= MAX_LEAVES:
            break
        found[short(path)] = leaf_of(value)
    return found


def leaf_of(value: Any) -> Leaf:
    """A value as it is kept."""
    number = number_of(value)
    return digest(canonical(value)) if number is None else number


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    elif value is not None and path:
        yield path, value
