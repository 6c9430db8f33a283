"""What an answer costs and how long it takes, on the same cases."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from watchkeeper.evals.gate.attempts import Attempt

_FEWEST: Final = 5


@dataclass(frozen=True, slots=True)
class Change:
    """How one resource changed.

    Attributes:
        unit: `s`, `USD`, `tokens`: of an answer.
        cases: on how many both sides told it.
        ratio: the candidate's mean over the baseline's; None where the baseline's is nought.
        low: of the ratio's 95 % interval, by bootstrap over cases; None with fewer than five cases.
        high: the same.
    """

    name: str
    unit: str
    cases: int
    baseline: float
    candidate: float
    ratio: float | None
    low: float | None
    high: float | None


def changes_of(baseline: Sequence[Attempt], candidate: Sequence[Attempt], *, seed: int = 0) -> list[Change]:
    """Latency, cost and tokens; what either side does not tell is left out."""
    kinds: tuple[tuple[str, str, Callable[[Attempt], float | None]], ...] = (
        ("latency", "s", lambda one: one.seconds if one.trouble is None else None),
        ("cost", "USD", lambda one: one.interaction.cost_usd if one.interaction else None),
        ("tokens", "tokens", lambda one: float(one.interaction.tokens) or None if one.interaction else None),
    )
    found = []
    for name, unit, value in kinds:
        theirs, ours = _by_case(baseline, value), _by_case(candidate, value)
        cases = sorted(theirs.keys() & ours.keys())
        if cases:
            found.append(_change(name, unit, [(theirs[case], ours[case]) for case in cases], seed))
    return found


def _change(name: str, unit: str, pairs: Sequence[tuple[float, float]], seed: int) -> Change:
    before, now = (math.fsum(values) / len(pairs) for values in zip(*pairs, strict=True))
    low = high = None
    if len(pairs) >= _FEWEST and before > 0:
        # It brings numpy, which help and comparisons of few cases need not have.
        from watchkeeper.evals.gate.resampling import ratio_bounds  # noqa: PLC0415

        low, high = ratio_bounds(pairs, 0.025, seed=seed)
    return Change(name, unit, len(pairs), before, now, now / before if before > 0 else None, low, high)


def _by_case(attempts: Sequence[Attempt], value: Callable[[Attempt], float | None]) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for attempt in attempts:
        told = value(attempt)
        if told is not None:
            found[attempt.case_id].append(told)
    return {case: math.fsum(values) / len(values) for case, values in found.items()}
