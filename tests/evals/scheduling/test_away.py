"""A judge that is away: other graders' scores are delivered, its own come when it is back, and its cost is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contract_judge import KEY, Desk, a_rubric, desk_open, fails, finds, says

from watchkeeper.evals.judging.asking import Asker
from watchkeeper.evals.judging.endpoint import ChatEndpoint
from watchkeeper.evals.judging.llm_judge import LlmJudge
from watchkeeper.evals.judging.settings import JudgeSettings
from watchkeeper.evals.scheduling.budget import DAY, day_of
from watchkeeper.evals.scheduling.config import Budget
from watchkeeper.schemas.scores import Score

Delivered = Callable[[], list[Score]]


@pytest.fixture(scope="module")
def server() -> Iterator[Desk]:
    with desk_open() as opened:
        yield opened


@pytest.fixture
def judge(server: Desk) -> Iterator[LlmJudge]:
    settings = JudgeSettings(
        base_url=server.url, model="m", key_variable="KEY", input_usd_per_million=1.0, output_usd_per_million=10.0,
        attempts=2,
    )  # fmt: skip
    endpoint = ChatEndpoint(settings, environment={"KEY": KEY}, sleep=lambda _: None)
    yield LlmJudge(Asker(endpoint), [a_rubric()])
    endpoint.close()


def by_grader(scores: list[Score]) -> Counter[str]:
    """How many sessions each grader scored; a score that came twice is one."""
    return Counter(name for name, _ in {(score.grader.partition("@")[0], score.session_id) for score in scores})


def test_what_a_judge_could_not_grade_is_graded_when_it_is_back(
    town: Any, desk: Any, hands: Any, delivered: Delivered, judge: LlmJudge, server: Desk
) -> None:
    desk.graders = (*desk.graders, judge)
    town.crowd(30)
    hands.pass_by(seconds=61)
    server.will(fails(503))
    scheduler = desk.scheduler()
    scheduler.run_pass()
    # One session's question was put; for the others nobody asked in vain.
    assert len(server.asked) == 2
    assert by_grader(delivered()) == {"plain_answer": 30}
    assert {row[0] for row in town.samples().values()} == {"drawn"}
    job = scheduler.ledger.jobs()["live"]
    assert job.state == "waiting"
    assert "status 503" in job.note
    # As long as it is given time, nobody looks at them again.
    hands.pass_by(minutes=1)
    scheduler.run_pass()
    assert len(server.asked) == 2
    assert len(delivered()) == 30
    server.will(finds(correct="met", kind="met", safe="met"))
    hands.pass_by(minutes=5)
    scheduler.run_pass()
    found = delivered()
    assert by_grader(found) == {"plain_answer": 30, "llm_judge": 30}
    assert not [score for score in found if score.result_type == "failure"]
    assert {(row[0], row[3], row[4]) for row in town.samples().values()} == {("scored", 1, "")}
    assert scheduler.ledger.jobs()["live"].note == ""


def test_a_scheduler_that_was_just_started_asks_whoever_was_away(
    town: Any, desk: Any, hands: Any, delivered: Delivered, judge: LlmJudge, server: Desk
) -> None:
    desk.graders = (judge,)
    town.crowd(3)
    hands.pass_by(seconds=61)
    server.will(fails(500))
    desk.scheduler().run_pass()
    server.will(finds(correct="met", kind="met", safe="met"))
    hands.pass_by(seconds=31)
    desk.scheduler().run_pass()
    assert by_grader(delivered()) == {"llm_judge": 3}


def test_a_judge_whose_answers_are_of_no_use_is_no_judge_that_is_away(
    town: Any, desk: Any, hands: Any, delivered: Delivered, judge: LlmJudge, server: Desk
) -> None:
    desk.graders = (judge,)
    town.crowd(30)
    hands.pass_by(seconds=61)
    server.will(says("no JSON at all"))
    # Each session costs two questions of 0.002 USD: twenty of them use the day up.
    scheduler = desk.scheduler(budget=Budget(sessions_a_day=1000, usd_a_day=0.08))
    scheduler.run_pass()
    assert [score.result_type for score in delivered()] == ["failure"] * 20
    assert "USD are spent" in scheduler.ledger.jobs()["live"].note
    today = day_of(hands.now())
    assert scheduler.ledger.cost(today, today + DAY) == (20, pytest.approx(0.08))
