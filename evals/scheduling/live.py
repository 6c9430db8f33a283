"""Live sessions: each that ended is decided once, and those that were drawn are graded.

Nothing is kept in memory between two passes. What was decided is written before anything is graded, and what was
graded is delivered before the ledger says so: killed at any point, the next pass goes on where this one was.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import ValidationError

from watchkeeper.evals.grading.grade import Grade, Grader
from watchkeeper.evals.grading.running import Occasion, run_graders
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.sampling import cut_to, decide
from watchkeeper.evals.scheduling.away import Away, waiting
from watchkeeper.evals.scheduling.budget import DAY, day_of, room
from watchkeeper.evals.scheduling.config import Live
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.evals.scheduling.ports import Clock, Publisher, Row, Sessions, Store
from watchkeeper.evals.scheduling.traits import traits_of
from watchkeeper.schemas.errors import PermanentError
from watchkeeper.schemas.evaluations import SampleRow
from watchkeeper.schemas.scores import Score

OVERLAP: Final = timedelta(hours=1)
"""How far a look goes back behind the last one: inserts in flight, and clocks that differ. Nothing is decided twice."""

MOST_ATTEMPTS: Final = 5
_PAGE: Final = 20_000
"""Decided together, and cut together where a day has no room: after a downtime no hour fares better than others."""

_CHUNK: Final = 20

OnProgress = Callable[[int, int], None]
"""Told how many of how many are done."""


@dataclass(slots=True)
class LiveReport:
    """What a pass did.

    Attributes:
        considered: sessions that were decided.
        drawn: of them, those to be graded.
        cut: of them, those that were drawn and for which the day had no room.
        scored: sessions whose scores were delivered, also of earlier passes.
        scores: how many scores.
        failures: of them, those in which a grader could not say.
        unreadable: sessions that are given up.
        waiting: sessions that are still to be graded.
        note: why, for people; empty where all is done.
    """

    considered: int = 0
    drawn: int = 0
    cut: int = 0
    scored: int = 0
    scores: int = 0
    failures: int = 0
    unreadable: int = 0
    waiting: int = 0
    note: str = ""


class LiveScoring:
    """The job.

    Args:
        config: how sessions are drawn.
        graders: by which they are graded.
        store: ClickHouse.
        sessions: reads what is graded.
        publisher: where scores go.
        clock: the time.
        beat: called after each session, for whoever watches over the process: judges may be slow.
    """

    def __init__(
        self,
        config: Live,
        graders: Sequence[Grader],
        *,
        store: Store,
        sessions: Sessions,
        publisher: Publisher,
        clock: Clock,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._config, self._graders, self._store = config, tuple(graders), store
        self._sessions, self._publisher, self._clock = sessions, publisher, clock
        self._ledger, self._beat, self._away = Ledger(store), beat, Away()

    def settled_until(self, now: datetime) -> datetime:
        """What was stored before then has been quiet for long enough."""
        return now - timedelta(seconds=self._config.settle_seconds)

    def decide(self, watermark: datetime | None, report: LiveReport) -> datetime:
        """Decides of every session that ended since; answers the new watermark.

        Args:
            watermark: what was stored before it has been decided; None at the first look ever.
            report: takes the numbers.
        """
        now = self._clock.now()
        settled = self.settled_until(now)
        since = watermark - OVERLAP if watermark else now - timedelta(hours=self._config.look_back_hours)
        while True:
            found = self._ledger.candidates(since, settled, self._config.origins, _PAGE)
            rows = self._decided(found, now)
            self._ledger.put_samples(rows)
            states = Counter(row.state for row in rows)
            report.considered += len(rows)
            report.drawn += states["drawn"]
            report.cut += states["cut"]
            if len(found) < _PAGE:
                return max(settled, watermark) if watermark else settled

    def grade(self, report: LiveReport, stop: Callable[[], bool], on_progress: OnProgress) -> None:
        """Grades what waits, the oldest first.

        Args:
            report: takes the numbers.
            stop: asked between a few sessions; True ends it.
            on_progress: told after a few sessions.
        """
        pending = self._ledger.pending(self._clock.now())
        done = 0
        for some in _by_tenant([row for row in pending if not self._away.holds_back(row, self._clock.now())]):
            report.note = self._why_not_now()
            if report.note or stop():
                break
            self._grade(some, report)
            done += len(some)
            on_progress(done, len(pending))
        report.waiting = len(self._ledger.pending(self._clock.now()))
        report.note = report.note or (self._away.note(self._clock.now()) if report.waiting else "")

    def _decided(self, found: Sequence[Row], now: datetime) -> list[SampleRow]:
        traits = traits_of(self._store, found)
        rows = []
        for row in found:
            draw = decide(
                self._config.rates, row["tenant_id"], row["session_id"], traits[row["tenant_id"], row["session_id"]]
            )
            rows.append(
                SampleRow(
                    tenant_id=row["tenant_id"],
                    session_id=row["session_id"],
                    agent_id=row["agent_id"],
                    agent_version=row["agent_version"],
                    intent=row["intent"],
                    origin=row["origin"],
                    ended_at=row["ended_at"],
                    decided_at=now,
                    stratum=draw.stratum,
                    place=draw.place,
                    inclusion=draw.inclusion,
                    state="drawn" if draw.drawn else "passed_over",
                )
            )
        return self._within_budget(rows, now)

    def _within_budget(self, rows: list[SampleRow], now: datetime) -> list[SampleRow]:
        drawn = [row for row in rows if row.state == "drawn"]
        if not drawn:
            return rows
        budget = self._config.budget
        space = room(now, self._ledger.spent(now), sessions_a_day=budget.sessions_a_day, usd_a_day=budget.usd_a_day)
        cut = cut_to(space, [(row.tenant_id, row.session_id) for row in drawn], self._config.salt)
        if cut.share == 1:
            return rows
        kept = {(drawn[index].tenant_id, drawn[index].session_id) for index in cut.kept}
        # Those that were passed over had the same chance of being cut: the probability is the whole batch's.
        return [
            row.model_copy(
                update={
                    "inclusion": row.inclusion * cut.share,
                    "kept": cut.share,
                    "state": row.state
                    if row.state == "passed_over" or (row.tenant_id, row.session_id) in kept
                    else "cut",
                }
            )
            for row in rows
        ]

    def _why_not_now(self) -> str:
        limit = self._config.budget.usd_a_day
        now = self._clock.now()
        if limit is None or self._ledger.cost(day_of(now), day_of(now) + DAY)[1] < limit:
            return ""
        return f"the day's {limit:g} USD are spent: what waits is graded from {day_of(now) + DAY:%Y-%m-%d} on"

    def _grade(self, some: Sequence[SampleRow], report: LiveReport) -> None:
        found = {
            one.interaction_id: one for one in self._sessions.by_ids(some[0].tenant_id, [r.session_id for r in some])
        }
        graded = [self._graded(row, found.get(row.session_id)) for row in some]
        scores = [score for _, of in graded for score in of]
        try:
            if scores:
                self._publisher.publish(scores)
        except PermanentError:
            # One of them cannot be sent: which one shows when they go one by one.
            graded = [self._sent_alone(row, of) for row, of in graded]
            scores = [score for _, of in graded for score in of]
        self._ledger.put_samples([row for row, _ in graded])
        states = Counter(row.state for row, _ in graded)
        report.scored += states["scored"]
        report.unreadable += states["unreadable"]
        report.scores += len(scores)
        report.failures += sum(score.result_type == "failure" for score in scores)

    def _graded(self, row: SampleRow, interaction: Interaction | None) -> tuple[SampleRow, list[Score]]:
        if interaction is None:
            return _tried(row, "nothing is stored of its events"), []
        self._beat()
        occasion = Occasion(
            "live",
            graded_at=self._clock.now(),
            run_id=f"live-{row.decided_at:%Y-%m-%d}",
            inclusion=row.inclusion,
            kept=row.kept,
            stratum=row.stratum,
        )
        now, later = occasion.graded_at, dict[str, Grade]()
        absent = self._away.waited_for(self._graders, interaction, now)
        try:
            asked = self._away.asked(self._graders, now)
            scores = run_graders(asked, interaction, occasion=occasion, later=later)
        except ValidationError as error:
            fields = ", ".join(sorted({".".join(map(str, one["loc"])) for one in error.errors(include_input=False)}))
            return _tried(row, f"no score can be written of it: its {fields} cannot be used", for_good=True), []
        self._away.take_note(later, now)
        # What it cost before, where it waited for a judge, was paid.
        told = (row.cost_usd, *(one.cost_usd for one in scores), *(one.cost_usd for one in later.values()))
        costs = [cost for cost in told if cost is not None]
        graded = row.model_copy(update={"graded_at": now, "cost_usd": math.fsum(costs) if costs else None})
        absent |= {name: grade.reason for name, grade in later.items()}
        if absent:
            return waiting(graded, absent), scores
        return _changed(graded, "scored", "" if scores else "no grader applies", len(scores)), scores

    def _sent_alone(self, row: SampleRow, scores: list[Score]) -> tuple[SampleRow, list[Score]]:
        try:
            if scores:
                self._publisher.publish(scores)
        except PermanentError as error:
            return _tried(row, f"its scores cannot be sent: {error}", for_good=True), []
        return row, scores


def _tried(row: SampleRow, why: str, *, for_good: bool = False) -> SampleRow:
    given_up = for_good or row.attempts + 1 >= MOST_ATTEMPTS
    return _changed(row, "unreadable" if given_up else "drawn", why, 0)


def _changed(row: SampleRow, state: str, note: str, scores: int) -> SampleRow:
    changes = {"state": state, "note": note, "scores": scores}
    return row.model_copy(update={**changes, "attempts": row.attempts + 1, "version": row.version + 1})


def _by_tenant(rows: Sequence[SampleRow]) -> Iterator[list[SampleRow]]:
    """A few at a time, those of one tenant together, in the order in which they wait."""
    some: list[SampleRow] = []
    for row in rows:
        if some and (row.tenant_id != some[0].tenant_id or len(some) == _CHUNK):
            yield some
            some = []
        some.append(row)
    if some:
        yield some
