"""Whether people still ask for what they asked for: each day's prompts are compared with those of the weeks before.

The sessions of a day and of the reference are drawn by their places: the ledger has a place of every ended session,
which knows nothing of what the session was about.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from watchkeeper.evals.scheduling import statements
from watchkeeper.evals.scheduling.budget import DAY, day_of
from watchkeeper.evals.scheduling.config import Inputs
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.evals.scheduling.ports import Clock, Publisher, Row, Sessions, Store
from watchkeeper.evals.scheduling.totals import Totals
from watchkeeper.schemas.evaluations import JobRow
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.scores import INPUTS_GRADER, CriterionScore, Score, score_id_of, subject_of_scores

if TYPE_CHECKING:
    from watchkeeper.evals.input_drift.prompts import PromptDrift

INPUTS_JOB: Final = "inputs"
GRADER: Final = f"{INPUTS_GRADER}@1"
GAP: Final = timedelta(days=7)
"""Between reference and window: what came in the last week is no reference for what is new."""
REFERENCE: Final = timedelta(days=28)
LEAST_SESSIONS: Final = 50
"""Of an agent's day: of fewer, the comparison refuses to speak."""
MOST_DAYS: Final = 7
"""Days that passed while nobody looked are made up for, so far back."""

_SETTLE: Final = timedelta(hours=1)
_LOG = logging.getLogger("watchkeeper.evals.scheduler")


class InputsWatch:
    """The job: once a day, for each agent.

    Args:
        config: how many prompts, and the promise.
        store: ClickHouse.
        ledger: how far it came.
        sessions: reads the prompts.
        publisher: where scores go.
        clock: the time.
        name: the scheduler's.
        beat: called after each agent.
    """

    def __init__(
        self,
        config: Inputs,
        *,
        store: Store,
        ledger: Ledger,
        sessions: Sessions,
        publisher: Publisher,
        clock: Clock,
        name: str,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._config, self._store, self._ledger, self._sessions = config, store, ledger, sessions
        self._publisher, self._clock, self._name, self._beat = publisher, clock, name, beat

    def step(self, stop: Callable[[], bool], totals: Totals) -> datetime | None:
        """See `scheduler.Job`."""
        now = self._clock.now()
        last = day_of(now - _SETTLE) - DAY
        job = self._ledger.jobs().get(INPUTS_JOB)
        done = job.watermark if job else None
        day = max(done + DAY if done else last, last - (MOST_DAYS - 1) * DAY)
        next_at = last + 2 * DAY + _SETTLE
        if day > last:
            return next_at
        compared = 0
        for agent in self._agents(day):
            if stop():
                return now
            compared += self._compare(agent, day)
            self._beat()
        totals.inputs += compared
        told = {"job": INPUTS_JOB, "state": "idle", "done": compared, "total": compared, "watermark": day}
        again = now if day < last else next_at
        about = {"next_at": again, "scheduler": self._name, "updated_at": now}
        self._ledger.put_job(JobRow.model_validate({**told, **about}))
        return again

    def _agents(self, day: datetime) -> Iterator[Row]:
        rows = self._store.rows(
            statements.AGENTS_OF_DAY, since=to_us(day), until=to_us(day + DAY), least=LEAST_SESSIONS
        )
        yield from rows

    def _compare(self, agent: Row, day: datetime) -> bool:
        """Compares one agent's day; whether there was enough to compare."""
        # With it come numpy, scipy and scikit-learn, which a scheduler without busy agents need not hold.
        from watchkeeper.evals.input_drift.prompts import InputDriftError, compare_prompts  # noqa: PLC0415

        reference = self._prompts(agent, day - GAP - REFERENCE, day - GAP)
        window = self._prompts(agent, day, day + DAY)
        try:
            found = compare_prompts(reference, window, promise=self._config.promise)
        except InputDriftError:
            # Too few of one agent on one day is usual.
            return False
        self._publisher.publish([_score(agent, day, found, self._clock.now())])
        if found.is_alarm:
            _LOG.info("an agent's prompts of %s are unlike those of before", f"{day:%Y-%m-%d}")
        return True

    def _prompts(self, agent: Row, since: datetime, until: datetime) -> list[str]:
        rows = self._store.rows(
            statements.SESSIONS_BY_PLACE,
            tenant=agent["tenant_id"],
            agent=agent["agent_id"],
            origin=agent["origin"],
            since=to_us(since),
            until=to_us(until),
            limit=self._config.prompts,
        )
        found = self._sessions.by_ids(agent["tenant_id"], [row["session_id"] for row in rows])
        return [one.asked for one in found if one.asked]


def _score(agent: Row, day: datetime, found: PromptDrift, now: datetime) -> Score:
    tenant, name, origin = agent["tenant_id"], agent["agent_id"], agent["origin"]
    differ = f"p = {found.p:.2g}; a classifier tells {found.auc:.0%} of pairs apart (50% is chance)"
    return Score(
        score_id=score_id_of(
            tenant_id=tenant, source="live", session_id=f"{origin}/{name}/{day:%Y-%m-%d}", grader=GRADER
        ),
        subject=subject_of_scores(tenant, origin, name),
        tenant_id=tenant,
        origin=origin,
        source="live",
        session_id=f"the sessions of {day:%Y-%m-%d}",
        agent_id=name,
        run_id=f"inputs-{day:%Y-%m-%d}",
        grader=GRADER,
        result_type="pass",
        passed=not found.is_alarm,
        value=float(not found.is_alarm),
        label=differ,
        reason=(
            f"{found.window} prompts were compared with {found.reference} of four weeks before; {differ};"
            f" at most one false alarm in {found.promise} days."
        ),
        criteria=tuple(
            CriterionScore(name=one.term, value=one.after, note=f"{one.before:.1%} before") for one in found.terms
        )
        if found.is_alarm
        else (),
        occurred_at=day + DAY,
        graded_at=now,
    )
