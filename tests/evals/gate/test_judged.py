"""Rubrics whose criteria are answered by a judge over HTTP, and by graders that they name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from watchkeeper.evals.gate.answers import Answer, Identity
from watchkeeper.evals.gate.candidates import Question
from watchkeeper.evals.gate.comparison import Named, compare
from watchkeeper.evals.gate.decision import Settings
from watchkeeper.evals.gate.graders import gate_graders
from watchkeeper.evals.gate.running import Plan, run_sides
from watchkeeper.evals.rubric import Criterion, Rubric
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.schemas.errors import ConfigurationError

RUBRIC = Rubric(
    criteria=(
        Criterion(name="kind", asks="Is the answer kind?", must_pass=True),
        Criterion(name="right", asks="Is it the answer?", grader="exact_match"),
    )
)


class Agent:
    timed = True

    def __init__(self, manner: str) -> None:
        self.manner = manner

    def ask(self, question: Question) -> Answer:
        return Answer(text=question.case.reference_answer, outcomes={"manner": self.manner}, reasoning=self.manner)

    def close(self) -> None:
        pass


def judge_file(folder: Path, address: str) -> Path:
    path = folder / "judge.yaml"
    path.write_text(f"model: m\nbase_url: {address}\nkey_variable: ''\n")
    return path


def test_a_judge_answers_what_no_grader_does(tmp_path: Path, chat_server: Any, case: Any) -> None:
    cases = tuple(case(number) for number in range(25))
    suite = Suite(name="refunds", created=datetime.now(UTC), rubrics=(RUBRIC,), cases=cases)
    said = orjson.dumps({"kind": {"reason": "It is short.", "finding": "not_met"}}).decode()
    chat_server.answers = [(200, {}, chat_server.reply(said))] * 25
    judge = judge_file(tmp_path, chat_server.address)
    graders = gate_graders(suite, (), judge, home=tmp_path / "one")
    plan = Plan(run_id="r", suite="refunds@1")
    (found,) = run_sides({"candidate": Agent("curt")}, cases, graders, plan, whose={"candidate": Identity()}).values()
    (score,) = found[0].scores
    assert (score.grader.partition("@")[0], score.value, score.passed) == ("rubric", 0.5, False)
    assert {one.name: one.value for one in score.criteria} == {"kind": 0.0, "right": 1.0}
    assert len(chat_server.seen) == 25
    # Another home: to the judge, which is shown no manner, both are asked the same, and it would not be asked again.
    graders = gate_graders(suite, (), judge, home=tmp_path / "other")
    kind = orjson.dumps({"kind": {"reason": "It is.", "finding": "met"}}).decode()
    chat_server.answers = [(200, {}, chat_server.reply(kind))] * 25
    (before,) = run_sides({"baseline": Agent("kind")}, cases, graders, plan, whose={"baseline": Identity()}).values()
    compared = compare(Named("r", "refunds@1", "b", "a"), before, found, Settings(), bar=lambda _: RUBRIC.bar)
    assert compared.decision.outcome == "fall"
    broken = [one.measure.name for one in compared.decision.judged if one.measure.scope == "must_pass" and one.fell]
    assert broken == ["kind"]


def test_what_a_judge_was_asked_before_is_not_paid_for_again(tmp_path: Path, chat_server: Any, case: Any) -> None:
    cases = tuple(case(number) for number in range(5))
    suite = Suite(name="refunds", created=datetime.now(UTC), rubrics=(RUBRIC,), cases=cases)
    said = orjson.dumps({"kind": {"reason": "It is.", "finding": "met"}}).decode()
    chat_server.answers = [(200, {}, chat_server.reply(said))] * 5
    judge, plan = judge_file(tmp_path, chat_server.address), Plan(run_id="r", suite="refunds@1")
    for _ in range(2):
        graders = gate_graders(suite, (), judge, home=tmp_path / "home")
        (found,) = run_sides(
            {"candidate": Agent("kind")}, cases, graders, plan, whose={"candidate": Identity()}
        ).values()
        assert [attempt.scores[0].value for attempt in found] == [1.0] * 5
    assert len(chat_server.seen) == 5


def test_without_a_judge_its_criteria_are_refused_before_anybody_is_asked(case: Any) -> None:
    suite = Suite(name="refunds", created=datetime.now(UTC), rubrics=(RUBRIC,), cases=(case(1),))
    with pytest.raises(ConfigurationError, match=r"need a judge \(kind\)"):
        gate_graders(suite, ())
    assert [one.name for one in gate_graders(suite, ("exact_match", "fuzzy_match:bar=0.8"))] == [
        *("exact_match", "fuzzy_match"),
    ]
