"""Runs graders over one interaction: what they say becomes scores, what they raise becomes failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from watchkeeper.evals.grading.grade import Grade, Grader, failure
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.scores import Score, ScoreSource, score_id_of, subject_of_scores

UNNAMED_AGENT: Final = "unnamed"
"""Whose scores those are of sessions that name no agent: a subject needs a name."""

_MAX_REASON: Final = 2000
_MAX_LABEL: Final = 256


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why something is graded, and as part of what.

    Attributes:
        source: see `schemas.scores.ScoreSource`.
        graded_at: now, in UTC; handed in, so that grading has no clock of its own.
        run_id: the scheduled or asked run.
        suite: name and version (`refunds@3`), empty for live sessions.
        target: what a suite measures against, empty if nothing.
        inclusion: the probability with which the session was drawn.
        kept: the share of those drawn for which a budget had room, a part of `inclusion`.
        stratum: why it was drawn.
    """

    source: ScoreSource
    graded_at: datetime
    run_id: str = ""
    suite: str = ""
    target: str = ""
    inclusion: float = 1.0
    kept: float = 1.0
    stratum: str = "uniform"


def run_graders(
    graders: Iterable[Grader],
    interaction: Interaction,
    case: Case | None = None,
    *,
    occasion: Occasion,
    later: dict[str, Grade] | None = None,
) -> list[Score]:
    """Grades one interaction.

    Args:
        graders: no two of one name and version.
        interaction: what is graded.
        case: the suite's case that it answers; None for live sessions.
        occasion: what else the scores say.
        later: takes those that can say nothing for now (`Grade.later`), by `full_name`, and what they say: they get no
            score. By default such a grade is a failure as any other.

    Returns:
        One score for each grader that applies, in the graders' order. A grader that raises, or whose grade is none,
        gets a `failure`; it never stops the others.

    Raises:
        ConfigurationError: two graders would write the same score, or a grader's name or version cannot be one.
    """
    wanted = tuple(graders)
    _refuse_unusable(wanted)
    scores = []
    for grader in wanted:
        grade = grade_guarded(grader, interaction, case)
        if grade is not None and grade.later and later is not None:
            later[full_name(grader)] = grade
        elif grade is not None:
            scores.append(_scored(grader, grade, interaction, case, occasion))
    return scores


def grade_guarded(grader: Grader, interaction: Interaction, case: Case | None) -> Grade | None:
    """What a grader says; None where it does not apply; a failure where it raises."""
    try:
        return grader.grade(interaction, case) if grader.applies(interaction, case) else None
    except Exception as error:  # noqa: BLE001 # a grader is anybody's code, and one that fails must not stop the others
        return failure(_raised(grader, error))


def full_name(grader: Grader) -> str:
    """`name@version`, as scores call a grader."""
    return f"{grader.name}@{grader.version}"


def _refuse_unusable(graders: tuple[Grader, ...]) -> None:
    names = [full_name(grader) for grader in graders]
    for name in names:
        if name.count("@") != 1 or name.startswith("@") or name.endswith("@") or len(name.split()) != 1:
            raise ConfigurationError(
                f"{name!r} cannot name a grader: name and version are words without spaces and without '@'"
            )
        if names.count(name) > 1:
            raise ConfigurationError(f"the grader {name} is asked for twice: leave one out, or give them other options")


def _raised(grader: Grader, error: Exception) -> str:
    """What was raised and where. Not its message: that may quote what people said."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return (
        f"{full_name(grader)} raised {type(error).__name__}{where} and could not grade this session: "
        "grade it alone to see the error, or leave the grader out."
    )


def _scored(grader: Grader, grade: Grade, interaction: Interaction, case: Case | None, occasion: Occasion) -> Score:
    try:
        return _score(grader, grade, interaction, case, occasion)
    except ValidationError as error:
        fields = sorted({".".join(map(str, each["loc"])) or each["msg"] for each in error.errors(include_input=False)})
        ill_formed = failure(
            f"{full_name(grader)} gave a grade that is none ({', '.join(fields)}): correct the grader."
        )
        # Where the interaction's own fields are at fault, this raises again: no score can be written of it.
        return _score(grader, ill_formed, interaction, case, occasion)


def _score(grader: Grader, grade: Grade, interaction: Interaction, case: Case | None, occasion: Occasion) -> Score:
    agent_id = interaction.agent_id or UNNAMED_AGENT
    case_id = case.case_id if case else ""
    return Score(
        score_id=_score_id(grader, interaction, case_id, occasion),
        subject=subject_of_scores(interaction.tenant_id, interaction.origin, agent_id),
        tenant_id=interaction.tenant_id,
        origin=interaction.origin,
        source=occasion.source,
        session_id=interaction.interaction_id,
        agent_id=agent_id,
        agent_version=interaction.agent_version,
        model=interaction.model,
        prompt_version=interaction.prompt_version,
        intent=(case.intent if case else "") or interaction.intent,
        environment=interaction.environment,
        retention_class=interaction.retention_class,
        suite=occasion.suite,
        case_id=case_id,
        run_id=occasion.run_id,
        grader=full_name(grader),
        target=occasion.target,
        result_type=grade.result_type,
        passed=grade.passed,
        value=grade.value,
        label=grade.label[:_MAX_LABEL],
        reason=shortened(grade.reason),
        criteria=grade.criteria,
        inclusion=occasion.inclusion,
        kept=occasion.kept,
        stratum=occasion.stratum,
        occurred_at=interaction.ended_at,
        graded_at=occasion.graded_at,
        cost_usd=grade.cost_usd,
    )


def _score_id(grader: Grader, interaction: Interaction, case_id: str, occasion: Occasion) -> str:
    return score_id_of(
        tenant_id=interaction.tenant_id,
        source=occasion.source,
        session_id=interaction.interaction_id,
        grader=full_name(grader),
        suite=occasion.suite,
        case_id=case_id,
        run_id=occasion.run_id,
    )


def shortened(reason: str) -> str:
    """A reason as scores hold it."""
    return reason if len(reason) <= _MAX_REASON else reason[: _MAX_REASON - 1] + "…"
