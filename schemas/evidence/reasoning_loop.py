"""Evidence of `reasoning_loop`."""

from __future__ import annotations

from typing import Literal

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model


class Loop(Model):
    """Calls that repeat and never converge.

    Attributes:
        cycle: the tools of one round, in order.
        rounds: how many times the cycle ran.
        match: `identical` arguments, or `near` ones.
        arguments: one round's arguments, shortened.
        cost_usd: money spent since the first round began; None where it is not priced.
    """

    kind: Literal["loop"] = "loop"
    cycle: list[str]
    rounds: Count
    calls: Count
    match: Literal["identical", "near"]
    arguments: list[str]
    tokens: Count
    seconds: float
    cost_usd: float | None
