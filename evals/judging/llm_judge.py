"""The grader that asks a language model, by a rubric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

from watchkeeper.evals.grading.digests import digest_of
from watchkeeper.evals.grading.grade import DOES_NOT_APPLY, Grade
from watchkeeper.evals.grading.running import shortened
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.judging.answers import VALUES, Said, read_findings, rubric_schema
from watchkeeper.evals.judging.asking import Asker, Reading
from watchkeeper.evals.judging.dialect import Message
from watchkeeper.evals.judging.discretion import discreet
from watchkeeper.evals.judging.errors import OF_THE_SESSION
from watchkeeper.evals.judging.prompts import VERSION, grading_messages
from watchkeeper.evals.judging.settings import JudgeSettings
from watchkeeper.evals.judging.transcript import show_session
from watchkeeper.evals.rubric import Criterion, Rubric
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import ConfigurationError, WatchkeeperError
from watchkeeper.schemas.scores import CriterionScore

REVISION: Final = 1
_SCHEMA_NAME: Final = "grades"
_ANY_INTENT: Final = "*"
_CANNOT_TELL: Final = "cannot tell"


class LlmJudge:
    """Grades sessions by rubrics: a number with a verdict, and each criterion's own.

    Repeats are put together criterion by criterion. A repeat that fails is left out; where half of them or more fail,
    so does the grade. A criterion that the judge cannot tell counts neither way; where it must be passed, or where
    those that are told weigh no more than those that are not, the grade is a failure.

    Args:
        asker: puts the questions.
        rubrics: by intent, each once; that of `*` is for sessions whose intent has none.

    Raises:
        ConfigurationError: there is no rubric, or two are for one intent.
    """

    def __init__(self, asker: Asker, rubrics: Sequence[Rubric]) -> None:
        self._asker = asker
        self._rubrics = {rubric.intent: rubric for rubric in rubrics}
        if not rubrics or len(self._rubrics) < len(rubrics):
            raise ConfigurationError("a judge needs rubrics, one for each intent: none is given, or two for one intent")
        described = {intent: rubric.model_dump(mode="json") for intent, rubric in sorted(self._rubrics.items())}
        self._version = digest_of([REVISION, VERSION, asker.settings.of_grades(), described])

    @property
    def name(self) -> str:
        """What scores call it."""
        return self._asker.settings.name

    @property
    def version(self) -> str:
        """A digest of prompts, model, settings and rubrics."""
        return self._version

    @property
    def is_priced(self) -> bool:
        """Whether its grades tell what they cost: without, no budget in dollars can hold."""
        return self._asker.is_priced

    def applies(self, interaction: Interaction, case: Case | None) -> bool:
        """Whether there is a rubric for its intent, and anything was said."""
        return self._rubric(interaction, case) is not None and bool(interaction.turns)

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        """What the judge says; a failure with the remedy where it cannot."""
        rubric = self._rubric(interaction, case)
        if rubric is None:
            return Grade("failure", reason="No rubric is for this session's intent: add one for `*`.")
        shown = show_session(interaction, case, self._asker.settings.max_prompt_characters)
        schema = rubric_schema(rubric.criteria)
        messages = grading_messages(rubric.criteria, schema, shown.text)
        before = self._asker.spent_here_usd
        readings, faults = self._ask(rubric, messages, schema)
        # Answers that nobody could read, or that were lost, were paid for as well: a budget that did not count them
        # would not hold where all of them are.
        cost = self._asker.spent_here_usd - before if self.is_priced else None
        if len(readings) <= len(faults):
            later = any(not isinstance(fault, OF_THE_SESSION) for fault in faults)
            return Grade("failure", reason=shortened(_sentence(faults[0])), cost_usd=cost, later=later)
        criteria = tuple(
            _combined(criterion, [reading.value[criterion.name] for reading in readings], self._asker.settings)
            for criterion in rubric.criteria
        )
        notes = (
            ["The session was shown in part: it is too long, or not all of it is stored."] if shown.shortened else []
        )
        if faults:
            notes.append(f"{len(faults)} of {self._asker.settings.repeats} repeats failed: {_sentence(faults[0])}")
        return _whole(rubric, criteria, notes, cost)

    def _ask(
        self, rubric: Rubric, messages: Sequence[Message], schema: Mapping[str, Any]
    ) -> tuple[list[Reading[dict[str, Said]]], list[WatchkeeperError]]:
        """The repeats that succeed, and what is wrong with the others."""
        readings: list[Reading[dict[str, Said]]] = []
        faults: list[WatchkeeperError] = []

        def read(text: str) -> dict[str, Said]:
            return read_findings(text, rubric.criteria)

        for repeat in range(self._asker.settings.repeats):
            try:
                readings.append(self._asker.ask(messages, schema, _SCHEMA_NAME, repeat=repeat, read=read))
            except WatchkeeperError as error:
                faults.append(error)
        return readings, faults

    def _rubric(self, interaction: Interaction, case: Case | None) -> Rubric | None:
        intent = (case.intent if case else "") or interaction.intent
        return self._rubrics.get(intent) or self._rubrics.get(_ANY_INTENT)


def judge_of(asker: Asker) -> Callable[[Rubric], LlmJudge]:
    """For `grading.rubrics.RubricGrader`: the judge of those criteria of a rubric that no other grader answers."""
    # Which rubric is for which session has been decided by whoever asks.
    return lambda rubric: LlmJudge(asker, [rubric.model_copy(update={"intent": _ANY_INTENT})])


def _sentence(error: WatchkeeperError) -> str:
    told = str(error)
    return told[:1].upper() + told[1:]


def _combined(criterion: Criterion, said: Sequence[Said], settings: JudgeSettings) -> CriterionScore:
    """What the repeats say of one criterion; how they differ stands in the note."""
    counts = Counter(one.finding for one in said)
    most = max(counts.values())
    leading = [finding for finding, count in counts.items() if count == most]
    values = [value for one in said if (value := VALUES[one.finding]) is not None]
    if 2 * len(values) <= len(said):
        # Half of the repeats or more say no value.
        applies = counts["cannot_tell"] >= counts["does_not_apply"]
        value, spokesman = None, "cannot_tell" if applies else "does_not_apply"
        words = [_CANNOT_TELL if applies else DOES_NOT_APPLY]
    else:
        told = [value for finding in leading if (value := VALUES[finding]) is not None] or values
        value = fmean(values if settings.combine == "mean" else told)
        spokesman, words = leading[0], []
    if len(counts) > 1:
        split = ", ".join(f"{count} {finding}" for finding, count in sorted(counts.items()))
        words.append(f"{len(said)} repeats: {split}")
    reason = next((one.reason for one in said if one.finding == spokesman and one.reason), "")
    if settings.keep_notes and reason:
        words.append(discreet(" ".join(reason.split())))
    return CriterionScore(
        name=criterion.name,
        value=value,
        weight=criterion.weight,
        must_pass=criterion.must_pass,
        note=shortened("; ".join(words)),
    )


def _whole(rubric: Rubric, criteria: tuple[CriterionScore, ...], notes: list[str], cost: float | None) -> Grade:
    told = [one for one in criteria if one.value is not None]
    unsure = [one for one in criteria if one.value is None and not one.note.startswith(DOES_NOT_APPLY)]
    weight = sum(one.weight for one in told)
    blocking = [one.name for one in unsure if one.must_pass]
    failed = [one.name for one in told if one.must_pass and (one.value or 0.0) < rubric.bar]
    if not told and not unsure:
        return _failure("No criterion of the rubric applies to this session.", criteria, notes, cost)
    if (blocking and not failed) or weight <= sum(one.weight for one in unsure):
        names = ", ".join(blocking or [one.name for one in unsure])
        return _failure(f"The judge cannot tell: {names}. A person must label it.", criteria, notes, cost)
    value = min(1.0, sum(one.weight * (one.value or 0.0) for one in told) / weight)
    below = [one.name for one in told if (one.value or 0.0) < rubric.bar]
    if failed:
        notes = [f"Must be passed, and is not: {', '.join(failed)}.", *notes]
    elif below:
        notes = [f"Below: {', '.join(below)}.", *notes]
    good = not failed and value >= rubric.bar - 1e-9
    return Grade("number", value, good, reason=shortened(" ".join(notes)), criteria=criteria, cost_usd=cost)


def _failure(why: str, criteria: tuple[CriterionScore, ...], notes: list[str], cost: float | None) -> Grade:
    return Grade("failure", reason=shortened(" ".join([why, *notes])), criteria=criteria, cost_usd=cost)
