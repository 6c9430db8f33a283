"""Thousands of seeds of the simulation, on all cores, to benchmarks/results/simulate.json."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "simulation"))

from harness import Figure, write
from rich.progress import track
from sim_coverage import missed
from sim_run import run


def one(seed: int) -> tuple[int, list[str], Counter[str]]:
    """How a seed ended."""
    logging.disable(logging.CRITICAL)
    result = run(seed)
    return seed, result.broken, result.counted


def main() -> int:
    """Runs the seeds and writes what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10_000)
    seeds = parser.parse_args().seeds
    counted: Counter[str] = Counter()
    failed: list[int] = []
    began = time.monotonic()
    with ProcessPoolExecutor() as pool:
        for seed, broken, met in track(pool.map(one, range(seeds), chunksize=10), "seeds", total=seeds):
            counted += met
            if broken:
                failed.append(seed)
                print(f"make simulate SEED={seed}  # {broken[0][:200]}")
    values = {"seeds": seeds, "failures": len(failed), "seconds": time.monotonic() - began, **counted}
    path = write("simulate", [Figure(name, value, "", seeds, (value, value)) for name, value in values.items()])
    document = json.loads(path.read_text())
    document |= {"seeds": seeds, "failures": len(failed), "failed": failed, "missed": missed(counted)}
    path.write_text(json.dumps(document, indent=1) + "\n")
    print(f"{len(failed)} of {seeds} seeds failed; never met: {missed(counted) or 'nothing'}")
    return bool(failed or missed(counted))


if __name__ == "__main__":
    sys.exit(main())
