"""Declared facts: what the values that decisions rest on must be, and by which rules other spellings are read."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from watchkeeper.schemas.expressions import ValueType
from watchkeeper.schemas.model import Model, Name

FactType = Literal["text", "number", "integer", "boolean", "date", "timestamp", "list"]
Normalization = Literal[
    "trim", "lower", "number", "money", "money_comma", "percent", "yes_no", "iso_date", "us_date", "eu_date"
]

_FITS: dict[Normalization, frozenset[FactType]] = {
    "trim": frozenset({"text", "number", "integer", "boolean", "date", "timestamp"}),
    "lower": frozenset({"text"}),
    "number": frozenset({"number", "integer"}),
    "money": frozenset({"number", "integer"}),
    "money_comma": frozenset({"number", "integer"}),
    "percent": frozenset({"number"}),
    "yes_no": frozenset({"boolean"}),
    "iso_date": frozenset({"date"}),
    "us_date": frozenset({"date"}),
    "eu_date": frozenset({"date"}),
}
_AMBIGUOUS: tuple[frozenset[Normalization], ...] = (
    frozenset({"money", "money_comma"}),
    frozenset({"us_date", "eu_date"}),
)

MAX_FACTS = 200

RESERVED = frozenset({"facts", "outcome", "decision", "args", "agent", "user", "customer", "environment"})
"""What constraints may refer to beside the facts: no fact may have such a name."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CEL_WORDS = re.compile(
    "as|break|const|continue|else|false|for|function|if|import|in|let|loop|namespace|null|package|return|true|var|void|"
    "while|bool|bytes|double|duration|dyn|int|list|map|null_type|string|timestamp|type|uint"
)
_VALUE_TYPES: dict[FactType, ValueType] = {
    "text": "text",
    "number": "number",
    "integer": "integer",
    "boolean": "boolean",
    "date": "timestamp",
    "timestamp": "timestamp",
    "list": "list",
}


def _free(name: str) -> str:
    if name in RESERVED:
        raise ValueError(f"{name} means something else in constraints; name the fact otherwise")
    return name


FactName = Annotated[Name, AfterValidator(_free)]


class Fact(Model):
    """A fact that decisions rest on.

    A value of another type is never read as this one, unless a rule in `normalize` says how.

    Attributes:
        type: what it must be. A whole number is a number; a date is `2026-01-31`, a timestamp has a time and a zone.
        decisions: the decisions that it belongs to; None for all.
        required: whether these decisions must have it.
        nullable: whether it may be null.
        one_of: the only values, exactly as written here, letter case included.
        minimum: the smallest number allowed.
        maximum: the largest number allowed.
        pii: whether findings tell its values by type and size alone.
        normalize: rules by which other spellings are read, tried in this order. `trim` and `lower` change texts;
            `number` reads "12.5", `money` "$4,800.00", `money_comma` "4.800,00 €", `percent` "15%" as 0.15, `yes_no`
            "Yes" and "N", `iso_date` "20260131" and the day of a timestamp, `us_date` "1/31/2026", `eu_date`
            "31.1.2026". A value that was changed is told, with severity info.
        ignore: it plays no part in whether two decisions rest on the same facts: an id, or the time of the request.
        unordered: a list whose order says nothing.
    """

    type: FactType
    decisions: list[Name] | None = None
    required: bool = False
    nullable: bool = False
    one_of: Annotated[list[Any], Field(min_length=1, max_length=1000)] | None = None
    minimum: float | None = None
    maximum: float | None = None
    pii: bool = False
    normalize: list[Normalization] = []
    ignore: bool = False
    unordered: bool = False

    @model_validator(mode="after")
    def _rules_fit(self) -> Fact:
        for rule in self.normalize:
            if self.type not in _FITS[rule]:
                raise ValueError(f"{rule} makes no {self.type}; it is for {' and '.join(sorted(_FITS[rule]))}")
        for pair in _AMBIGUOUS:
            if pair <= set(self.normalize):
                raise ValueError(f"{' and '.join(sorted(pair))} read the same text differently: keep one of them")
        if self.unordered and self.type != "list":
            raise ValueError("unordered is for lists; remove it, or declare the type list")
        return self

    @model_validator(mode="after")
    def _limits_fit(self) -> Fact:
        limited = self.minimum is not None or self.maximum is not None
        if limited and self.type not in {"number", "integer"}:
            raise ValueError(f"minimum and maximum are for numbers, not for {self.type}; remove them")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}: swap them")
        for value in self.one_of or ():
            if not is_of_type(value, self.type):
                raise ValueError(f"{value!r} in one_of is no {self.type}; write values of the declared type")
            if "lower" in self.normalize and isinstance(value, str) and value != value.lower():
                raise ValueError(f"{value!r} in one_of is never met after lower; write it in small letters")
        return self

    def belongs_to(self, decision: str) -> bool:
        """Whether decisions of this name rest on the fact."""
        return self.decisions is None or decision in self.decisions


def fact_variables(facts: dict[str, Fact]) -> dict[str, ValueType]:
    """The declared facts as conditions know them; a name that CEL cannot spell is reached as `facts["order-total"]`."""
    return {
        name: _VALUE_TYPES[fact.type]
        for name, fact in facts.items()
        if _IDENTIFIER.fullmatch(name) and not _CEL_WORDS.fullmatch(name)
    }


def is_of_type(value: Any, kind: FactType) -> bool:  # noqa: PLR0911 - one line for each type
    """Whether the value is of the type as it stands: nothing is coerced."""
    match kind:
        case "text":
            return isinstance(value, str)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "integer":
            if isinstance(value, float):
                return value.is_integer()
            return isinstance(value, int) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and day_of(value) is not None
        case "timestamp":
            return isinstance(value, str) and moment_of(value) is not None
        case "list":
            return isinstance(value, list)


_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d{2}:?\d{2})")


def day_of(text: str) -> date | None:
    """The day that `2026-01-31` names; None for any other text."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def moment_of(text: str) -> datetime | None:
    """The moment that an ISO 8601 text with a zone names; None for any other text."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None
