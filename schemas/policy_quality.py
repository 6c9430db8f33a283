"""How closely an agent's quality is watched, at which rate of false alarms: the part of a policy that drift reads."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field, model_validator

from watchkeeper.schemas.model import Model, Moment, Name

Measure: TypeAlias = Literal["abstentions", "tool_errors", "retries", "cost", "latency", "feedback", "escalations"]
"""What every session that ends tells, without a grader: whether it abstained, the shares of its tool calls that failed
and of its steps that repeated a failed one, its cost, how long models and tools worked for it, the user's feedback, and
whether it was handed to a person."""
MEASURES: tuple[Measure, ...] = get_args(Measure)

Input: TypeAlias = Literal["intents", "tools", "data", "texts"]
"""What sessions are about: their intents, the tools that they call, whether their records are whole and well formed,
and the texts that people write."""
INPUTS: tuple[Input, ...] = get_args(Input)

Direction: TypeAlias = Literal["fall", "rise"]

LEAST_PROMISE = 200


class GraderRule(Model):
    """How one grader's scores are watched.

    Attributes:
        direction: which way is worse: of acceptance a fall, of a share of mistakes a rise.
        min_effect: a change by less than this is none; None takes that of the section.
        watch: whether they are watched at all.
    """

    direction: Direction = "fall"
    min_effect: Annotated[float, Field(ge=0, le=0.5)] | None = None
    watch: bool = True


class QualityRules(Model):
    """How an agent's quality is watched. Without this section, as the defaults say.

    Attributes:
        promise: at most one false alarm in so many scored sessions, over all graders together; and in so many ended
            sessions, over all of `online` together.
        baseline: so many scores say what is usual; a stream is watched when it has them.
        baseline_days: the days that they must span at least, so that a week's ups and downs are in them.
        baseline_since: sessions before it count for nothing: what came since is accepted as usual, and learned anew.
        block: so many scores that follow each other count as one; None takes what the baseline shows.
        min_effect: a change of a mean by less than this is none.
        graders: by a grader's name (without its version) what is different for it.
        online: what is watched of every session that ends.
        inputs: what `input_drift` watches.
    """

    promise: Annotated[int, Field(ge=LEAST_PROMISE, le=1_000_000)] = 2000
    baseline: Annotated[int, Field(ge=100, le=2000)] = 500
    baseline_days: Annotated[int, Field(ge=0, le=60)] = 7
    baseline_since: Moment | None = None
    block: Annotated[int, Field(ge=1, le=100)] | None = None
    min_effect: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    graders: Annotated[dict[Name, GraderRule], Field(max_length=16)] = {}
    online: list[Measure] = list(MEASURES)
    inputs: list[Input] = list(INPUTS)

    @model_validator(mode="after")
    def _blocks_fit(self) -> QualityRules:
        if self.block is not None and (10 * self.block > self.promise or 20 * self.block > self.baseline):
            raise ValueError(
                f"blocks of {self.block} scores need a promise of at least {10 * self.block} and a baseline of at "
                f"least {20 * self.block}: raise them or lower the block"
            )
        return self
