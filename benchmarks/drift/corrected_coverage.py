"""How often a corrected interval holds the truth, in worlds where the judge's own interval does not.

In each run sessions are drawn to be scored (risky ones oversampled), a judge with known errors scores them, some are
drawn to be labelled as `watchkeeper evals label` draws them (by priority: those that the judge failed more often), and
the corrected interval is compared with the share that the world was made with. The figure is that of the worst world.

    python benchmarks/drift/corrected_coverage.py [RUNS]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from watchkeeper.evals.estimation.means import plain_mean, wilson
from watchkeeper.evals.estimation.prediction_powered import corrected_mean
from watchkeeper.evals.estimation.samples import Floats, normal_quantile

NAME = "corrected_interval_coverage"
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class World:
    """Sessions, a judge and people.

    Attributes:
        rate: the share of good sessions: the truth.
        passes_good: the share of good sessions that the judge passes.
        passes_bad: the share of bad ones that it passes all the same.
        labels: how many are labelled.
        sessions: how many there are before they are drawn.
        uneven: sessions are drawn, and labelled, with unequal probability.
        graded: the judge says a number, not passed or failed.
    """

    name: str
    rate: float
    passes_good: float
    passes_bad: float
    labels: int
    sessions: int = 1500
    uneven: bool = True
    graded: bool = False


WORLDS = (
    World("lenient, 100 labels drawn evenly", 0.83, 0.97, 0.6, 100, uneven=False),
    World("lenient, 100 labels", 0.83, 0.97, 0.6, 100),
    World("lenient, 30 labels", 0.83, 0.97, 0.6, 30),
    World("lenient, 15 labels", 0.83, 0.97, 0.6, 15),
    World("harsh, 100 labels", 0.92, 0.75, 0.05, 100),
    World("useless, 100 labels", 0.7, 0.9, 0.9, 100),
    World("wrong way round, 60 labels", 0.7, 0.3, 0.8, 60),
    World("coin-like, half of all good, 300 labels", 0.5, 0.75, 0.45, 300),
    World("numbers, lenient, 100 labels", 0.83, 0.97, 0.6, 100, graded=True),
    World("nearly all good, 40 labels", 0.98, 0.8, 0.5, 40),
)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of one world's runs: the shares of intervals that held the truth, and half their mean length."""

    world: World
    runs: int
    corrected: float
    raw: float
    half_width: float
    labels_alone_half_width: float


def cover(world: World, runs: int, seed: int) -> Coverage:
    """Runs a world."""
    random = np.random.default_rng([seed, WORLDS.index(world)])
    held = raw_held = 0
    width = alone_width = 0.0
    for _ in range(runs):
        truth, judged, drawn = _scored(world, random)
        chosen, label_drawn = _drawn_for_labels(world, judged, random)
        labels = np.where(chosen, truth, np.nan)
        corrected = corrected_mean(judged, labels, inclusion=drawn, label_inclusion=label_drawn, level=LEVEL)
        raw = plain_mean(judged, drawn, level=LEVEL)
        alone = plain_mean(truth[chosen], (drawn * label_drawn)[chosen], level=LEVEL)
        held += corrected.low <= world.rate <= corrected.high
        raw_held += raw.low <= world.rate <= raw.high
        width += corrected.half_width
        alone_width += alone.half_width
    return Coverage(world, runs, held / runs, raw_held / runs, width / runs, alone_width / runs)


def _scored(world: World, random: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Labels that people would give, the judge's scores, and with which probability each was drawn to be scored."""
    hard = random.random(world.sessions) < 0.3
    gap = min(0.15, (1 - world.rate) / 0.3)
    truth = (random.random(world.sessions) < np.where(hard, world.rate - 0.7 * gap, world.rate + 0.3 * gap)) * 1.0
    judged = (random.random(world.sessions) < np.where(truth == 1, world.passes_good, world.passes_bad)) * 1.0
    if world.graded:
        judged = np.clip(0.25 + 0.6 * judged + random.normal(0, 0.1, world.sessions), 0, 1)
    drawn = np.where(hard, 1.0, 0.4) if world.uneven else np.ones(world.sessions)
    kept = random.random(world.sessions) < drawn
    scored = np.stack([truth, judged, drawn]).astype(np.float64)[:, kept]
    return scored[0], scored[1], scored[2]


def _drawn_for_labels(
    world: World, judged: Floats, random: np.random.Generator
) -> tuple[np.typing.NDArray[np.bool_], Floats]:
    """By priority (Duffield, Lund and Thorup 2007): the next one's priority gives the probabilities."""
    size = np.where(judged < 0.5, 4.0, 1.0) if world.uneven else np.ones(judged.size)
    priority = size / random.random(judged.size)
    bound = np.partition(priority, -world.labels - 1)[-world.labels - 1]
    return priority > bound, np.minimum(1.0, size / bound)


def corrected_coverage(runs: int = 2000, seed: int = 20_261) -> dict[str, Any]:
    """The coverage of the worst world, and of each.

    Args:
        runs: in each world.
        seed: of everything random.

    Returns:
        `name`, `value` (a share), `n` (runs of the world that it is of), `interval` (95 %, of the value), `worlds`.
    """
    found = [cover(world, runs, seed) for world in WORLDS]
    worst = min(found, key=lambda one: one.corrected)
    return {
        "name": NAME,
        "value": worst.corrected,
        "n": runs,
        "interval": wilson(worst.corrected, runs, normal_quantile(LEVEL)),
        "worlds": [
            {
                "name": one.world.name,
                "corrected": one.corrected,
                "raw_judge": one.raw,
                "half_width": one.half_width,
                "labels_alone_half_width": one.labels_alone_half_width,
            }
            for one in found
        ],
    }


def main() -> None:
    """Prints every world."""
    figures = corrected_coverage(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
    for world in figures["worlds"]:
        print(
            f"{world['name']:<42} corrected {world['corrected']:.3f} ± {world['half_width']:.3f}   "
            f"labels alone ± {world['labels_alone_half_width']:.3f}   raw judge holds {world['raw_judge']:.3f}"
        )
    low, high = figures["interval"]
    print(f"{NAME}: {figures['value']:.4f} (95 %: {low:.4f} to {high:.4f}; {figures['n']} runs in each world)")


if __name__ == "__main__":
    main()
