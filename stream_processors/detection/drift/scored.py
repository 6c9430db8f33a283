"""What drift is shown of a score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from watchkeeper.schemas.errors import WatchkeeperError

Direction = Literal["fall", "rise"]
"""Which way is worse: of acceptance a fall, of errors a rise."""


class DriftError(WatchkeeperError):
    """What drift was asked cannot be done; the message says what to give instead."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One score.

    Attributes:
        value: from 0 to 1; see `ranks` for numbers without bounds.
        at_us: when the scored session ended, epoch microseconds.
        weight: above 0 and at most 1: the smallest inclusion probability of the sampling plan, divided by this
            session's. 1 where all are drawn alike. A session that was drawn because it looked risky counts less, by as
            much as it was drawn more often.
        phase: where means differ by rule, which rule holds: `weekend`, say. Empty where there is none.
        segments: what it belongs to, by dimension: `{"intent": "refund", "model": "m-1"}`.
    """

    value: float
    at_us: int = 0
    weight: float = 1.0
    phase: str = ""
    segments: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:
            raise DriftError(
                f"a score of {self.value!r} is not from 0 to 1; put numbers without bounds through `ranks`"
            )
        if not 0 < self.weight <= 1:
            raise DriftError(
                f"a weight of {self.weight!r} is not above 0 and at most 1; divide the smallest inclusion by this one's"
            )
