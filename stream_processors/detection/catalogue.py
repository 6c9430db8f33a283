"""The rules that judge sessions, in the order in which they are shown each event."""

from __future__ import annotations

from typing import Any

from watchkeeper.stream_processors.detection.audit_gap import AuditGap
from watchkeeper.stream_processors.detection.cost_runaway import CostRunaway
from watchkeeper.stream_processors.detection.detector import Detector
from watchkeeper.stream_processors.detection.hallucinated_tool import HallucinatedTool
from watchkeeper.stream_processors.detection.reasoning_loop import ReasoningLoop


def default_detectors() -> tuple[Detector[Any], ...]:
    """Every rule of stage 1 with its default parameters. They hold no session and may be shared."""
    return (HallucinatedTool(), CostRunaway(), ReasoningLoop(), AuditGap())
