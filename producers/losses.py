"""Every way in which something that was told to the recorder does not arrive, by name and counted.

Loss is data: it is counted here, answered by `Watchkeeper.losses()`, and told in the stream too. An event that was
numbered and then lost leaves a gap in its writer's numbers, and the next event of its session that does arrive
carries the session's losses so far in the attribute `watchkeeper.lost`.
"""

from __future__ import annotations

import threading
from typing import Literal, get_args

LossReason = Literal[
    # The queue between the agent and the sender's thread had no room. The newest event is dropped.
    "queue_full",
    # The event is larger than the sender takes at all (`Settings.event_bytes`), or than a record can be.
    "too_large",
    # A value outside the content-addressed texts (facts, limits, parameters) was cut. Counts values, not events.
    "shortened",
    # The masker failed, or gave back what is no JSON: the event is dropped rather than sent unmasked.
    "mask_failed",
    # The transport gave up on a record for good. Counts the events in it.
    "delivery_failed",
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


class Losses:
    """Counts by reason. Safe to call from any thread, also from a destructor that runs inside another call."""

    def __init__(self) -> None:
        # Re-entrant: the garbage collector may run a destructor that ends a session while this lock is held.
        self._lock = threading.RLock()
        self._counts: dict[LossReason, int] = {}

    def after_fork(self) -> None:
        """In the child: begins anew; what the parent lost is the parent's."""
        self._lock = threading.RLock()
        self._counts = {}

    def add(self, reason: LossReason, quantity: int = 1) -> None:
        """Counts a loss."""
        with self._lock:
            self._counts[reason] = self._counts.get(reason, 0) + quantity

    def counts(self) -> dict[LossReason, int]:
        """What was lost so far, by reason; reasons without a loss are left out."""
        with self._lock:
            return dict(self._counts)
