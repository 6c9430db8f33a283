"""Evaluation: what graders say with how sure that is, what the scheduler does, runs of suites, people's labels."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, get_args

from starlette.responses import Response

from watchkeeper.dashboards.console.errors import AskedWrongError, NotThereError
from watchkeeper.dashboards.console.evaluation_source import Breakdown, Graded, Mean
from watchkeeper.dashboards.console.visit import Page, Visit
from watchkeeper.schemas.evaluations import JobRow, SuiteCaseRow

DAYS: Final = ("7", "30", "90")
SHOWN: Final = 12
"""Agents whose means are worked out for the first page."""

MOST_SCORES: Final = 4_000
"""An agent with more of them is worked out on its own page."""

RUNS: Final = 20
SILENT_SECONDS: Final = 600
"""A job that told nothing for so long after it should have run has no scheduler."""

BREAKDOWNS: Final[tuple[Breakdown, ...]] = get_args(Breakdown)


def span_of(visit: Visit) -> tuple[datetime, datetime]:
    """The days that are looked at, from `days` of the address.

    Raises:
        AskedWrongError: they are none of `DAYS`.
    """
    days = visit.query("days") or "30"
    if days not in DAYS:
        raise AskedWrongError(f"days is {days[:20]!r}: it is one of {', '.join(DAYS)}")
    return visit.now - timedelta(days=int(days)), visit.now


def evaluation(visit: Visit) -> Response:
    """Scores of all agents, jobs and runs."""
    since, until = span_of(visit)
    evaluations = visit.sources.evaluations
    graded = evaluations.graded(visit.query("tenant"), since, until)
    means: list[tuple[Graded, list[Mean]]] = [
        (one, evaluations.means(one, since, until, "") if one.scores <= MOST_SCORES else []) for one in graded[:SHOWN]
    ]
    return visit.show(
        "evaluation.html",
        "Evaluation",
        means=means,
        others=graded[SHOWN:],
        days=visit.query("days") or "30",
        tenant=visit.query("tenant"),
        jobs=[(job, job_state(job, visit.now)) for job in evaluations.jobs()],
        today=evaluations.today(),
        runs=evaluations.runs(RUNS),
    )


def scores(visit: Visit) -> Response:
    """One agent's scores, its sessions told apart."""
    since, until = span_of(visit)
    by = _breakdown(visit.query("by"))
    tenant, agent, origin = (visit.query(name) for name in ("tenant", "agent", "origin"))
    graded = [
        one
        for one in visit.sources.evaluations.graded(tenant, since, until)
        if (one.agent_id, one.origin) == (agent, origin or "live")
    ]
    if not graded:
        raise NotThereError(
            f"no session of agent {agent or '(none named)'} was graded in these days: look further back with days=90, "
            "or see the scheduler's jobs under Evaluation"
        )
    return visit.show(
        "evaluation_scores.html",
        f"Scores of {agent}",
        of=graded[0],
        means=visit.sources.evaluations.means(graded[0], since, until, by),
        by=by,
        breakdowns=BREAKDOWNS,
        days=visit.query("days") or "30",
    )


def run(visit: Visit) -> Response:
    """One run of a suite, the worst cases first."""
    run_id = visit.path["run"]
    found = visit.sources.evaluations.run(run_id)
    if found is None:
        raise NotThereError(f"there is no run {run_id[:100]}: see the latest under Evaluation")
    cases = sorted(visit.sources.evaluations.cases(run_id), key=_worst_first)
    return visit.show("evaluation_run.html", f"Run of {found.suite}", run=found, cases=cases)


def labels(visit: Visit) -> Response:
    """How far people have come with labelling."""
    since, until = span_of(visit)
    tenant, evaluations = visit.query("tenant"), visit.sources.evaluations
    return visit.show(
        "evaluation_labels.html",
        "Labels",
        labelled=evaluations.labelled(tenant, since, until),
        draws=evaluations.draws(tenant, since, until),
        days=visit.query("days") or "30",
        tenant=tenant,
    )


def job_state(job: JobRow, now: datetime) -> str:
    """What a job does; `silent` where nobody seems to run it."""
    last_sign = max(job.updated_at, job.next_at or job.updated_at)
    return "silent" if (now - last_sign).total_seconds() > SILENT_SECONDS else job.state


def _worst_first(case: SuiteCaseRow) -> tuple[bool, float, str]:
    return not case.failed, -1.0 if case.value is None else case.value, case.case_id


def _breakdown(name: str) -> Breakdown:
    for known in BREAKDOWNS:
        if name == known:
            return known
    raise AskedWrongError(f"by is {name[:20]!r}: it is one of {', '.join(one for one in BREAKDOWNS if one)}")


PAGES: Final = (
    Page("/evaluation", evaluation, menu="Evaluation", order=60),
    Page("/evaluation/scores", scores),
    Page("/evaluation/labels", labels),
    Page("/evaluation/runs/{run}", run),
)
