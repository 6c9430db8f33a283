"""`make drift-bench`: runs all parts, prints tables and a plot, writes `results/drift-bench.json`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from itertools import islice
from math import log10
from time import process_time

from harness import Figure, write
from rich.console import Console
from rich.table import Table

from drift.contenders import (
    ADAPTIVE,
    BY_DISTRIBUTION,
    DEFAULT_PAGE_HINKLEY,
    FIXED,
    OURS,
    PROMISE,
    Ours,
    oracle,
    oracle_threshold,
)
from drift.corrected_coverage import corrected_coverage
from drift.gate_shares import gate_shares
from drift.runs import generator, reference_of
from drift.sections import (
    BEFORE,
    FULL,
    QUICK,
    SEED,
    Section,
    Sizes,
    compared,
    following,
    mixes,
    promise_kept,
    seasonal,
    told_of_change,
    tuned_page_hinkley,
)
from drift.streams import COINS
from watchkeeper.stream_processors.detection.drift.watch import evidence, fold_score

_HEIGHT = 10
_WIDTH = 96


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs everything; 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="far fewer streams; writes nothing")
    given = parser.parse_args(arguments)
    console = Console()
    figures = run(QUICK if given.quick else FULL, console, quick=given.quick)
    if not given.quick:
        write("drift-bench", figures, seed=SEED, promise=PROMISE)
    return 0 if given.quick or _kept(figures, console) else 1


def run(sizes: Sizes, console: Console, *, quick: bool) -> list[Figure]:
    """All figures, in the order in which they are printed."""
    threshold, length = oracle_threshold(sizes.oracle, SEED)
    console.print(f"Oracle CUSUM: threshold {threshold:.3f}, mean run length {length:,.0f} in {sizes.oracle:,} runs")
    figures = [Figure("oracle_mean_run_length", length, "scores", sizes.oracle, (length, length))]
    tuned = tuned_page_hinkley(sizes)
    every = (oracle(threshold), OURS, ADAPTIVE, DEFAULT_PAGE_HINKLEY, tuned, BY_DISTRIBUTION, FIXED)
    parts: tuple[Callable[[], Section], ...] = (
        lambda: promise_kept(sizes),
        lambda: compared(sizes, every),
        lambda: told_of_change(sizes),
        lambda: following(sizes),
        lambda: seasonal(sizes, (ADAPTIVE, DEFAULT_PAGE_HINKLEY, tuned, FIXED)),
        lambda: mixes(sizes),
    )
    for part in parts:
        began = process_time()
        section = part()
        _print(section, console, process_time() - began)
        figures += section.figures
    plot(console)
    return figures + _of_others(console, quick=quick)


def _print(section: Section, console: Console, seconds: float) -> None:
    table = Table(title=section.title, title_justify="left", caption=f"{seconds:.0f} s", caption_justify="left")
    for column in section.columns:
        table.add_column(column, overflow="fold")
    for row in section.rows:
        table.add_row(*row)
    console.print(table)


def plot(console: Console) -> None:
    """The evidence of one stream, in powers of ten of what alarms, across its change."""
    running = Ours(reference_of(COINS, 0, SEED))
    assert COINS.fallen is not None
    told = []
    for score in islice(COINS.still(generator(COINS, 0, SEED, "still")), BEFORE):
        fold_score(running.watch, score)
        told.append(evidence(running.watch))
    for score in COINS.fallen(generator(COINS, 0, SEED, "fallen")):
        told.append(evidence(running.watch))
        if fold_score(running.watch, score):
            break
    told.append(evidence(running.watch))
    levels = [max(-3.0, log10(max(value, 1e-9))) for value in told]
    width = min(_WIDTH, console.width - 8)
    step = max(1, -(-len(levels) // width))
    shown = [max(levels[start : start + step]) for start in range(0, len(levels), step)]
    console.print(f"\nOne stream: evidence as a share of what alarms; {step} scores a column, the fall at ▲")
    for line in range(_HEIGHT, 0, -1):
        bar = -3 + 3 * (line - 1) / (_HEIGHT - 1)
        label = f"{10**bar:6.3f} " if line in {1, 4, 7, _HEIGHT} else " " * 7
        console.print(label + "".join("█" if level >= bar else " " for level in shown), highlight=False)
    console.print(" " * 7 + " " * (BEFORE // step) + "▲\n", highlight=False)


def _of_others(console: Console, *, quick: bool) -> list[Figure]:
    """The corrected intervals' coverage, and the gate's shares."""
    coverage = corrected_coverage(20 if quick else 2000)
    low, high = coverage["interval"]
    figures = [Figure("corrected_interval_coverage", coverage["value"], "share", coverage["n"], (low, high))]
    table = Table(title="Intervals corrected for the judge's errors: how often they hold", title_justify="left")
    for column in ("world", "corrected", "the judge's own", "half width", "of labels alone"):
        table.add_column(column)
    for world in coverage["worlds"]:
        widths = (f"{world[name]:.3f}" for name in ("half_width", "labels_alone_half_width"))
        table.add_row(world["name"], f"{world['corrected']:.3f}", f"{world['raw_judge']:.3f}", *widths)
    console.print(table)
    shares = gate_shares(2 if quick else 100)
    table = Table(title="The gate, with 300 cases", title_justify="left")
    for column in ("figure", "share", "95 %", "runs"):
        table.add_column(column)
    for share in shares:
        low, high = share["interval"]
        figures.append(Figure(share["name"], share["value"], share["unit"], share["n"], (low, high)))
        table.add_row(share["name"], f"{share['value']:.3f}", f"{low:.3f} to {high:.3f}", str(share["n"]))
    console.print(table)
    return figures


def _kept(figures: Sequence[Figure], console: Console) -> bool:
    """Whether all that is promised is so; says what is not."""
    value = {figure.name: figure.value for figure in figures}
    least = {
        "stationary_streams": 500,
        "mean_run_length_lower_limit_over_promise": 1.0,
        "corrected_interval_coverage": 0.93,
        "gate_pass_equal_share": 0.95,
        "gate_block_worse_share": 0.9,
    }
    broken = [
        f"{name} is {value[name]:.3f}, at least {bar} was promised" for name, bar in least.items() if value[name] < bar
    ]
    if value["delay_ratio_to_oracle_median"] > 2.5:
        broken.append(f"delay_ratio_to_oracle_median is {value['delay_ratio_to_oracle_median']:.2f}, at most 2.5")
    for line in broken:
        console.print(f"[red]not kept:[/red] {line}")
    return not broken
