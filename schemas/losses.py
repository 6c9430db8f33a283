"""How producers tell in the stream what they have lost: attributes of events, and the reasons by name.

An event that was numbered and then lost leaves a gap in its writer's numbers. Every later event of that writer carries
how many were lost so far (`LOST_ATTRIBUTE`) and, where the producer knows, why (`LOST_REASONS_ATTRIBUTE`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

LOST_ATTRIBUTE: Final = "watchkeeper.lost"
"""Events of this writer that were lost so far: a whole number."""

LOST_REASONS_ATTRIBUTE: Final = "watchkeeper.lost_reasons"
"""The same by reason: `queue_full:12,too_large:1`."""

LossReason = Literal[
    # The queue between the agent and the sender's thread had no room. The newest event is dropped.
    "queue_full",
    # The event is larger than the sender takes at all (`Settings.event_bytes`), than a record can be, or than the
    # broker takes (its `message.max.bytes`).
    "too_large",
    # A value outside the content-addressed texts (facts, limits, parameters) was cut. Counts values, not events.
    "shortened",
    # The masker failed, or gave back what is no JSON: the event is dropped rather than sent unmasked.
    "mask_failed",
    # The transport gave up on a record for good: no acknowledgement came in time. Counts the events in it.
    "delivery_failed",
    # The broker refused the record, for want of the topic or of the right to write there. Counts the events in it.
    "refused",
    # The spool holds `Settings.spool_bytes`, or as many records as it may: the newest is dropped.
    "spool_full",
    # The disk refused the spool, and the memory that stands in for it had no room either.
    "spool_failed",
    # A spooled record was not whole when it was to be sent (counts its events), or a file that another process left
    # was damaged (counts the file: how many events it lost, nobody can say).
    "spool_damaged",
    # Still in memory when the deadline of `close`, or of the interpreter's exit, had passed.
    "unsent_at_close",
    # Told after `close`, or after the atexit handlers had run.
    "closed",
    # Told to a session that had already ended.
    "session_over",
    # A decorated tool ran outside any session, so that there was nothing to record it in.
    "no_session",
    # A mistake of our own; it is logged (at most once a minute, without payload) and the agent goes on.
    "internal_error",
]
LOSS_REASONS: tuple[LossReason, ...] = get_args(LossReason)
"""Every way in which something that was told to the recorder does not arrive."""

ToldLoss = LossReason | Literal["untold"]
"""The same as the stream tells it: `untold` where a producer gives no reason, or one that is not known here."""
TOLD_LOSSES: tuple[ToldLoss, ...] = (*LOSS_REASONS, "untold")

_MOST_EVENTS = 2**31
_MOST_CHARACTERS = 1000


def lost_so_far(attributes: Mapping[str, object]) -> dict[str, int]:
    """What an event says its writer has lost so far, by reason; empty where it says nothing.

    The sum is `LOST_ATTRIBUTE`'s: what the reasons leave open is `untold`, and reasons that say more than it are not
    believed.
    """
    total = attributes.get(LOST_ATTRIBUTE)
    if not isinstance(total, int) or isinstance(total, bool) or total <= 0:
        return {}
    told = _by_reason(attributes.get(LOST_REASONS_ATTRIBUTE))
    total = min(total, _MOST_EVENTS)
    open_ = total - sum(told.values())
    if open_ < 0:
        return {"untold": total}
    return told if open_ == 0 else {**told, "untold": told.get("untold", 0) + open_}


def _by_reason(told: object) -> dict[str, int]:
    if not isinstance(told, str) or len(told) > _MOST_CHARACTERS:
        return {}
    found: dict[str, int] = {}
    for piece in told.split(","):
        reason, _, number = piece.partition(":")
        if reason in TOLD_LOSSES and number.isascii() and number.isdecimal() and len(number) <= len(str(_MOST_EVENTS)):
            found[reason] = found.get(reason, 0) + int(number)
    return found
