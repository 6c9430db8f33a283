"""Problems of data: fields that are missing, of another type than before, or out of the range that they had.

What a field is like is learned from a reference window (or written by hand). Each session's problems are parts for
`mix`: the rate of each problem in the reference window is its baseline, and a rise is told under the same promise as
all else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from watchkeeper.stream_processors.detection.drift.scored import DriftError

Kind = Literal["number", "text", "truth", "list", "object", "nothing"]
_REQUIRED: Final = 0.95
"""A field that this share of the window has is expected in every session."""
_FEW: Final = 12
"""A text field with at most so many values, each seen often, is a choice among them."""
_OFTEN: Final = 20


@dataclass(frozen=True, slots=True)
class Field:
    """What a field is like.

    Attributes:
        kind: the type of most of its values.
        required: whether sessions without it are a problem.
        low: of numbers, the least that was seen; `high` the greatest.
        choices: of texts that are a choice, all that were seen; else empty.
    """

    name: str
    kind: Kind
    required: bool = True
    low: float = -math.inf
    high: float = math.inf
    choices: frozenset[str] = frozenset()


def fields_of(window: Sequence[Mapping[str, Any]]) -> tuple[Field, ...]:
    """What the fields of a reference window are like, by name.

    Raises:
        DriftError: the window is empty.
    """
    if not window:
        raise DriftError("no records to learn fields from; give those of a reference window")
    names = sorted({name for record in window for name in record})
    return tuple(_field(name, [record.get(name) for record in window]) for name in names)


def problems_of(record: Mapping[str, Any], fields: Sequence[Field]) -> dict[str, float]:
    """A session's problems, each with a part of 1: `missing amount`, `malformed amount`, `out of range amount`."""
    problems = {}
    for field in fields:
        value: Any = record.get(field.name)
        kind = kind_of(value)
        if kind == "nothing":
            if field.required:
                problems[f"missing {field.name}"] = 1.0
        elif kind != field.kind or (kind == "number" and not math.isfinite(value)):
            problems[f"malformed {field.name}"] = 1.0
        elif (kind == "number" and not field.low <= value <= field.high) or (
            field.choices and value not in field.choices
        ):
            problems[f"out of range {field.name}"] = 1.0
    return problems


def kind_of(value: Any) -> Kind:
    """The type of a JSON value; null and empty text are nothing."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "object" if isinstance(value, Mapping) else "list"


def _field(name: str, values: Sequence[Any]) -> Field:
    there = [value for value in values if kind_of(value) != "nothing"]
    kinds = [kind_of(value) for value in there]
    kind: Kind = max(sorted(set(kinds)), key=kinds.count) if kinds else "nothing"
    of_kind = [value for value in there if kind_of(value) == kind]
    required = len(there) >= _REQUIRED * len(values)
    if kind == "number":
        finite = [float(value) for value in of_kind if math.isfinite(value)] or [-math.inf, math.inf]
        return Field(name, kind, required, min(finite), max(finite))
    if kind == "text" and len(of_kind) >= _OFTEN * len(set(of_kind)) and len(set(of_kind)) <= _FEW:
        return Field(name, kind, required, choices=frozenset(of_kind))
    return Field(name, kind, required)
