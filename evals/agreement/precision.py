"""The precision of each failure mode in production, with what it rests on."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from watchkeeper.evals.agreement.drawing import Found, drawn, in_order
from watchkeeper.stream_processors.detection.proportions import score_interval

Basis = Literal["sampled", "sampled_and_graded", "all", "chosen", "none"]
"""`sampled`: findings in the order in which they are drawn. `sampled_and_graded`: these, and what graders say of all.
`all`: every finding was judged. `chosen`: those that people happened to judge, which says little of the others. `none`:
nobody judged."""

FEWEST_LABELS: Final = 10
"""With fewer verdicts graders are not corrected by them."""

_UNKNOWN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Precision:
    """One mode.

    Attributes:
        findings: in the period.
        judged: by people, drawn or not.
        true: of these.
        sampled: how many of the order the estimate rests on.
        missing: how many of these nobody judged yet; the interval holds whatever they are.
        graded: how many findings a grader looked at.
        value: the share of true findings; None where nothing says so.
        low: of the 95 % interval.
        high: of the 95 % interval.
    """

    mode: str
    findings: int
    judged: int
    true: int
    sampled: int
    missing: int
    graded: int
    basis: Basis
    value: float | None
    low: float | None
    high: float | None

    @property
    def inclusion(self) -> float | None:
        """The probability with which each finding came into the sample; None where there is none."""
        return self.sampled / self.findings if self.sampled else None

    @property
    def is_estimate(self) -> bool:
        """Whether it speaks for all findings of the mode."""
        return self.basis not in {"chosen", "none"}


def by_mode(found: Iterable[Found], *, salt: str = "") -> list[Precision]:
    """The precision of each mode, by name."""
    modes: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        modes[one.mode].append(one)
    return [precision_of(mode, in_order(modes[mode], salt)) for mode in sorted(modes)]


def precision_of(mode: str, ordered: Sequence[Found]) -> Precision:
    """The precision of a mode's findings, which are all of one mode and in the order of drawing."""
    judged = [one for one in ordered if one.true is not None]
    sample = drawn(ordered)
    missing = sum(one.true is None for one in sample)
    right = sum(one.true is True for one in sample)
    graded = sum(one.weak is not None for one in ordered)
    if not sample:
        basis: Basis = "chosen" if judged else "none"
        value, low, high = _share(sum(one.true is True for one in judged), len(judged))
    elif not missing and len(sample) >= FEWEST_LABELS and 2 * graded >= len(ordered) and len(sample) < len(ordered):
        basis = "sampled_and_graded"
        value, low, high = _corrected(ordered, len(sample))
    else:
        basis = "all" if len(sample) == len(ordered) and not missing else "sampled"
        value = right / (len(sample) - missing)
        # Whatever the missing ones are: all false at one end, all true at the other.
        low, high = _share(right, len(sample))[1], _share(right + missing, len(sample))[2]
    return Precision(
        mode=mode,
        findings=len(ordered),
        judged=len(judged),
        true=sum(one.true is True for one in judged),
        sampled=len(sample),
        missing=missing,
        graded=graded,
        basis=basis,
        value=value,
        low=low,
        high=high,
    )


def _share(right: int, trials: int) -> tuple[float | None, float | None, float | None]:
    interval = score_interval(right, trials)
    return (right / trials, *interval) if interval else (None, None, None)


def _corrected(ordered: Sequence[Found], sampled: int) -> tuple[float, float, float]:
    # It brings numpy, which estimates without graders need not have.
    from watchkeeper.evals.estimation.prediction_powered import corrected_mean  # noqa: PLC0415

    weak = [_UNKNOWN if one.weak is None else one.weak for one in ordered]
    labels = [float(bool(one.true)) if at < sampled else math.nan for at, one in enumerate(ordered)]
    found = corrected_mean(weak, labels)
    return found.value, found.low, found.high


def overall(modes: Sequence[Precision]) -> tuple[float, float, float] | None:
    """The precision over all modes, each by how often it is found; None where one of them has no estimate.

    The interval is put together of theirs (Zou and Donner 2008), since modes are drawn apart.
    """
    total = sum(one.findings for one in modes)
    if not total:
        return None
    value, below, above = 0.0, 0.0, 0.0
    for one in modes:
        if not one.is_estimate or one.value is None or one.low is None or one.high is None:
            return None
        weight = one.findings / total
        value += weight * one.value
        below += (weight * (one.value - one.low)) ** 2
        above += (weight * (one.high - one.value)) ** 2
    return value, max(0.0, value - math.sqrt(below)), min(1.0, value + math.sqrt(above))


def verdicts_needed(one: Precision, within: float) -> int:
    """How many more findings of a mode must be judged, in order, until its interval is no wider than twice `within`.

    If precision stays about what it is; with nothing known, as for a half. Never more than there are.
    """
    share = _supposed(one)
    low, high = 0, one.findings
    while low < high:
        middle = (low + high) // 2
        if _half_width(share, middle) <= within:
            high = middle
        else:
            low = middle + 1
    return max(0, low - (one.sampled - one.missing))


def queue(found: Iterable[Found], *, size: int, within: float, salt: str = "") -> list[Found]:
    """The findings whose verdicts narrow intervals the most: always the next one of the mode that is known worst.

    Args:
        found: all of the period.
        size: how many at most.
        within: a mode whose interval is no wider than twice this is known well enough.
        salt: of the order.
    """
    modes: dict[str, list[Found]] = defaultdict(list)
    for one in found:
        modes[one.mode].append(one)
    heap: list[tuple[float, str, int, float]] = []
    waiting: dict[str, list[Found]] = {}
    for mode, own in modes.items():
        ordered = in_order(own, salt)
        known = precision_of(mode, ordered)
        waiting[mode] = [one for one in reversed(ordered) if one.true is None]
        sampled, share = known.sampled - known.missing, _supposed(known)
        heapq.heappush(heap, (-_half_width(share, sampled), mode, sampled, share))
    picked: list[Found] = []
    while heap and len(picked) < size:
        width, mode, sampled, share = heapq.heappop(heap)
        if -width <= within or not waiting[mode]:
            continue
        picked.append(waiting[mode].pop())
        heapq.heappush(heap, (-_half_width(share, sampled + 1), mode, sampled + 1, share))
    return picked


def _supposed(one: Precision) -> float:
    """The share that plans suppose: of the sample, drawn towards a half while it is small."""
    if not one.sampled or one.value is None:
        return _UNKNOWN
    seen = one.sampled - one.missing
    return (one.value * seen + 1) / (seen + 2)


def _half_width(share: float, trials: int) -> float:
    """Of the score interval at an expected share."""
    if not trials:
        return 0.5
    z2 = 1.959964**2
    return math.sqrt(z2 * share * (1 - share) / trials + z2 * z2 / (4 * trials * trials)) / (1 + z2 / trials)
