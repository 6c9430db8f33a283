"""What was decided and done, in ClickHouse: every question is answered from there, so that any process can go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from watchkeeper.evals.scheduling import statements
from watchkeeper.evals.scheduling.budget import DAY, Spent, day_of
from watchkeeper.evals.scheduling.ports import Row, Store
from watchkeeper.schemas.evaluations import JobRow, SampleRow, SuiteCaseRow, SuiteRunRow, VersionRow
from watchkeeper.schemas.model import Model, to_us

PENDING_DAYS: Final = 30
"""What was drawn longer ago is not graded any more: its events may be gone."""

_OF_LATE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Tally:
    """Sessions by what became of them and why they were looked at, in a span of time.

    Attributes:
        by: (state, stratum) to how many.
        scores: how many scores were delivered.
    """

    by: dict[tuple[str, str], int] = field(default_factory=dict)
    scores: int = 0

    def of(self, *states: str) -> int:
        """How many sessions are in one of these states."""
        return sum(count for (state, _), count in self.by.items() if state in states)

    @property
    def considered(self) -> int:
        """How many were looked at."""
        return sum(self.by.values())


class Ledger:
    """The tables `eval_*`. Every method raises what its store raises.

    Args:
        store: ClickHouse.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, table: str, rows: Iterable[Model]) -> None:
        """Writes rows; returns when they are kept. None is sent where there are none."""
        lines = [row.model_dump_json().encode() for row in rows]
        if lines:
            self._store.insert(table, lines)

    def put_samples(self, rows: Sequence[SampleRow]) -> None:
        """Writes what was decided, or done."""
        self.put("eval_samples", rows)

    def candidates(self, since: datetime, settled: datetime, origins: Sequence[str], limit: int) -> list[Row]:
        """Ended sessions of which nothing is decided, those that were stored first at the head.

        Args:
            since: stored then or later, by the store's clock.
            settled: stored before.
            origins: of one of these.
            limit: at most so many.
        """
        return self._store.rows(
            statements.CANDIDATES, since=to_us(since), settled=to_us(settled), origins=list(origins), limit=limit
        )

    def pending(self, now: datetime, limit: int = 100_000) -> list[SampleRow]:
        """What is to be graded, the oldest first."""
        since = to_us(now - PENDING_DAYS * DAY)
        return [SampleRow(**row) for row in self._store.rows(statements.PENDING, since=since, limit=limit)]

    def tally(self, since: datetime, until: datetime) -> Tally:
        """What became of the sessions that were decided in a span of time."""
        rows = self._store.rows(statements.TALLY, since=to_us(since), until=to_us(until))
        return Tally(
            {(row["state"], row["stratum"]): int(row["sessions"]) for row in rows},
            sum(int(row["scores"]) for row in rows),
        )

    def cost(self, since: datetime, until: datetime) -> tuple[int, float]:
        """How many sessions were graded in a span of time, and what that cost in USD."""
        decided = to_us(since - PENDING_DAYS * DAY)
        (row,) = self._store.rows(statements.COST, decided=decided, since=to_us(since), until=to_us(until))
        return int(row["sessions"]), float(row["usd"])

    def spent(self, now: datetime) -> Spent:
        """What was used of today's budget."""
        today = self.tally(day_of(now), day_of(now) + DAY)
        graded, usd = self.cost(now - _OF_LATE, now + DAY)
        return Spent(
            sessions=today.of("drawn", "scored", "unreadable"),
            usd=self.cost(day_of(now), day_of(now) + DAY)[1],
            pending=len(self.pending(now)),
            usd_a_session=usd / graded if graded else 0.0,
        )

    def jobs(self) -> dict[str, JobRow]:
        """What each job does, by its name."""
        return {row["job"]: JobRow(**row) for row in self._store.rows(statements.JOBS)}

    def put_job(self, row: JobRow) -> None:
        """Writes what a job does now."""
        self.put("eval_jobs", [row])

    def versions(self) -> list[VersionRow]:
        """Every version that was seen, with when it first was."""
        return [VersionRow(**row) for row in self._store.rows(statements.KNOWN_VERSIONS)]

    def last_run(self, job: str) -> SuiteRunRow | None:
        """The latest run of a job."""
        return next((SuiteRunRow(**row) for row in self._store.rows(statements.LAST_RUN, job=job)), None)

    def good_runs(self, job: str, suite: str, graders: str) -> list[SuiteRunRow]:
        """Of a job's runs that were not worse than those before them the last and the first.

        Args:
            job: the job.
            suite: they are over the same suite.
            graders: and by the same graders.
        """
        rows = self._store.rows(statements.GOOD_RUNS, job=job, suite=suite, graders=graders)
        return [SuiteRunRow(**row) for row in rows]

    def recent_runs(self, limit: int = 20) -> list[SuiteRunRow]:
        """The latest runs of all jobs, the newest first."""
        return [SuiteRunRow(**row) for row in self._store.rows(statements.RECENT_RUNS, limit=limit)]

    def cases(self, run_id: str) -> list[SuiteCaseRow]:
        """The cases of a run that are done."""
        return [SuiteCaseRow(**row) for row in self._store.rows(statements.CASES, run=run_id)]
