"""JSON as Watchkeeper writes it: compact UTF-8, of any value that JSON can hold."""

from __future__ import annotations

import json
import math
from typing import Any

import orjson


def dump_json(value: Any, *, sort_keys: bool = False) -> bytes:
    """A JSON value as compact UTF-8.

    orjson refuses whole numbers beyond 64 bits, which models do write into arguments (an order number of twenty-five
    digits), so the standard library takes those. Both write NaN and the infinities as null.

    Raises:
        TypeError: the value holds something that is no JSON.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS if sort_keys else None)
    except TypeError:
        text = json.dumps(_checked(value), ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise TypeError(f"half a surrogate pair cannot be written: {error}") from error


def _checked(value: Any) -> Any:
    """The value as the standard library writes it like orjson: no NaN, no keys but text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        strange = [key for key in value if not isinstance(key, str)]
        if strange:
            raise TypeError(f"JSON keys are text, got {strange[0]!r}")
        return {key: _checked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_checked(item) for item in value]
    return value
