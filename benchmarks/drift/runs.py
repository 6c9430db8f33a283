"""Running detectors over streams: to their first alarm, for a given time, and across a change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from drift.contenders import Contender
from drift.intervals import Interval, bootstrap_mean
from drift.streams import REFERENCE, Kind
from watchkeeper.stream_processors.detection.drift.scored import Scored


@dataclass(frozen=True, slots=True)
class RunLengths:
    """Scores to the first alarm.

    Attributes:
        lengths: of each stream; of one that was stopped, how long it ran: less than its run would have been.
        stopped: how many were stopped.
    """

    lengths: tuple[int, ...]
    stopped: int

    @property
    def mean(self) -> Interval:
        """The mean, or where streams were stopped something less, with its bootstrap interval."""
        return bootstrap_mean(self.lengths)


@dataclass(frozen=True, slots=True)
class Delays:
    """Scores from the change to the alarm, by stream; None where there was an alarm before the change."""

    delays: tuple[int | None, ...]
    missed: int

    @property
    def early(self) -> int:
        """Streams with an alarm before the change."""
        return sum(delay is None for delay in self.delays)

    @property
    def median(self) -> float:
        """Of the streams without an alarm before the change."""
        return float(np.median([delay for delay in self.delays if delay is not None]))


def generator(kind: Kind, stream: int, seed: int, part: str) -> np.random.Generator:
    """Of one part (reference, still, fallen) of one stream: all contenders see the same scores."""
    return np.random.default_rng([seed, stream, *kind.name.encode(), *part.encode()])


def reference_of(kind: Kind, stream: int, seed: int) -> list[Scored]:
    """The window that the baseline is estimated from."""
    return list(islice(kind.still(generator(kind, stream, seed, "reference")), REFERENCE))


def _still(kind: Kind, stream: int, seed: int) -> Iterator[Scored]:
    return kind.still(generator(kind, stream, seed, "still"))


def run_lengths(contender: Contender, kind: Kind, *, streams: int, longest: int, seed: int) -> RunLengths:
    """Each stream without a change, from its own baseline to its first alarm."""
    lengths, stopped = [], 0
    for stream in range(streams):
        running = contender.begin(reference_of(kind, stream, seed))
        for length, score in enumerate(islice(_still(kind, stream, seed), longest), 1):
            if running.update(score):
                lengths.append(length)
                break
        else:
            lengths.append(longest)
            stopped += 1
    return RunLengths(tuple(lengths), stopped)


def alarms(contender: Contender, kind: Kind, *, streams: int, scores: int, seed: int) -> tuple[int, ...]:
    """How often each stream without a change alarms in so many scores; after each alarm the watch begins anew."""
    found = []
    for stream in range(streams):
        running = contender.begin(reference_of(kind, stream, seed))
        found.append(sum(running.update(score) for score in islice(_still(kind, stream, seed), scores)))
    return tuple(found)


def delays(contender: Contender, kind: Kind, *, streams: int, before: int, longest: int, seed: int) -> Delays:
    """Each stream across a change that comes after `before` scores."""
    if kind.fallen is None:
        raise ValueError(f"{kind.name} has nothing to fall to")
    found: list[int | None] = []
    missed = 0
    for stream in range(streams):
        running = contender.begin(reference_of(kind, stream, seed))
        if any(running.update(score) for score in islice(_still(kind, stream, seed), before)):
            found.append(None)
            continue
        fallen = islice(kind.fallen(generator(kind, stream, seed, "fallen")), longest)
        delay = next((length for length, score in enumerate(fallen, 1) if running.update(score)), None)
        missed += delay is None
        found.append(longest if delay is None else delay)
    return Delays(tuple(found), missed)
