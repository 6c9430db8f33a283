"""What a JSON Schema has against arguments, in words that hold no payload.

Arguments are personal: an address, a name, an amount. A finding outlives the erasure of the event it is about, so
what stood in the arguments is described by type and size; it is quoted only where it is a short plain word (an
unknown unit, say, which the reader must see) or a small number.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

from watchkeeper.schemas.evidence import SchemaViolation

MAX_VIOLATIONS = 8
"""Told one by one; the rest is counted."""

MAX_COUNTED = 1000
"""Beyond it counting stops: an array of a million wrong entries is as wrong as one of a thousand."""

MAX_PATH = 200
MAX_EXPECTED = 200
MAX_OUTLINE = 160
MAX_KEYS = 8
MAX_KEY = 40

_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z_-]{0,19}")
_MAX_NUMBER = 9999


def violations_of(validator: jsonschema_rs.Validator, arguments: Any) -> tuple[list[SchemaViolation], int]:
    """The first violations, and how many more there are (counted up to `MAX_COUNTED`).

    Raises:
        ValueError: the validator cannot read the arguments.
    """
    errors = islice(validator.iter_errors(arguments), MAX_VIOLATIONS + MAX_COUNTED)
    told = [_violation(error) for error in islice(errors, MAX_VIOLATIONS)]
    return told, sum(1 for _ in errors)


def describe(value: Any) -> str:
    """A value by type and size; the value itself only where it is a short plain word or a small number."""
    if value is None or isinstance(value, bool):
        return orjson.dumps(value).decode()
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, str):
        return f'"{value}"' if _PLAIN_WORD.fullmatch(value) else f"a string of {_count(len(value), 'character')}"
    if isinstance(value, list):
        return f"an array of {_count(len(value), 'item')}"
    if isinstance(value, dict):
        return f"an object with {_count(len(value), 'key')}"
    return f"a value of type {type(value).__name__}"


def outline(arguments: Any) -> str:
    """Arguments by their names, and what stands under each, described."""
    if not isinstance(arguments, dict):
        return "no arguments" if arguments is None else describe(arguments)
    told = ", ".join(f"{key(name)}: {describe(value)}" for name, value in islice(arguments.items(), MAX_KEYS))
    more = len(arguments) - MAX_KEYS
    return _shortened(told + (f" and {more} more" if more > 0 else "") or "no arguments", MAX_OUTLINE)


def key(name: str) -> str:
    """An argument's name, shortened: a model that confuses keys and values puts anything there."""
    return name if len(name) <= MAX_KEY else name[: MAX_KEY - 1] + "…"


def _violation(error: jsonschema_rs.ValidationError) -> SchemaViolation:
    keyword = error.kind.name
    return SchemaViolation(
        path=_pointer(error.instance_path),
        keyword=keyword,
        expected=_shortened(_expected(keyword, error.kind.as_dict()), MAX_EXPECTED),
        got=_got(keyword, error),
    )


def _expected(keyword: str, told: dict[str, Any]) -> str:  # noqa: PLR0911 - one sentence for each keyword
    match keyword:
        case "required":
            return f'the property "{told["property"]}"'
        case "type":
            return " or ".join(map(str, told["types"]))
        case "enum":
            return "one of " + orjson.dumps(told["options"]).decode()
        case "const":
            return orjson.dumps(told["expected_value"]).decode()
        case "additionalProperties" | "unevaluatedProperties":
            return "no other properties"
        case "anyOf" | "oneOf":
            count = len(told.get("context", ()))
            return f"{'exactly one' if keyword == 'oneOf' else 'at least one'} of {_count(count, 'alternative')}"
        case "falseSchema":
            return "nothing"
        case "propertyNames":
            return "other property names"
    plain = [f"{value}" for value in told.values() if isinstance(value, (int, float, str))]
    return f"{keyword} {plain[0]}" if plain else keyword


def _got(keyword: str, error: jsonschema_rs.ValidationError) -> str:
    instance = error.instance
    if keyword == "required":
        return "nothing" if not instance else f"only {_names(instance)}"
    if keyword in {"additionalProperties", "unevaluatedProperties"}:
        return _names(error.kind.as_dict().get("unexpected", ()))
    if keyword in {"minLength", "maxLength", "pattern", "format"} and isinstance(instance, str):
        return f"a string of {_count(len(instance), 'character')}"
    return describe(instance)


def _names(names: Any) -> str:
    listed = [f'"{key(str(name))}"' for name in islice(names, MAX_KEYS)]
    more = len(names) - len(listed)
    return ", ".join(listed) + (f" and {more} more" if more > 0 else "")


def _number(value: float) -> str:
    if abs(value) <= _MAX_NUMBER and (isinstance(value, int) or value == round(value, 2)):
        return str(value)
    return f"{'an integer' if isinstance(value, int) else 'a number'} of {_count(len(str(abs(value))), 'character')}"


def _pointer(path: list[str | int]) -> str:
    steps = [key(str(step)).replace("~", "~0").replace("/", "~1") for step in path]
    return _shortened("".join(f"/{step}" for step in steps), MAX_PATH)


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
