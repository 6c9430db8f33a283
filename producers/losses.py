"""Every way in which something that was told to the recorder does not arrive, by name and counted.

Loss is data: it is counted here, answered by `Watchkeeper.losses()`, and told in the stream too. An event that was
numbered and then lost leaves a gap in its writer's numbers, and the next event of its session that does arrive
carries the session's losses so far in the attributes `watchkeeper.lost` and `watchkeeper.lost_reasons`
(`watchkeeper.schemas.losses`).
"""

from __future__ import annotations

import threading

from watchkeeper.schemas.losses import LOSS_REASONS, LossReason

__all__ = ["LOSS_REASONS", "LossReason", "Losses"]


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
