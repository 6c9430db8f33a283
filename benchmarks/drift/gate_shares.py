"""How often the gate passes a candidate that is as good as the baseline, and blocks one that is ten points worse.

The candidates are simulated at the level of grades; what decides is the gate's own function, over the whole, the
intents and the answers, as in a run. Cases differ in how hard they are, and both agents find the same ones hard: the
correlation of their grades, case by case. `python benchmarks/drift/gate_shares.py` prints every situation.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from watchkeeper.evals.gate.decision import Measure, Outcome, Settings, decide
from watchkeeper.evals.gate.paired import Pair
from watchkeeper.schemas.ids import derived_id
from watchkeeper.stream_processors.detection.proportions import score_interval

FALL: Final = 0.10
INTENTS: Final[tuple[tuple[str, float], ...]] = (
    ("refund", 0.4),
    ("order", 0.3),
    ("account", 0.15),
    ("delivery", 0.1),
    ("other", 0.05),
)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is compared.

    Attributes:
        accuracy: the baseline's mean grade.
        correlation: of the two agents' grades of one case, over the cases.
        repeats: how often each case is done.
        numbers: grades are numbers in place of passes: noisy around each case's own level.
        counted: whether it is in the headline; the others show where single runs are not enough.
    """

    accuracy: float
    correlation: float
    repeats: int = 1
    numbers: bool = False
    counted: bool = True

    @property
    def told(self) -> str:
        """One line."""
        kind = "numbers" if self.numbers else "passes"
        return f"{kind}, accuracy {self.accuracy:.2f}, correlation {self.correlation:.1f}, {self.repeats} a case"


SITUATIONS: Final = (
    *(Situation(accuracy, rho) for accuracy in (0.95, 0.9, 0.8) for rho in (0.3, 0.5, 0.7)),
    *(Situation(0.7, rho) for rho in (0.5, 0.7)),
    *(Situation(0.7, rho, repeats=3) for rho in (0.1, 0.3)),
    *(Situation(accuracy, 0.3, numbers=True) for accuracy in (0.9, 0.7)),
    *(Situation(0.7, rho, counted=False) for rho in (0.0, 0.3)),
    Situation(0.5, 0.0, counted=False),
)


def case_levels(situation: Situation, draw: random.Random, cases: int) -> Iterator[tuple[float, float]]:
    """How well the baseline does on each case, and on the same case a candidate that is worse on the whole.

    Levels are drawn from a Beta law whose variance is the correlation's part of a pass's: two independent attempts at
    one case then have just this correlation. The candidate's level is the baseline's less its share of the fall.
    """
    mean, rho = situation.accuracy, situation.correlation
    for _ in range(cases):
        if rho == 0:
            level = mean
        else:
            together = 1 / rho - 1
            level = draw.betavariate(mean * together, (1 - mean) * together)
        yield level, level * (1 - FALL / mean)


def grade(level: float, situation: Situation, draw: random.Random) -> float:
    """A case's grade: the mean over its repeats."""
    if situation.numbers:
        # Noise that keeps the mean: one cut off at 1 would make the fall smaller than it is said to be.
        values = [draw.betavariate(4 * level + 1e-6, 4 * (1 - level) + 1e-6) for _ in range(situation.repeats)]
    else:
        values = [float(draw.random() < level) for _ in range(situation.repeats)]
    return sum(values) / len(values)


def decided(situation: Situation, cases: int, seed: str, *, worse: bool) -> Outcome:
    """One run of the gate."""
    draw = random.Random(seed)
    names, shares = [name for name, _ in INTENTS], [share for _, share in INTENTS]
    pairs, intents = [], []
    for number, (level, lowered) in enumerate(case_levels(situation, draw, cases)):
        baseline = grade(level, situation, draw)
        candidate = grade(lowered if worse else level, situation, draw)
        pairs.append(Pair(f"case-{number}", baseline, candidate))
        intents.append(draw.choices(names, shares)[0])
    answered = tuple(Pair(pair.case_id, 1.0, 1.0) for pair in pairs)
    measures = [Measure("rubric", "whole", tuple(pairs)), Measure("answers", "answers", answered)]
    for name in names:
        of_intent = tuple(pair for pair, intent in zip(pairs, intents, strict=True) if intent == name)
        measures.append(Measure("rubric", "intent", of_intent, intent=name))
    return decide(measures, Settings(margin=FALL)).outcome


def tally(
    situation: Situation, *, runs: int, cases: int, seed: int, done: Callable[[], None]
) -> tuple[Counter[Outcome], Counter[Outcome]]:
    """What the gate said of equal candidates, and of worse ones."""
    found: tuple[Counter[Outcome], Counter[Outcome]] = (Counter(), Counter())
    for number in range(runs):
        for worse, counter in ((False, found[0]), (True, found[1])):
            counter[decided(situation, cases, derived_id(seed, number, situation.told, worse), worse=worse)] += 1
            done()
    return found


def gate_shares(
    runs: int = 100, cases: int = 300, seed: int = 20261121, *, done: Callable[[], None] = lambda: None
) -> list[dict[str, Any]]:
    """The figures of the gate, over all situations of the headline.

    Args:
        runs: of each situation, with an equal candidate and as many with a worse one.
        cases: in the suite.
        seed: the same seed gives the same figures.
        done: called after each run.

    Returns:
        Figures as `benchmarks/results` holds them. `gate_pass_equal_share` and `gate_block_worse_share` are shares of
        all runs; those that end in `_lowest` are of the situation that did worst; `gate_fall_worse_share` counts only
        runs that named the fall as significant. `situations` lists what was said in each, those outside the headline
        included.
    """
    tallies = {one: tally(one, runs=runs, cases=cases, seed=seed, done=done) for one in SITUATIONS}
    rows = [
        {
            "situation": one.told,
            "in_headline": one.counted,
            "equal": dict(sorted(equal.items())),
            "worse": dict(sorted(worse.items())),
        }
        for one, (equal, worse) in tallies.items()
    ]
    counted = [found for one, found in tallies.items() if one.counted]
    passed = [equal["pass"] for equal, _ in counted]
    blocked = [worse["fall"] + worse["undecided"] for _, worse in counted]
    fell = [worse["fall"] for _, worse in counted]
    made = partial(_figure, runs=runs)
    return [
        made("gate_pass_equal_share", passed) | {"situations": rows},
        made("gate_block_worse_share", blocked),
        made("gate_fall_worse_share", fell),
        made("gate_pass_equal_share_lowest", [min(passed)]),
        made("gate_block_worse_share_lowest", [min(blocked)]),
        made("gate_fall_worse_share_lowest", [min(fell)]),
    ]


def _figure(name: str, counts: list[int], *, runs: int) -> dict[str, Any]:
    right, trials = sum(counts), runs * len(counts)
    interval = score_interval(right, trials)
    return {
        "name": name,
        "value": right / trials,
        "unit": "share",
        "n": trials,
        "interval": list(interval) if interval else None,
        "baseline": None,
        "ratio": None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20261121)
    given = parser.parse_args()
    figures = gate_shares(given.runs, given.cases, given.seed)
    for row in figures[0]["situations"]:
        mark = "" if row["in_headline"] else "  (not in the headline)"
        print(f"{row['situation']:<58} equal {row['equal']}  worse {row['worse']}{mark}")
    for figure in figures:
        low, high = figure["interval"]
        print(f"{figure['name']:<32} {figure['value']:.4f}  ({low:.4f} to {high:.4f}, n = {figure['n']})")


if __name__ == "__main__":
    main()
