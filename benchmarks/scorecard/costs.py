"""What the detectors cost an event: the figure of `make bench-detectors`, measured in the same way, in this run."""

from __future__ import annotations

from typing import Final

from detectors import costs
from harness import Figure
from heard import of_fleet
from judging_again import Bench

from watchkeeper.stream_processors.detection import judge as judge_module
from watchkeeper.stream_processors.detection.hearing import Hearing
from watchkeeper.stream_processors.worker import calm_collector

NAME: Final = "detector_microseconds_per_event"
SESSIONS: Final = 360
RUNS: Final = 5


def detector_cost() -> Figure:
    """Microseconds of CPU an event, of all detectors but the scan for secrets and personal data."""
    calm_collector()
    try:
        bench = Bench(of_fleet(1, SESSIONS // 2), of_fleet(0, SESSIONS), RUNS)
        return next(figure for figure in costs(bench) if figure.name == NAME)
    finally:
        # The benchmark lets the judge hear nothing: whoever judges after it in this process must hear again.
        vars(judge_module)["Hearing"] = Hearing
