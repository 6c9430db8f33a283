"""Thousands of seeds of the simulation, on all cores, to benchmarks/results/simulate.json."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "simulation"))

from harness import Figure, write
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sim_coverage import missed
from sim_many import Played, play_all
from sim_world import FAULTS, LATE

LONGEST_REASON = 300
SHOWN = ("workers", "rebalances", "events", "state writes checked", "commits checked")


def main() -> int:
    """Plays the seeds and writes what came of them; 1 where one failed, or where something never happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.seeds)
    counted: Counter[str] = Counter()
    failed: dict[int, str] = {}
    began = time.monotonic()
    for played in _shown(seeds):
        counted += played.counted
        if played.broken:
            failed[played.seed] = played.broken[0][:LONGEST_REASON]
    never = missed(counted)
    _write(seeds, failed, never, counted, time.monotonic() - began)
    for seed, reason in failed.items():
        print(f"make simulate SEED={seed} ARGS=--shrink  # {reason}")
    print(f"{len(failed)} of {len(seeds)} seeds failed; never met: {', '.join(never) or 'nothing'}")
    return int(bool(failed or never))


def _shown(seeds: range) -> list[Played]:
    """All of them, with a bar while they are played; what fails is told at once."""
    console = Console(stderr=True)
    columns = TextColumn("seeds"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    all_played = []
    with Progress(*columns, console=console) as progress:
        for played in progress.track(play_all(seeds), total=len(seeds)):
            all_played.append(played)
            if played.broken:
                console.print(f"seed {played.seed} failed", highlight=False)
    return all_played


def _write(seeds: range, failed: dict[int, str], never: list[str], counted: Counter[str], seconds: float) -> None:
    faults = sum(counted[kind] for kind in (*FAULTS, LATE))
    values = {"seeds": len(seeds), "failures": len(failed), "faults of calls": faults}
    values |= {name: counted[name] for name in SHOWN}
    figures = [Figure(name, value, "in all", 1, (value, value)) for name, value in values.items()]
    path = write("simulate", [*figures, Figure("time", seconds, "s", 1, (seconds, seconds))])
    document = json.loads(path.read_text())
    document |= {"seeds": len(seeds), "first_seed": seeds.start, "failures": len(failed), "failed": failed}
    document |= {"never_met": never, "met": dict(sorted(counted.items()))}
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
