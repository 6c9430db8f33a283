"""All sequences, in the order of the failure catalogue."""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.failure_modes import FAILURE_MODES
from watchkeeper.stream_processors.detection.sequences import (
    audit_gap,
    beyond_grant,
    cascading_approval,
    conflicting_write,
    context_drift,
    cost_runaway,
    data_leak,
    duplicate_action,
    goal_misgeneralization,
    hallucinated_tool,
    incident,
    input_drift,
    latency_budget,
    nondeterministic_decision,
    out_of_scope,
    permission_leak,
    prompt_injection,
    proxy_outcomes,
    quality_drift,
    reasoning_loop,
    record_completeness,
    scope_creep,
    spending,
    tool_boundary,
    tool_degradation,
    unapproved_action,
    unexplained_deeds,
    ungrounded_answer,
    untyped_fact,
    version_drift,
)
from watchkeeper.stream_processors.detection.sequences.sequence import Sequence

_MODULES = (
    audit_gap,
    beyond_grant,
    cascading_approval,
    conflicting_write,
    context_drift,
    cost_runaway,
    data_leak,
    duplicate_action,
    goal_misgeneralization,
    hallucinated_tool,
    incident,
    input_drift,
    latency_budget,
    nondeterministic_decision,
    out_of_scope,
    permission_leak,
    prompt_injection,
    proxy_outcomes,
    quality_drift,
    reasoning_loop,
    record_completeness,
    scope_creep,
    spending,
    tool_boundary,
    tool_degradation,
    unapproved_action,
    unexplained_deeds,
    ungrounded_answer,
    untyped_fact,
    version_drift,
)

SEQUENCES: Final[tuple[Sequence, ...]] = tuple(
    sorted(
        (sequence for module in _MODULES for sequence in module.SEQUENCES),
        key=lambda sequence: FAILURE_MODES.index(sequence.mode),
    )
)
