"""Numbering of a writer's events: what is next, what is missing, what came late, what was seen before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from watchkeeper.schemas.losses import lost_so_far

MAX_GAPS = 32
"""Open gaps remembered per writer. Beyond it the oldest is given up and counted: state stays small."""


class Arrival(Enum):
    """How an event stands to what its writer sent before."""

    NEXT = "next"
    AHEAD = "ahead"
    """Later than expected: what lies between is missing."""
    FILLS = "fills"
    """It fills a gap: late, but lost no more."""
    SEEN = "seen"
    """Its number was applied before: a replay, a duplicate, or other content under the same number."""


@dataclass(slots=True)
class WriterState:
    """What is known of one writer of a session.

    Attributes:
        last_seq: the highest number applied; -1 before the first.
        gaps: open gaps as `[first, last]`, in order.
        given_up: gaps forgotten for want of room.
        salt: the key of its salted digests, once told.
        lost: events that it said it has lost so far, by reason.
    """

    last_seq: int = -1
    gaps: list[list[int]] = field(default_factory=list)
    given_up: int = 0
    salt: str | None = None
    lost: dict[str, int] = field(default_factory=dict)


def arrival_of(writer: WriterState, seq: int) -> Arrival:
    """How number `seq` would arrive at this writer; changes nothing."""
    if seq == writer.last_seq + 1:
        return Arrival.NEXT
    if seq > writer.last_seq:
        return Arrival.AHEAD
    if any(first <= seq <= last for first, last in writer.gaps):
        return Arrival.FILLS
    return Arrival.SEEN


def apply(writer: WriterState, seq: int) -> tuple[int, int] | None:
    """Takes number `seq` into account.

    Returns:
        The gap it opened as `(first, last)`, or the gap that it was part of, or None.
    """
    if seq > writer.last_seq:
        first, last = writer.last_seq + 1, seq - 1
        writer.last_seq = seq
        if first > last:
            return None
        writer.gaps.append([first, last])
        if len(writer.gaps) > MAX_GAPS:
            del writer.gaps[0]
            writer.given_up += 1
        return first, last
    for index, (first, last) in enumerate(writer.gaps):
        if first <= seq <= last:
            rest = [[first, seq - 1], [seq + 1, last]]
            writer.gaps[index : index + 1] = [gap for gap in rest if gap[0] <= gap[1]]
            return first, last
    return None


def newly_lost(writer: WriterState, attributes: Mapping[str, object]) -> dict[str, int]:
    """What the writer has lost since it last said so, by reason; takes note of it.

    An event that came late says less than the ones after it did: that is nothing new.
    """
    told = lost_so_far(attributes)
    before, writer.lost = writer.lost, told
    more = sum(told.values()) - sum(before.values())
    if more <= 0:
        writer.lost = before
        return {}
    new = {reason: told.get(reason, 0) - before.get(reason, 0) for reason in {**before, **told}}
    if min(new.values()) < 0:
        # It gives other reasons for the same losses than before.
        return {"untold": more}
    return {reason: count for reason, count in new.items() if count}
