"""What the scheduler's process tells of itself on loopback: its figures, and whether it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from watchkeeper.evals.scheduling.totals import Totals

STALLED_SECONDS: Final = 900.0
"""A session that a judge is slow to grade takes minutes; so long without any sign is none of that."""

_SESSIONS: Final = ("considered", "drawn", "cut", "scored", "unreadable")
_COUNTERS: Final = {
    "scores": "Scores that were delivered for live sessions.",
    "failures": "Those of them in which a grader could not say.",
    "versions": "Versions of agents, models and prompts that were seen for the first time.",
    "inputs": "Days of agents whose prompts were compared with those of before.",
    "suite_runs": "Runs of suites that ended.",
    "suite_cases": "Cases of suites that were asked.",
    "suite_failures": "Those of them that the target did not answer.",
    "falls": "Runs of suites that were worse than the last good one.",
    "interruptions": "Passes that the store or the broker broke off.",
    "passes": "Passes that were ended.",
}


class SchedulerWatch:
    """See `watchkeeper.stream_processors.watching.server.Told`.

    Attributes:
        totals: read at every question.
    """

    def __init__(self, totals: Totals) -> None:
        self.totals, self._worker = totals, ""
        self._beat_at = time.monotonic()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def beat(self) -> None:
        """Called whenever something was done."""
        self._beat_at = time.monotonic()

    def stands_by(self, worker: str) -> None:
        """Takes note of the scheduler that works in this one's place; empty where this one works."""
        self._worker = worker

    def page(self) -> bytes:
        """The figures in Prometheus' text form."""
        return generate_latest(self._registry)

    def problem(self) -> str:
        """Why it is stalled; empty where it is not."""
        silent = time.monotonic() - self._beat_at
        return f"nothing was done for {silent:.0f} s" if silent > STALLED_SECONDS else ""

    def unready(self) -> str:
        """Why it does not grade yet; empty where it does, or stands by for one that does."""
        return (
            "" if self.totals.passes or self._worker else "no pass was ended yet: the store or the broker may be away"
        )

    def collect(self) -> Iterator[Metric]:
        """The figures, for the registry."""
        sessions = CounterMetricFamily(
            "watchkeeper_evals_sessions", "Ended live sessions by what was done with them.", labels=["outcome"]
        )
        for name in _SESSIONS:
            sessions.add_metric([name], getattr(self.totals, name))
        yield sessions
        for name, meaning in _COUNTERS.items():
            yield CounterMetricFamily(f"watchkeeper_evals_{name}", meaning, value=getattr(self.totals, name))
        yield GaugeMetricFamily(
            "watchkeeper_evals_standing_by",
            "1 where another scheduler works, and this one waits.",
            value=bool(self._worker),
        )
        yield GaugeMetricFamily(
            "watchkeeper_evals_waiting_sessions", "Sessions that are to be graded.", value=self.totals.waiting
        )
