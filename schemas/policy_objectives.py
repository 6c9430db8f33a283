"""What an agent, one of its steps or one of its tools promises: the share of good events."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, ClassVar, Final

from pydantic import Field, field_validator, model_validator

from watchkeeper.schemas.model import Model, Name

STEPS_OF: Final[dict[str, tuple[str, ...]]] = {
    "latency": ("response", "retrieval", "tool"),
    "errors": ("response", "tool"),
    "guard_blocks": ("tool",),
    "retries": ("response", "tool"),
    "abstentions": (),
    "completeness": (),
    "workflow_accuracy": (),
}
"""The rates that are counted from an agent's own events, and the steps of which each can be. Any other rate is the name
of an outcome."""

_MEANT: Final[dict[str, str]] = {
    "abstained": "abstentions",
    "abstention": "abstentions",
    "abstention_rate": "abstentions",
    "blocks": "guard_blocks",
    "durations": "latency",
    "error": "errors",
    "error_rate": "errors",
    "failures": "errors",
    "guard_block": "guard_blocks",
    "latencies": "latency",
    "latency_ms": "latency",
    "retry": "retries",
    "retry_rate": "retries",
}
"""Taken for names of outcomes, these would never be counted."""

_STEPS: Final = frozenset({"response", "retrieval"})
"""Steps that are no tools."""

Days = Annotated[int, Field(gt=0, lt=2**53)]


class Objective(Model):
    """A service level objective of a tool, a step or the agent.

    Attributes:
        rate: what is counted. `latency`, `errors`, `guard_blocks` (calls that a guard refused), `retries` (steps right
            after the same one had failed), `abstentions` (answers that decline), `completeness`, `workflow_accuracy`;
            any other name is an outcome's (`acceptance`).
        target: the share of good events promised, 0 to 1.
        threshold_ms: for latency: what is still good, in milliseconds.
        window_days: over how many days.
        step: of which step: `response` (requests to models), `retrieval`, or a tool by its name. None for the whole
            session, and for every step where sessions have no such rate.
        good_from: of an outcome: the least value that is good.
        good_labels: of an outcome told by a label: those that are good.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"step", "good_from", "good_labels"})

    rate: Name
    target: Annotated[float, Field(ge=0, le=1)]
    threshold_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    window_days: Days = 28
    step: Name | None = None
    good_from: Annotated[float, Field(allow_inf_nan=False)] = 0.5
    good_labels: list[Name] = []

    @property
    def is_outcome(self) -> bool:
        """Whether the rate is an outcome's name."""
        return self.rate not in STEPS_OF

    @field_validator("rate")
    @classmethod
    def _is_what_it_means(cls, rate: str) -> str:
        meant = _MEANT.get(rate.casefold())
        if meant is not None:
            raise ValueError(f"{rate!r} would be read as the name of an outcome: write {meant}")
        return rate

    @model_validator(mode="after")
    def _latency_has_a_threshold(self) -> Objective:
        if self.rate == "latency" and self.threshold_ms is None:
            raise ValueError("a latency objective needs threshold_ms, what is still good in milliseconds")
        return self

    @model_validator(mode="after")
    def _has_such_steps(self) -> Objective:
        if self.step is None:
            return self
        steps = STEPS_OF.get(self.rate, ())
        if not steps:
            raise ValueError(f"{self.rate} is not counted by step: leave step out")
        if self.step in _STEPS and self.step not in steps:
            raise ValueError(
                f"{self.rate} of {self.step} is not counted: write a step that is among {', '.join(steps)}, "
                "a tool by its name"
            )
        return self

    @model_validator(mode="after")
    def _only_outcomes_are_weighed(self) -> Objective:
        fields = type(self).model_fields
        given = [name for name in ("good_from", "good_labels") if getattr(self, name) != fields[name].default]
        if given and not self.is_outcome:
            raise ValueError(
                f"{' and '.join(given)} say which outcomes are good, and {self.rate} is none: leave it out"
            )
        return self


def check_steps(objectives: Iterable[Objective], tools: Collection[str]) -> None:
    """Refuses objectives of steps that the agent cannot take.

    Args:
        objectives: the agent's.
        tools: all tools that it may call.

    Raises:
        ValueError: a step is neither one of these nor `response` or `retrieval`.
    """
    for objective in objectives:
        if objective.step is not None and objective.step not in _STEPS and objective.step not in tools:
            raise ValueError(
                f"step {objective.step!r} is no tool of this policy: list it under tools, or write response "
                "or retrieval"
            )
