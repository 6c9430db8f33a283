"""What runs when. One pass after another; each leaves in the ledger what it did and when the next one comes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from watchkeeper.evals.scheduling.config import Live
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.evals.scheduling.live import LiveReport, LiveScoring
from watchkeeper.evals.scheduling.ports import Clock
from watchkeeper.evals.scheduling.totals import Totals
from watchkeeper.schemas.errors import ConfigurationError, TransientError
from watchkeeper.schemas.evaluations import JobRow

LIVE_JOB: Final = "live"
LONGEST_WAIT_SECONDS: Final = 5.0
"""Between two looks at what is due, so that whoever watches sees that it lives."""

_LOG = logging.getLogger("watchkeeper.evals.scheduler")


class Job(Protocol):
    """Something beside live scoring that the scheduler runs."""

    def step(self, stop: Callable[[], bool], totals: Totals) -> datetime | None:
        """Does some of what is due, and not for long; answers when it is to be called again, None for not by itself."""


@dataclass(slots=True)
class Scheduler:
    """The scheduler.

    Attributes:
        config: of live scoring.
        live: the job that does it.
        ledger: where its progress is told.
        clock: the time.
        name: host and process, for the ledger.
        jobs: what runs beside it.
        totals: what was done so far.
        alive: called whenever something was done, for whoever watches over the process.
    """

    config: Live
    live: LiveScoring
    ledger: Ledger
    clock: Clock
    name: str
    jobs: Sequence[Job] = ()
    totals: Totals = field(default_factory=Totals)
    alive: Callable[[], None] = lambda: None
    _live_due: datetime | None = None

    def run_pass(self, stop: Callable[[], bool] = lambda: False) -> datetime:
        """Does what is due; answers when to come again, in UTC.

        Args:
            stop: asked between a few sessions; True ends the pass early.

        Raises:
            TransientError: the store or the broker is away; call again.
            ConfigurationError: tables are missing, or the user is refused.
        """
        now = self.clock.now()
        if self.config.enabled and (self._live_due is None or now >= self._live_due):
            self._run_live(now, stop)
        due = [self._live_due] if self._live_due else []
        for job in self.jobs:
            if stop():
                break
            again = job.step(stop, self.totals)
            due += [again] if again else []
            self.alive()
        self.totals.passes += 1
        self.alive()
        return min(due, default=now + timedelta(seconds=self.config.every_seconds))

    def _run_live(self, now: datetime, stop: Callable[[], bool]) -> None:
        report = LiveReport()
        known = self.ledger.jobs().get(LIVE_JOB)
        watermark = self.live.decide(known.watermark if known else None, report)
        next_at = now + timedelta(seconds=self.config.every_seconds)

        def tell(state: str, done: int, total: int) -> None:
            row = {"job": LIVE_JOB, "state": state, "done": done, "total": total, "next_at": next_at}
            about = {"watermark": watermark, "note": report.note, "scheduler": self.name}
            self.ledger.put_job(JobRow.model_validate({**row, **about, "updated_at": self.clock.now()}))

        def progress(done: int, total: int) -> None:
            tell("running", done, total)
            self.alive()

        self.live.grade(report, stop, progress)
        tell("waiting" if report.waiting else "idle", report.scored, report.scored + report.waiting)
        self._count(report)
        self._live_due = next_at

    def _count(self, report: LiveReport) -> None:
        totals = self.totals
        for name in ("considered", "drawn", "cut", "scored", "scores", "failures", "unreadable"):
            setattr(totals, name, getattr(totals, name) + getattr(report, name))
        totals.waiting = report.waiting
        if report.cut:
            _LOG.warning(
                "the day's budget has no room for %d of %d drawn sessions", report.cut, report.cut + report.drawn
            )
        if report.unreadable:
            _LOG.warning("%d sessions cannot be graded: `watchkeeper evals schedule` tells why", report.unreadable)
        if report.scored:
            _LOG.info("graded %d sessions: %d scores, %d wait", report.scored, report.scores, report.waiting)


def run_until(stop: threading.Event, scheduler: Scheduler, held: Callable[[], bool] = lambda: True) -> None:
    """Passes, one after another, until told to stop. A store or a broker that is away is waited for.

    Args:
        stop: ends it, after the few sessions that are being graded.
        scheduler: what runs.
        held: False ends it as well: another scheduler works now.

    Raises:
        PermanentError: the store will never do this.
    """
    trouble = ""
    while not stop.is_set() and held():
        wait = LONGEST_WAIT_SECONDS
        try:
            due = scheduler.run_pass(lambda: stop.is_set() or not held())
            wait = min(wait, max(0.0, (due - scheduler.clock.now()).total_seconds()))
        except (TransientError, ConfigurationError) as error:
            scheduler.totals.interruptions += 1
            scheduler.alive()
            # Said once, not at every attempt.
            if str(error) != trouble:
                _LOG.warning("grading waits: %s", error)
            trouble = str(error)
        else:
            if trouble:
                _LOG.info("the store and the broker are back, and what waited is graded")
            trouble = ""
        stop.wait(wait)
