"""What all models of the contract share."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer, StringConstraints
from pydantic_core import PydanticCustomError

_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Hand the attributes that docstrings tell to the fields of the JSON Schema, for readers in other languages."""
    own = inspect.cleandoc(model.__doc__ or "")
    schema["description"] = own.split("\n\nAttributes:\n")[0]
    texts: dict[str, str] = {}
    for base in reversed(model.__mro__):
        _, _, listed = inspect.cleandoc(base.__doc__ or "").partition("\n\nAttributes:\n")
        for name, text in _ATTRIBUTE.findall(listed.split("\n\n")[0]):
            texts[name] = " ".join(text.split())
    for name, field in schema.get("properties", {}).items():
        if name in texts:
            field["description"] = texts[name]


class Model(BaseModel):
    """Strict, closed and immutable: nothing is coerced, and an unknown key is an error, not a loss.

    NaN and the infinities are refused: JSON has no spelling for them, so they could not be read back.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        ser_json_inf_nan="null",
        json_schema_extra=_describe,
    )


_MICROSECOND = timedelta(microseconds=1)

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2299, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
"""ClickHouse keeps times as 64-bit microseconds, and its calendar ends with 2299."""


def format_utc(moment: datetime) -> str:
    """ISO 8601 in UTC with six decimals, the one spelling of time on the wire."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _to_utc(moment: datetime) -> datetime:
    # Nearly every time there is, without the cost of comparing and converting.
    if EARLIEST.year < moment.year < LATEST.year and not moment.utcoffset():
        return moment
    # The range comes first: at the calendar's ends astimezone overflows, and that is no validation error.
    if not EARLIEST <= moment <= LATEST:
        raise PydanticCustomError("unusable_time", "Input should be a time from 1970 to 2299")
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


Moment = Annotated[
    AwareDatetime, AfterValidator(_to_utc), PlainSerializer(format_utc, return_type=str, when_used="json")
]
"""A moment in UTC with microseconds, 1970 to 2299; a time without a zone is refused.

A time outside that range is a validation error of type `unusable_time`.
"""

Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""A name as somebody else gave it, a model perhaps: 1 to 256 characters, whichever they are."""

Subject = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
"""What is judged over many sessions: kind, tenant and origin, and up to two names, each of 256 characters at most."""

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An identifier that becomes part of record keys and stands in logs: 1 to 256 characters, no control characters."""

Sentence = Annotated[str, StringConstraints(max_length=2000)]
"""Text for a person: at most 2,000 characters."""


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly (a float of seconds would lose the last digit)."""
    return (moment - EARLIEST) // _MICROSECOND


def from_us(epoch_us: int) -> datetime:
    """The inverse of `to_us`."""
    return EARLIEST + timedelta(microseconds=epoch_us)
