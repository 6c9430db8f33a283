"""What is compared: ours, the oracle that knows both rates, and what others use. Each starts anew after its alarm."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from river.drift import ADWIN, KSWIN, PageHinkley

from drift.streams import BAD, GOOD
from watchkeeper.stream_processors.detection.drift.baseline import estimate_baseline
from watchkeeper.stream_processors.detection.drift.scored import Scored
from watchkeeper.stream_processors.detection.drift.watch import fold_score, new_watch, restart

PROMISE: Final = 1000
_PASSED: Final = math.log(BAD / GOOD)
_FAILED: Final = math.log((1 - BAD) / (1 - GOOD))


class Running(Protocol):
    """A detector at work on one stream."""

    def update(self, score: Scored) -> bool:
        """Takes a score in; whether it alarms. After an alarm it has begun anew."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A detector, and how it begins with the reference window."""

    name: str
    begin: Callable[[Sequence[Scored]], Running]


class Ours:
    """The e-detector."""

    def __init__(self, reference: Sequence[Scored], block: int | None = 1, phases: bool = False) -> None:
        self.baseline = estimate_baseline(reference, block=block, phases=phases)
        self.watch = new_watch(self.baseline, promise=PROMISE)

    def update(self, score: Scored) -> bool:
        if not fold_score(self.watch, score):
            return False
        restart(self.watch)
        return True


class Oracle:
    """CUSUM that knows the rate before and the rate after: no baseline, nothing to guess."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.level = 0.0

    def update(self, score: Scored) -> bool:
        self.level = max(self.level, 0.0) + (_PASSED if score.value else _FAILED)
        if self.level < self.threshold:
            return False
        self.level = 0.0
        return True


class Learner(Protocol):
    """A drift detector of river."""

    @property
    def drift_detected(self) -> bool:
        """Whether the latest number alarmed."""

    def update(self, value: float) -> object:
        """Takes a number in."""


class River:
    """One of river's, shown the reference window first. Those that know no direction alarm for rises too."""

    def __init__(self, detector: Learner, reference: Sequence[Scored]) -> None:
        self.detector = detector
        for score in reference:
            detector.update(score.value)

    def update(self, score: Scored) -> bool:
        self.detector.update(score.value)
        return self.detector.drift_detected


class FixedThreshold:
    """What dashboards do: the mean of the latest scores is below the reference's by more than so much."""

    def __init__(self, reference: Sequence[Scored], latest: int = 50, below: float = 0.05) -> None:
        self.bar = sum(score.value for score in reference) / len(reference) - below
        self.latest: deque[float] = deque(maxlen=latest)

    def update(self, score: Scored) -> bool:
        self.latest.append(score.value)
        if len(self.latest) < (self.latest.maxlen or 0) or sum(self.latest) / len(self.latest) >= self.bar:
            return False
        self.latest.clear()
        return True


def oracle_threshold(runs: int, seed: int) -> tuple[float, float]:
    """The least threshold at which the oracle's mean run length is the promise, by simulation; and that mean.

    All thresholds are tried on the same random numbers, so that the mean grows with the threshold.
    """
    low, high = 1.0, 8.0
    for _ in range(14):
        middle = (low + high) / 2
        if _oracle_run_length(middle, runs, seed) < PROMISE:
            low = middle
        else:
            high = middle
    return high, _oracle_run_length(high, runs, seed)


def _oracle_run_length(threshold: float, runs: int, seed: int) -> float:
    random = np.random.default_rng([seed, 77])
    levels, alive, total, steps = np.zeros(runs), runs, 0, 0
    while alive:
        steps += 1
        drawn = random.random(runs)[:alive]
        levels = np.maximum(levels, 0) + np.where(drawn < GOOD, _PASSED, _FAILED)
        kept = levels < threshold
        total += steps * int(alive - kept.sum())
        levels, alive = levels[kept], int(kept.sum())
    return total / runs


def oracle(threshold: float) -> Contender:
    """The oracle; it looks at no reference."""
    return Contender("oracle CUSUM", lambda _: Oracle(threshold))


def _adwin() -> Learner:
    made: Learner = ADWIN()  # type: ignore[no-untyped-call]  # river types methods, not this constructor
    return made


def page_hinkley(threshold: float, name: str) -> Contender:
    """Page-Hinkley for falls."""
    return Contender(name, lambda reference: River(PageHinkley(mode="down", threshold=threshold), reference))


OURS: Final = Contender("e-detector", Ours)
BLOCKS: Final = Contender("e-detector, blocks", lambda reference: Ours(reference, block=None))
PHASES: Final = Contender("e-detector, phases", lambda reference: Ours(reference, phases=True))
ADAPTIVE: Final = Contender("ADWIN", lambda reference: River(_adwin(), reference))
BY_DISTRIBUTION: Final = Contender("KSWIN", lambda reference: River(KSWIN(seed=1), reference))
FIXED: Final = Contender("fixed threshold", FixedThreshold)
DEFAULT_PAGE_HINKLEY: Final = page_hinkley(50.0, "Page-Hinkley")
