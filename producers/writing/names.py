"""Fits what hosts and models call things into the lengths and characters of the contract.

A name that is too long or odd is cut, never a reason to lose the event: an event with an invalid field would be
dead-lettered whole.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from watchkeeper.producers.writing.encoding import Frozen, clean, freeze, thaw
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.model import EARLIEST, LATEST, format_utc, from_us, to_us

NAME_LENGTH: Final = 256
SENTENCE_LENGTH: Final = 2000
EARLIEST_US: Final = to_us(EARLIEST)
LATEST_US: Final = to_us(LATEST)

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")
_TRACE: Final = re.compile(r"[0-9a-f]{32}")
_SPAN: Final = re.compile(r"[0-9a-f]{16}")


def plain_text(value: Frozen) -> str:
    """A frozen value as text: itself, or its JSON where it is none. None is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bytes):
        inner = thaw(value)
        return clean(inner) if isinstance(inner, str) else value.decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


def text_of(value: Any) -> str:
    """Anything that the host gave for a text. Never raises on account of the value."""
    return plain_text(freeze(value))


def label(value: Frozen, length: int = NAME_LENGTH) -> str:
    """A text of at most `length` characters; it may be empty."""
    return plain_text(value)[:length]


def name(value: Frozen, fallback: str = "(unnamed)") -> str:
    """A text of 1 to 256 characters. A model may call a tool by an empty name: that is told as the fallback."""
    return label(value) or fallback


def identifier(value: Any, fallback: str = "", length: int = NAME_LENGTH) -> str:
    """A text that may stand in record keys and logs: no control characters, at most `length` long."""
    return _CONTROLS.sub("", text_of(value))[:length] or fallback


def trace_id(value: Any) -> str:
    """32 hexadecimal digits, or nothing."""
    text = text_of(value).lower()
    return text if _TRACE.fullmatch(text) else ""


def span_id(value: Any) -> str:
    """16 hexadecimal digits, or nothing."""
    text = text_of(value).lower()
    return text if _SPAN.fullmatch(text) else ""


def moment(value: Frozen) -> str | None:
    """A time as the wire spells it, or None where the value is no time. One without a zone is taken as UTC."""
    try:
        parsed = datetime.fromisoformat(plain_text(value))
    except ValueError:
        return None
    aware = parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)
    return format_utc(aware) if EARLIEST <= aware <= LATEST else None


def time_us(value: int) -> int:
    """Microseconds since 1970, moved into the range that the contract takes."""
    return min(max(value, EARLIEST_US), LATEST_US)


def spell_us(epoch_us: int) -> str:
    """Microseconds since 1970 as the wire spells them."""
    return format_utc(from_us(epoch_us))


def agent_name(given: str) -> str:
    """An agent's id, as it was given.

    Raises:
        ConfigurationError: it cannot be one.
    """
    if not given or identifier(given) != given:
        raise ConfigurationError(
            f"the agent is called {given!r}: give it a name of 1 to 256 characters without control characters"
        )
    return given


def tenant_name(given: str) -> str:
    """A tenant's id, as it was given.

    Raises:
        ConfigurationError: it cannot be one.
    """
    if not given or "/" in given or identifier(given, length=128) != given:
        raise ConfigurationError(
            f"the tenant is called {given!r}: give it a name of 1 to 128 characters without slashes and control "
            "characters, since records are keyed by tenant/session"
        )
    return given
