"""A case of a suite: one interaction that agents are asked to do again, and what a good one looks like."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from watchkeeper.evals.interaction import Turn
from watchkeeper.schemas.model import Model, Moment, Name

ConsentClass = Literal["synthetic", "internal", "consented", "legitimate_interest"]
"""On what ground the texts are kept: made up; our own staff's; the user agreed; weighed and masked."""


class Provenance(Model):
    """Where a case comes from.

    Attributes:
        session_id: the session it was drawn from; empty for one that a person wrote.
        stratum: `intent/outcome/difficulty` as drawn.
        cluster: which cluster of the diversity step it stands for.
        inclusion: the probability with which its like was drawn.
    """

    session_id: str = ""
    agent_id: str = ""
    agent_version: str = ""
    drawn_at: Moment | None = None
    stratum: str = ""
    cluster: int | None = None
    inclusion: Annotated[float, Field(gt=0, le=1)] = 1.0


class ExpectedCall(Model):
    """A call that a good session makes.

    Attributes:
        arguments: those that must be equal; others may be anything.
    """

    name: Name
    arguments: dict[str, Any] = Field(default_factory=dict)


class Case(Model):
    """See the module.

    Attributes:
        case_id: names it within the suite; stays the same over the suite's versions while its content does.
        messages: what the candidate is shown: system and user turns up to where it must answer.
        recorded: the turns with which the session went on, for graders that compare and for recorded candidates.
        reference_answer: what a good answer says; empty where nothing fixes it.
        reference_calls: the trajectory of a good session; None where nothing fixes it.
        expects_escalation: whether a person must take over; None where either is good.
        documents: texts on which the answer may rest, by id.
        difficulty: 0 (easy) to 1.
        labels: what people said of it.
    """

    case_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
    intent: str = ""
    messages: Annotated[tuple[Turn, ...], Field(min_length=1)]
    recorded: tuple[Turn, ...] = ()
    reference_answer: str = ""
    reference_calls: tuple[ExpectedCall, ...] | None = None
    expects_escalation: bool | None = None
    documents: dict[str, str] = Field(default_factory=dict)
    difficulty: Annotated[float, Field(ge=0, le=1)] | None = None
    labels: dict[str, float | bool | str] = Field(default_factory=dict)
    consent: ConsentClass = "legitimate_interest"
    provenance: Provenance = Field(default_factory=Provenance)
