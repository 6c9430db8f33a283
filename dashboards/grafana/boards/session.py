"""Session: the story of one session."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from watchkeeper.dashboards.grafana import links
from watchkeeper.dashboards.grafana.board import Board
from watchkeeper.dashboards.grafana.panels import HALF, line, stat
from watchkeeper.dashboards.grafana.tables import table

UID = "watchkeeper-session"


def board() -> Board:
    """The dashboard."""
    return Board(
        uid=UID,
        title="Watchkeeper: Session",
        description="The story of one session. Tables show all of it, whatever range is chosen above.",
        variables=("tenant", "session"),
        annotated=False,
        rows=(
            (None, (spend(), lasted(), calls(), tokens(), grave(), missing())),
            (Row("The session"), (header(),)),
            (Row("What was found"), (findings(),)),
            (Row("What happened"), (story(),)),
            (Row("What it used"), (running_cost(), running_tokens(), tools(), record())),
            (Row("What was said of it, and done about it"), (scores(), commands(), tree())),
        ),
    )


def spend() -> Stat:
    """Money."""
    return stat(
        "Spend",
        "What the session's model requests cost by the price book, as far as they have a price.",
        "session/spend",
        unit="currencyUSD",
        decimals=4,
    )


def lasted() -> Stat:
    """Time."""
    return stat("Lasted", "From the session's first event to its latest.", "session/lasted", unit="s")


def calls() -> Stat:
    """Calls."""
    return stat("Tool calls", "Tool calls that were begun in the session.", "session/calls")


def tokens() -> Stat:
    """Tokens."""
    return stat("Tokens", "New input and output: what caps count, without what a cache gave.", "session/tokens")


def grave() -> Stat:
    """Findings."""
    return stat("Findings that stand", "Findings in the session that stand, of any severity.", "session/grave", limit=1)


def missing() -> Stat:
    """What the record lacks."""
    return stat(
        "Missing events",
        "Each writer numbers its events from 0 without a gap: so many numbers are not there.",
        "session/missing",
        limit=1,
    )


def header() -> Table:
    """Who, when, by which versions."""
    return table(
        "The session",
        "Who ran it, with which versions, and how it stands. The parent leads to the session that delegated to it.",
        "session/header",
        links={"agent": links.AGENT, "parent": links.SESSION, "root": links.SESSION},
        hidden=links.HIDDEN,
        height=4,
    )


def findings() -> Table:
    """What went wrong."""
    return table(
        "Findings",
        "What was found in it, in the order in which the failures began. A click on the mode opens its runbook; "
        "`watchkeeper finding show ID` prints the evidence.",
        "session/findings",
        links={"mode": links.RUNBOOK},
        hidden=links.HIDDEN,
        widths={"at": 180, "mode": 190, "status": 90},
        height=7,
    )


def story() -> Table:
    """What happened, in order."""
    return table(
        "Story",
        "What happened, in order, with findings in their place and the cost running along. Texts are cut at 400 "
        "characters, and those that were sent before stand where they were sent: `watchkeeper session show ID` has "
        "all of it.",
        "session/story",
        units={"since": "s", "took": "s", "cost": "currencyUSD", "spent": "currencyUSD"},
        decimals={"cost": 4, "spent": 4},
        widths={"at": 180, "since": 80, "what": 130, "name": 150, "took": 80, "cost": 90, "spent": 90, "late": 70},
        height=16,
    )


def running_cost() -> TimeSeries:
    """Money as it went."""
    return line(
        "Cost so far",
        "What the session had cost by then. Drawn where the range above holds the session; links set it so.",
        "session/running_cost",
        unit="currencyUSD",
        decimals=4,
    )


def running_tokens() -> TimeSeries:
    """Tokens as they went."""
    return line(
        "Tokens so far", "Tokens used by then: new input, input from a cache, output.", "session/running_tokens"
    )


def tools() -> Table:
    """What it called."""
    return table(
        "Tools",
        "Tools that it called, how often they failed it, and how long they took together.",
        "session/tools",
        units={"took": "s"},
        width=HALF,
        height=8,
    )


def record() -> Table:
    """Whether the record is whole."""
    return table(
        "Record",
        "By writer: events that are there, numbers that are missing, numbers that came with different contents, and "
        "what came late. docs/runbooks/audit_gap.md tells what to do about gaps.",
        "session/record",
        width=HALF,
        height=8,
    )


def scores() -> Table:
    """What graders said."""
    return table(
        "Scores",
        "What graders and people said of the session, each as graded last.",
        "session/scores",
        decimals={"value": 3},
        width=HALF,
        height=8,
    )


def commands() -> Table:
    """Who stepped in."""
    return table(
        "Commands",
        "Commands to the session, its agent or its tenant while it ran or within a day of it.",
        "session/commands",
        width=HALF,
        height=8,
    )


def tree() -> Table:
    """Whom it delegated to."""
    return table(
        "Delegation tree",
        "Sessions of the same tree that began within a day of it. A click leads to each.",
        "session/tree",
        units={"spend": "currencyUSD"},
        links={"session": links.SESSION, "parent": links.SESSION, "agent": links.AGENT},
        hidden=links.HIDDEN,
        height=8,
    )
