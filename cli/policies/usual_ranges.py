"""The figures that field reports on agents in production agree on; outside of them a policy is warned of, not refused.

The reports give caps of 5 to 25 tool calls, 50,000 to 200,000 tokens and 120 to 300 seconds a session, 3 to 5 calls for
a narrow job, and call for another design of the agent where more than 5 % of its sessions hit a cap. They give no
figure for money: what a session may cost follows from the tokens and the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watchkeeper.schemas.policy import CapName


@dataclass(frozen=True, slots=True)
class Range:
    """What is usual.

    Attributes:
        least: the least usual figure.
        most: the greatest.
        unit: what is counted, in words.
    """

    least: float
    most: float
    unit: str

    def holds(self, value: float) -> bool:
        """Whether a figure is usual."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        return f"{self.least:,g} to {self.most:,g} {self.unit}"


USUAL_CAPS: Final[dict[CapName, Range]] = {
    "tool_calls": Range(5, 25, "tool calls"),
    "tokens": Range(50_000, 200_000, "tokens"),
    "wall_clock_seconds": Range(120, 300, "seconds"),
}
"""Of one session. `cost_usd` has none."""

NARROW_JOB: Final = Range(3, 5, "calls")
"""`goal.tool_budget`: what a narrow job needs."""

CAPPED_SHARE: Final = 0.05
"""`thresholds.capped_sessions_share`: above it the agent needs another design."""

GOAL_SENTENCES: Final = 5
"""A goal in fewer sentences leaves to the model what the agent is for."""
