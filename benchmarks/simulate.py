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
from rich.progress import track
from sim_coverage import missed
from sim_many import play_all


def main() -> int:
    """Runs the seeds and writes what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    seeds = parser.parse_args().seeds
    counted: Counter[str] = Counter()
    failed: list[int] = []
    began = time.monotonic()
    for played in track(play_all(range(seeds)), "seeds", total=seeds):
        counted += played.counted
        if played.broken:
            failed.append(played.seed)
            print(f"make simulate SEED={played.seed}  # {played.broken[0][:200]}", flush=True)
    values = {"seeds": seeds, "failures": len(failed), "seconds": time.monotonic() - began, **counted}
    path = write("simulate", [Figure(name, value, "", seeds, (value, value)) for name, value in values.items()])
    document = json.loads(path.read_text())
    document |= {"seeds": seeds, "failures": len(failed), "failed": failed, "missed": missed(counted)}
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{len(failed)} of {seeds} seeds failed; never met: {missed(counted) or 'nothing'}")
    return bool(failed or missed(counted))


if __name__ == "__main__":
    sys.exit(main())
