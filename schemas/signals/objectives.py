"""How tools fared, and how agents kept their objectives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from watchkeeper.schemas.model import Model, Name, Sentence
from watchkeeper.schemas.policy import Objective
from watchkeeper.schemas.signals.base import SignalBase


class ObjectiveCount(Model):
    """Events that an objective is about, and how many of them were bad.

    Attributes:
        fallback: where it is about a tool: what the policy says to do without that.
    """

    objective: Objective
    events: Annotated[int, Field(ge=0)]
    bad: Annotated[int, Field(ge=0)]
    fallback: Sentence = ""


class ToolUsed(SignalBase):
    """How a tool fared in a session since it was last told.

    Attributes:
        errors: calls that failed or timed out.
        retries: calls right after a failed one.
        durations: a sketch of milliseconds (`quantile_sketch`).
        rates: of the objectives of the session's policy.
        advise: whether the policy lets the tool's circuit be opened.
        fallback: what the policy says to do without the tool; empty where it says nothing.
    """

    kind: Literal["tool_used"] = "tool_used"
    tool_name: Name
    calls: Annotated[int, Field(ge=0)]
    errors: Annotated[int, Field(ge=0)] = 0
    retries: Annotated[int, Field(ge=0)] = 0
    durations: dict[str, Annotated[int, Field(ge=0)]] = {}
    rates: list[ObjectiveCount] = []
    advise: bool = False
    fallback: Sentence = ""


class ObjectivesCounted(SignalBase):
    """How a session kept its agent's objectives since it was last told.

    Attributes:
        rates: of the objectives of the session's policy, those with events.
        steps: requests to models and calls that ended.
        retries: those right after the same step had failed.
        retried: their steps: `response`, or tools.
        advise: whether the policy lets the agent be slowed down.
    """

    kind: Literal["objectives_counted"] = "objectives_counted"
    rates: list[ObjectiveCount]
    steps: Annotated[int, Field(ge=0)] = 0
    retries: Annotated[int, Field(ge=0)] = 0
    retried: list[Name] = []
    advise: bool = False
