"""Constraints of grants: whether those of one are no looser than those of another, on values told in reduced form.

A number is a maximum, a minimum where its name begins with `min`; a list names what is allowed; anything else must be
equal. A constraint that a grant leaves out, it inherits. Objects are read as constraints with dotted names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

Reduced: TypeAlias = bool | float | str | list[Any] | None

MAX_CONSTRAINTS = 32
MAX_LISTED = 32
_MAX_NAME = 64


def reduced(constraints: Mapping[str, Any], name: Callable[[Any], str]) -> dict[str, Reduced] | None:
    """The constraints as states may keep them: numbers as they stand, whatever else may be personal as names.

    Args:
        constraints: as a delegation or a grant tells them.
        name: names a value so that it cannot be guessed from the name.

    Returns:
        None where they are too many or too long to be kept.
    """
    found: dict[str, Reduced] = {}
    for key, value in _leaves("", constraints):
        if (
            len(found) >= MAX_CONSTRAINTS
            or len(key) > _MAX_NAME
            or (isinstance(value, list) and len(value) > MAX_LISTED)
        ):
            return None
        found[key] = [_plain(one, name) for one in value] if isinstance(value, list) else _plain(value, name)
    return found


def looser(inner: Mapping[str, Reduced], outer: Mapping[str, Reduced]) -> list[str]:
    """The names of the constraints that the inner grant states more loosely than the outer one."""
    return [name for name, limit in outer.items() if name in inner and not _within(name, inner[name], limit)]


def _within(name: str, value: Reduced, limit: Reduced) -> bool:
    if isinstance(limit, list):
        return all(one in limit for one in (value if isinstance(value, list) else [value]))
    if _is_number(limit) and _is_number(value):
        lowest = name.rpartition(".")[2].casefold().startswith("min")
        return bool(value >= limit if lowest else value <= limit)  # type: ignore[operator] # both are numbers
    return isinstance(value, bool) == isinstance(limit, bool) and value == limit


def _is_number(value: Reduced) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _leaves(prefix: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        dotted = f"{prefix}.{key}" if prefix else str(key)
        # Deeper than any that people write; what is still an object there is compared as a whole.
        if isinstance(inner, Mapping) and inner and dotted.count(".") < 4:
            yield from _leaves(dotted, inner)
        else:
            yield dotted, inner


def _plain(value: Any, name: Callable[[Any], str]) -> Any:
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**53):
        return value
    return name(value)[:16]
