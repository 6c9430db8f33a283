"""Scores: what graders say of sessions. One JSON object a line on `agent.scores`; rows of the table `scores`.

A score has the id of what it is about (what was graded, by which grader, under which plan): graded again after a crash,
or by two schedulers at once, it is the same score and replaces itself.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from watchkeeper.schemas.envelope import Origin, RetentionClass, TenantId
from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.model import Model, Moment, Name, Sentence, Subject

ResultType: TypeAlias = Literal["pass", "number", "label", "failure"]
"""`pass`: passed or not. `number`: 0 (worst) to 1 (best). `label`: one of the grader's labels. `failure`: the grader
could not say (it raised, its judge did not answer, its budget was spent): never a zero, and in no average."""

ScoreSource: TypeAlias = Literal["live", "suite", "gate", "human"]
"""`live`: a sampled session of production. `suite`: the frozen suite on its schedule. `gate`: a candidate before its
release. `human`: a label that a person gave."""


INPUTS_GRADER: Final = "inputs"
"""Compares the texts of a window of sessions with those of a reference. Its session is the window's name; it passes
where they are alike; its criteria are the terms that moved, with the share of texts that hold them now, and in the note
the share before; its label says how surely and how far they differ."""


SUITE_GRADER: Final = "suite_comparison"
"""Compares a run of a suite with the last good one. Its session is the run; it passes where the run is not worse; its
label says why not."""


class CriterionScore(Model):
    """What a rubric's criterion got.

    Attributes:
        value: 0 to 1; None where it does not apply or could not be said.
        must_pass: whether failing it fails the whole.
    """

    name: Name
    value: Annotated[float, Field(ge=0, le=1)] | None
    weight: Annotated[float, Field(gt=0)] = 1.0
    must_pass: bool = False
    note: Sentence = ""


class Score(Model):
    """What one grader said of one session, or of one run of a suite's case.

    Attributes:
        score_id: `score_id_of` what is graded.
        subject: `score:tenant/origin/agent`: the record's key.
        session_id: the session that was graded; of a suite's case, the session in which the candidate answered, or the
            case's name where it left none.
        suite: name and version (`refunds@3`), empty for live sessions.
        case_id: the suite's case, empty for live sessions.
        run_id: the scheduled or asked run to which this belongs.
        grader: `name@version`.
        target: `name@version` of what is measured against: a suite's registered target, empty if none.
        passed: of `pass`, and of `number` with a bar: whether it is good enough.
        value: 0 to 1; of `pass` 1 or 0; None for `label` and `failure`.
        label: of `label`.
        reason: why, for people; of `failure`, what went wrong and what to do. Quotes nothing personal.
        criteria: the rubric's, where it has one.
        inclusion: the probability with which this session was drawn; 1 where all are graded. Weights are its inverse.
        kept: of those that were drawn together with it, the share for which the day's budget had room; a part of
            `inclusion`.
        stratum: why it was drawn: `uniform`, or the risk for which it was oversampled.
        occurred_at: when the graded session ended.
        graded_at: when it was graded.
        cost_usd: what grading cost.
    """

    schema_version: Annotated[int, Field(ge=1, le=1)] = 1
    score_id: Name
    subject: Subject
    tenant_id: TenantId
    origin: Origin
    source: ScoreSource
    session_id: Name
    agent_id: Name
    agent_version: str = ""
    model: str = ""
    prompt_version: str = ""
    intent: str = ""
    environment: str = ""
    retention_class: RetentionClass = "standard"
    suite: str = ""
    case_id: str = ""
    run_id: str = ""
    grader: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)]
    target: str = ""
    result_type: ResultType
    passed: bool | None = None
    value: Annotated[float, Field(ge=0, le=1)] | None = None
    label: str = ""
    reason: Sentence = ""
    criteria: tuple[CriterionScore, ...] = ()
    inclusion: Annotated[float, Field(gt=0, le=1)] = 1.0
    kept: Annotated[float, Field(gt=0, le=1)] = 1.0
    stratum: str = "uniform"
    occurred_at: Moment
    graded_at: Moment
    cost_usd: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _says_what_its_type_says(self) -> Score:
        if self.result_type == "pass" and (self.passed is None or self.value != float(self.passed)):
            raise ValueError("a score of type pass says passed, and its value is 1 or 0")
        if self.result_type == "number" and self.value is None:
            raise ValueError("a score of type number has a value from 0 to 1")
        if self.result_type == "label" and (not self.label or self.value is not None):
            raise ValueError("a score of type label has a label and no value")
        if self.result_type == "failure" and (self.value is not None or self.passed is not None or not self.reason):
            raise ValueError("a failure has a reason and neither value nor passed: it is no zero")
        return self


def score_id_of(
    *,
    tenant_id: str,
    source: ScoreSource,
    session_id: str,
    grader: str,
    suite: str = "",
    case_id: str = "",
    run_id: str = "",
) -> str:
    """The id of a score: of a live session whatever run graded it, of a suite's case the run's own."""
    run = "" if source in {"live", "human"} else run_id
    return derived_id("score", tenant_id, source, session_id, grader, suite, case_id, run)


def subject_of_scores(tenant_id: str, origin: Origin, agent_id: str) -> str:
    """The key of an agent's scores."""
    return f"score:{tenant_id}/{origin}/{agent_id}"


SCORE_ADAPTER: TypeAdapter[Score] = TypeAdapter(Score)
