"""An agent of four weeks whose sessions were graded: good, then worse in one intent with a new prompt.

Its scores go over `agent.scores`, so that the worker stores them and watches them; the ledger's rows are written as the
scheduler writes them.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any, Final

from watchkeeper.cli.score_sending import ScorePublisher
from watchkeeper.cli.store import ReadStore
from watchkeeper.schemas.evaluations import JobRow, RunState, SampleRow, SuiteCaseRow, SuiteRunRow
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.labels import DrawRow, LabelRow
from watchkeeper.schemas.scores import Score, score_id_of, subject_of_scores

GRADER: Final = "answered_what_was_asked@3"
AGENT: Final = "returns-desk"
MINUTES: Final = 40
SESSIONS: Final = 800
CHANGES_AT: Final = 600
"""From this session on the new prompt is in use."""

INTENTS: Final = ("refund", "track", "exchange", "complaint")


class GradedAgent:
    """Writes it down.

    Args:
        tenant: whose agent it is.
        bootstrap: the broker's address.
        store: ClickHouse.
        seed: of everything that is chance.
    """

    def __init__(self, tenant: str, bootstrap: str, store: ReadStore, seed: int = 3) -> None:
        self.tenant = tenant
        self._publisher = ScorePublisher(bootstrap)
        self._store = store
        self._draw = random.Random(seed)
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        self.first = now - timedelta(minutes=MINUTES * SESSIONS)
        self._scores = [self._score(number) for number in range(SESSIONS)]

    def at(self, number: int) -> datetime:
        """When a session ended."""
        return self.first + timedelta(minutes=MINUTES * number)

    def scores(self) -> list[Score]:
        """Of every session one; the same each time."""
        return self._scores

    def _score(self, number: int) -> Score:
        intent = INTENTS[self._draw.randrange(len(INTENTS))]
        is_new = number >= CHANGES_AT
        fails = 0.6 if is_new and intent == "refund" else 0.05
        passed = self._draw.random() >= fails
        session = f"returns-{number:05d}"
        return Score(
            score_id=score_id_of(tenant_id=self.tenant, source="live", session_id=session, grader=GRADER),
            subject=subject_of_scores(self.tenant, "live", AGENT),
            tenant_id=self.tenant,
            origin="live",
            source="live",
            session_id=session,
            agent_id=AGENT,
            agent_version="4.2",
            model="gpt-4o-mini",
            prompt_version="2025-11-b" if is_new else "2025-10-a",
            intent=intent,
            grader=GRADER,
            result_type="pass",
            passed=passed,
            value=float(passed),
            reason="" if passed else "the answer does not say whether the money comes back",
            inclusion=0.5 if intent == "complaint" else 0.25,
            stratum="risk" if intent == "complaint" else "uniform",
            occurred_at=self.at(number),
            graded_at=self.at(number) + timedelta(minutes=4),
            cost_usd=0.0006,
        )

    def publish(self, scores: list[Score]) -> None:
        """Puts scores where graders put them."""
        self._publisher.publish(scores)

    def counted(self) -> int:
        """How many of its scores are stored."""
        rows = self._store.rows(
            "SELECT uniqExact(score_id) AS n FROM scores WHERE tenant_id = {tenant:String}", tenant=self.tenant
        )
        return int(rows[0]["n"])

    def ledger(self) -> None:
        """Labels, a draw, runs of a suite and today's sessions."""
        draw = uuid7()
        self._put("labels", *(self._label(position, "ines", draw) for position in range(30)))
        self._put("labels", *(self._label(position, "jo", draw) for position in range(8)))
        self._put("label_draws", *(self._drawn(draw, position) for position in range(50)))
        self._runs()
        now = datetime.now(UTC)
        self._put("eval_samples", *(self._sample(number, now) for number in range(48)))
        job: dict[str, Any] = {"updated_at": now, "scheduler": "screenshots"}
        self._put(
            "eval_jobs",
            JobRow(job="live", state="waiting", done=12, total=12, next_at=now + timedelta(minutes=1), **job),
            JobRow(job="suite:returns", state="idle", done=60, total=60, next_at=now + timedelta(hours=9), **job),
        )

    def _drawn_as(self, position: int) -> int:
        """Which session stands at a place of the draw."""
        return SESSIONS - 1 - position * 7

    def _label(self, position: int, by: str, draw: str) -> LabelRow:
        """Mostly what the grader says."""
        score = self._scores[self._drawn_as(position)]
        passed = bool(score.passed) != (position % 9 == 4)
        return LabelRow(
            tenant_id=self.tenant, label_id=uuid7(), session_id=score.session_id, agent_id=AGENT, given_by=by,
            passed=passed, given_at=datetime.now(UTC) - timedelta(hours=position), occurred_at=score.occurred_at,
            intent=score.intent, draw_id=draw,
        )  # fmt: skip

    def _drawn(self, draw: str, position: int) -> DrawRow:
        return DrawRow(
            tenant_id=self.tenant, draw_id=draw, session_id=self._scores[self._drawn_as(position)].session_id,
            agent_id=AGENT, position=position, size=1, priority=100 / (position + 1),
            next_priority=100 / (position + 2), stratum="uniform", why="drawn evenly", candidates=SESSIONS,
            since=self.first, until=datetime.now(UTC), drawn_by="ines",
            drawn_at=datetime.now(UTC) - timedelta(days=2),
        )  # fmt: skip

    def _sample(self, number: int, now: datetime) -> SampleRow:
        state = ("passed_over", "passed_over", "scored", "drawn")[number % 4]
        return SampleRow(
            tenant_id=self.tenant, session_id=f"today-{number}", agent_id=AGENT, agent_version="4.2", intent="track",
            origin="live", ended_at=now, decided_at=now, graded_at=now if state == "scored" else None,
            stratum="uniform", place=number / 48, inclusion=0.25, state=state,  # type: ignore[arg-type] # one of four
            scores=int(state == "scored"), cost_usd=0.0006 if state == "scored" else None,
        )  # fmt: skip

    def _runs(self) -> None:
        last, mean_before = "", 0.0
        states: tuple[RunState, ...] = ("done", "done", "fell")
        for days, state in zip((3, 2, 1), states, strict=True):
            begun, run_id, fell = datetime.now(UTC) - timedelta(days=days), uuid7(), state == "fell"
            cases = [self._case(run_id, number, fell=fell) for number in range(60)]
            mean = fmean(case.value for case in cases if case.value is not None)
            self._put("eval_cases", *cases)
            self._put(
                "eval_runs",
                SuiteRunRow(
                    run_id=run_id, job="suite:returns", suite="returns@2", target=f"{AGENT}@4.2",
                    tenant_id=self.tenant, agent_id=AGENT, trigger="new_version" if fell else "schedule",
                    what="prompt 2025-11-b" if fell else "", due_at=begun, started_at=begun,
                    ended_at=begun + timedelta(minutes=7), state=state, done=60, total=60, failures=int(fell),
                    mean=mean, compared=last,
                    note=f"{(mean_before - mean) * 100:.0f} points below the last good run" if fell else "",
                ),
            )  # fmt: skip
            last, mean_before = run_id, mean

    def _case(self, run_id: str, number: int, *, fell: bool) -> SuiteCaseRow:
        lost, bad = fell and number == 8, number % 15 == 3 or (fell and number % 5 == 1)
        note = "the target did not answer: HTTP 503, asked three times" if lost else ""
        return SuiteCaseRow(
            run_id=run_id, case_id=f"returns-{number:03d}", session_id=f"suite-{run_id[-6:]}-{number:03d}",
            value=None if lost else 0.0 if bad else 1.0, failed=lost, scores=0 if lost else 1,
            cost_usd=None if lost else 0.0011, note=note, finished_at=datetime.now(UTC),
        )  # fmt: skip

    def _put(self, table: str, *rows: Any) -> None:
        self._store.insert(table, [row.model_dump_json().encode() for row in rows])
