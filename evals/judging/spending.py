"""What judging costs, and a cap that is never crossed.

Before each question the most that it could cost is set aside; what is not used is given back. A question whose answer
did not come back may have been paid for all the same: it counts in full.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from watchkeeper.evals.judging.errors import SpendingCapError

_TOKENS_A_MESSAGE = 16
"""More than any endpoint adds around a message."""


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens; None where they are not known."""

    input_usd: float | None
    output_usd: float | None

    @property
    def known(self) -> bool:
        """Whether a cost can be told."""
        return self.input_usd is not None and self.output_usd is not None

    def cost(self, input_tokens: int, output_tokens: int) -> float | None:
        """What a question and its answer cost; None without prices."""
        if self.input_usd is None or self.output_usd is None:
            return None
        return (input_tokens * self.input_usd + output_tokens * self.output_usd) / 1_000_000

    def most(self, question_bytes: int, messages: int, max_output_tokens: int) -> float:
        """The most that it can cost: no tokenizer makes more tokens than there are bytes. 0 without prices."""
        return self.cost(question_bytes + messages * _TOKENS_A_MESSAGE, max_output_tokens) or 0.0


class Spending:
    """What has been spent, for all threads together.

    Args:
        cap_usd: what may be spent; None for any amount.
    """

    def __init__(self, cap_usd: float | None = None) -> None:
        self._cap = math.inf if cap_usd is None else cap_usd
        self._spent = 0.0
        self._held = 0.0
        self._lock = threading.Lock()
        self._here = threading.local()

    @property
    def spent_here_usd(self) -> float:
        """What this thread has spent so far, lost and unread answers included: what a grade cost is the difference."""
        return float(getattr(self._here, "usd", 0.0))

    @property
    def spent_usd(self) -> float:
        """What has been spent so far."""
        with self._lock:
            return self._spent

    def hold(self, most_usd: float) -> None:
        """Sets the most aside that a question can cost.

        Raises:
            SpendingCapError: it could cross the cap.
        """
        with self._lock:
            # A hair's breadth for sums of floats.
            if self._spent + self._held + most_usd > self._cap * (1 + 1e-12):
                raise SpendingCapError(
                    f"the judge's cap of ${self._cap:g} would not hold: ${self._spent:.4f} are spent, and the next "
                    f"question can cost ${most_usd:.4f}. Raise cap_usd, or lower repeats or max_output_tokens"
                )
            self._held += most_usd

    def settle(self, held_usd: float, cost_usd: float) -> None:
        """Counts what a question did cost in place of what was set aside for it."""
        with self._lock:
            self._held = max(0.0, self._held - held_usd)
            self._spent += cost_usd
        self._here.usd = self.spent_here_usd + cost_usd
