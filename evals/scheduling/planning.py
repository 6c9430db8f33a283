"""What a sampling rate buys: how soon a fall is noticed, by simulating the very detector that the worker runs."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from watchkeeper.evals.sampling import unit_of
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.stream_processors.detection.drift.baseline import LEAST_SCORES, estimate_baseline
from watchkeeper.stream_processors.detection.drift.scored import Direction, Scored
from watchkeeper.stream_processors.detection.drift.watch import Watch, fold_score, new_watch

PATIENCE: Final = 5
"""A change that is not noticed within so many promises counts as never noticed."""

_SEEDS: Final = 2**53


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What is asked.

    Attributes:
        before: the share of sessions that are good, as it is.
        after: as it will be; below `before` a fall is watched for, above it a rise.
        promise: on average at most one false alarm in so many scored sessions.
        baseline: how many scores say what is usual.
        quiet: how many scores were watched before the change; 0 is the hardest case.
        tolerance: a change by less than this is none.
        runs: how many streams are simulated.
        seed: the same seed, the same streams.
    """

    before: float
    after: float
    promise: int = 1000
    baseline: int = 500
    quiet: int = 0
    tolerance: float = 0.02
    runs: int = 400
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses what cannot be simulated.

        Raises:
            ConfigurationError: it names the number, and what it may be.
        """
        for name, share in (("before", self.before), ("after", self.after)):
            if not 0 <= share <= 1:
                raise ConfigurationError(f"the share {name} the change is {share:g}: give one from 0 to 1")
        if abs(self.before - self.after) <= self.tolerance:
            raise ConfigurationError(
                f"from {self.before:g} to {self.after:g} is no change: the detector lets {self.tolerance:g} pass; give "
                "shares that differ by more, or a smaller tolerance"
            )
        if self.baseline < LEAST_SCORES:
            raise ConfigurationError(f"a baseline of {self.baseline} scores is too short: give {LEAST_SCORES} or more")
        if self.runs < 20:
            raise ConfigurationError(f"{self.runs} streams tell nothing: simulate at least 20")

    @property
    def direction(self) -> Direction:
        """Which way is watched."""
        return "fall" if self.after < self.before else "rise"


@dataclass(frozen=True, slots=True)
class Delays:
    """How many scored sessions it took until the change was noticed, over all streams.

    Attributes:
        median: in scored sessions; infinite where it was not noticed in half of the streams.
        ninety: 90 of 100 streams took no longer.
        low: of the median's 95 % interval.
        high: of the same.
        never: the share of streams in which it was not noticed within `PATIENCE` promises.
        false: the share of streams with an alarm before the change; those begin anew and are not in the delays.
    """

    median: float
    ninety: float
    low: float
    high: float
    never: float
    false: float


@dataclass(frozen=True, slots=True)
class Offer:
    """What so many graded sessions a day buy.

    Attributes:
        median_days: until half of such changes are noticed.
        ninety_days: until 90 of 100 are.
        false_alarm_days: on average at least so many days between two false alarms.
        baseline_days: until enough scores say what is usual.
    """

    per_day: float
    median_days: float
    ninety_days: float
    false_alarm_days: float
    baseline_days: float


def simulate_delays(request: PlanRequest, on_run: Callable[[int], None] = lambda _: None) -> Delays:
    """Simulates streams, each with a baseline of its own, and counts until the alarm.

    Args:
        request: what is asked.
        on_run: told how many streams are done.
    """
    delays, false = [], 0
    for run in range(request.runs):
        # Not for secrets: the same seed, run and detector give the same delay.
        source = random.Random(int(unit_of("plan", str(request.seed), str(run)) * _SEEDS))  # noqa: S311
        delay, alarms = _one(request, source)
        delays.append(delay)
        false += alarms > 0
        on_run(run + 1)
    delays.sort()
    half = 1.96 * math.sqrt(len(delays)) / 2
    middle = len(delays) / 2
    return Delays(
        median=statistics.median(delays),
        ninety=delays[math.ceil(0.9 * len(delays)) - 1],
        low=delays[max(0, math.floor(middle - half))],
        high=delays[min(len(delays) - 1, math.ceil(middle + half))],
        never=sum(math.isinf(delay) for delay in delays) / len(delays),
        false=false / len(delays),
    )


def offers(delays: Delays, request: PlanRequest, rates: Sequence[float]) -> list[Offer]:
    """What each rate buys, in days.

    Args:
        delays: as simulated.
        request: what was asked.
        rates: graded sessions a day.
    """
    return [
        Offer(
            per_day=rate,
            median_days=delays.median / rate,
            ninety_days=delays.ninety / rate,
            false_alarm_days=request.promise / rate,
            baseline_days=request.baseline / rate,
        )
        for rate in rates
    ]


def _one(request: PlanRequest, source: random.Random) -> tuple[float, int]:
    """One stream: scores from the change to the alarm, and the alarms before the change."""
    usual = [_score(source, request.before) for _ in range(request.baseline)]
    baseline = estimate_baseline(usual)

    def fresh() -> Watch:
        return new_watch(baseline, promise=request.promise, direction=request.direction, tolerance=request.tolerance)

    watch = fresh()
    false = 0
    for _ in range(request.quiet):
        if fold_score(watch, _score(source, request.before)):
            false += 1
            watch = fresh()
    for count in range(1, PATIENCE * request.promise + 1):
        if fold_score(watch, _score(source, request.after)):
            return float(count), false
    return math.inf, false


def _score(source: random.Random, share: float) -> Scored:
    return Scored(float(source.random() < share))
