"""Many questions at one level: Holm's procedure with weights. To ask about every intent costs no false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One hypothesis.

    Attributes:
        p: its p-value.
        weight: its part of the level, beside those of the others.
    """

    p: float
    weight: float


def adjusted(questions: Sequence[Question]) -> list[float]:
    """The level, for all together, at which each would be rejected; in the order of the questions (Holm 1979)."""
    order = sorted(range(len(questions)), key=lambda at: questions[at].p / questions[at].weight)
    left = sum(question.weight for question in questions)
    found = [1.0] * len(questions)
    highest = 0.0
    for at in order:
        question = questions[at]
        highest = max(highest, min(1.0, question.p * left / question.weight))
        found[at] = highest
        left -= question.weight
    return found
