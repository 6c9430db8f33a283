"""Evaluation as the console shows it: the scheduler's ledger, means with intervals, people's labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import fmean
from typing import TYPE_CHECKING, Final

from watchkeeper.cli.extras import missing_extra
from watchkeeper.cli.store import ReadStore
from watchkeeper.dashboards.console.evaluation_source import Breakdown, Draw, Graded, Labelled, Mean, Today
from watchkeeper.evals.labelling.records import About, LabelRecords, together
from watchkeeper.evals.scheduling.budget import DAY, day_of
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.evaluations import JobRow, SuiteCaseRow, SuiteRunRow
from watchkeeper.schemas.labels import DrawRow, LabelRow
from watchkeeper.schemas.scores import Score

if TYPE_CHECKING:
    from watchkeeper.evals.estimation.summaries import Cell, Measure

# A score that was graded twice has one id.
_GRADED: Final = """
SELECT
    tenant_id,
    agent_id,
    origin,
    uniqExact(score_id) AS scores,
    uniqExactIf(score_id, result_type = 'failure') AS failures,
    max(occurred_at) AS last_at
FROM scores
WHERE source = 'live'
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND occurred_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
GROUP BY tenant_id, agent_id, origin
ORDER BY scores DESC, tenant_id, agent_id, origin
LIMIT 200
"""

# By primary key.
_RUN: Final = "SELECT * EXCEPT stored_at FROM eval_runs FINAL WHERE run_id = {run:String}"


class StoredEvaluations:
    """See `watchkeeper.dashboards.console.evaluation_source.Evaluations`.

    Args:
        store: ClickHouse.
    """

    def __init__(self, store: ReadStore) -> None:
        self._store = store
        self._ledger = Ledger(store)
        self._records = LabelRecords(store)

    def jobs(self) -> list[JobRow]:
        """See `Evaluations.jobs`."""
        return sorted(self._ledger.jobs().values(), key=lambda job: job.job)

    def today(self) -> Today:
        """See `Evaluations.today`."""
        since = day_of(datetime.now(UTC))
        tally = self._ledger.tally(since, since + DAY)
        by_state: Counter[str] = Counter()
        for (state, _), count in tally.by.items():
            by_state[state] += count
        return Today(tally.considered, by_state, tally.scores, self._ledger.cost(since, since + DAY)[1])

    def runs(self, limit: int) -> list[SuiteRunRow]:
        """See `Evaluations.runs`."""
        return self._ledger.recent_runs(limit)

    def run(self, run_id: str) -> SuiteRunRow | None:
        """See `Evaluations.run`."""
        return next((SuiteRunRow(**row) for row in self._store.rows(_RUN, run=run_id)), None)

    def cases(self, run_id: str) -> list[SuiteCaseRow]:
        """See `Evaluations.cases`."""
        return self._ledger.cases(run_id)

    def graded(self, tenant: str, since: datetime, until: datetime) -> list[Graded]:
        """See `Evaluations.graded`."""
        return [Graded(**row) for row in self._store.rows(_GRADED, tenant=tenant, since=since, until=until)]

    def means(self, of: Graded, since: datetime, until: datetime, by: Breakdown) -> list[Mean]:
        """See `Evaluations.means`."""
        try:
            # Statistics take a second to load, and an extra of their own.
            from watchkeeper.evals.estimation.summaries import Labels, summarise  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise ConfigurationError(missing_extra(error) or str(error)) from error
        about = About(of.tenant_id, of.agent_id, since, until)
        scores = self._records.scores(about, origin=of.origin)
        draws = self._records.draws(about)
        labels = Labels.of(together(self._records.labels(about), draws), draws)
        by_grader: dict[str, list[Score]] = defaultdict(list)
        for score in scores:
            by_grader[score.grader].append(score)
        found: list[Mean] = []
        for _, of_grader in sorted(by_grader.items()):
            measure: Measure = "passed" if any(one.passed is not None for one in of_grader) else "value"
            cells = summarise(of_grader, labels, by=(by,) if by else (), measure=measure)
            found += [_mean(cell) for cell in cells]
        return found

    def labelled(self, tenant: str, since: datetime, until: datetime) -> list[Labelled]:
        """See `Evaluations.labelled`."""
        about = About(tenant, "", since, until)
        by_agent: dict[tuple[str, str], list[LabelRow]] = defaultdict(list)
        for label in self._records.labels(about):
            by_agent[label.tenant_id, label.agent_id].append(label)
        found = [_labelled(*who, labels) for who, labels in by_agent.items()]
        return sorted(found, key=lambda one: one.last_at, reverse=True)

    def draws(self, tenant: str, since: datetime, until: datetime) -> list[Draw]:
        """See `Evaluations.draws`."""
        about = About(tenant, "", since, until)
        by_draw: dict[tuple[str, str], list[DrawRow]] = defaultdict(list)
        for row in self._records.draws(about):
            by_draw[row.tenant_id, row.draw_id].append(row)
        if not by_draw:
            return []
        # A draw's candidates may have ended before the span that is looked at.
        first = min(rows[0].since for rows in by_draw.values())
        last = max(rows[0].until for rows in by_draw.values())
        labels = self._records.labels(About(tenant, "", first, last))
        handled = {(label.tenant_id, label.session_id) for label in labels}
        found = [_draw(rows, handled) for rows in by_draw.values()]
        return sorted(found, key=lambda one: one.drawn_at, reverse=True)


def _mean(cell: Cell) -> Mean:
    found = cell.estimate
    return Mean(
        grader=cell.grader,
        part=", ".join(value or "(none)" for value in cell.traits.values()),
        measure=cell.measure,
        value=found.value if found else None,
        low=found.low if found else 0.0,
        high=found.high if found else 1.0,
        level=found.level if found else 0.95,
        corrected=found.corrected if found else False,
        alone=found.raw if found else 0.0,
        scored=found.scored if found else 0,
        labelled=cell.labelled,
        failures=cell.failures,
        advice=cell.advice,
    )


def _labelled(tenant: str, agent: str, labels: Sequence[LabelRow]) -> Labelled:
    latest = {(label.session_id, label.given_by): label for label in sorted(labels, key=lambda one: one.given_at)}
    told = [label for label in latest.values() if not label.skipped]
    people = Counter(label.given_by for label in told)
    by_session = Counter(label.session_id for label in told)
    return Labelled(
        tenant_id=tenant,
        agent_id=agent,
        labels=len(told),
        skipped=len(latest) - len(told),
        sessions=len(by_session),
        double=sum(count > 1 for count in by_session.values()),
        passed=_passed(labels),
        people=dict(people.most_common()),
        last_at=max(label.given_at for label in labels),
    )


def _passed(labels: Iterable[LabelRow]) -> float | None:
    shares = [one.passed for one in together(labels) if one.passed is not None]
    return fmean(shares) if shares else None


def _draw(rows: Sequence[DrawRow], handled: set[tuple[str, str]]) -> Draw:
    head = rows[0]
    return Draw(
        tenant_id=head.tenant_id,
        agent_id=head.agent_id,
        draw_id=head.draw_id,
        drawn_by=head.drawn_by,
        drawn_at=head.drawn_at,
        since=head.since,
        until=head.until,
        candidates=head.candidates,
        size=len(rows),
        handled=sum((row.tenant_id, row.session_id) in handled for row in rows),
    )
