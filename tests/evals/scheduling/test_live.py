"""Live sessions: each is decided once and graded once, whoever dies in between, and whatever was away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from watchkeeper.evals.sampling import Rates, Traits, decide
from watchkeeper.evals.scheduling.config import Budget
from watchkeeper.schemas.errors import BusUnavailableError, PermanentError, StoreUnavailableError
from watchkeeper.schemas.scores import Score, score_id_of

Delivered = Callable[[], list[Score]]


class KilledError(BaseException):
    """What a kill -9 is to a test in one process: nothing catches it."""


class Dying:
    """A publisher that is killed after so many calls, before or after the broker has the scores."""

    def __init__(self, real: Any, *, calls: int, sent: bool) -> None:
        self.real, self.left, self.sent = real, calls, sent

    def publish(self, scores: Sequence[Score]) -> None:
        self.left -= 1
        if self.left < 0 and not self.sent:
            raise KilledError
        self.real.publish(scores)
        if self.left < 0:
            raise KilledError


def ids(scores: Sequence[Score]) -> Counter[str]:
    return Counter(score.score_id for score in scores)


def test_a_session_that_ended_is_graded_once_it_is_quiet(
    town: Any, desk: Any, hands: Any, delivered: Delivered
) -> None:
    town.session("good")
    town.session("bad", answer="Sorry, no idea.")
    scheduler = desk.scheduler()
    scheduler.run_pass()
    assert town.samples() == {}
    hands.pass_by(seconds=61)
    scheduler.run_pass()
    found = {score.session_id: score for score in delivered()}
    assert {name: score.passed for name, score in found.items()} == {"good": True, "bad": False}
    score = found["good"]
    assert (score.source, score.grader, score.inclusion, score.stratum) == ("live", "plain_answer@1", 1.0, "uniform")
    assert (score.agent_id, score.intent, score.prompt_version) == ("desk", "refund", "p1")
    assert score.graded_at == hands.now()
    assert score.subject == f"score:{town.tenant}/live/desk"
    assert {row[0] for row in town.samples().values()} == {"scored"}


def test_open_sessions_and_other_origins_are_left_alone(town: Any, desk: Any, hands: Any) -> None:
    town.sessions(1, "open", status="open")
    town.sessions(1, "imported", origin="import")
    town.sessions(1, "simulated", origin="simulated")
    hands.pass_by(seconds=61)
    desk.scheduler().run_pass()
    assert town.samples() == {}
    desk.scheduler(origins=("live", "simulated")).run_pass()
    assert set(town.samples()) == {"simulated-0"}


def test_what_is_drawn_is_what_the_sampler_says_and_the_rest_is_remembered(town: Any, desk: Any, hands: Any) -> None:
    names = town.sessions(600, "s")
    hands.pass_by(seconds=61)
    scheduler = desk.scheduler(rate=0.2, salt="x")
    scheduler.run_pass()
    expected = {name for name in names if decide(Rates(0.2, salt="x"), town.tenant, name, Traits()).drawn}
    samples = town.samples()
    assert set(samples) == set(names)
    assert {name for name, row in samples.items() if row[0] != "passed_over"} == expected
    assert 60 < len(expected) < 180
    assert scheduler.totals.considered == 600
    # Later looks go back behind the mark, and decide of nobody twice.
    hands.pass_by(seconds=31)
    scheduler.run_pass()
    desk.scheduler(rate=0.2, salt="x").run_pass()
    assert scheduler.totals.considered == 600
    assert town.rows("SELECT count(), uniqExact(decided_at) FROM eval_samples FINAL") == [(600, 1)]


@pytest.mark.few(2)
@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_scheduler_killed_around_a_delivery_scores_nobody_twice_and_forgets_nobody(
    town: Any, desk: Any, hands: Any, delivered: Delivered, calls: int, sent: bool
) -> None:
    town.crowd(45)
    hands.pass_by(seconds=61)
    real = desk.publisher
    desk.publisher = Dying(real, calls=calls, sent=sent)
    with pytest.raises(KilledError):
        desk.scheduler().run_pass()
    desk.publisher = real
    hands.pass_by(seconds=5)
    desk.scheduler().run_pass()
    expected = {
        score_id_of(tenant_id=town.tenant, source="live", session_id=f"s-{number}", grader="plain_answer@1")
        for number in range(45)
    }
    found = ids(delivered())
    assert set(found) == expected
    # Between delivery and ledger a crash grades again, and gives the same ids.
    assert sum(found.values()) == 45 + (20 if sent and calls < 2 else 5 if sent else 0)
    assert {row[0] for row in town.samples().values()} == {"scored"}


class Torn:
    """A store that is killed at one of its writes."""

    def __init__(self, real: Any, table: str, *, kept: bool) -> None:
        self.real, self.table, self.kept = real, table, kept

    def rows(self, sql: str, **parameters: Any) -> Any:
        return self.real.rows(sql, **parameters)

    def insert(self, table: str, rows: Sequence[bytes]) -> None:
        if table == self.table and not self.kept:
            raise KilledError
        self.real.insert(table, rows)
        if table == self.table:
            raise KilledError


@pytest.mark.few(1)
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("table", ["eval_samples", "eval_jobs"])
def test_a_scheduler_killed_around_a_write_forgets_nobody(
    town: Any, desk: Any, hands: Any, delivered: Delivered, table: str, kept: bool
) -> None:
    town.crowd(5)
    hands.pass_by(seconds=61)
    real = desk.store
    desk.store = Torn(real, table, kept=kept)
    with pytest.raises(KilledError):
        desk.scheduler().run_pass()
    desk.store = real
    desk.scheduler().run_pass()
    assert len(ids(delivered())) == 5
    assert set(town.samples()) == {f"s-{number}" for number in range(5)}


def test_downtime_is_made_up_for(town: Any, desk: Any, hands: Any, delivered: Delivered) -> None:
    town.session("before")
    hands.pass_by(seconds=61)
    desk.scheduler().run_pass()
    for hour in range(30):
        hands.pass_by(hours=1)
        town.session(f"away-{hour}")
    hands.pass_by(seconds=61)
    desk.scheduler().run_pass()
    found = ids(delivered())
    assert len(found) == 31
    assert set(found.values()) == {1}


def test_a_session_that_the_worker_stored_late_is_not_forgotten(town: Any, desk: Any, hands: Any) -> None:
    """It ended days before the mark: what counts is when it was stored."""
    town.session("first")
    hands.pass_by(seconds=61)
    scheduler = desk.scheduler()
    scheduler.run_pass()
    hands.pass_by(hours=60)
    scheduler.run_pass()
    town.sessions(
        1, "late", last_event_at=hands.now() - timedelta(hours=59), started_at=hands.now() - timedelta(hours=60)
    )
    hands.pass_by(seconds=61)
    scheduler.run_pass()
    assert set(town.samples()) == {"first", "late-0"}


def test_more_than_a_page_is_decided_in_one_pass(
    town: Any, desk: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchkeeper.evals.scheduling.live._PAGE", 7)
    names = [*town.sessions(16, "a")]
    hands.pass_by(seconds=1)
    names += town.sessions(12, "b")
    hands.pass_by(seconds=61)
    scheduler = desk.scheduler(rate=1e-6)
    scheduler.run_pass()
    assert set(town.samples()) == set(names)
    assert scheduler.totals.considered == 28


def test_a_session_that_is_stored_again_keeps_its_decision(town: Any, desk: Any, hands: Any) -> None:
    """An outcome that comes days later stores the row again; feedback that comes then makes no second draw."""
    shelf = town.session("s-1")
    hands.pass_by(seconds=61)
    desk.scheduler(rate=0.0001, risks={"negative_feedback": 1.0}).run_pass()
    assert town.samples()["s-1"][0] == "passed_over"
    hands.pass_by(days=2)
    shelf.event("outcome", 20, {"name": "thumb", "kind": "feedback", "value": -1.0})
    shelf.state(last_event_at=shelf.at(20), version=2)
    hands.pass_by(seconds=61)
    desk.scheduler(rate=0.0001, risks={"negative_feedback": 1.0}).run_pass()
    assert town.samples()["s-1"][:2] == ("passed_over", "uniform")


def test_risky_sessions_are_drawn_for_their_risk(town: Any, desk: Any, hands: Any) -> None:
    rare = 1e-9
    risks = {"critical_finding": 0.99, "high_finding": 0.98, "negative_feedback": 0.97, "escalated": 0.96}
    risks |= {"abstained": 0.95, "high_cost": 0.94, "failed": 0.93}
    town.session("plain")
    town.session("dear", cost_usd=3.0)
    town.session("broken", status="failed")
    town.session("found").finding(severity="critical")
    town.session("told").event("outcome", 11, {"name": "thumb", "kind": "feedback", "value": -1.0})
    town.session("rated").event("outcome", 11, {"name": "csat", "kind": "feedback", "value": 2.0})
    town.session("praised").event("outcome", 11, {"name": "csat", "kind": "feedback", "value": 5.0})
    called = {"tool_call_id": "c", "tool_name": "transfer_to_human"}
    town.session("handed").event("tool_call", 11, called, tool_name="transfer_to_human")
    town.session("asked").event("approval", 11, {"approval_id": "a", "status": "requested"})
    town.session("unsure").event("response", 11, {"request_id": "r2", "abstained": True})
    hands.pass_by(seconds=61)
    desk.scheduler(rate=rare, risks=risks).run_pass()
    assert {name: row[1:3] for name, row in town.samples().items()} == {
        "plain": ("uniform", rare),
        "praised": ("uniform", rare),
        "dear": ("high_cost", 0.94),
        "broken": ("failed", 0.93),
        "found": ("critical_finding", 0.99),
        "told": ("negative_feedback", 0.97),
        "rated": ("negative_feedback", 0.97),
        "handed": ("escalated", 0.96),
        "asked": ("escalated", 0.96),
        "unsure": ("abstained", 0.95),
    }


def test_what_a_day_has_no_room_for_is_cut_at_random_counted_and_weighted(
    town: Any, desk: Any, hands: Any, delivered: Delivered
) -> None:
    town.crowd(60)
    hands.pass_by(seconds=61)
    scheduler = desk.scheduler(budget=Budget(sessions_a_day=24))
    scheduler.run_pass()
    states = Counter(row[0] for row in town.samples().values())
    # At noon half of the day's budget may be used, and an hour ahead.
    assert states["scored"] in {13, 14}
    assert states["cut"] == 60 - states["scored"]
    assert scheduler.totals.cut == states["cut"]
    assert sum(1 / score.inclusion for score in delivered()) == pytest.approx(60, abs=60 / 12)
    share = {row[2] for row in town.samples().values()}
    assert len(share) == 1
    assert 13 / 60 < min(share) < 14 / 60
    # Everybody was drawn: what they were cut to is all there is to it.
    assert {score.kept for score in delivered()} == share


def test_whoever_comes_when_the_day_is_used_up_still_has_a_chance(town: Any, desk: Any, hands: Any) -> None:
    town.sessions(40, "early")
    hands.pass_by(seconds=61)
    scheduler = desk.scheduler(budget=Budget(sessions_a_day=24))
    scheduler.run_pass()
    town.sessions(40, "later")
    hands.pass_by(seconds=61)
    scheduler.run_pass()
    later = [row for name, row in town.samples().items() if name.startswith("later")]
    assert len(later) == 40
    assert all(row[2] > 0 for row in later)


def test_a_broker_that_is_away_is_waited_for(town: Any, desk: Any, hands: Any, delivered: Delivered) -> None:
    town.session("s-1")
    hands.pass_by(seconds=61)
    real = desk.publisher

    class Away:
        def publish(self, scores: Sequence[Score]) -> None:
            raise BusUnavailableError("Kafka does not answer; start it")

    desk.publisher = Away()
    scheduler = desk.scheduler()
    for _ in range(8):
        with pytest.raises(BusUnavailableError):
            scheduler.run_pass()
        hands.pass_by(seconds=31)
    assert town.samples()["s-1"][0] == "drawn"
    desk.publisher = real
    desk.scheduler().run_pass()
    assert len(delivered()) == 1


def test_a_session_without_events_is_tried_again_and_given_up(town: Any, desk: Any, hands: Any) -> None:
    town.sessions(1, "empty")
    hands.pass_by(seconds=61)
    scheduler = desk.scheduler()
    for attempt in range(1, 6):
        scheduler.run_pass()
        state, _, _, attempts, note = town.samples()["empty-0"]
        assert (state, attempts) == ("unreadable" if attempt == 5 else "drawn", attempt)
        assert note == "nothing is stored of its events"
        hands.pass_by(seconds=31)
    scheduler.run_pass()
    assert town.samples()["empty-0"][3] == 5


def test_a_score_that_the_broker_never_takes_holds_up_nobody(
    town: Any, desk: Any, hands: Any, delivered: Delivered
) -> None:
    town.crowd(3)
    hands.pass_by(seconds=61)
    real = desk.publisher

    class Picky:
        def publish(self, scores: Sequence[Score]) -> None:
            if any(score.session_id == "s-1" for score in scores):
                raise PermanentError("Kafka refused a record")
            real.publish(scores)

    desk.publisher = Picky()
    desk.scheduler().run_pass()
    assert {name: row[0] for name, row in town.samples().items()} == {
        "s-0": "scored",
        "s-1": "unreadable",
        "s-2": "scored",
    }
    assert {score.session_id for score in delivered()} == {"s-0", "s-2"}


def test_a_grader_that_raises_is_a_failure_and_no_zero(town: Any, desk: Any, hands: Any, delivered: Delivered) -> None:
    town.session("s-1")
    hands.pass_by(seconds=61)

    class Broken(type(desk.graders[0])):  # type: ignore[misc] # a class of the tests' own
        name = "broken"

        def grade(self, interaction: Any, case: Any) -> Any:
            raise KeyError(interaction.answer)

    desk.graders = (Broken(), *desk.graders)
    scheduler = desk.scheduler()
    scheduler.run_pass()
    by_grader = {score.grader: score for score in delivered()}
    assert by_grader["broken@1"].result_type == "failure"
    assert by_grader["broken@1"].value is None
    assert "paid" not in by_grader["broken@1"].reason
    assert by_grader["plain_answer@1"].passed is True
    assert scheduler.totals.failures == 1


class Paid:
    """A grader that costs a dollar a session."""

    name, version = "paid", "1"

    def applies(self, interaction: Any, case: Any) -> bool:
        return True

    def grade(self, interaction: Any, case: Any) -> Any:
        from watchkeeper.evals.grading.grade import Grade  # noqa: PLC0415 - beside its only use

        return Grade("number", value=0.5, cost_usd=1.0)


@pytest.mark.long
def test_when_the_days_dollars_are_spent_the_rest_waits_for_the_next_day(
    town: Any, desk: Any, hands: Any, delivered: Delivered
) -> None:
    town.crowd(50)
    hands.pass_by(seconds=61)
    desk.graders = (Paid(),)
    scheduler = desk.scheduler(budget=Budget(sessions_a_day=1000, usd_a_day=20.0))
    scheduler.run_pass()
    assert len(delivered()) == 20
    job = scheduler.ledger.jobs()["live"]
    assert job.state == "waiting"
    assert "20 USD are spent" in job.note
    hands.pass_by(seconds=31)
    scheduler.run_pass()
    assert len(delivered()) == 20
    hands.pass_by(hours=12)
    scheduler.run_pass()
    assert len(delivered()) == 40
    hands.pass_by(hours=24)
    scheduler.run_pass()
    assert set(ids(delivered()).values()) == {1}
    assert len(delivered()) == 50


def test_a_pass_ends_early_where_it_is_asked_to(town: Any, desk: Any, hands: Any, delivered: Delivered) -> None:
    town.crowd(45)
    hands.pass_by(seconds=61)
    asked = iter([False, True, True, True])
    scheduler = desk.scheduler()
    scheduler.run_pass(lambda: next(asked))
    assert len(delivered()) == 20
    assert scheduler.totals.waiting == 25
    hands.pass_by(seconds=31)
    scheduler.run_pass()
    assert set(ids(delivered()).values()) == {1}
    assert len(delivered()) == 45


def test_progress_and_the_next_pass_are_told(town: Any, desk: Any, hands: Any) -> None:
    town.crowd(25)
    hands.pass_by(seconds=61)
    scheduler = desk.scheduler(every_seconds=30.0)
    again = scheduler.run_pass()
    assert again == hands.now() + timedelta(seconds=30)
    job = scheduler.ledger.jobs()["live"]
    assert (job.state, job.done, job.total, job.next_at) == ("idle", 25, 25, again)
    assert job.watermark == hands.now() - timedelta(seconds=60)
    told = town.rows("SELECT state, done, total FROM eval_jobs WHERE job = 'live' AND state = 'running' ORDER BY done")
    assert set(told) <= {("running", 20, 25), ("running", 25, 25)}


def test_a_second_scheduler_after_the_first_grades_nobody_again(
    town: Any, desk: Any, hands: Any, delivered: Delivered
) -> None:
    town.crowd(30)
    hands.pass_by(seconds=61)
    first, second = desk.scheduler(rate=0.5), desk.scheduler(rate=0.5)
    first.run_pass()
    second.run_pass()
    drawn = {
        f"s-{number}"
        for number in range(30)
        if decide(Rates(0.5), town.tenant, f"s-{number}", Traits(cost_usd=0.01)).drawn
    }
    found = delivered()
    assert ({score.session_id for score in found}, len(found)) == (drawn, len(drawn))


def test_a_store_that_is_away_is_told_apart(desk: Any) -> None:
    class Away:
        def rows(self, sql: str, **parameters: Any) -> Any:
            raise StoreUnavailableError("ClickHouse does not answer; start it")

        def insert(self, table: str, rows: Sequence[bytes]) -> None:
            raise StoreUnavailableError("ClickHouse does not answer; start it")

    desk.store = Away()
    with pytest.raises(StoreUnavailableError):
        desk.scheduler().run_pass()
