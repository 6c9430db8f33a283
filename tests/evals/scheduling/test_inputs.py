"""Each day's prompts against those of the weeks before: told once a day, made up for, silent where nothing moved."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from watchkeeper.evals.input_drift.prompts import LEAST_PROMPTS
from watchkeeper.evals.reading.reader import InteractionReader
from watchkeeper.evals.scheduling.budget import day_of
from watchkeeper.evals.scheduling.config import Inputs
from watchkeeper.evals.scheduling.inputs import GRADER, LEAST_SESSIONS, InputsWatch
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.evals.scheduling.scheduler import Scheduler
from watchkeeper.schemas.scores import Score

Delivered = Callable[[], list[Score]]
THINGS = ("refund", "parcel", "invoice", "order", "address", "voucher", "delivery", "return")
NEW = ("subscription", "cancel", "renewal", "price", "increase")


def usual(seed: int) -> Callable[[int], str]:
    source = random.Random(seed)
    return lambda _: f"I have a question on my {' and '.join(source.sample(THINGS, 3))}, please."


def other(seed: int) -> Callable[[int], str]:
    source = random.Random(seed)
    return lambda _: f"Why is the {' '.join(source.sample(NEW, 3))} on my {source.choice(THINGS)}?"


class Days:
    """Days of an agent, and a scheduler that looks on."""

    def __init__(self, town: Any, desk: Any, hands: Any) -> None:
        self.town, self.desk, self.hands = town, desk, hands

    def pass_with(self, prefix: str, ask: Callable[[int], str], count: int = 80) -> None:
        """A day on which so many sessions end, and are decided."""
        self.town.crowd(count, prefix, ask)
        self.hands.pass_by(minutes=5)
        self.desk.scheduler(rate=1e-6).run_pass()
        self.hands.pass_by(days=1, minutes=-5)

    def watch(self) -> Scheduler:
        made: Scheduler = self.desk.scheduler(enabled=False)
        watch = InputsWatch(
            Inputs(),
            store=self.desk.store,
            ledger=Ledger(self.desk.store),
            sessions=InteractionReader(self.desk.store),
            publisher=self.desk.publisher,
            clock=self.hands,
            name="here/1",
        )
        made.jobs = (watch,)
        return made


@pytest.fixture
def days(town: Any, desk: Any, hands: Any) -> Days:
    made = Days(town, desk, hands)
    made.pass_with("early", usual(1), 120)
    hands.pass_by(days=9)
    return made


def test_a_day_that_is_as_before_passes_and_one_that_is_not_is_told_with_what_moved(
    days: Days, hands: Any, delivered: Delivered
) -> None:
    days.pass_with("same", usual(2))
    days.watch().run_pass()
    (same,) = delivered()
    assert (same.grader, same.passed, same.criteria, same.source) == (GRADER, True, (), "live")
    days.pass_with("new", other(3))
    scheduler = days.watch()
    again = scheduler.run_pass()
    told = next(score for score in delivered() if not score.passed)
    yesterday = day_of(hands.now()) - timedelta(days=1)
    assert told.session_id == f"the sessions of {yesterday:%Y-%m-%d}"
    assert told.agent_id == "desk"
    moved = {one.name for one in told.criteria}
    assert any(word in term for term in moved for word in NEW)
    assert "p = " in told.label
    assert again == day_of(hands.now()) + timedelta(days=1, hours=1)
    assert scheduler.totals.inputs == 1
    scheduler.run_pass()
    days.watch().run_pass()
    assert len(delivered()) == 2


def test_days_that_were_missed_are_made_up_for(days: Days, delivered: Delivered, hands: Any) -> None:
    days.pass_with("a", usual(2))
    days.watch().run_pass()
    for name in ("b", "c", "d"):
        days.pass_with(name, usual(ord(name)))
    scheduler = days.watch()
    while scheduler.run_pass() <= hands.now():
        pass
    assert len({score.session_id for score in delivered()}) == 4
    assert len({score.score_id for score in delivered()}) == 4


def test_too_few_prompts_say_nothing(days: Days, delivered: Delivered) -> None:
    days.pass_with("few", other(3), 30)
    scheduler = days.watch()
    scheduler.run_pass()
    assert delivered() == []
    assert scheduler.totals.inputs == 0


def test_the_least_is_that_of_the_comparison() -> None:
    assert LEAST_SESSIONS == LEAST_PROMPTS
