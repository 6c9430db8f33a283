"""Which events an agent's objective is about, and which of them are bad."""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.event_data import OutcomeData, ResponseData, ToolResultData
from watchkeeper.schemas.events import Event, Outcome, Response, Retrieval, ToolResult
from watchkeeper.schemas.policy import Objective
from watchkeeper.stream_processors.detection.abstention import declines

RESPONSE: Final = "response"
RETRIEVAL: Final = "retrieval"
_FAILED: Final = frozenset({"error", "timeout"})
_RAN: Final = _FAILED | {"ok"}


def limit_us(objective: Objective) -> int | None:
    """How long a whole session may take by the objective; None where it is about something else."""
    if objective.rate != "latency" or objective.step is not None or objective.threshold_ms is None:
        return None
    return round(objective.threshold_ms * 1000)


def failed(event: ToolResult | Response) -> bool | None:
    """Whether a call or a request failed; None for a call that never ran."""
    if type(event) is ToolResult:
        return event.data.status in _FAILED if event.data.status in _RAN else None
    return bool(event.data.error_type) if type(event) is Response else None


def is_bad(objective: Objective, event: Event, *, retried: bool) -> bool | None:
    """Whether the event is bad by the objective; None where the objective is not about it.

    What is about the session itself (its time, its failure) is not told here.

    Args:
        objective: one of the agent's own.
        event: any.
        retried: whether it ends a step right after the same step had failed.
    """
    if type(event) is ToolResult:
        return _of_call(objective, event, retried=retried)
    if type(event) is Response:
        return _of_response(objective, event, retried=retried)
    if type(event) is Retrieval:
        data = event.data
        is_meant = objective.step == RETRIEVAL and data.phase == "finished"
        return _is_late(objective, data.duration_us) if is_meant else None
    if type(event) is Outcome and objective.is_outcome and event.data.name == objective.rate:
        return _of_outcome(objective, event.data)
    return None


def _of_call(objective: Objective, event: ToolResult, *, retried: bool) -> bool | None:
    data: ToolResultData = event.data
    rate, step = objective.rate, objective.step
    if step not in {None, data.tool_name} or data.status == "cancelled":
        return None
    if rate == "guard_blocks":
        return data.status == "rejected"
    if data.status not in _RAN:
        return None
    return retried if rate == "retries" else _of_step(objective, event, data.duration_us)


def _of_response(objective: Objective, event: Response, *, retried: bool) -> bool | None:
    data: ResponseData = event.data
    rate, step = objective.rate, objective.step
    if rate == "abstentions":
        return _abstains(data)
    if rate == "retries":
        return retried if step in {None, RESPONSE} else None
    return _of_step(objective, event, data.duration_us) if step == RESPONSE else None


def _of_step(objective: Objective, event: ToolResult | Response, duration_us: int | None) -> bool | None:
    """Of objectives that name a step: without one they are about the session."""
    if objective.step is None:
        return None
    if objective.rate == "latency":
        return _is_late(objective, duration_us)
    return failed(event) if objective.rate == "errors" else None


def _is_late(objective: Objective, duration_us: int | None) -> bool | None:
    if objective.rate != "latency" or objective.threshold_ms is None or duration_us is None:
        return None
    return duration_us > objective.threshold_ms * 1000


def _abstains(data: ResponseData) -> bool | None:
    if not data.answer:
        return None
    if data.abstained is not None:
        return data.abstained
    text = None if data.text is None else data.text.text
    return declines(text) if text else None


def _of_outcome(objective: Objective, data: OutcomeData) -> bool | None:
    if data.value is not None:
        return data.value < objective.good_from
    return data.label not in objective.good_labels if data.label and objective.good_labels else None
