"""When each thing happened: recorded times are kept, missing ones follow from what is known.

- A time recorded beside a duration is when the message began; without one it is when the message was complete.
- A request to a model begins when the message before it was there, unless its own beginning is recorded.
- A message without a time comes `STEP_US` after the one before it, but not after the next recorded time; messages
  before the first recorded time have that time.
- A session without any time begins on `BASE`, at a moment of that day that its fingerprint gives.

Times that were made up so say in which order things happened and nothing about how long they took: the steps are too
short to reach any cap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from watchkeeper.producers.importers.model import RecordedMessage, RecordedSession
from watchkeeper.schemas.model import LATEST, to_us

BASE: Final = datetime(2020, 1, 1, tzinfo=UTC)
"""The day of sessions without recorded times: one day, so that they fall into one partition of the store."""

STEP_US: Final = 1000
DAY_US: Final = 86_400_000_000
LATEST_US: Final = to_us(LATEST)

Origin = Literal["recorded", "partly", "derived"]
"""Whether all, some or none of a session's times were recorded."""


@dataclass(frozen=True, slots=True)
class Span:
    """When a message began and when it was complete, epoch microseconds.

    Attributes:
        measured: whether the recording says how long it took.
    """

    begun_us: int
    done_us: int
    measured: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """The times of a session, one span for each message.

    Attributes:
        began_us: the session's start.
        origin: where the times come from.
    """

    began_us: int
    spans: list[Span]
    origin: Origin


def timeline_of(session: RecordedSession) -> Timeline:
    """Gives every message its time."""
    known = [message.at_us for message in session.messages]
    recorded = [at_us for at_us in known if at_us is not None]
    if recorded:
        began_us = recorded[0]
    else:
        began_us = to_us(BASE) + int(session.fingerprint[:16], 16) % (DAY_US - len(known) * STEP_US - 1)
    ahead = _ahead(known)
    spans: list[Span] = []
    cursor = began_us
    for message, limit in zip(session.messages, ahead, strict=True):
        span = _span(message, cursor, limit, is_first=not spans)
        spans.append(span)
        cursor = span.done_us
    origin: Origin = "derived" if not recorded else "recorded" if len(recorded) == len(known) else "partly"
    return Timeline(began_us, spans, origin)


def _ahead(known: list[int | None]) -> list[int | None]:
    """The next recorded time from each place on: what comes before it must not be told after it."""
    limit: int | None = None
    limits: list[int | None] = []
    for at_us in reversed(known):
        limit = limit if at_us is None else at_us
        limits.append(limit)
    return limits[::-1]


def _span(message: RecordedMessage, before_us: int, limit_us: int | None, *, is_first: bool) -> Span:
    """One message's time, after one that was complete at `before_us`."""
    duration_us = message.duration_us
    if message.at_us is not None:
        done_us = min(message.at_us + (duration_us or 0), LATEST_US)
        begun_us = message.at_us if duration_us is not None else min(before_us, message.at_us)
        return Span(begun_us, done_us, measured=duration_us is not None)
    if duration_us is not None:
        return Span(before_us, min(before_us + duration_us, LATEST_US), measured=True)
    step_us = 0 if is_first else STEP_US
    done_us = before_us + step_us
    if limit_us is not None:
        done_us = max(before_us, min(done_us, limit_us))
    return Span(before_us, min(done_us, LATEST_US), measured=False)
