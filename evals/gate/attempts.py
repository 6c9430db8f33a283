"""One attempt of a candidate at a case: what became of it, and what graders said. A line of a run's file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.model import Model, Name, Sentence
from watchkeeper.schemas.scores import Score

Side = Literal["baseline", "candidate"]

TroubleKind = Literal["raised", "timed_out", "refused", "unavailable", "malformed", "missing", "changed"]
"""`raised`: it raised. `refused`: it will not answer this (4xx). `unavailable`: it is not there, or not now.
`malformed`: what it answered cannot be read. `missing`: a recorded set holds no answer. `changed`: an earlier run
answered a case of this id with other content."""


class Trouble(Model):
    """Why there is no answer: a failure of the candidate, and no low score."""

    kind: TroubleKind
    text: Sentence


class Attempt(Model):
    """See the module.

    Attributes:
        case_digest: of the case's content: what an earlier run answered is compared with nothing else.
        repeat: which attempt at the case, from 0.
        seconds: how long the answer took, retries left out; None where that says nothing.
        tries: how often it was asked.
        interaction: None where there is trouble.
        scores: of each grader that applied.
    """

    case_id: Name
    case_digest: Name
    intent: str = ""
    repeat: Annotated[int, Field(ge=0)] = 0
    seconds: Annotated[float, Field(ge=0)] | None = None
    tries: Annotated[int, Field(ge=1)] = 1
    interaction: Interaction | None = None
    trouble: Trouble | None = None
    scores: tuple[Score, ...] = ()


def digest_of_case(case: Case) -> str:
    """Changes with what is asked and with what is expected; not with labels, provenance or recorded turns."""
    aside = {"labels", "provenance", "recorded", "difficulty", "consent"}
    return derived_id("case", case.model_dump_json(exclude=aside))
