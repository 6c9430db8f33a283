"""Agent: how one agent, or a few, behave, session by session."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from watchkeeper.dashboards.grafana import links
from watchkeeper.dashboards.grafana.board import Board
from watchkeeper.dashboards.grafana.palette import QUANTILE_COLOURS
from watchkeeper.dashboards.grafana.panels import HALF, line, stat
from watchkeeper.dashboards.grafana.tables import table

UID = "watchkeeper-agent"
CAPPED_LIMIT = 0.05
"""Field reports put the line there: a cap that more sessions hit is a wrong design, no runaway session."""

_SHARES = {"completed": "percentunit", "with_findings": "percentunit", "capped": "percentunit"}
_COSTS = {"cost_p50": "currencyUSD", "cost_p95": "currencyUSD"}
_ALL_INTENTS = "Of all intents: minutes do not know them."


def board() -> Board:
    """The dashboard."""
    return Board(
        uid=UID,
        title="Watchkeeper: Agent",
        description="How one agent, or a few, behave, session by session.",
        variables=("tenant", "agent", "intent", "version", "origin"),
        rows=(
            (
                Row("At a glance"),
                (sessions(), capped_share(), loop_share(), whole_share(), abstained_share(), median()),
            ),
            (Row("Caps"), (capped(), caps())),
            (Row("Loops"), (looped(), loops())),
            (Row("What a session costs"), (cost(), by_intent(), by_version())),
            (Row("Tools"), (tools(), unknown_tools())),
            (Row("Saying no, and telling all"), (abstained(), whole(), gaps())),
            (Row("What was found"), (findings(), worst())),
        ),
    )


def sessions() -> Stat:
    """How many there were."""
    return stat("Sessions", "Sessions that began in the range.", "agent/sessions")


def capped_share() -> Stat:
    """Whether the caps are right."""
    return stat(
        "Capped",
        "Of the sessions that began in the range, the share that crossed a cap of its policy. Above 5 % the cap or the "
        "agent's design is wrong, no single session.",
        "agent/capped_share",
        unit="percentunit",
        decimals=1,
        limit=CAPPED_LIMIT,
    )


def loop_share() -> Stat:
    """How many go round in circles."""
    return stat(
        "Looped",
        "Of the sessions that began in the range, the share in which a reasoning loop was found.",
        "agent/loop_share",
        unit="percentunit",
        decimals=1,
        limit=0.02,
    )


def whole_share() -> Stat:
    """How much of the record is there."""
    return stat(
        "Recorded whole",
        "Of the sessions that began in the range, the share without an open audit gap.",
        "agent/whole_share",
        unit="percentunit",
        decimals=1,
    )


def abstained_share() -> Stat:
    """How often it declines."""
    return stat(
        "Abstentions a session",
        "Answers in which the agent said that it would not answer, by sessions that began in the range. "
        + _ALL_INTENTS,
        "agent/abstained_share",
        unit="percentunit",
        decimals=1,
    )


def median() -> Stat:
    """What the usual session costs."""
    return stat(
        "Median cost",
        "Of the sessions that began in the range and whose requests all have a price.",
        "agent/cost_median",
        unit="currencyUSD",
        decimals=4,
    )


def capped() -> TimeSeries:
    """Caps against the line."""
    return line(
        "Sessions that hit a cap",
        "Of the sessions that began in each step, the share that crossed a cap, then or later. The dashed line is the "
        "5 % of field reports; the policy's own limit (thresholds.capped_sessions_share) decides what is found.",
        "agent/capped",
        unit="percentunit",
        decimals=1,
        limit=CAPPED_LIMIT,
    )


def caps() -> Table:
    """Which of them, and how far."""
    return table(
        "Caps",
        "Sessions by the cap that they crossed, with what they used of it (1 is all of it), and the session that went "
        "farthest. Of all intents.",
        "agent/caps",
        units={"median_use": "percentunit", "worst_use": "percentunit"},
        links={"session": links.SESSION, "agent": links.AGENT},
        hidden=links.HIDDEN,
        width=HALF,
        height=8,
    )


def looped() -> TimeSeries:
    """How many go round in circles, over time."""
    return line(
        "Sessions in a loop",
        "Of the sessions that began in each step, the share in which a loop was found.",
        "agent/looped",
        unit="percentunit",
        decimals=1,
    )


def loops() -> Table:
    """What they repeat."""
    return table(
        "Loops",
        "By the tools of one round: what the repetitions took in calls, tokens, time and money. Of all intents.",
        "agent/loops",
        units={"lasted": "s", "spend": "currencyUSD"},
        width=HALF,
        height=8,
    )


def cost() -> TimeSeries:
    """The spread of a session's cost."""
    return line(
        "Cost of a session",
        "Of the sessions that began in each step and whose requests all have a price: median, 90 and 99 of 100.",
        "agent/cost_quantiles",
        unit="currencyUSD",
        colours=QUANTILE_COLOURS,
        width=24,
    )


def by_intent() -> Table:
    """By what was asked."""
    return table(
        "By intent",
        "Sessions by what they were about. Completed: of those that ended. Costs: of those that are fully priced.",
        "agent/by_intent",
        units=_SHARES | _COSTS,
        gauges={"capped": CAPPED_LIMIT},
        width=HALF,
    )


def by_version() -> Table:
    """One version beside the other."""
    return table(
        "By version",
        "The same by the agent's version: what a release has changed.",
        "agent/by_version",
        units=_SHARES | _COSTS,
        gauges={"capped": CAPPED_LIMIT},
        width=HALF,
    )


def tools() -> Table:
    """What it uses."""
    return table(
        "Tools",
        "Calls, errors and latency of each tool over the range. " + _ALL_INTENTS,
        "tools/tools",
        units={"error_share": "percentunit", "p50": "s", "p95": "s"},
        links={"tool": links.TOOL},
        width=HALF,
    )


def unknown_tools() -> Table:
    """What it believes to have."""
    return table(
        "Tools that do not exist",
        "Names that were called and never registered, with the nearest registered one, and what the agent did next, "
        "where that is known. "
        "Of all intents.",
        "agent/unknown_tools",
        units={"corrected": "percentunit", "repeated": "percentunit"},
        width=HALF,
    )


def abstained() -> TimeSeries:
    """How often it declines, over time."""
    return line(
        "Abstentions over time",
        "Answers in which the agent said that it would not answer, by sessions that began in the step. A sudden fall "
        "is as bad as a rise. " + _ALL_INTENTS,
        "agent/abstained",
        unit="percentunit",
        decimals=1,
        width=8,
    )


def whole() -> TimeSeries:
    """How much of the record is there, over time."""
    return line(
        "Sessions recorded whole",
        "Of the sessions that began in each step, the share without an open audit gap: docs/runbooks/audit_gap.md.",
        "agent/whole",
        unit="percentunit",
        decimals=1,
        width=8,
    )


def gaps() -> Table:
    """What is missing."""
    return table(
        "Audit gaps",
        "By kind: how many were found, and how many were filled by what came late. Of all intents.",
        "agent/gaps",
        width=8,
        height=8,
    )


def findings() -> TimeSeries:
    """What went wrong."""
    return line(
        "Findings by mode",
        "By the time at which the failure began. " + _ALL_INTENTS,
        "agent/findings",
        stacked=True,
        width=24,
    )


def worst() -> Table:
    """Where to begin to read."""
    return table(
        "Sessions to read first",
        "Of those that began in the range: by the gravest finding, then by their number, then by cost. A click on the "
        "session tells its story.",
        "agent/worst_sessions",
        units={"spend": "currencyUSD", "lasted": "s"},
        links={"session": links.SESSION, "agent": links.AGENT},
        hidden=links.HIDDEN,
    )
