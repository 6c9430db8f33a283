"""Suites run on time, at new versions, once for each occasion; a run that was broken off goes on; a fall is told."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from contract_judge import desk_open, finds

from watchkeeper.evals.interaction import Turn
from watchkeeper.evals.rubric import Criterion, Rubric
from watchkeeper.evals.scheduling import suites as module_of_suites
from watchkeeper.evals.scheduling.comparing import COMPARISON_GRADER
from watchkeeper.evals.scheduling.config import SuiteJob, Target
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.evals.scheduling.scheduler import Scheduler
from watchkeeper.evals.scheduling.suites import SuiteScoring
from watchkeeper.evals.scheduling.versions import VersionWatch
from watchkeeper.evals.suites.case import Case
from watchkeeper.evals.suites.files import write_suite
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.schemas.scores import Score

CASES = 60
Delivered = Callable[[], list[Score]]

AGENT = """
import json, pathlib, uuid
HERE = pathlib.Path(__file__).with_suffix(".json")

def answer(messages, case_id):
    told = json.loads(HERE.read_text())
    with HERE.with_suffix(".asked").open("a") as asked:
        asked.write(case_id + "\\n")
    number = int(case_id.split("-")[1])
    if number in told.get("silent", []):
        raise RuntimeError("no")
    good = number % 10 >= told["bad"] and number not in told.get("wrong", [])
    return {"text": f"It is paid, {case_id}." if good else "Sorry, no.", "session_id": str(uuid.uuid4())}
"""


class KilledError(BaseException):
    """What a kill -9 is to a test in one process."""


class Works:
    """A suite of sixty cases, an agent that answers them, and schedulers that were just started."""

    def __init__(self, desk: Any, town: Any, folder: Path) -> None:
        self.desk, self.town, self.folder = desk, town, folder
        self.module = f"agent_{uuid.uuid4().hex}"
        (folder / f"{self.module}.py").write_text(AGENT)
        self.behave(bad=0)
        self.freeze(1)

    def behave(self, **told: Any) -> None:
        (self.folder / f"{self.module}.json").write_text(json.dumps(told))

    def asked(self) -> Counter[str]:
        file = self.folder / f"{self.module}.asked"
        return Counter(file.read_text().split()) if file.exists() else Counter()

    def freeze(self, version: int) -> None:
        criterion = Criterion(name="paid", asks="Does it say that it is paid?")
        turn = Turn(speaker="user", text="Where is my refund?")
        cases = tuple(Case(case_id=f"c-{number}", intent="refund", messages=(turn,)) for number in range(CASES))
        suite = Suite(
            name="refunds",
            version=version,
            created=self.desk.hands.now(),
            rubrics=(Rubric(criteria=(criterion,), bar=0.5 + version / 100),),
            cases=cases,
        )
        write_suite(suite, self.folder / "refunds")

    def scheduler(self, **job: Any) -> Scheduler:
        target = Target(candidate=f"{self.module}:answer", agent="desk", tenant=self.town.tenant)
        graders = ("contains:{all_of: [paid]}",)
        entry = SuiteJob(**{"suite": "refunds", "target": "desk", "schedule": "0 3 * * *", "graders": graders, **job})
        made: Scheduler = self.desk.scheduler(enabled=False)
        ledger, hands = Ledger(self.desk.store), self.desk.hands
        watch = VersionWatch(self.desk.store, ledger, hands, look_back=timedelta(hours=1), name="here/1")
        scoring = SuiteScoring(
            "nightly",
            entry,
            target,
            folder=self.folder,
            ledger=ledger,
            publisher=self.desk.publisher,
            clock=hands,
            scheduler="here/1",
        )
        made.jobs = (watch, scoring)
        return made

    def run(self, **job: Any) -> Scheduler:
        """A scheduler that does what is due, and is gone."""
        made = self.scheduler(**job)
        made.run_pass()
        return made

    def runs(self) -> list[Any]:
        return Ledger(self.desk.store).recent_runs()[::-1]


@pytest.fixture
def works(desk: Any, town: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Works:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Works(desk, town, tmp_path)


def test_the_first_run_comes_at_once_and_the_next_on_time(works: Works, hands: Any, delivered: Delivered) -> None:
    made = works.run()
    (first,) = works.runs()
    assert (first.trigger, first.state, first.done, first.total, first.mean) == ("first", "done", 60, 60, 1.0)
    assert "what comes next is compared" in first.note
    job = made.ledger.jobs()["suite:nightly"]
    at_three = (hands.now() + timedelta(days=1)).replace(hour=3)
    assert (job.state, job.next_at) == ("idle", at_three)
    hands.pass_by(hours=14)
    works.run()
    assert len(works.runs()) == 1
    hands.pass_by(hours=1, minutes=1)
    works.run()
    works.run()
    _, second = works.runs()
    assert (second.trigger, second.due_at, second.missed, second.state) == ("schedule", at_three, 0, "done")
    assert second.compared == first.run_id
    scores = delivered()
    assert Counter(score.run_id for score in scores if score.case_id) == {first.run_id: 60, second.run_id: 60}
    assert set(Counter(score.score_id for score in scores).values()) == {1}
    told = [score for score in scores if score.grader == COMPARISON_GRADER]
    assert [(score.run_id, score.passed) for score in told] == [(second.run_id, True)]
    one = next(score for score in scores if score.case_id == "c-1")
    assert (one.source, one.suite, one.target, one.agent_id) == ("suite", "refunds@1", "desk@1", "desk")


def test_times_that_were_missed_are_made_up_for_by_one_run(works: Works, hands: Any) -> None:
    works.run()
    hands.pass_by(days=5)
    works.run()
    works.run()
    last = works.runs()[-1]
    assert len(works.runs()) == 2
    assert (last.trigger, last.missed) == ("schedule", 4)
    assert last.due_at == hands.now().replace(hour=3)


class Dying:
    """A publisher, or a store, that is killed at one of its calls."""

    def __init__(self, real: Any, *, calls: int, after: bool) -> None:
        self.real, self.left, self.after = real, calls, after

    def publish(self, scores: Sequence[Score]) -> None:
        self._call(lambda: self.real.publish(scores))

    def rows(self, sql: str, **parameters: Any) -> Any:
        return self.real.rows(sql, **parameters)

    def insert(self, table: str, rows: Sequence[bytes]) -> None:
        self._call(lambda: self.real.insert(table, rows))

    def _call(self, act: Callable[[], None]) -> None:
        self.left -= 1
        if self.left < 0 and not self.after:
            raise KilledError
        act()
        if self.left < 0:
            raise KilledError


@pytest.mark.few(3)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("calls", [0, 7, 14])
@pytest.mark.parametrize("part", ["publisher", "store"])
def test_a_run_that_was_killed_goes_on_and_scores_no_case_twice(
    works: Works, desk: Any, delivered: Delivered, part: str, calls: int, after: bool
) -> None:
    real = getattr(desk, part)
    setattr(desk, part, Dying(real, calls=calls, after=after))
    with pytest.raises(KilledError):
        works.run()
    setattr(desk, part, real)
    works.run()
    (run,) = works.runs()
    assert (run.state, run.done) == ("done", 60)
    scores = [score for score in delivered() if score.case_id]
    assert {score.case_id for score in scores} == {f"c-{number}" for number in range(CASES)}
    # The agent begins another session at each answer, and the score stays the same one.
    assert len({score.score_id for score in scores}) == CASES
    assert {score.run_id for score in scores} == {run.run_id}
    # Nothing that was done was asked again, but for the few at which it was killed.
    assert sum(works.asked().values()) <= CASES + 4


def test_a_new_version_runs_the_suite_once(works: Works, town: Any, hands: Any) -> None:
    town.sessions(1, "old", agent_version="1")
    works.run(schedule="")
    hands.pass_by(minutes=5)
    town.sessions(1, "same", agent_version="1")
    works.run(schedule="")
    assert len(works.runs()) == 1
    hands.pass_by(minutes=5)
    town.sessions(1, "new", agent_version="2", model="better")
    works.run(schedule="")
    works.run(schedule="")
    hands.pass_by(minutes=5)
    works.run(schedule="")
    last = works.runs()[-1]
    assert len(works.runs()) == 2
    assert (last.trigger, last.what) == ("new_version", "agent 2, model better")


def test_a_new_prompt_version_is_seen_in_events(works: Works, town: Any, hands: Any) -> None:
    works.run(schedule="")
    hands.pass_by(minutes=5)
    shelf = town.shelf("prompted")
    shelf.event("session_started", 0, {"prompt_version": "p9"})
    works.run(schedule="")
    assert [run.what for run in works.runs()] == ["", "prompt p9"]


def test_others_versions_run_nothing(works: Works, town: Any, hands: Any) -> None:
    works.run(schedule="")
    hands.pass_by(minutes=5)
    town.sessions(1, "other", agent_id="another", agent_version="7")
    town.sessions(1, "imported", agent_version="8", origin="import")
    works.run(schedule="")
    works.run(schedule="", on_new_version=False)
    assert len(works.runs()) == 1


@pytest.mark.long
def test_a_fall_is_told_and_the_next_run_is_compared_with_the_last_good_one(
    works: Works, hands: Any, delivered: Delivered
) -> None:
    works.run()
    (good,) = works.runs()
    for bad in (2, 2, 0):
        works.behave(bad=bad)
        hands.pass_by(days=1)
        works.run()
    assert [run.state for run in works.runs()] == ["done", "fell", "fell", "done"]
    assert {run.compared for run in works.runs()[1:]} == {good.run_id}
    assert works.runs()[1].mean == pytest.approx(0.8)
    told = {score.run_id: score for score in delivered() if score.grader == COMPARISON_GRADER}
    assert [told[run.run_id].passed for run in works.runs()[1:]] == [False, False, True]
    assert told[works.runs()[1].run_id].reason == works.runs()[1].note


def test_a_decline_in_small_steps_is_held_against_the_first_run(works: Works, hands: Any, delivered: Delivered) -> None:
    works.run(margin=0.9)
    # Two cases more each day go wrong, which is too little to be told from one day to the next.
    for day in range(1, 9):
        works.behave(bad=0, wrong=list(range(2 * day)))
        hands.pass_by(days=1)
        works.run(margin=0.9)
        if works.runs()[-1].state == "fell":
            break
    states = [run.state for run in works.runs()]
    assert (states[:3], states[-1]) == (["done"] * 3, "fell")
    assert "compared with the first good run" in works.runs()[-1].note
    told = [score.passed for score in delivered() if score.grader == COMPARISON_GRADER]
    assert (told.count(False), len(told)) == (1, len(states) - 1)


def test_other_graders_are_no_fall(works: Works, hands: Any, delivered: Delivered) -> None:
    works.run()
    hands.pass_by(days=1)
    works.run(graders=("contains:{all_of: [unheard-of]}",))
    first, other = works.runs()
    assert (first.mean, other.mean, other.state, other.compared) == (1.0, 0.0, "done", "")
    assert first.graders != other.graders
    assert not [score for score in delivered() if score.grader == COMPARISON_GRADER]


def test_a_case_that_is_not_answered_is_a_failure_and_no_zero(works: Works, delivered: Delivered) -> None:
    works.behave(bad=0, silent=[3, 4])
    works.run()
    (run,) = works.runs()
    assert (run.state, run.failures, run.mean) == ("done", 2, 1.0)
    assert len({score.case_id for score in delivered()}) == CASES - 2
    noted = {case.case_id: case for case in Ledger(works.desk.store).cases(run.run_id) if case.failed}
    assert set(noted) == {"c-3", "c-4"}
    assert "raised" in noted["c-3"].note


def test_where_too_few_are_answered_nothing_is_said(works: Works, hands: Any, delivered: Delivered) -> None:
    works.run()
    works.behave(bad=0, silent=list(range(0, CASES, 5)))
    hands.pass_by(days=1)
    works.run()
    assert works.runs()[-1].state == "undecided"
    assert works.runs()[-1].note == "12 of 60 cases have no value: correct the target or the graders"
    assert not [score for score in delivered() if score.grader == COMPARISON_GRADER]


def test_a_suite_that_cannot_be_read_is_told_and_tried_again(works: Works, hands: Any) -> None:
    header = works.folder / "refunds" / "suite.yaml"
    kept = header.read_text()
    header.write_text("name: [\n")
    made = works.scheduler()
    made.run_pass()
    job = made.ledger.jobs()["suite:nightly"]
    assert job.state == "failed"
    assert "suite.yaml:2: " in job.note
    header.write_text(kept)
    made.run_pass()
    assert works.runs() == []
    hands.pass_by(seconds=61)
    made.run_pass()
    assert [run.state for run in works.runs()] == ["done"]


def test_a_suite_that_changes_under_a_run_ends_it(works: Works, desk: Any) -> None:
    real = desk.publisher
    desk.publisher = Dying(real, calls=3, after=True)
    with pytest.raises(KilledError):
        works.run()
    desk.publisher = real
    works.freeze(2)
    made = works.run()
    (broken,) = works.runs()
    assert (broken.state, "refunds@2" in broken.note) == ("failed", True)
    made.run_pass()
    assert len(works.runs()) == 1


def test_a_run_gives_way_when_asked_to_stop(works: Works, hands: Any) -> None:
    asked = iter([False, False, False] + [True] * 20)
    made = works.scheduler()
    again = made.run_pass(lambda: next(asked))
    (run,) = works.runs()
    assert run.state == "running"
    assert 0 < run.done < CASES
    assert again == hands.now()
    works.run()
    assert [(run.state, run.done) for run in works.runs()] == [("done", CASES)]
    assert set(works.asked().values()) == {1}


def test_a_judge_answers_for_the_rubrics_and_its_cap_is_the_whole_runs(
    works: Works, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHKEEPER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(module_of_suites, "SLICE_SECONDS", 0.001)
    with desk_open() as judge:
        judge.will(finds(paid="met"))
        # A dollar a question, of which the cap leaves ten.
        prices = "input_usd_per_million: 0\noutput_usd_per_million: 10000\nmax_output_tokens: 100\ncap_usd: 10\n"
        (tmp_path / "judge.yaml").write_text(f"model: m\nbase_url: {judge.url}\nkey_variable: ''\n{prices}")
        made = works.scheduler(graders=None, judge="judge.yaml")
        passes = 0
        while not works.runs() or works.runs()[-1].state == "running":
            made.run_pass()
            passes += 1
        (run,) = works.runs()
        assert passes > 1
        assert (run.done, run.mean, len(judge.asked)) == (60, 1.0, 10)
        # Of most cases nothing is known: no later run may be compared with it.
        assert (run.state, run.note) == (
            "undecided",
            "50 of 60 cases have no value: correct the target or the graders",
        )
        # The next run has a cap of its own, and pays for nothing that was answered before.
        works.desk.hands.pass_by(days=1)
        while len(works.runs()) < 2 or works.runs()[-1].state == "running":
            made.run_pass()
        assert len(judge.asked) == 20


def test_rubrics_that_need_a_judge_are_told_with_the_remedy_of_the_file(works: Works) -> None:
    made = works.run(graders=None)
    job = made.ledger.jobs()["suite:nightly"]
    assert job.state == "failed"
    assert "in evals.yaml `judge:`" in job.note
