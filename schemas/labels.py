"""Labels: what people said of sessions, and how those sessions were drawn to be labelled.

Nothing is replaced: the latest label of a person on a session holds, the earlier ones are its history.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from watchkeeper.schemas.envelope import Origin, RetentionClass
from watchkeeper.schemas.model import Model, Moment, Name, Sentence
from watchkeeper.schemas.rows import Small
from watchkeeper.schemas.scores import CriterionScore

LabelWay: TypeAlias = Literal["terminal", "import"]
"""`terminal`: answered in `watchkeeper evals label`. `import`: read from another tool's file."""

LabelStratum: TypeAlias = Literal["uniform", "uncertain", "disagreement", "risk"]
"""Why a session was more likely to be drawn: for nothing; a grader was near its bar or of two minds; graders disagreed;
detectors found something grave."""

Share = Annotated[float, Field(ge=0, le=1)]


class LabelRow(Model):
    """What one person said of one session.

    Attributes:
        rubric: `intent@digest` of the rubric that was asked; empty where none was.
        skipped: the person would not or could not say: no label, but the session was looked at.
        passed: whether the session is good enough, as a whole.
        value: 0 to 1, of the criteria by weight, or as imported.
        criteria: what was said of each; without a value where it does not apply or cannot be told.
        given_by: who says so.
        occurred_at: when the session ended.
        draw_id: the draw in whose order it was labelled; empty for imports.
        inclusion: the probability with which the session was drawn, as an imported file states it; None where it was
            drawn by `draw_id`, or nobody knows.
    """

    tenant_id: Name
    label_id: Name
    session_id: Name
    origin: Origin = "live"
    agent_id: str = ""
    agent_version: str = ""
    model: str = ""
    prompt_version: str = ""
    intent: str = ""
    environment: str = ""
    retention_class: RetentionClass = "standard"
    way: LabelWay = "terminal"
    rubric: str = ""
    skipped: bool = False
    passed: bool | None = None
    value: Share | None = None
    criteria: tuple[CriterionScore, ...] = ()
    note: Sentence = ""
    given_by: Name
    given_at: Moment
    occurred_at: Moment
    draw_id: str = ""
    inclusion: Annotated[float, Field(gt=0, le=1)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> LabelRow:
        says = self.passed is not None or self.value is not None or any(one.value is not None for one in self.criteria)
        if self.skipped == says:
            raise ValueError("a label says passed, a value or criteria; one that is skipped says none of them")
        return self


class DrawRow(Model):
    """One session of one draw: the order in which sessions are labelled, and what makes that order fair.

    Each session has a place from 0 to 1, made of its id, and a size: how much labelling it is worth. Its priority is
    its size divided by its place; sessions are labelled by falling priority. Whoever stops behind the k-th has drawn
    each session with the probability min(1, size / priority of the one that comes next).

    Attributes:
        position: in the order, from 0.
        size: what it is worth, above 0.
        next_priority: of the session that comes next in the order; 0 where it was the last.
        stratum: what makes it worth more than others.
        why: the same, for people.
        candidates: how many sessions it was drawn from.
        since: candidates ended from then on.
        until: and before then.
    """

    tenant_id: Name
    draw_id: Name
    session_id: Name
    agent_id: str
    position: Small
    size: Annotated[float, Field(gt=0)]
    priority: Annotated[float, Field(gt=0)]
    next_priority: Annotated[float, Field(ge=0)]
    stratum: LabelStratum
    why: Sentence
    candidates: Small
    since: Moment
    until: Moment
    drawn_by: Name
    drawn_at: Moment
