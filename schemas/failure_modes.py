"""The failure catalogue's identifiers. They are stable: findings, tables, dashboards and docs use them."""

from __future__ import annotations

from typing import Literal, get_args

FailureMode = Literal[
    "hallucinated_tool",
    "scope_creep",
    "cost_runaway",
    "reasoning_loop",
    "audit_gap",
    "tool_boundary",
    "unapproved_action",
    "cascading_approval",
    "goal_misgeneralization",
    "context_drift",
    "nondeterministic_decision",
    "unsafe_rule_change",
    "untyped_fact",
    "ungrounded_answer",
    "permission_leak",
    "prompt_injection",
    "data_leak",
    "duplicate_action",
    "conflicting_write",
    "tool_degradation",
    "latency_budget",
    "quality_drift",
    "input_drift",
    "version_drift",
    "incident",
]
FAILURE_MODES: tuple[FailureMode, ...] = get_args(FailureMode)

Severity = Literal["info", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


def runbook_of(mode: FailureMode) -> str:
    """Where a finding's runbook stands, relative to the repository and to the published docs alike."""
    return f"docs/runbooks/{mode}.md"
