"""What a grader is, and what it may say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.scores import CriterionScore, ResultType

DOES_NOT_APPLY: Final = "does not apply"
"""With which the note of a criterion without a value begins where it does not apply, rather than could not be said."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What one grader said of one interaction: the part of a `Score` that is the grader's own.

    Attributes:
        result_type: see `schemas.scores`.
        value: 0 to 1; of `pass` 1 or 0; None for `label` and `failure`.
        cost_usd: what asking cost; None where nothing was paid.
        later: of a failure: nothing is wrong with the session, and asked later the grader may say something.
    """

    result_type: ResultType
    value: float | None = None
    passed: bool | None = None
    label: str = ""
    reason: str = ""
    criteria: tuple[CriterionScore, ...] = ()
    cost_usd: float | None = None
    later: bool = False


def passed(good: bool, reason: str = "") -> Grade:
    """It passes, or not."""
    return Grade("pass", value=float(good), passed=good, reason=reason)


def number(value: float, *, bar: float | None = None, reason: str = "") -> Grade:
    """A number from 0 to 1; with a bar also whether it is good enough."""
    return Grade("number", value=value, passed=None if bar is None else value >= bar, reason=reason)


def failure(reason: str) -> Grade:
    """The grader cannot say; the reason tells what to do."""
    return Grade("failure", reason=reason)


class Grader(Protocol):
    """A grader: pure, or over a port that was handed in. It is given one interaction at a time."""

    @property
    def name(self) -> str:
        """What scores call it."""

    @property
    def version(self) -> str:
        """Changes whenever the same interaction may get another grade."""

    def applies(self, interaction: Interaction, case: Case | None) -> bool:
        """Whether there is anything to grade: where there is nothing, no score is written."""

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        """What it says; whatever it raises becomes a `failure` by whoever runs it (`run_graders`)."""
