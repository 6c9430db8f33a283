"""What all models of the contract share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer, StringConstraints


class Model(BaseModel):
    """Strict, closed and immutable: nothing is coerced, and an unknown key is an error, not a loss."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, ser_json_inf_nan="null")


def format_utc(moment: datetime) -> str:
    """ISO 8601 in UTC with six decimals, the one spelling of time on the wire."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _to_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


Moment = Annotated[
    AwareDatetime, AfterValidator(_to_utc), PlainSerializer(format_utc, return_type=str, when_used="json")
]
"""A moment in UTC with microseconds; a time without a zone is refused."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""An identifier or a name: 1 to 256 characters."""

Sentence = Annotated[str, StringConstraints(max_length=2000)]
"""Text for a person: at most 2,000 characters."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 in UTC, exactly (a float of seconds would lose the last digit)."""
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_us(epoch_us: int) -> datetime:
    """The inverse of `to_us`."""
    seconds, micros = divmod(epoch_us, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=micros)
