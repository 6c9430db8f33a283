"""Gaps in a writer's numbers, each one finding from its opening to its last late event."""

from __future__ import annotations

from typing import TypedDict

from watchkeeper.schemas.evidence import SequenceGap
from watchkeeper.stream_processors.detection.detector import Context, Found, Notice

MAX_GAPS = 12
"""Gaps remembered. What fills an older one is stored, and its finding stays as it was."""

TOLD_SINGLY = 16
"""Of a gap with more missing events, late ones are told when half of those told are left: a flood of them is one
story, not a thousand."""


class Gap(TypedDict):
    """An open gap as it was first seen, how many of it are missing, and what was told of it."""

    writer: str
    first: int
    last: int
    missing: int
    told: int
    revision: int
    event: str
    us: int


def opened(gaps: list[Gap], notice: Notice, event_id: str, at_us: int) -> Found:
    """Numbers were left out before an event."""
    count = notice.last - notice.first + 1
    gap = Gap(
        writer=notice.writer_id,
        first=notice.first,
        last=notice.last,
        missing=count,
        told=count,
        revision=0,
        event=event_id,
        us=at_us,
    )
    gaps.append(gap)
    del gaps[:-MAX_GAPS]
    return _found(gap, [[notice.first, notice.last]])


def filled(gaps: list[Gap], notice: Notice, context: Context) -> list[Found]:
    """An event came late: what is to be said of the gap that it was part of."""
    gap = next((one for one in gaps if _holds(one, notice)), None)
    if gap is None:
        return []
    gap["missing"] -= 1
    if gap["missing"] > max(TOLD_SINGLY, gap["told"] // 2):
        return []
    gap["told"] = gap["missing"]
    gap["revision"] += 1
    if gap["missing"] == 0:
        gaps.remove(gap)
    known = context.session.writer(notice.writer_id).gaps
    return [_found(gap, [rest for rest in known if gap["first"] <= rest[0] <= gap["last"]])]


def _holds(gap: Gap, notice: Notice) -> bool:
    return gap["writer"] == notice.writer_id and gap["first"] <= notice.first <= gap["last"]


def _found(gap: Gap, rest: list[list[int]]) -> Found:
    writer, first, last, missing = gap["writer"], gap["first"], gap["last"], gap["missing"]
    which = f"event {first}" if first == last else f"events {first} to {last}"
    if missing == 0:
        what = "came late"
    elif missing == last - first + 1:
        what = "is missing" if missing == 1 else "are missing"
    else:
        what = f"came late but for {missing}"
    whole = missing == 0 or not rest
    return Found(
        about=("gap", writer, first),
        severity="medium",
        summary=f"{which.capitalize()} of writer {writer} {what}.",
        evidence=SequenceGap(
            writer_id=writer,
            first_missing=first if whole else rest[0][0],
            last_missing=last if whole else rest[-1][1],
        ),
        first_event_id=gap["event"],
        # The same for all revisions: the table keeps a finding's rows together by the day of its first event.
        first_us=gap["us"],
        revision=gap["revision"],
        status="resolved" if missing == 0 else "open",
    )
