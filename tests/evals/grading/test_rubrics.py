"""Rubrics as graders: how criteria of different graders become one verdict."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.evals.grading.grade import DOES_NOT_APPLY, Grade, Grader, failure, number, passed
from watchkeeper.evals.grading.rubrics import RubricGrader
from watchkeeper.evals.grading.running import Occasion, run_graders
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.rubric import Criterion, Rubric
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.scores import CriterionScore

NOW = datetime(2026, 3, 3, tzinfo=UTC)


@dataclass
class Says:
    """Says the same of every session; None where it does not apply."""

    name: str
    says: Grade | Exception | None
    version: str = "1"

    def applies(self, interaction: Interaction, case: Case | None) -> bool:
        return self.says is not None

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        if isinstance(self.says, Exception):
            raise self.says
        assert self.says is not None
        return self.says


def criterion(name: str, weight: float = 1.0, *, must: bool = False, grader: str | None = None) -> Criterion:
    return Criterion(
        name=name, asks=f"{name}?", weight=weight, must_pass=must, grader=name if grader is None else grader
    )


SESSION = Interaction(interaction_id="s1", started_at=NOW, ended_at=NOW)
RUBRIC = Rubric(criteria=(criterion("a", 3), criterion("b"), criterion("safe", must=True)), bar=0.7)
GOOD, BAD, LOST = passed(True), passed(False), failure("the endpoint was away")


def graded(says: dict[str, Grade | Exception | None], rubric: Rubric = RUBRIC, **more: Any) -> Grade:
    return RubricGrader([rubric], [Says(name, one) for name, one in says.items()], **more).grade(SESSION, None)


@pytest.mark.parametrize(
    ("says", "kind", "value", "good", "told"),
    [
        ({"a": GOOD, "b": GOOD, "safe": GOOD}, "number", 1.0, True, ""),
        ({"a": number(0.9), "b": BAD, "safe": GOOD}, "number", 3.7 / 5, True, "Below: b."),
        ({"a": number(0.5), "b": BAD, "safe": GOOD}, "number", 0.5, False, "Below: a, b."),
        # However good the rest is, what must be passed decides.
        ({"a": GOOD, "b": GOOD, "safe": BAD}, "number", 0.8, False, "Must be passed, and is not: safe."),
        ({"a": GOOD, "b": GOOD, "safe": number(0.69)}, "number", 4.69 / 5, False, "Must be passed"),
        # A grader that has a bar of its own is asked about that.
        ({"a": GOOD, "b": GOOD, "safe": number(0.69, bar=0.5)}, "number", 4.69 / 5, True, ""),
        # What does not apply counts neither way.
        ({"a": GOOD, "b": None, "safe": None}, "number", 1.0, True, ""),
        ({"a": None, "b": None, "safe": None}, "failure", None, None, "No criterion applies."),
        # What could not be answered is told; it decides nothing where it cannot matter.
        ({"a": GOOD, "b": LOST, "safe": GOOD}, "number", 1.0, True, "Not answered: b."),
        ({"a": BAD, "b": LOST, "safe": GOOD}, "number", 0.25, False, "Below: a. Not answered: b."),
        ({"a": LOST, "b": GOOD, "safe": GOOD}, "failure", None, None, "It depends on what was not answered"),
        ({"a": GOOD, "b": GOOD, "safe": LOST}, "failure", None, None, "must be passed could not be answered (safe)"),
        ({"a": LOST, "b": LOST, "safe": LOST}, "failure", None, None, "No criterion of the rubric could be answered."),
        # Failed is failed, whatever was not answered.
        ({"a": LOST, "b": GOOD, "safe": BAD}, "number", 0.5, False, "Must be passed, and is not: safe."),
        ({"a": ValueError("Ada"), "b": GOOD, "safe": GOOD}, "failure", None, None, "Not answered: a."),
        ({"a": Grade("label", label="warm"), "b": GOOD, "safe": GOOD}, "failure", None, None, "Not answered: a."),
    ],
)
def test_criteria_combine(says: dict[str, Any], kind: str, value: float | None, good: bool | None, told: str) -> None:
    grade = graded(says)
    assert grade.result_type == kind
    assert grade.value == (None if value is None else pytest.approx(value))
    assert grade.passed is good
    assert told in grade.reason
    assert [one.name for one in grade.criteria] == ["a", "b", "safe"]
    assert [one.must_pass for one in grade.criteria] == [False, False, True]


def test_a_weighted_mean_that_is_the_bar_reaches_it() -> None:
    rubric = Rubric(criteria=(criterion("a", 0.7), criterion("b", 0.2), criterion("c", 0.1)), bar=0.7)
    assert graded({"a": GOOD, "b": BAD, "c": BAD}, rubric).passed is True


def test_a_rubric_s_score_can_be_stored_with_its_criteria() -> None:
    grader = RubricGrader([RUBRIC], [Says("a", GOOD), Says("b", LOST), Says("safe", BAD)])
    (score,) = run_graders([grader], SESSION, occasion=Occasion(source="live", graded_at=NOW))
    assert (score.result_type, score.passed) == ("number", False)
    assert [(one.name, one.value) for one in score.criteria] == [("a", 1.0), ("b", None), ("safe", 0.0)]
    assert "the endpoint was away" in score.criteria[1].note


def test_the_judge_is_given_its_criteria_alone_and_answers_them_one_by_one() -> None:
    asked: list[Rubric] = []

    def judge(rubric: Rubric) -> Grader:
        asked.append(rubric)
        answers = (
            CriterionScore(name="tone", value=0.8),
            CriterionScore(name="clear", value=None, note="the judge was cut off"),
            CriterionScore(name="polite", value=None, note=f"{DOES_NOT_APPLY}: nobody was greeted"),
        )
        return Says("llm_judge", Grade("number", 0.8, criteria=answers, cost_usd=0.01))

    rubric = Rubric(
        criteria=(
            criterion("a"),
            criterion("tone", grader=""),
            criterion("clear", 0.1, grader="llm_judge"),
            criterion("polite", grader=""),
        ),
        bar=0.5,
    )
    grade = graded({"a": GOOD}, rubric, judge=judge)
    assert [one.name for one in asked[0].criteria] == ["tone", "clear", "polite"]
    assert grade.passed is True
    assert grade.value == pytest.approx(0.9)
    assert grade.cost_usd == 0.01
    assert grade.reason == "Not answered: clear."


def test_without_a_judge_its_criteria_stay_unanswered_and_say_so() -> None:
    rubric = Rubric(criteria=(criterion("a"), criterion("tone", must=True, grader="")))
    grade = graded({"a": GOOD}, rubric)
    assert grade.result_type == "failure"
    assert "no judge is set up" in grade.criteria[1].note


def test_the_rubric_of_the_intent_is_taken_and_else_that_for_all() -> None:
    refunds = Rubric(intent="refund", criteria=(criterion("a"),), bar=0.5)
    grader = RubricGrader([refunds], [Says("a", GOOD)])
    assert not grader.applies(SESSION, None)
    assert grader.applies(SESSION.model_copy(update={"intent": "refund"}), None)
    both = RubricGrader([refunds, RUBRIC], [Says("a", GOOD), Says("b", GOOD), Says("safe", GOOD)])
    assert [one.name for one in both.grade(SESSION, None).criteria] == ["a", "b", "safe"]


def test_its_version_changes_with_rubric_and_graders_and_with_nothing_else() -> None:
    graders = [Says("a", GOOD), Says("b", GOOD), Says("safe", GOOD)]
    version = RubricGrader([RUBRIC], graders).version
    assert RubricGrader([RUBRIC], list(reversed(graders))).version == version
    assert RubricGrader([RUBRIC.model_copy(update={"bar": 0.71})], graders).version != version
    assert RubricGrader([RUBRIC], [Says("a", GOOD, "2"), *graders[1:]]).version != version


@pytest.mark.parametrize(
    ("rubrics", "graders", "told"),
    [
        (
            [RUBRIC],
            [Says("a", GOOD), Says("b", GOOD)],
            "criterion 'safe'.* names the grader 'safe', which is not there",
        ),
        ([RUBRIC, RUBRIC], [], "two rubrics are for the intent"),
        ([RUBRIC], [Says("a", GOOD), Says("a", GOOD, "2")], "two graders are named a"),
    ],
)
def test_rubrics_that_nobody_could_answer_are_refused(rubrics: list[Rubric], graders: list[Grader], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        RubricGrader(rubrics, graders)


GRADES = st.one_of(st.none(), st.just(LOST), st.floats(0, 1).map(number), st.booleans().map(passed))


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdef"), st.tuples(GRADES, st.floats(0.1, 100), st.booleans()), min_size=1),
    st.floats(0, 1),
)
def test_bounds_and_must_pass_hold_for_any_rubric(
    parts: dict[str, tuple[Grade | None, float, bool]], bar: float
) -> None:
    rubric = Rubric(
        criteria=tuple(criterion(name, weight, must=must) for name, (_, weight, must) in parts.items()), bar=bar
    )
    grade = graded({name: said for name, (said, _, _) in parts.items()}, rubric)
    turned = graded(
        {name: said for name, (said, _, _) in parts.items()},
        rubric.model_copy(update={"criteria": tuple(reversed(rubric.criteria))}),
    )
    assert (turned.result_type, turned.passed) == (grade.result_type, grade.passed)
    if grade.value is None:
        assert grade.result_type == "failure"
        assert grade.reason
        return
    assert 0 <= grade.value <= 1
    assert turned.value == pytest.approx(grade.value)
    if grade.passed:
        musts = [said for said, _, must in parts.values() if must and said is not None]
        assert all(said.passed if said.passed is not None else (said.value or 0) >= bar for said in musts)
        assert all(said.result_type != "failure" for said in musts)
