"""Times and spans as people type them: `30m`, `7d`, `2025-11-21`, `2025-11-21T10:00+01:00`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

import click

from watchkeeper.schemas.model import EARLIEST, LATEST

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PIECE = re.compile(r"(\d{1,9})([smhdw])")
_SPAN = re.compile(r"(?:\d{1,9}[smhdw])+")


def parse_span(text: str) -> timedelta | None:
    """A span such as `90s`, `30m`, `1h30m`, `7d`, `2w`; None where the text is none."""
    if not _SPAN.fullmatch(text):
        return None
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in _PIECE.findall(text))
    return timedelta(seconds=seconds) if seconds <= LATEST.timestamp() else None


def parse_moment(text: str, now: datetime) -> datetime | None:
    """A moment: a span back from now, or ISO 8601, in UTC where it names no zone. None where the text is neither."""
    span = parse_span(text)
    if span is not None:
        return max(EARLIEST, now - span)
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if EARLIEST <= moment <= LATEST else None


class Moment(click.ParamType):
    """An option's value that is a moment."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """An aware datetime in UTC."""
        if isinstance(value, datetime):
            return value
        moment = parse_moment(str(value), datetime.now(UTC))
        if moment is None:
            self.fail(f"{value!r} is no time: write 30m, 7d (before now) or 2025-11-21T10:00 (UTC)", param, ctx)
        return moment


class Span(click.ParamType):
    """An option's value that is a length of time."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """A positive length of time."""
        if isinstance(value, timedelta):
            return value
        span = parse_span(str(value))
        if not span:
            self.fail(f"{value!r} is no length of time: write 90s, 30m, 1h30m or 1d", param, ctx)
        return span
