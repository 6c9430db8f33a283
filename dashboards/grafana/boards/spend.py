"""Spend: where the money goes, and whether it goes faster than it should."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from watchkeeper.dashboards.grafana import links
from watchkeeper.dashboards.grafana.board import Board
from watchkeeper.dashboards.grafana.panels import HALF, line
from watchkeeper.dashboards.grafana.tables import found, table

UID = "watchkeeper-spend"


def board() -> Board:
    """The dashboard."""
    return Board(
        uid=UID,
        title="Watchkeeper: Spend",
        description="Where the money goes, and whether it goes faster than it should.",
        variables=("tenant", "agent", "intent", "version", "origin"),
        rows=(
            (Row("Who spends"), (by_agent(), by_model(), by_tenant(), per_completed())),
            (Row("Where it leads"), (forecast(), month())),
            (Row("What is out of the usual"), (outliers(), dearest())),
            (Row("What a good outcome costs"), (per_good(), good_by_agent())),
            (Row("What it is made of"), (tokens(), unpriced())),
        ),
    )


def by_agent() -> TimeSeries:
    """Spend by agent."""
    return line(
        "Spend by agent",
        "Cost of model requests in each step. Of all intents.",
        "spend/by_agent",
        unit="currencyUSD",
        stacked=True,
    )


def by_model() -> TimeSeries:
    """Spend by model."""
    return line(
        "Spend by model",
        "Cost of model requests in each step. Of all intents.",
        "spend/by_model",
        unit="currencyUSD",
        stacked=True,
    )


def by_tenant() -> TimeSeries:
    """Spend by tenant."""
    return line(
        "Spend by tenant",
        "Cost of model requests in each step. Of all intents.",
        "spend/by_tenant",
        unit="currencyUSD",
        stacked=True,
    )


def per_completed() -> TimeSeries:
    """What a good end costs."""
    return line(
        "Spend per completed session",
        "All spend of the step over the sessions that completed in it: what fails or is stopped makes the others "
        "dearer. Nothing is drawn where none completed. Of all intents.",
        "spend/cost_per_completed",
        unit="currencyUSD",
    )


def forecast() -> Table:
    """Today's end."""
    return table(
        "Today",
        "Spend since midnight (UTC) before the range's end, at the next midnight if the last three hours go on, and of "
        "the day before. Of all intents.",
        "spend/forecast",
        units={"today": "currencyUSD", "at_its_end": "currencyUSD", "yesterday": "currencyUSD"},
        width=HALF,
        height=4,
    )


def month() -> Table:
    """This month's end."""
    return table(
        "This month",
        "Spend since the month began (UTC), the mean of the last seven whole days, what the month will have cost if "
        "its days go on like them, and the month before. Of all intents.",
        "spend/month",
        units=dict.fromkeys(("so_far", "usual_day", "at_its_end", "last_month"), "currencyUSD"),
        width=HALF,
        height=4,
    )


def outliers() -> Table:
    """What was told."""
    return found(
        "Told as too much",
        "Findings about money: budgets of agents, users and tenants, caps on cost, sessions far above the agent's "
        "usual, hours and days above its history; what was spent of what is allowed. Of all intents.",
        "spend/outliers",
        units={"spend": "currencyUSD", "allowed": "currencyUSD", "of_allowed": "percentunit"},
    )


def dearest() -> Table:
    """The dearest sessions."""
    return table(
        "Dearest sessions",
        "Sessions that began in the range and whose requests all have a price, the dearest first, beside the median of "
        "their agent.",
        "spend/dearest",
        units={"spend": "currencyUSD", "usual": "currencyUSD"},
        decimals={"spend": 4, "usual": 4, "times_usual": 1},
        links={"session": links.SESSION, "agent": links.AGENT},
        hidden=links.HIDDEN,
    )


def per_good() -> TimeSeries:
    """What a good outcome costs, over time."""
    return line(
        "Spend per good session",
        "All that was spent on sessions that began in the step, over those that completed without a finding of high or "
        "critical severity. Nothing is drawn where there is none.",
        "spend/cost_per_good",
        unit="currencyUSD",
    )


def good_by_agent() -> Table:
    """What a good outcome costs, by agent."""
    return table(
        "Good sessions by agent",
        "Good: completed, and nothing grave was found. `spent_in_vain` is what the others cost. Unpriced requests cost "
        "more than is shown.",
        "spend/good_by_agent",
        units=dict.fromkeys(("spend", "a_good_one", "spent_in_vain"), "currencyUSD"),
        links={"agent": links.AGENT},
        width=HALF,
        height=8,
    )


def tokens() -> TimeSeries:
    """Tokens."""
    return line(
        "Tokens",
        "Tokens of model requests: new input, input read from a cache, output. Of all intents.",
        "spend/tokens",
        stacked=True,
    )


def unpriced() -> Table:
    """What is missing in the sums."""
    return table(
        "Requests without a price",
        "Models that the price book does not know: their cost is missing in every sum here. Upgrade the price "
        "book, or tell its makers. Of all intents.",
        "spend/unpriced",
        width=HALF,
        height=8,
    )
