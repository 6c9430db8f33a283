"""What graders said of sessions, and how sessions went: what drift is told by."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from watchkeeper.schemas.model import Name
from watchkeeper.schemas.policy_quality import Measure, QualityRules
from watchkeeper.schemas.scores import CriterionScore, ResultType
from watchkeeper.schemas.signals.base import SignalBase


class Scored(SignalBase):
    """A grader said something of a session; its position is that of the score in `agent.scores`.

    A score that was told before is not told again, whether it is graded twice or published twice.

    Attributes:
        inclusion: with which probability the session was drawn, before a day's budget cut those that were: what all
            share weighs nobody more than others.
        criteria: of the grader `inputs` alone, which compares windows of sessions: the terms that moved.
        source: `live`, a sampled session; `suite`, a case of the frozen suite.
        score_id: the score's, as are the other fields.
    """

    from_topic: ClassVar[str] = "scores"

    kind: Literal["scored"] = "scored"
    score_id: Name
    source: Literal["live", "suite"]
    grader: Name
    suite: str = ""
    target: str = ""
    result_type: ResultType
    passed: bool | None = None
    value: Annotated[float, Field(ge=0, le=1)] | None = None
    label: str = ""
    intent: str = ""
    agent_version: str = ""
    model: str = ""
    prompt_version: str = ""
    environment: str = ""
    inclusion: Annotated[float, Field(gt=0, le=1)] = 1.0
    criteria: list[CriterionScore] = []


class SessionFared(SignalBase):
    """What a session that ended was about, and how it went; or what was heard of it later.

    Attributes:
        ended: False of what came later: a user's feedback.
        measures: by name, as far as it is known: shares, and of cost US dollars, of latency seconds.
        tools: the tools that it called, each once.
        problems: what is wrong with its record: `missing intent`, `malformed arguments`.
        rules: how the agent's policy has it watched.
    """

    kind: Literal["session_fared"] = "session_fared"
    ended: bool = True
    measures: dict[Measure, Annotated[float, Field(ge=0)]] = {}
    intent: str = ""
    agent_version: str = ""
    model: str = ""
    prompt_version: str = ""
    environment: str = ""
    tools: list[Name] = []
    problems: list[Name] = []
    rules: QualityRules = QualityRules()
