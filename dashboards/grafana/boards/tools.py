"""Tools and latency: which tools slow agents down or fail them."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from watchkeeper.dashboards.grafana import links
from watchkeeper.dashboards.grafana.board import Board
from watchkeeper.dashboards.grafana.panels import line
from watchkeeper.dashboards.grafana.tables import table

UID = "watchkeeper-tools"


def board() -> Board:
    """The dashboard."""
    return Board(
        uid=UID,
        title="Watchkeeper: Tools and latency",
        description="Which tools slow agents down or fail them.",
        rows=(
            (Row("Tools"), (calls(), error_share(), tool_latency(), model_latency())),
            (Row("Each tool"), (tools(),)),
            (Row("Objectives"), (objectives(), burn_rates(), burned())),
        ),
    )


def calls() -> TimeSeries:
    """How often tools are called."""
    return line("Calls", "Calls of each tool, registered or not.", "tools/calls", stacked=True)


def error_share() -> TimeSeries:
    """How often they fail."""
    return line(
        "Error share",
        "Of each tool's results, the share that were errors or came too late. A tool's objective in the policy decides "
        "when tool_degradation is found: docs/runbooks/tool_degradation.md.",
        "tools/error_share",
        unit="percentunit",
        limit=0.1,
    )


def tool_latency() -> TimeSeries:
    """How long they take."""
    return line(
        "Time to a tool's result",
        "Median, 95 and 99 of 100, over all tools, within one percent.",
        "tools/latency",
        unit="s",
    )


def model_latency() -> TimeSeries:
    """How long models take."""
    return line(
        "Time to a model's response",
        "Median, 95 and 99 of 100, over all models, within one percent.",
        "tools/model_latency",
        unit="s",
    )


def tools() -> Table:
    """Each of them."""
    return table(
        "Tools",
        "Calls, errors and latency of each tool over the range.",
        "tools/tools",
        units={"error_share": "percentunit", "p50": "s", "p95": "s"},
    )


def objectives() -> Table:
    """What agents promise, and how they keep it."""
    return table(
        "Objectives",
        "Of each objective of agents' policies: the share of good events promised and kept in the last 28 days, and "
        "how much of what may go wrong is used up; 100 % is all of it. Of agents heard of since the range began. What "
        "to do: docs/runbooks/latency_budget.md.",
        "tools/objectives",
        units={"target": "percentunit", "kept": "percentunit", "budget_used": "percentunit"},
        decimals={"target": 2, "kept": 2, "budget_used": 0},
        gauges={"budget_used": 1.0},
        links={"agent": links.AGENT},
        hidden=("tenant",),
    )


def burn_rates() -> Table:
    """How fast budgets burn."""
    return table(
        "Burn rates",
        "How many times as fast as allowed the error budget burns, in pairs of windows: fast (1 h and 5 min), slow "
        "(6 h and 30 min), chronic (3 d and 6 h). Where both are above the limit, and enough events prove it, "
        "latency_budget is found. As of the range's end; windows of times long past are no longer kept.",
        "tools/burn_rates",
        decimals={"long_burn": 2, "short_burn": 2, "alarms_above": 2},
        gauges={"long_burn": 1.0},
        links={"agent": links.AGENT},
        hidden=("tenant",),
    )


def burned() -> TimeSeries:
    """What each day used."""
    return line(
        "Error budget used by day",
        "Bad events of each day over those that the objective allows for as many events: above 1, more is used than "
        "there is. Days in UTC; of agents heard of since the range began.",
        "tools/burned",
        limit=1,
        width=24,
    )
