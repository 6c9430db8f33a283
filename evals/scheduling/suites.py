"""Suites that run by themselves: at set times, and when a version of their agent is first seen.

A run is a row of the ledger before its first case is asked, and a case is one after its scores were delivered: a run
that was broken off goes on with the cases that are missing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from watchkeeper.evals.gate.candidates import Candidate
from watchkeeper.evals.gate.graders import gate_graders
from watchkeeper.evals.grading.grade import Grader
from watchkeeper.evals.grading.registry import build_graders
from watchkeeper.evals.grading.running import Occasion, full_name, run_graders
from watchkeeper.evals.scheduling.asking import Asked, ask_all, open_target
from watchkeeper.evals.scheduling.comparing import Verdict, compare_runs, comparison_score
from watchkeeper.evals.scheduling.config import SuiteJob, Target
from watchkeeper.evals.scheduling.due import Due, due_now
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.evals.scheduling.ports import Clock, Publisher
from watchkeeper.evals.scheduling.totals import Totals
from watchkeeper.evals.suites.files import read_suite
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.evaluations import JobRow, RunState, SuiteCaseRow, SuiteRunRow
from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.scores import Score, score_id_of

SLICE_SECONDS: Final = 20.0
"""A run gives way to live sessions after so long."""

_AGAIN: Final = timedelta(seconds=60)
"""What could not begin is tried again after so long."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a run needs; whoever opened it closes the candidate."""

    suite: Suite
    graders: tuple[Grader, ...]
    candidate: Candidate

    @property
    def graded_by(self) -> str:
        """All graders, with their versions."""
        return ", ".join(sorted(full_name(grader) for grader in self.graders))


class SuiteScoring:
    """One entry under `suites`.

    Args:
        name: the entry's.
        job: the entry.
        target_name: the target's name.
        target: what is asked.
        folder: where relative paths begin.
        ledger: what was done.
        publisher: where scores go.
        clock: the time.
        scheduler: its name, for the ledger.
        beat: called after every few cases, for whoever watches over the process.
    """

    def __init__(
        self,
        name: str,
        job: SuiteJob,
        target: Target,
        *,
        folder: Path,
        ledger: Ledger,
        publisher: Publisher,
        clock: Clock,
        scheduler: str,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = f"suite:{name}"
        self._job, self._target, self._folder = job, target, folder
        self._ledger, self._publisher, self._clock, self._scheduler = ledger, publisher, clock, scheduler
        self._beat = beat
        self._told: tuple[object, ...] = ()
        self._wait_until: datetime | None = None
        self._kept: Opened | None = None

    def step(self, stop: Callable[[], bool], totals: Totals) -> datetime | None:
        """See `scheduler.Job`."""
        now = self._clock.now()
        if self._wait_until is not None and now < self._wait_until:
            return self._wait_until
        self._wait_until = None
        run = self._ledger.last_run(self.name)
        due = due_now(self._job, self._target, run, self._ledger.versions(), now)
        if (run is None or run.state != "running") and due.trigger is None:
            self._tell("idle", run, due.next_at, run.note if run else "")
            return due.next_at
        try:
            opened = self._open()
        except ConfigurationError as error:
            self._wait_until = now + _AGAIN
            self._tell("failed", run, self._wait_until, str(error))
            return self._wait_until
        try:
            return self._go_on(run, due, opened, stop, totals)
        finally:
            opened.candidate.close()

    def _open(self) -> Opened:
        # Graders are made once for a run: a judge's cap is the run's, and a slice of it is no run.
        opened = open_suite_job(self._job, self._target, self._folder, self._kept)
        self._kept = opened
        return opened

    def _go_on(
        self, run: SuiteRunRow | None, due: Due, opened: Opened, stop: Callable[[], bool], totals: Totals
    ) -> datetime | None:
        if run is not None and run.state == "running":
            note = _changed(run, opened)
            if note:
                self._ledger.put("eval_runs", [_ended(run, "failed", self._clock.now(), note)])
                return self._clock.now()
        if run is None or run.state != "running":
            run = self._begun(due, opened)
            self._ledger.put("eval_runs", [run])
        cases = self._slice(run, opened, stop, totals)
        run = run.model_copy(update={"done": len(cases), "version": run.version + 1})
        if len(cases) < run.total:
            self._tell("running", run, self._clock.now(), "")
            self._ledger.put("eval_runs", [run])
            return self._clock.now()
        run = self._finished(run, cases, totals)
        self._kept = None
        due = due_now(self._job, self._target, run, self._ledger.versions(), self._clock.now())
        self._tell("idle", run, due.next_at, run.note)
        return self._clock.now() if due.trigger else due.next_at

    def _begun(self, due: Due, opened: Opened) -> SuiteRunRow:
        assert due.trigger is not None
        suite = opened.suite
        target = f"{self._job.target}@{self._target.version}"
        due_at = due.due_at.isoformat()
        return SuiteRunRow(
            run_id=derived_id("suite-run", self.name, suite.reference, target, due.trigger, due_at),
            job=self.name,
            suite=suite.reference,
            target=target,
            graders=opened.graded_by,
            tenant_id=self._target.tenant,
            agent_id=self._target.agent,
            trigger=due.trigger,
            what=due.what,
            due_at=due.due_at,
            missed=due.missed,
            started_at=self._clock.now(),
            total=len(suite.cases),
        )

    def _slice(self, run: SuiteRunRow, opened: Opened, stop: Callable[[], bool], totals: Totals) -> list[SuiteCaseRow]:
        """Does cases that are missing, for a while; answers all that are done."""
        done = self._ledger.cases(run.run_id)
        known = {case.case_id for case in done}
        left = [case for case in opened.suite.cases if case.case_id not in known]
        until = time.monotonic() + SLICE_SECONDS
        while left and not stop() and time.monotonic() < until:
            some, left = left[: self._job.concurrency], left[self._job.concurrency :]
            asked = ask_all(opened.candidate, some, run_id=run.run_id, target=self._target, job=self._job)
            rows = self._graded(run, opened, asked)
            self._ledger.put("eval_cases", rows)
            self._beat()
            done += rows
            totals.suite_cases += len(rows)
            totals.suite_failures += sum(row.failed for row in rows)
        return done

    def _graded(self, run: SuiteRunRow, opened: Opened, asked: Sequence[Asked]) -> list[SuiteCaseRow]:
        rows, delivered = [], []
        for one in asked:
            scores = self._scores(run, opened, one)
            delivered += scores
            values = [score.value for score in scores if score.value is not None]
            costs = [score.cost_usd for score in scores if score.cost_usd is not None]
            rows.append(
                SuiteCaseRow(
                    run_id=run.run_id,
                    case_id=one.case.case_id,
                    session_id=one.interaction.interaction_id if one.interaction else one.case.case_id,
                    value=math.fsum(values) / len(values) if values else None,
                    failed=one.interaction is None,
                    scores=len(scores),
                    cost_usd=math.fsum(costs) if costs else None,
                    note=one.trouble[:500],
                    finished_at=self._clock.now(),
                )
            )
        if delivered:
            self._publisher.publish(delivered)
        return rows

    def _scores(self, run: SuiteRunRow, opened: Opened, asked: Asked) -> list[Score]:
        if asked.interaction is None:
            return []
        occasion = Occasion("suite", self._clock.now(), run_id=run.run_id, suite=run.suite, target=run.target)
        scores = run_graders(opened.graders, asked.interaction, asked.case, occasion=occasion)
        return [score.model_copy(update={"score_id": _id_of(score)}) for score in scores]

    def _finished(self, run: SuiteRunRow, cases: Sequence[SuiteCaseRow], totals: Totals) -> SuiteRunRow:
        good = self._ledger.good_runs(self.name, run.suite, run.graders)
        verdict = compare_runs(cases, [self._ledger.cases(one.run_id) for one in good], self._job.margin)
        values = [case.value for case in cases if case.value is not None]
        failures = sum(case.failed for case in cases)
        run = _ended(run, _state_of(verdict, has_values=bool(values)), self._clock.now(), verdict.said).model_copy(
            update={
                "failures": failures,
                "mean": math.fsum(values) / len(values) if values else None,
                "compared": good[0].run_id if good else "",
            }
        )
        told = comparison_score(run, verdict, self._target)
        if told is not None:
            self._publisher.publish([told])
        self._ledger.put("eval_runs", [run])
        totals.suite_runs += 1
        totals.falls += bool(verdict.fell)
        return run

    def _tell(self, state: str, run: SuiteRunRow | None, next_at: datetime | None, note: str) -> None:
        done, total = (run.done, run.total) if run else (0, 0)
        told = (state, done, total, next_at, note)
        if told != self._told or state == "running":
            row = {"job": self.name, "state": state, "done": done, "total": total, "next_at": next_at, "note": note}
            about = {"scheduler": self._scheduler, "updated_at": self._clock.now()}
            self._ledger.put_job(JobRow.model_validate({**row, **about}))
            self._told = told


def open_suite_job(job: SuiteJob, target: Target, folder: Path, before: Opened | None = None) -> Opened:
    """Opens what an entry names: suite, graders and target.

    Args:
        job: the entry.
        target: the target that it names.
        folder: where relative paths begin.
        before: what was opened for the same run; its graders go on, if the suite is the same.

    Raises:
        ConfigurationError: the suite cannot be read, a grader or a judge cannot be made, or nobody would answer.
    """
    suite = read_suite(folder / job.suite)
    if before is not None and before.suite.reference == suite.reference:
        graders = before.graders
    elif job.graders:
        graders = build_graders(job.graders)
    else:
        graders = gate_graders(suite, (), folder / job.judge if job.judge else None)
    return Opened(suite, graders, open_target(target, folder))


def _changed(run: SuiteRunRow, opened: Opened) -> str:
    """Why a run cannot go on: its other half would be about something else."""
    if run.suite != opened.suite.reference:
        return f"the suite became {opened.suite.reference} while the run was under way"
    if run.graders != opened.graded_by:
        return f"the graders became {opened.graded_by} while the run was under way"
    return ""


def _id_of(score: Score) -> str:
    """Of the case, whichever session its answer stands in: asked again after a crash, a target may begin another."""
    return score_id_of(
        tenant_id=score.tenant_id,
        source="suite",
        session_id=score.case_id,
        grader=score.grader,
        suite=score.suite,
        case_id=score.case_id,
        run_id=score.run_id,
    )


def _state_of(verdict: Verdict, *, has_values: bool) -> RunState:
    if not has_values:
        return "failed"
    if verdict.fell:
        return "fell"
    return "done" if verdict.comparable else "undecided"


def _ended(run: SuiteRunRow, state: str, at: datetime, note: str) -> SuiteRunRow:
    return run.model_copy(update={"state": state, "ended_at": at, "note": note[:2000], "version": run.version + 1})
