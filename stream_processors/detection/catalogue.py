"""The rules that judge: those of stage 1 in the order in which they are shown each event, and those of stage 2."""

from __future__ import annotations

from typing import Any

from watchkeeper.stream_processors.detection.detector import Detector
from watchkeeper.stream_processors.detection.grant_book import GrantBook
from watchkeeper.stream_processors.detection.session_rules.audit_gap import AuditGap
from watchkeeper.stream_processors.detection.session_rules.broken_constraint import BrokenConstraints
from watchkeeper.stream_processors.detection.session_rules.cost_runaway import CostRunaway
from watchkeeper.stream_processors.detection.session_rules.data_leak import DataLeak
from watchkeeper.stream_processors.detection.session_rules.delegated_authority import DelegatedAuthority
from watchkeeper.stream_processors.detection.session_rules.drifted_value import DriftedValues
from watchkeeper.stream_processors.detection.session_rules.duplicate_action import DuplicateActions
from watchkeeper.stream_processors.detection.session_rules.hallucinated_tool import HallucinatedTool
from watchkeeper.stream_processors.detection.session_rules.permission_leak import PermissionLeak
from watchkeeper.stream_processors.detection.session_rules.prompt_injection import PromptInjection
from watchkeeper.stream_processors.detection.session_rules.reasoning_loop import ReasoningLoop
from watchkeeper.stream_processors.detection.session_rules.record_completeness import RecordCompleteness
from watchkeeper.stream_processors.detection.session_rules.resource_writes import ResourceWrites
from watchkeeper.stream_processors.detection.session_rules.scope_creep import ScopeCreep
from watchkeeper.stream_processors.detection.session_rules.session_facts import SessionFactsRule
from watchkeeper.stream_processors.detection.session_rules.told_decision import ToldDecisions
from watchkeeper.stream_processors.detection.session_rules.told_fare import ToldFares
from watchkeeper.stream_processors.detection.session_rules.told_objectives import ToldObjectives
from watchkeeper.stream_processors.detection.session_rules.told_outcome import ToldOutcomes
from watchkeeper.stream_processors.detection.session_rules.told_spend import ToldSpend
from watchkeeper.stream_processors.detection.session_rules.told_tool_use import ToldToolUse
from watchkeeper.stream_processors.detection.session_rules.tool_boundary import ToolBoundary
from watchkeeper.stream_processors.detection.session_rules.unapproved_action import UnapprovedActions
from watchkeeper.stream_processors.detection.session_rules.unexplained_action import UnexplainedActions
from watchkeeper.stream_processors.detection.session_rules.ungrounded_answer import UngroundedAnswer
from watchkeeper.stream_processors.detection.session_rules.untyped_fact import UntypedFacts
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule
from watchkeeper.stream_processors.detection.subject_rules.budget_spend import BudgetSpend
from watchkeeper.stream_processors.detection.subject_rules.capped_share import CappedShareRule
from watchkeeper.stream_processors.detection.subject_rules.cascading_approval import CascadingApproval
from watchkeeper.stream_processors.detection.subject_rules.completeness import Completeness
from watchkeeper.stream_processors.detection.subject_rules.conflicting_write import ConflictingWrites
from watchkeeper.stream_processors.detection.subject_rules.customer_limit import CustomerLimits
from watchkeeper.stream_processors.detection.subject_rules.equal_facts import EqualFacts
from watchkeeper.stream_processors.detection.subject_rules.incident import Incidents
from watchkeeper.stream_processors.detection.subject_rules.input_drift import InputDrift
from watchkeeper.stream_processors.detection.subject_rules.objective_burn import ObjectiveBurn
from watchkeeper.stream_processors.detection.subject_rules.proxy_divergence import ProxyDivergences
from watchkeeper.stream_processors.detection.subject_rules.quality_drift import QualityDrift
from watchkeeper.stream_processors.detection.subject_rules.rate_limits import RateLimits
from watchkeeper.stream_processors.detection.subject_rules.repeated_across import RepeatedAcross
from watchkeeper.stream_processors.detection.subject_rules.spend_history import SpendHistory
from watchkeeper.stream_processors.detection.subject_rules.tool_health import ToolHealth
from watchkeeper.stream_processors.detection.subject_rules.version_drift import VersionDrifts
from watchkeeper.stream_processors.detection.subject_rules.workflow_accuracy import WorkflowAccuracies


def default_detectors() -> tuple[Detector[Any], ...]:
    """Every rule of stage 1 with its default parameters. They hold no session and may be shared."""
    return (
        HallucinatedTool(),
        CostRunaway(),
        ReasoningLoop(),
        AuditGap(),
        ToolBoundary(),
        UnapprovedActions(),
        ScopeCreep(),
        UnexplainedActions(),
        BrokenConstraints(),
        ToldOutcomes(),
        ToldDecisions(),
        DriftedValues(),
        UntypedFacts(),
        PermissionLeak(),
        DuplicateActions(),
        ResourceWrites(),
        DelegatedAuthority(),
        SessionFactsRule(),
        PromptInjection(),
        DataLeak(),
        UngroundedAnswer(),
        ToldToolUse(),
        ToldSpend(),
        ToldObjectives(),
        RecordCompleteness(),
        ToldFares(),
    )


def default_subject_rules(grants: GrantBook | None = None) -> tuple[SubjectRule[Any], ...]:
    """Every rule of stage 2 with its default parameters. They hold no subject and may be shared.

    Args:
        grants: what stands on `agent.grants`; nothing, if None.
    """
    return (
        CappedShareRule(),
        RateLimits(),
        CustomerLimits(),
        ProxyDivergences(),
        EqualFacts(),
        WorkflowAccuracies(),
        RepeatedAcross(),
        ConflictingWrites(),
        CascadingApproval(grants),
        Incidents(),
        VersionDrifts(),
        Completeness(),
        ToolHealth(),
        BudgetSpend(),
        SpendHistory(),
        ObjectiveBurn(),
        QualityDrift(),
        InputDrift(),
    )
