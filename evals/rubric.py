"""What a good session of one intent is: criteria with weights, some of which no good session fails."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from watchkeeper.schemas.model import Model, Name, Sentence

Dimension = Literal["correctness", "tone", "escalation", "groundedness", "tool_use", "safety", "other"]


class Criterion(Model):
    """One thing to look at.

    Attributes:
        name: what scores call it.
        asks: the question, answerable from the session alone: "Does the answer name the refund's amount?"
        weight: its share of the value, beside those of the others.
        must_pass: a session that fails it fails, whatever the rest says.
        grader: which grader answers it (`groundedness`, `tool_trajectory`, `llm_judge`, …); empty for
            the judge of the run.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    asks: Sentence
    dimension: Dimension = "other"
    weight: Annotated[float, Field(gt=0, le=100)] = 1.0
    must_pass: bool = False
    grader: str = ""


class Rubric(Model):
    """The criteria of one intent.

    Attributes:
        intent: which sessions it is for; `*` for those of no other rubric.
        bar: from which value, 0 to 1, a session is good enough.
    """

    intent: Name = "*"
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=40)]
    bar: Annotated[float, Field(ge=0, le=1)] = 0.7

    @model_validator(mode="after")
    def _names_differ(self) -> Rubric:
        names = [criterion.name for criterion in self.criteria]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"criteria of one rubric need names of their own; given twice: {', '.join(twice)}")
        return self
