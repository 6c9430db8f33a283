"""What a person's answers on a rubric add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from watchkeeper.evals.grading.grade import DOES_NOT_APPLY
from watchkeeper.evals.rubric import Rubric
from watchkeeper.schemas.scores import CriterionScore

Answer: TypeAlias = Literal["yes", "partly", "no", "does_not_apply", "cannot_tell"]

VALUES: Final[dict[Answer, float | None]] = {
    "yes": 1.0,
    "partly": 0.5,
    "no": 0.0,
    "does_not_apply": None,
    "cannot_tell": None,
}
_NOTES: Final[dict[Answer, str]] = {"does_not_apply": DOES_NOT_APPLY, "cannot_tell": "cannot tell"}


@dataclass(frozen=True, slots=True)
class Tally:
    """What the answers add up to.

    Attributes:
        value: the weighted mean of what was answered; None where nothing was.
        suggests: whether the session passes by the rubric: a person may say otherwise. None where nothing was answered.
    """

    criteria: tuple[CriterionScore, ...]
    value: float | None
    suggests: bool | None


def tally(rubric: Rubric, answers: Mapping[str, Answer]) -> Tally:
    """Puts answers together, by criterion; criteria without one cannot be told."""
    criteria = []
    for one in rubric.criteria:
        answer = answers.get(one.name, "cannot_tell")
        criteria.append(
            CriterionScore(
                name=one.name,
                value=VALUES[answer],
                weight=one.weight,
                must_pass=one.must_pass,
                note=_NOTES.get(answer, ""),
            )
        )
    told = [one for one in criteria if one.value is not None]
    if not told:
        return Tally(tuple(criteria), None, None)
    value = min(1.0, sum(one.weight * (one.value or 0.0) for one in told) / sum(one.weight for one in told))
    failed = any(one.must_pass and (one.value or 0.0) < rubric.bar for one in told)
    return Tally(tuple(criteria), value, not failed and value >= rubric.bar - 1e-9)
