"""Evaluation as the console reads it: figures that were worked out by hand, over the real store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from console_scored_agent import ScoredAgent

from watchkeeper.cli.console.evaluations import StoredEvaluations
from watchkeeper.cli.store import ReadStore
from watchkeeper.schemas.evaluations import SampleRow, SuiteCaseRow, SuiteRunRow
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.labels import DrawRow, LabelRow

DAY = timedelta(days=1)


@pytest.fixture
def span(graded: ScoredAgent) -> tuple[datetime, datetime]:
    return graded.first - DAY, datetime.now(UTC) + DAY


def label(graded: ScoredAgent, number: int, by: str, **given: Any) -> LabelRow:
    values: dict[str, Any] = {
        "tenant_id": graded.tenant,
        "label_id": uuid7(),
        "session_id": f"s-{number:04d}",
        "agent_id": graded.agent,
        "given_by": by,
        "given_at": graded.at(number) + timedelta(hours=1),
        "occurred_at": graded.at(number),
        **given,
    }
    return LabelRow(**values)


def test_means_have_intervals_and_know_weights_and_failures(
    store: ReadStore, graded: ScoredAgent, span: tuple[datetime, datetime]
) -> None:
    # Of each ten sessions eight pass; those of refunds are drawn twice as often and count half.
    scores = [
        graded.score(number, passed=number % 10 < 8, value=float(number % 10 < 8), inclusion=0.5)
        if number % 2
        else graded.score(number, passed=number % 10 < 8, value=float(number % 10 < 8), inclusion=0.25)
        for number in range(100)
    ]
    failed = graded.score(200, result_type="failure", reason="the judge did not answer")
    other = graded.score(1, grader="length@2", result_type="number", value=0.4)
    graded.store([*scores, scores[0], failed, other])
    evaluations = StoredEvaluations(store)
    (found,) = evaluations.graded(graded.tenant, *span)
    assert (found.agent_id, found.scores, found.failures) == ("clerk", 102, 1)
    exact, length = evaluations.means(found, *span, "")
    assert (exact.grader, exact.measure, exact.scored, exact.failures) == ("exact@1", "passed", 100, 1)
    # Both kinds pass at 0.8, so does the weighted mean.
    assert exact.value == pytest.approx(0.8)
    assert exact.low < 0.8 < exact.high
    assert not exact.corrected
    assert "10 more labels" in exact.advice
    assert length.measure == "value"
    assert length.value == pytest.approx(0.4)
    parts = {one.part: one.value for one in evaluations.means(found, *span, "intent") if one.grader == "exact@1"}
    assert parts.keys() == {"", "refund", "track"}
    assert parts["refund"] == pytest.approx(0.8)


def test_labels_are_counted_by_person_and_session(
    store: ReadStore, graded: ScoredAgent, put: Callable[..., None], span: tuple[datetime, datetime]
) -> None:
    put(
        "labels",
        label(graded, 1, "ann", passed=True),
        # Ann thought again: her latest word holds.
        label(graded, 1, "ann", passed=False, given_at=graded.at(1) + timedelta(hours=2)),
        label(graded, 1, "bo", passed=True),
        label(graded, 2, "ann", passed=True),
        label(graded, 3, "ann", skipped=True),
    )
    draw = uuid7()
    for position in range(4):
        put(
            "label_draws",
            DrawRow(
                tenant_id=graded.tenant, draw_id=draw, session_id=f"s-{position:04d}", agent_id=graded.agent,
                position=position, size=1, priority=9 - position, next_priority=8 - position if position < 3 else 0,
                stratum="uniform", why="drawn evenly", candidates=50, since=span[0], until=span[1], drawn_by="ann",
                drawn_at=graded.at(5),
            ),
        )  # fmt: skip
    (told,) = StoredEvaluations(store).labelled(graded.tenant, *span)
    assert (told.labels, told.skipped, told.sessions, told.double) == (3, 1, 2, 1)
    assert told.people == {"ann": 2, "bo": 1}
    assert told.passed == pytest.approx((0.5 + 1) / 2)
    (drawn,) = StoredEvaluations(store).draws(graded.tenant, *span)
    assert (drawn.size, drawn.handled, drawn.candidates, drawn.drawn_by) == (4, 3, 50, "ann")


def test_runs_and_their_cases_are_read(store: ReadStore, graded: ScoredAgent, put: Callable[..., None]) -> None:
    now, run_id = datetime.now(UTC), uuid7()
    row = SuiteRunRow(
        run_id=run_id, job=f"suite:{graded.tenant}", suite="refunds@3", target="desk@1", tenant_id=graded.tenant,
        agent_id=graded.agent, trigger="schedule", due_at=now, started_at=now, total=2,
    )  # fmt: skip
    put("eval_runs", row)
    put("eval_runs", row.model_copy(update={"state": "fell", "done": 2, "mean": 0.25, "ended_at": now, "version": 2}))
    put(
        "eval_cases",
        SuiteCaseRow(run_id=run_id, case_id="b", session_id="s-b", failed=True, note="no answer", finished_at=now),
        SuiteCaseRow(run_id=run_id, case_id="a", session_id="s-a", value=0.25, scores=1, finished_at=now),
    )
    evaluations = StoredEvaluations(store)
    found = evaluations.run(run_id)
    assert found is not None
    assert (found.state, found.mean, found.done) == ("fell", 0.25, 2)
    assert run_id in {one.run_id for one in evaluations.runs(500)}
    assert [(one.case_id, one.value, one.failed) for one in evaluations.cases(run_id)] == [
        ("a", 0.25, False),
        ("b", None, True),
    ]
    assert evaluations.run("no-such-run") is None


def test_today_counts_what_was_decided(store: ReadStore, graded: ScoredAgent, put: Callable[..., None]) -> None:
    now = datetime.now(UTC)
    evaluations = StoredEvaluations(store)
    before = evaluations.today()
    put(
        "eval_samples",
        SampleRow(
            tenant_id=graded.tenant, session_id="s-1", agent_id="a", agent_version="", intent="", origin="live",
            ended_at=now, decided_at=now, graded_at=now, stratum="uniform", place=0.1, inclusion=0.5, state="scored",
            scores=2, cost_usd=0.25,
        ),
    )  # fmt: skip
    after = evaluations.today()
    # Other tests of the day may add to it meanwhile.
    assert after.by_state["scored"] >= before.by_state.get("scored", 0) + 1
    assert after.usd >= before.usd + 0.25
