"""The parts of `make drift-bench`: each runs something, and gives a table for people and figures for the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from statistics import median
from typing import Final

import numpy as np
from harness import Figure

from drift.contenders import BLOCKS, OURS, PHASES, PROMISE, Contender, Ours, page_hinkley
from drift.intervals import Interval, bootstrap_mean, median_of, ratio_of_medians, share, told
from drift.runs import (
    Delays,
    RunLengths,
    alarms,
    delays,
    generator,
    reference_of,
    run_lengths,
)
from drift.streams import BAD, COINS, FOLLOWING, GOOD, PLAIN, WEEKLY
from watchkeeper.stream_processors.detection.drift.effect import effect_of
from watchkeeper.stream_processors.detection.drift.mix import estimate_mix, fold_parts, new_mix
from watchkeeper.stream_processors.detection.drift.watch import fold_score

SEED: Final = 20_261_121
BEFORE: Final = 200
"""Scores between the beginning of a watch and the change, where the change does not come at once."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is run.

    Attributes:
        streams: of the promise's own figure, run to their first alarm.
        further: streams of all other kinds, and of the other contenders.
        longest: where a stream of the promise's own figure is stopped, in scores; `further_longest` the others.
        rated: scores of each stream whose alarms are counted.
        changed: streams across a change.
        slow: streams of contenders that take a thousandth of a second a score; `slow_longest` where they are stopped.
        oracle: runs by which the oracle is calibrated.
    """

    streams: int
    further: int
    longest: int
    further_longest: int
    rated: int
    changed: int
    slow: int
    slow_longest: int
    oracle: int


FULL: Final = Sizes(500, 100, 1_000_000, 5_000, 2_000, 500, 12, 1_000, 8_000)
QUICK: Final = Sizes(20, 5, 20_000, 2_000, 1_000, 20, 1, 200, 400)


@dataclass(slots=True)
class Section:
    """A table, and what stands in the results."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    def tell(self, name: str, unit: str, n: int, interval: Interval) -> None:
        """Adds a figure."""
        self.figures.append(Figure(name, interval.value, unit, n, (interval.low, interval.high)))


def tuned_page_hinkley(sizes: Sizes) -> Contender:
    """Page-Hinkley at the least threshold, to 0.25, at which the mean run length is the promise, by simulation."""
    low, high = 1.0, 21.0
    while high - low > 0.25:
        middle = (low + high) / 2
        tried = run_lengths(
            page_hinkley(middle, ""), COINS, streams=sizes.further, longest=sizes.further_longest, seed=SEED + 2
        )
        low, high = (middle, high) if tried.mean.value < PROMISE else (low, middle)
    return page_hinkley(high, "Page-Hinkley, tuned")


def promise_kept(sizes: Sizes) -> Section:
    """Streams that do not drift, run to their first alarm."""
    section = Section(
        f"No drift: scores to the first alarm, at one false alarm in {PROMISE:,} promised",
        ("stream", "streams", "mean (95 %)", "median", "alarm within N", "stopped", "alarms in N, begun anew"),
    )
    for kind in PLAIN:
        own = kind is COINS
        count, longest = (sizes.streams, sizes.longest) if own else (sizes.further, sizes.further_longest)
        found = run_lengths(OURS, kind, streams=count, longest=longest, seed=SEED)
        rate = _rate(alarms(OURS, kind, streams=count, scores=sizes.rated, seed=SEED + 1), sizes.rated)
        section.rows.append((kind.says, str(count), *_lengths_told(found), told(rate, 2)))
        suffix = "" if own else f"_{kind.name}"
        section.tell(f"mean_run_length{suffix}", "scores", count, found.mean)
        section.tell(f"false_alarms_in_promise{suffix}", "alarms", count, rate)
        if own:
            section.figures.append(Figure("stationary_streams", count, "streams", count, (count, count)))
            low = found.mean.low / PROMISE
            section.figures.append(Figure("mean_run_length_lower_limit_over_promise", low, "ratio", count, (low, low)))
    return section


def compared(sizes: Sizes, every: Sequence[Contender]) -> Section:
    """The fall from 0.95 to 0.83, seen by all contenders on the same streams; and what each costs in false alarms."""
    section = Section(
        f"A fall from {GOOD} to {BAD}: scores to the alarm (median), on the same streams",
        ("detector", "fall at once", f"after {BEFORE}", "missed", "alarmed before", "no drift: mean to first alarm"),
    )
    oracle: tuple[Delays, Delays] | None = None
    for contender in every:
        slow = contender.name == "KSWIN"
        count = sizes.slow if slow else sizes.changed
        longest = sizes.slow_longest if slow else 3_000
        at_once, later = (
            delays(contender, COINS, streams=count, before=before, longest=longest, seed=SEED) for before in (0, BEFORE)
        )
        oracle = oracle or (at_once, later)
        still = run_lengths(
            contender,
            COINS,
            streams=sizes.slow if slow else sizes.further,
            longest=longest if slow else sizes.further_longest,
            seed=SEED,
        )
        section.rows.append(
            (
                contender.name,
                f"{at_once.median:.0f}",
                f"{later.median:.0f}",
                f"{at_once.missed + later.missed} of {2 * count}",
                f"{later.early} of {count}",
                ("> " if still.stopped else "") + f"{still.mean.value:,.0f}",
            )
        )
        name = contender.name.lower().replace(",", "").replace(" ", "_").replace("-", "_")
        section.tell(f"delay_median_{name}", "scores", count, median_of([d for d in later.delays if d is not None]))
        section.tell(f"mean_run_length_least_{name}", "scores", len(still.lengths), still.mean)
        if contender is OURS:
            _ratios(section, oracle, (at_once, later))
    return section


def _ratios(section: Section, oracle: tuple[Delays, Delays], ours: tuple[Delays, Delays]) -> None:
    """Stream by stream and median by median, at once and later: the greatest is the one that is told."""
    greatest = {}
    for when, theirs, own in zip(("at_once", "later"), oracle, ours, strict=True):
        both = [(a, b) for a, b in zip(own.delays, theirs.delays, strict=True) if a is not None and b is not None]
        paired = median_of([a / b for a, b in both])
        medians = ratio_of_medians(both)
        greatest[when] = max(paired, medians, key=lambda one: one.value)
        section.tell(f"delay_ratio_by_stream_{when}", "ratio", len(both), paired)
        section.tell(f"delay_ratio_of_medians_{when}", "ratio", len(both), medians)
    section.tell(
        "delay_ratio_to_oracle_median", "ratio", len(ours[0].delays), max(greatest.values(), key=lambda one: one.value)
    )


def told_of_change(sizes: Sizes) -> Section:
    """What an alarm says: since when, and by how much."""
    errors, held, early = [], 0, 0
    for stream in range(sizes.changed):
        running = Ours(reference_of(COINS, stream, SEED))
        still = COINS.still(generator(COINS, stream, SEED, "still"))
        if any(fold_score(running.watch, score) for score in islice(still, BEFORE)):
            early += 1
            continue
        assert COINS.fallen is not None
        for score in COINS.fallen(generator(COINS, stream, SEED, "fallen")):
            if fold_score(running.watch, score):
                break
        effect = effect_of(running.watch, running.baseline)
        errors.append(effect.since_index - BEFORE)
        held += effect.change_low <= BAD - GOOD <= effect.change_high
    runs = len(errors)
    distance = median_of([abs(error) for error in errors])
    coverage = share(held, runs)
    section = Section("What the alarm tells", ("figure", "value", "alarms"))
    section.rows = [
        ("moment of the change: scores late (median)", f"{median(errors):+.0f}", str(runs)),
        ("moment of the change: scores from the true one (median)", told(distance, 0), str(runs)),
        ("interval of the change holds the true one", told(coverage, 3), str(runs)),
    ]
    section.tell("change_point_distance_median", "scores", runs, distance)
    section.tell("effect_interval_coverage", "share", runs, coverage)
    return section


def following(sizes: Sizes) -> Section:
    """Scores that follow each other: with block means and without."""
    section = Section(
        "Scores that follow each other",
        ("stream", "detector", "mean to first alarm (95 %)", "median", "alarm within N", "stopped", "delay (median)"),
    )
    for kind in FOLLOWING:
        for contender in (BLOCKS, OURS):
            found = run_lengths(contender, kind, streams=sizes.further, longest=sizes.further_longest, seed=SEED)
            seen = delays(contender, kind, streams=sizes.further, before=BEFORE, longest=3_000, seed=SEED)
            section.rows.append((kind.says, contender.name, *_lengths_told(found), f"{seen.median:.0f}"))
            name = f"{kind.name}_{'blocks' if contender is BLOCKS else 'no_blocks'}"
            section.tell(f"mean_run_length_least_{name}", "scores", sizes.further, found.mean)
            if contender is BLOCKS:
                low = found.mean.low / PROMISE
                over = Figure(f"run_length_lower_over_promise_{name}", low, "ratio", sizes.further, (low, low))
                section.figures.append(over)
    return section


def seasonal(sizes: Sizes, others: Sequence[Contender]) -> Section:
    """Streams that are worse at weekends, by rule: every alarm before the fall is a false one."""
    section = Section(
        f"Weekly seasons: false alarms in {PROMISE:,} scores (95 %), and the delay of a fall by 0.12",
        ("detector", *(said for kind in WEEKLY for said in (kind.says, "delay (median)"))),
    )
    own = {PHASES: "_phases", OURS: ""}
    for contender in (*own, *others):
        row = [contender.name]
        for kind in WEEKLY:
            rate = _rate(alarms(contender, kind, streams=sizes.further, scores=sizes.rated, seed=SEED), sizes.rated)
            row.append(told(rate, 2))
            seen = delays(contender, kind, streams=sizes.further, before=BEFORE, longest=3_000, seed=SEED)
            row.append(f"{seen.median:.0f}")
            if contender in own:
                section.tell(f"false_alarms_in_promise_{kind.name}{own[contender]}", "alarms", sizes.further, rate)
        section.rows.append(tuple(row))
    return section


def mixes(sizes: Sizes) -> Section:
    """A mix of eight intents, all watched for rises and falls under one promise."""
    names, still = "abcdefgh", np.array([0.3, 0.2, 0.15, 0.12, 0.1, 0.08, 0.04, 0.01])
    moved = np.array([0.15, 0.2, 0.15, 0.12, 0.1, 0.08, 0.04, 0.16])
    lengths, seen, right, stopped = [], [], 0, 0
    for stream in range(sizes.further):
        random = np.random.default_rng([SEED, stream, 5])
        draw = [{names[place]: 1.0} for place in random.choice(8, 500, p=still)]
        baseline = estimate_mix(draw)
        mix, length = new_mix(baseline, promise=PROMISE), 0
        for length, place in enumerate(random.choice(8, sizes.further_longest // 4, p=still), 1):
            if fold_parts(mix, baseline, {names[place]: 1.0}, length):
                break
        else:
            stopped += 1
        lengths.append(length)
        mix = new_mix(baseline, promise=PROMISE)
        for length, place in enumerate(random.choice(8, 3_000, p=moved), 1):
            sides = fold_parts(mix, baseline, {names[place]: 1.0}, length)
            if sides:
                seen.append(length)
                right += sides[0] in {"h/rise", "a/fall"}
                break
    found = RunLengths(tuple(lengths), stopped)
    section = Section(
        "A mix of 8 intents, 16 sides and what is new: one goes from 1 to 16 % of sessions, one from 30 to 15 %",
        ("streams", "mean to first alarm (95 %)", "median", "alarm within N", "stopped", "delay (median)", "names one"),
    )
    section.rows.append((str(sizes.further), *_lengths_told(found), f"{median(seen):.0f}", f"{right} of {len(seen)}"))
    section.tell("mean_run_length_least_mix", "sessions", sizes.further, found.mean)
    section.tell("delay_median_mix", "sessions", len(seen), median_of(seen))
    return section


def _rate(counts: Sequence[int], scores: int) -> Interval:
    return bootstrap_mean([count * PROMISE / scores for count in counts])


def _lengths_told(found: RunLengths) -> tuple[str, str, str, str]:
    within = sum(length <= PROMISE for length in found.lengths) / len(found.lengths)
    more = "> " if found.stopped else ""
    return more + told(found.mean, 0), f"{median(found.lengths):,.0f}", f"{within:.0%}", str(found.stopped)
