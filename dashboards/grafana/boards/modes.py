"""Failure modes: one panel for each mode of the catalogue, with what matters for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink, Row
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from watchkeeper.dashboards.grafana import links
from watchkeeper.dashboards.grafana.board import Board
from watchkeeper.dashboards.grafana.boards.runbooks import panel_of
from watchkeeper.dashboards.grafana.panels import HALF, line
from watchkeeper.dashboards.grafana.tables import table
from watchkeeper.schemas.failure_modes import FailureMode

UID = "watchkeeper-modes"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the panel of a mode says of it.

    Attributes:
        what: what went wrong, after the mode's name in the title.
        shows: what stands in the panel.
        units: of columns by name.
    """

    what: str
    shows: str
    units: Mapping[str, str] = field(default_factory=dict)


SHOWN: Final[Mapping[FailureMode, Shown]] = {
    "hallucinated_tool": Shown(
        "tools that do not exist",
        "Names and arguments that no registered schema knows, the nearest registered name, and the share of those "
        "whose follow-up is known that the agent corrected by itself.",
        {"corrected": "percentunit"},
    ),
    "tool_boundary": Shown(
        "tools used beyond their permission",
        "Tools that the agent may not call, arguments beyond their bounds, resources that are not its own, and rates.",
    ),
    "scope_creep": Shown(
        "more than was asked for",
        "Actions that the goal refuses, tool budgets passed, and actions that nothing asked for; `most_calls` of a "
        "budget.",
    ),
    "unapproved_action": Shown(
        "done without approval",
        "Actions that wanted an approval, why what there was did not count, and how many of them took effect.",
    ),
    "cascading_approval": Shown(
        "authority that nobody gave",
        "Delegations that hand on more than was held, and actions beyond a grant, by what is wrong with them.",
    ),
    "duplicate_action": Shown(
        "done twice",
        "Writes and irreversible actions that were repeated, what was known of the first one, and how far apart.",
        {"apart": "s"},
    ),
    "conflicting_write": Shown(
        "writes that overwrote others", "Resources that two sessions wrote, one unaware of the other."
    ),
    "reasoning_loop": Shown(
        "going round in circles",
        "By the tools of one round: rounds, calls, tokens and money.",
        {"spend": "currencyUSD"},
    ),
    "cost_runaway": Shown(
        "more than it may cost",
        "Caps, budgets and spend beyond the usual; `worst_use` is what was used of what is allowed.",
        {"worst_use": "percentunit"},
    ),
    "latency_budget": Shown(
        "objectives that burn",
        "Objectives whose error budget burns too fast (`burn` 1 uses it up exactly), and what is used of it.",
        {"budget_used": "percentunit", "p95": "ms"},
    ),
    "tool_degradation": Shown(
        "tools that got worse",
        "Tools that fail more, or take longer, than before, and the retries that come of it.",
    ),
    "audit_gap": Shown(
        "what the record lacks", "By kind and by tool or field; `open` are those that nothing late has filled."
    ),
    "goal_misgeneralization": Shown(
        "the letter, not the purpose",
        "Business rules broken, customers' limits passed, and proxies that rise while the outcome falls (its effect in "
        "standard deviations).",
    ),
    "context_drift": Shown(
        "values that leave their source",
        "Values that differ from their source, changed on the way or are stale, by step; of workflows the product of "
        "their steps' accuracies.",
        {"farthest": "percentunit", "compounded": "percentunit"},
    ),
    "nondeterministic_decision": Shown(
        "equal facts, different outcomes", "Decisions that came out differently on the same facts and rules."
    ),
    "untyped_fact": Shown(
        "facts without a type",
        "Facts of decisions that are missing or malformed, with what was expected and what came.",
    ),
    "unsafe_rule_change": Shown("rules changed unsafely", "What was found, by kind, with the latest in words."),
    "ungrounded_answer": Shown(
        "answers without support",
        "Answers where the agent should have abstained, and claims that nothing it had read supports.",
    ),
    "permission_leak": Shown(
        "documents for others",
        "Documents that the asker may not see, how far they came (model, answer), and access lists that were too old.",
        {"oldest_list": "s"},
    ),
    "prompt_injection": Shown(
        "orders from contents",
        "Contents that give orders, by where they came from, and calls that followed them.",
    ),
    "data_leak": Shown(
        "data that left",
        "What left, by which way; `masked` by the producer, so that the record does not hold it; `was_read` by the "
        "agent before.",
    ),
    "quality_drift": Shown(
        "worse than it was",
        "Graders, measures and suites whose mean fell, and the change's interval. More: the dashboard Quality.",
        {"before": "percentunit", "after": "percentunit", "change_low": "percentunit", "change_high": "percentunit"},
    ),
    "input_drift": Shown(
        "asked for other things", "What sessions are about, or what is told of them, and what moved most."
    ),
    "version_drift": Shown(
        "changed without a release", "Models, prompts, tools and policies that changed under the same agent version."
    ),
    "incident": Shown(
        "failures that belong together",
        "Compounded failures by their first cause and what followed. `watchkeeper incident report ID` tells the story.",
    ),
}
"""Every mode of the catalogue, in the order of the panels."""

GROUPS: Final[Mapping[str, tuple[FailureMode, ...]]] = {
    "Tools and authority": (
        *("hallucinated_tool", "tool_boundary", "scope_creep", "unapproved_action", "cascading_approval"),
        *("duplicate_action", "conflicting_write"),
    ),
    "Money, time, tools' health": ("reasoning_loop", "cost_runaway", "latency_budget", "tool_degradation"),
    "Record, decisions, goals": (
        *("audit_gap", "goal_misgeneralization", "context_drift", "nondeterministic_decision", "untyped_fact"),
        "unsafe_rule_change",
    ),
    "What it read and said": ("ungrounded_answer", "permission_leak", "prompt_injection", "data_leak"),
    "Over time, and together": ("quality_drift", "input_drift", "version_drift", "incident"),
}


def board() -> Board:
    """The dashboard."""
    return Board(
        uid=UID,
        title="Watchkeeper: Failure modes",
        description="Each mode of the failure catalogue: where it shows, in what, and what to do about it.",
        rows=(
            (Row("All of them"), (by_mode(), over_time())),
            *((Row(heading), tuple(of_mode(mode) for mode in modes)) for heading, modes in GROUPS.items()),
        ),
    )


def by_mode() -> Table:
    """Which there are."""
    return table(
        "Findings by failure mode",
        "Findings whose failure began in the range, by severity, and those that were taken back later. A click on the "
        "mode opens its runbook.",
        "modes/by_mode",
        links={"mode": links.RUNBOOK},
        hidden=links.HIDDEN,
        width=HALF,
    )


def over_time() -> TimeSeries:
    """When."""
    return line(
        "Findings by mode",
        "By the time at which the failure began.",
        "agent/findings",
        stacked=True,
    )


def of_mode(mode: FailureMode) -> Table:
    """What matters for one mode."""
    shown = SHOWN[mode]
    runbook = (
        DashboardLink("Runbook").type(DashboardLinkType.LINK).url(f"/d/watchkeeper-runbooks?viewPanel={panel_of(mode)}")
    )
    return table(
        f"{mode}: {shown.what}",
        f"{shown.shows} By the time at which the failure began; the session is the latest. Runbook: "
        f"docs/runbooks/{mode}.md.",
        f"modes/{mode}",
        units=shown.units,
        links={"session": links.SESSION, "agent": links.AGENT},
        hidden=links.HIDDEN,
        width=HALF,
        height=8,
    ).links([runbook])
