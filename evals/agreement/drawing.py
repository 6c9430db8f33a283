"""Which findings people are asked about: each mode's in an order made of their ids, which no verdict can sway.

The first n of such an order are a sample in which every finding of the mode had the same chance. Modes are drawn apart,
so that one with ten findings a month is judged as well as one with ten thousand. People judge other findings too, the
ones that struck them; those are left out of the sample unless their turn has come.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from watchkeeper.evals.sampling import unit_of

USABLE: Final = 0.5
"""A sample whose doubt is above it says nothing: it is a handful, or mostly not judged."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding.

    Attributes:
        true: what people last said of it; None where nobody did, or only muted it.
        weak: how likely a grader thinks that it is true, 0 to 1; None where no grader looked.
    """

    tenant_id: str
    finding_id: str
    mode: str
    true: bool | None = None
    weak: float | None = None


def in_order(found: Sequence[Found], salt: str = "") -> list[Found]:
    """The order in which findings are asked about: the same on any machine, at any time."""
    return sorted(found, key=lambda one: unit_of("agreement", salt, one.tenant_id, one.finding_id))


def drawn(ordered: Sequence[Found]) -> list[Found]:
    """How much of the order is a sample by now: so many of its first that what is not judged among them matters least.

    It is chosen by who was judged, never by what was said. Empty where those that were judged are no sample.
    """
    best, least = 0, math.inf
    missing = 0
    for size, one in enumerate(ordered, start=1):
        missing += one.true is None
        if one.true is not None and (doubt := _doubt(size, missing)) < least:
            best, least = size, doubt
    whole = best == len(ordered) and not missing
    return list(ordered[:best]) if whole or least <= USABLE else []


def _doubt(size: int, missing: int) -> float:
    """About the length of an interval: what chance adds, and what those not judged might all be."""
    return 1 / math.sqrt(size) + missing / size
