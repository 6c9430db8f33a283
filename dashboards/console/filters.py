"""What addresses say of which rows are wanted: read strictly, so that a mistyped filter is told and not ignored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from watchkeeper.dashboards.console.errors import AskedWrongError
from watchkeeper.dashboards.console.visit import Visit
from watchkeeper.schemas.failure_modes import SEVERITIES
from watchkeeper.schemas.model import EARLIEST, from_us

MAX_NAME: Final = 256
PAGE_ROWS: Final = 50
SPANS: Final[dict[str, timedelta | None]] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A field with what can be chosen; the empty one is for all."""

    name: str
    label: str
    options: Sequence[str]
    chosen: str
    everything: str = "all"


@dataclass(frozen=True, slots=True)
class Text:
    """A field for a name; empty for all."""

    name: str
    label: str
    value: str


def name_of(visit: Visit, name: str) -> str:
    """A name that is looked for; empty for all.

    Raises:
        AskedWrongError: it is longer than any name.
    """
    value = visit.query(name)
    if len(value) > MAX_NAME:
        raise AskedWrongError(f"{name} has {len(value)} characters, a name has at most {MAX_NAME}")
    return value


def one_of(visit: Visit, name: str, allowed: Sequence[str], default: str = "") -> str:
    """One of several words; the default where the address names none.

    Raises:
        AskedWrongError: it is another word; the message names those that can be given.
    """
    value = visit.query(name)
    if value and value not in allowed:
        raise AskedWrongError(f"{name} is {value!r}: give one of {', '.join(allowed)}")
    return value or default


def at_least(severity: str) -> list[str]:
    """The severities from this one on; none, for all, where it is empty."""
    return list(SEVERITIES[SEVERITIES.index(severity) :]) if severity else []


def since_of(visit: Visit, default: str) -> tuple[str, datetime]:
    """The span that the address names, and when it began."""
    name = one_of(visit, "since", tuple(SPANS), default)
    length = SPANS[name]
    return name, EARLIEST if length is None else visit.now - length


def moment_of(visit: Visit, name: str) -> datetime:
    """A moment in microseconds since 1970.

    Raises:
        AskedWrongError: it is none.
    """
    value = visit.query(name)
    try:
        return from_us(int(value))
    except (ValueError, OverflowError) as error:
        raise AskedWrongError(f"{name} is {value!r}: it is a moment in microseconds since 1970") from error
