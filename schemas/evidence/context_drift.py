"""Evidence of `context_drift`: values that leave their source from step to step."""

from __future__ import annotations

from typing import Literal

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model


class ValueMismatch(Model):
    """At a step the agent held another value than its source.

    Attributes:
        held: described.
        in_source: described.
        apart: by which share of the source's number; None for what is no number.
    """

    kind: Literal["value_mismatch"] = "value_mismatch"
    step: str
    checkpoint_id: str
    value: str
    source: str
    source_version: str
    held: str
    in_source: str
    apart: float | None = None


class ValueChanged(Model):
    """A value changed between two steps, though its source did not.

    Attributes:
        since_step: where it was last seen as it was.
        now: the value, described.
    """

    kind: Literal["value_changed"] = "value_changed"
    step: str
    checkpoint_id: str
    value: str
    source: str
    source_version: str
    since_step: str
    now: str


class StaleSource(Model):
    """At a step the agent held a value of a version that its source has left behind.

    Attributes:
        source_version: of the value held.
        newer_version: that was seen in this session.
        newer_step: where it was seen.
    """

    kind: Literal["stale_source"] = "stale_source"
    step: str
    checkpoint_id: str
    value: str
    source: str
    source_version: str
    newer_version: str
    newer_step: str


class StepAccuracy(Model):
    """How often a step had all its values right.

    Attributes:
        ran: sessions that were checked there.
        right: of these, with nothing wrong.
    """

    step: str
    ran: Count
    right: Count


class WorkflowAccuracy(Model):
    """The steps of a workflow, one after the other, are right less often than its objective asks.

    Attributes:
        compounded: the product of the steps' accuracies.
        lower: of an interval for the product.
        upper: of an interval for the product.
        whole: the share of sessions in which every step was right.
        confidence: that the objective is missed, over all looks within a window.
        steps: the worst first, at most twelve.
    """

    kind: Literal["workflow_accuracy"] = "workflow_accuracy"
    workflow: str
    target: float
    window_days: Count
    sessions: Count
    compounded: float
    lower: float
    upper: float
    whole: float
    confidence: float
    steps: list[StepAccuracy]
