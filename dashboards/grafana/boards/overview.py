"""Overview: is the fleet well, and what should be looked at first."""

from __future__ import annotations

from grafana_foundation_sdk.builders.barchart import Panel as BarChart
from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from watchkeeper.dashboards.grafana import links
from watchkeeper.dashboards.grafana.board import Board
from watchkeeper.dashboards.grafana.palette import SEVERITY_COLOURS, STATUS_COLOURS
from watchkeeper.dashboards.grafana.panels import HALF, bars, line, stat
from watchkeeper.dashboards.grafana.tables import found, table

UID = "watchkeeper-overview"


def board() -> Board:
    """The dashboard."""
    return Board(
        uid=UID,
        title="Watchkeeper: Overview",
        description="Is the fleet well, and what should be looked at first.",
        rows=(
            (Row("At a glance"), (started(), grave(), failed(), stopped(), tool_errors(), spend())),
            (Row("Over time"), (sessions(), findings())),
            (Row("What was found"), (by_mode(), agents())),
            (Row("Latest findings"), (latest(),)),
        ),
    )


def started() -> Stat:
    """How much is going on."""
    return stat("Sessions started", "Sessions that began in the range.", "overview/sessions_started")


def grave() -> Stat:
    """What a person should look at."""
    return stat(
        "Grave findings",
        "Findings of severity high or critical whose failure began in the range, resolved ones included.",
        "overview/grave_findings",
        limit=1,
    )


def failed() -> Stat:
    """Sessions that ended badly by their own word."""
    return stat(
        "Sessions failed",
        "Of the sessions that ended in the range, the share whose agent said `failed`.",
        "overview/failed_share",
        unit="percentunit",
        decimals=1,
        limit=0.05,
    )


def stopped() -> Stat:
    """Sessions that were ended from outside."""
    return stat(
        "Sessions stopped",
        "Sessions that ended because a command told them to: by a rule that acts, or by a person.",
        "overview/stopped",
    )


def tool_errors() -> Stat:
    """Whether the tools work."""
    return stat(
        "Tool errors",
        "Of the tools' results, the share that were errors or came too late. By tool: the dashboard Tools and latency.",
        "overview/tool_error_share",
        unit="percentunit",
        decimals=1,
        limit=0.1,
    )


def spend() -> Stat:
    """Money."""
    return stat(
        "Spend",
        "What model requests cost by the price book. Requests without a known price are not in it: the dashboard Spend "
        "lists them.",
        "overview/spend",
        unit="currencyUSD",
        decimals=2,
    )


def sessions() -> TimeSeries:
    """Sessions by how they went."""
    return line(
        "Sessions",
        "Sessions that started, and that ended by their own word: completed, failed, stopped. Those that fell silent "
        "are in none of them.",
        "overview/sessions",
        colours=STATUS_COLOURS,
    )


def findings() -> TimeSeries:
    """Findings by severity."""
    return line(
        "Findings",
        "What was found, by the time at which the failure began and by severity.",
        "overview/findings",
        colours=SEVERITY_COLOURS,
        stacked=True,
    )


def by_mode() -> BarChart:
    """Which failures there are."""
    return bars(
        "Findings by failure mode",
        "Each mode of the catalogue with findings in the range. docs/runbooks/ tells what each means and what to do.",
        "overview/findings_by_mode",
    )


def agents() -> Table:
    """Which agents."""
    return table(
        "Agents",
        "Sessions, spend and calls of each agent. Unpriced requests cost more than is shown.",
        "overview/agents",
        units={"spend": "currencyUSD", "spend_a_session": "currencyUSD"},
        links={"agent": links.AGENT},
        width=HALF,
    )


def latest() -> Table:
    """What to read first."""
    return found(
        "Latest findings",
        "The hundred latest findings, each as last revised. A click on the session tells its story, on the mode opens "
        "its runbook; `watchkeeper finding show ID` prints the evidence.",
        "overview/latest_findings",
    )
