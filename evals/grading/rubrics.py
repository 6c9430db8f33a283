"""A rubric as a grader: its criteria, answered by different graders, become one value and one verdict.

How criteria combine. The value is the weighted mean of those that were answered. What does not apply to a session
counts neither way. What applies but could not be answered is told, and the verdict is given only where it cannot
matter: a session passes where even noughts for the unanswered leave it at the bar, fails where even ones leave it
below, and is a `failure` between. A must-pass criterion that is failed fails the whole; one that could not be answered
makes the whole a `failure`, never a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from watchkeeper.evals.grading.digests import digest_of
from watchkeeper.evals.grading.grade import DOES_NOT_APPLY, Grade, Grader
from watchkeeper.evals.grading.running import full_name, grade_guarded, shortened
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.rubric import Criterion, Rubric
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.scores import CriterionScore

REVISION: Final = "1"
JUDGE: Final = "llm_judge"
"""Who answers criteria that name no grader."""

ANY_INTENT: Final = "*"

State: TypeAlias = Literal["answered", "unanswered", "inapplicable"]

JudgeOf: TypeAlias = Callable[[Rubric], Grader]
"""Makes the judge of some criteria. Its grades answer them one by one, in `Grade.criteria`, by name."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What became of one criterion.

    Attributes:
        value: None unless `state` is `answered`.
        good: whether it passes by itself.
    """

    criterion: Criterion
    state: State
    value: float | None = None
    good: bool = False
    note: str = ""

    def told(self) -> CriterionScore:
        """The part of a score."""
        one = self.criterion
        return CriterionScore(
            name=one.name, value=self.value, weight=one.weight, must_pass=one.must_pass, note=shortened(self.note)
        )


class RubricGrader:
    """See the module.

    Args:
        rubrics: by intent, each once; that of `*` is for sessions whose intent has none.
        graders: who may answer, by the names that criteria give.
        judge: makes whoever answers criteria without a grader; without it they stay unanswered, and say so.

    Raises:
        ConfigurationError: two rubrics for one intent, two graders of one name, or a criterion names a grader that is
            not there.
    """

    name: Final = "rubric"

    def __init__(
        self, rubrics: Iterable[Rubric], graders: Iterable[Grader] = (), *, judge: JudgeOf | None = None
    ) -> None:
        self._rubrics = _by_intent(rubrics)
        known = _by_name(graders)
        self._ways = {intent: _ways(rubric, known, judge) for intent, rubric in self._rubrics.items()}
        self.version = f"{REVISION}.{digest_of(self._described())}"

    def _described(self) -> object:
        return {
            intent: [rubric.model_dump(mode="json"), [full_name(one) for one in self._ways[intent].values() if one]]
            for intent, rubric in sorted(self._rubrics.items())
        }

    def applies(self, interaction: Interaction, case: Case | None) -> bool:
        """Whether there is a rubric for its intent."""
        return self._intent(interaction, case) is not None

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        """A number with a verdict, and each criterion's own."""
        intent = self._intent(interaction, case)
        if intent is None:
            return Grade("failure", reason="No rubric is for this session's intent: add one for `*`.")
        rubric, ways = self._rubrics[intent], self._ways[intent]
        answers: dict[str, _Answer] = {}
        costs: list[float] = []
        for name, grader in ways.items():
            asked = [one for one in rubric.criteria if (one.grader or JUDGE) == name]
            grade = grade_guarded(grader, interaction, case) if grader else _NO_JUDGE
            if grade is not None and grade.cost_usd is not None:
                costs.append(grade.cost_usd)
            answers |= {one.name: _answer(one, grade, rubric.bar) for one in asked}
        return _combined(rubric, [answers[one.name] for one in rubric.criteria], sum(costs) if costs else None)

    def _intent(self, interaction: Interaction, case: Case | None) -> str | None:
        intent = (case.intent if case else "") or interaction.intent
        return next((one for one in (intent, ANY_INTENT) if one in self._rubrics), None)


_NO_JUDGE: Final = Grade("failure", reason="no judge is set up for criteria that name no grader")


def _by_intent(rubrics: Iterable[Rubric]) -> dict[str, Rubric]:
    found: dict[str, Rubric] = {}
    for rubric in rubrics:
        if rubric.intent in found:
            raise ConfigurationError(f"two rubrics are for the intent {rubric.intent!r}: merge them, or rename one")
        found[rubric.intent] = rubric
    return found


def _by_name(graders: Iterable[Grader]) -> dict[str, Grader]:
    found: dict[str, Grader] = {}
    for grader in graders:
        if grader.name in found:
            raise ConfigurationError(
                f"two graders are named {grader.name}: criteria could not say which is meant; leave one out"
            )
        found[grader.name] = grader
    return found


def _ways(rubric: Rubric, known: Mapping[str, Grader], judge: JudgeOf | None) -> dict[str, Grader | None]:
    """Who answers, by name, each asked once."""
    ways: dict[str, Grader | None] = {}
    for criterion in rubric.criteria:
        name = criterion.grader or JUDGE
        if name in ways:
            continue
        if name in known:
            ways[name] = known[name]
        elif name == JUDGE:
            asked = tuple(one for one in rubric.criteria if (one.grader or JUDGE) == JUDGE)
            ways[name] = judge(rubric.model_copy(update={"criteria": asked})) if judge else None
        else:
            there = ", ".join(sorted(known)) or "none"
            raise ConfigurationError(
                f"criterion {criterion.name!r} of the rubric for {rubric.intent!r} names the grader {name!r}, which is "
                f"not there (there are: {there}): add it to the graders, or name another"
            )
    return ways


def _answer(criterion: Criterion, grade: Grade | None, bar: float) -> _Answer:
    if grade is None:
        return _Answer(criterion, "inapplicable", note=f"{DOES_NOT_APPLY} to this session")
    if grade.result_type == "failure":
        return _Answer(criterion, "unanswered", note=f"not answered: {grade.reason}")
    if grade.criteria:
        return _own_answer(criterion, grade, bar)
    if grade.value is None:
        return _Answer(
            criterion, "unanswered", note=f"not answered: the grader says the label {grade.label!r}, no value"
        )
    good = grade.value >= bar if grade.passed is None else grade.passed
    return _Answer(criterion, "answered", grade.value, good, grade.reason)


def _own_answer(criterion: Criterion, grade: Grade, bar: float) -> _Answer:
    own = next((one for one in grade.criteria if one.name == criterion.name), None)
    if own is None:
        return _Answer(criterion, "unanswered", note="not answered: the grader left it out")
    if own.value is None:
        state: State = "inapplicable" if own.note.startswith(DOES_NOT_APPLY) else "unanswered"
        return _Answer(criterion, state, note=own.note or "not answered: the grader could not say")
    return _Answer(criterion, "answered", own.value, own.value >= bar, own.note)


def _combined(rubric: Rubric, answers: list[_Answer], cost_usd: float | None) -> Grade:
    criteria = tuple(answer.told() for answer in answers)
    answered = [one for one in answers if one.state == "answered" and one.value is not None]
    missing = [one for one in answers if one.state == "unanswered"]
    failed = [one.criterion.name for one in answered if one.criterion.must_pass and not one.good]
    unsure = [one.criterion.name for one in missing if one.criterion.must_pass]
    told = f"Not answered: {', '.join(one.criterion.name for one in missing)}." if missing else ""

    def cannot_say(why: str) -> Grade:
        return Grade("failure", reason=shortened(f"{why} {told}".strip()), criteria=criteria, cost_usd=cost_usd)

    if not answered:
        return cannot_say("No criterion of the rubric could be answered." if missing else "No criterion applies.")
    if unsure and not failed:
        return cannot_say(f"Criteria that must be passed could not be answered ({', '.join(unsure)}).")
    sum_answered = sum(one.criterion.weight * (one.value or 0.0) for one in answered)
    weight_answered = sum(one.criterion.weight for one in answered)
    weight_all = weight_answered + sum(one.criterion.weight for one in missing)
    value = min(1.0, sum_answered / weight_answered)
    low, high = sum_answered / weight_all, (sum_answered + weight_all - weight_answered) / weight_all
    passed = not failed and _reaches(low, rubric.bar)
    if not failed and missing and passed != _reaches(high, rubric.bar):
        return cannot_say(f"It depends on what was not answered whether {rubric.bar:g} is reached.")
    must = f"Must be passed, and is not: {', '.join(failed)}." if failed else ""
    below = f"Below: {', '.join(one.criterion.name for one in answered if not one.good)}." if not failed else ""
    reason = " ".join(part for part in (must, "" if below == "Below: ." else below, told) if part)
    return Grade("number", value, passed, reason=shortened(reason), criteria=criteria, cost_usd=cost_usd)


def _reaches(value: float, bar: float) -> bool:
    # A sum of weights that should give the bar exactly may miss it by a rounding.
    return value >= bar - 1e-9
