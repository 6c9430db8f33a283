"""`make scorecard`: performs a plan, and writes what was found of it. `--quick` judges a little in this process."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness import write
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from scorecard import recorded
from scorecard.composer import Composer
from scorecard.costs import detector_cost
from scorecard.in_process import Court
from scorecard.modes import cards
from scorecard.page import PAGE, with_tables
from scorecard.pipeline import running_pipeline
from scorecard.plan import QUICK, Plan, Size
from scorecard.report import document, figures, missed_targets, tables
from scorecard.seeds import Seed, drawn
from scorecard.seen import Seen
from scorecard.tally import Performed, Tally, tally
from scorecard.untouched import Untouched, bundle_of, path_of, tenant_of, untouched
from watchkeeper.stream_processors.prices import GenaiPriceBook

RATE = 1200.0
"""Events a second that are published: about half of what the worker takes beside everything else on two cores."""

Bar = Callable[[str, int], Callable[[], None]]
"""Begins a bar of so many; what it answers moves it on."""


@dataclass(slots=True)
class Outcome:
    """A run that is over."""

    tally: Tally
    recordings: list[Untouched]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs; answers 1 where a target is missed."""
    options = _parser().parse_args(arguments)
    seed = Seed(options.seed) if options.seed else drawn()
    chosen = [card for card in cards() if not options.mode or card.mode in options.mode]
    whole = QUICK if options.quick else Size()
    size = Size(options.plants or whole.plants, options.clean or whole.clean)
    plan = Plan(chosen, size, seed.seed)
    console = Console(stderr=True)
    began = time.monotonic()
    with _bars(console) as bar:
        if options.quick:
            outcome = judged_here(plan, seed, bar)
        else:
            names = [] if options.mode else recorded.present()
            outcome = through_pipeline(plan, seed, bar, options.rate, names)
    result = document(chosen, outcome.tally, outcome.recordings)
    result["run"] = _run(seed, size, outcome, seconds=time.monotonic() - began) | {
        "publishable": seed.publishable and not (options.quick or options.mode),
        "through": "this process" if options.quick else "the local stack",
    }
    _show(console, result, outcome)
    if options.json:
        print(json.dumps(result, indent=1))
    if result["run"]["publishable"] and not options.dry_run:
        # When the stack has ended: what a CPU does beside it is seen in the figure.
        write("scorecard", [*figures(chosen, outcome.tally), detector_cost()], **result)
        PAGE.write_text(with_tables(PAGE.read_text(), tables(result)))
        console.print(f"the tables of {PAGE} are written anew")
    else:
        console.print(f"nothing is written: {why_not(seed, options)}", highlight=False)
    return 1 if missed_targets(result) else 0


def why_not(seed: Seed, options: argparse.Namespace) -> str:
    """Why a run is not published, and what would have to be done."""
    if options.quick or options.mode or options.dry_run:
        return "a whole run is one without --quick, --mode and --dry-run"
    if not seed.commit:
        return "the seed was chosen: leave out --seed"
    changed = ", ".join(seed.changed[:3])
    return (
        f"{len(seed.changed)} files differ from the commit that the seed is drawn from ({changed}): commit them first"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a little, in this process; writes nothing")
    parser.add_argument("--mode", action="append", help="this mode alone, may be repeated; writes nothing")
    parser.add_argument("--plants", type=int, help="of each mode")
    parser.add_argument("--clean", type=int, help="clean performances, one in five of them a near miss")
    parser.add_argument("--seed", default="", help="in place of the one drawn from the commit")
    parser.add_argument("--rate", type=float, default=RATE, help="events a second")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    parser.add_argument("--json", action="store_true", help="print all that was counted")
    return parser


def judged_here(plan: Plan, seed: Seed, bar: Bar) -> Outcome:
    """Performs a plan, and judges it in this process. Times to findings stay undefined."""
    court = Court(GenaiPriceBook())
    performed, found = [], []
    step = bar("judged", plan.total)
    with Composer(seed.seed) as composer:
        for bundle in plan.bundles(composer):
            found += court.hear(bundle)
            performed.append(Performed.of(bundle))
            step()
    return Outcome(tally(performed, found), [])


def recordings_here(names: Sequence[str]) -> list[Untouched]:
    """Recordings untouched, judged in this process."""
    court = Court(GenaiPriceBook())
    heard = ((name, *bundle_of(name)) for name in names)
    return [untouched(name, sessions, court.hear(bundle)) for name, bundle, sessions in heard]


def through_pipeline(plan: Plan, seed: Seed, bar: Bar, rate: float, names: Sequence[str]) -> Outcome:
    """Performs a plan through a stack of its own, and imports these recordings into it."""
    with running_pipeline(rate) as pipeline:
        with Composer(seed.seed) as composer:
            performed = pipeline.publish(plan.bundles(composer), bar("performed", plan.total))
        pipeline.settle()
        found: list[Seen] = pipeline.findings()
        counted = tally(performed, found)
        step = bar("recordings", len(names))
        sessions = {}
        for name in names:
            sessions[name] = pipeline.import_recording(path_of(name), tenant_of(name))
            step()
        pipeline.settle()
        found = pipeline.findings()
        return Outcome(counted, [untouched(name, sessions[name], found) for name in names])


def _run(seed: Seed, size: Size, outcome: Outcome, *, seconds: float) -> dict[str, Any]:
    return {
        "seed": seed.seed,
        "commit": seed.commit,
        "changed": list(seed.changed),
        "plants_of_each_mode": size.plants,
        "clean_performances": size.clean,
        "events": outcome.tally.events,
        "recordings_planted_into": recorded.present(),
        "seconds": round(seconds),
    }


def _show(console: Console, result: dict[str, Any], outcome: Outcome) -> None:
    for mode in result["modes"]:
        recall, alarms = mode["recall"], mode["false_alarms"]["alarms"]
        console.print(
            f"{mode['mode']}: found {recall['hits']} of {recall['n']}, {alarms} false alarms", highlight=False
        )
        for one in mode["recipes"]:
            if one["recall"]["hits"] < one["recall"]["n"]:
                told = f"  {one['name']}: {one['recall']['hits']} of {one['recall']['n']}"
                console.print(f"{told}, missed {', '.join(one['missed'][:3])}", highlight=False)
    for alarm in outcome.tally.alarms[:50]:
        console.print(f"alarm {alarm.mode}/{alarm.kind} on {alarm.tenant} {alarm.about}: {alarm.summary}", markup=False)
    for line in missed_targets(result):
        console.print(f"target missed: {line}", highlight=False, markup=False)


@contextmanager
def _bars(console: Console) -> Iterator[Bar]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as progress:

        def begin(title: str, total: int) -> Callable[[], None]:
            task = progress.add_task(title, total=total)
            return lambda: progress.advance(task)

        yield begin
