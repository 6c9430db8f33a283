"""A short JSON object field by field, as people read it: nothing of it is changed or left out."""

from __future__ import annotations

import json
from typing import Any, Final

MAX_CHARACTERS: Final = 600
MAX_FIELDS: Final = 20

Pairs = list[tuple[str, Any]]


class _Object(Pairs):
    """A JSON object with its keys as they stood there, also where one stands twice."""


class _Number(str):
    """A number as it was written: `1.00` is not `1`."""

    __slots__ = ()


def fields_of(text: str) -> tuple[tuple[str, str], ...]:
    """Names and values of a text that is a JSON object; values are JSON, so that `"5"` is not taken for 5.

    Args:
        text: any text; one that is long, or no object with fields, gives none.
    """
    if not text.startswith("{") or len(text) > MAX_CHARACTERS:
        return ()
    try:
        found = json.loads(text, object_pairs_hook=_Object, parse_float=_Number, parse_int=_Number)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(found, _Object) or len(found) > MAX_FIELDS:
        return ()
    return tuple((name, _written(value)) for name, value in found)


def _written(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, _Object):
        return "{" + ", ".join(f"{_written(name)}: {_written(one)}" for name, one in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
