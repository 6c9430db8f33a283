"""Quality: are sessions as good as they were, and how far can one believe it."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.table import Panel as Table
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from watchkeeper.dashboards.grafana import links
from watchkeeper.dashboards.grafana.board import Board
from watchkeeper.dashboards.grafana.panels import HALF, line, stat
from watchkeeper.dashboards.grafana.tables import found, table

UID = "watchkeeper-quality"
_INTERVAL = {"mean": 3, "mean_score": 3, "low": 3, "high": 3}


def board() -> Board:
    """The dashboard."""
    return Board(
        uid=UID,
        title="Watchkeeper: Quality",
        description="Are sessions as good as they were, and how far can one believe it.",
        variables=("tenant", "agent", "intent", "version", "grader", "origin"),
        days=7,
        rows=(
            (Row("At a glance"), (graded(), open_alarms(), failures(), spent())),
            (Row("Scores"), (series(), graders(), segments())),
            (Row("Drift"), (streams(), alarms(), moved())),
            (Row("How far to believe it"), (agreement(), judged())),
            (Row("Suites"), (suites(), runs())),
            (Row("Sampling"), (sampling(),)),
        ),
    )


def graded() -> Stat:
    """How many sessions were graded."""
    return stat("Sessions graded", "Sessions that ended in the range and have a score.", "quality/graded", width=6)


def open_alarms() -> Stat:
    """Whether drift stands."""
    return stat(
        "Open drift alarms",
        "Alarms of quality or input whose change began in the range and that were not taken back. Of all intents and "
        "graders.",
        "quality/open_alarms",
        limit=1,
        width=6,
    )


def failures() -> Stat:
    """How often graders could not say."""
    return stat(
        "Graders that could not say",
        "Of all gradings, the share that ended in a failure: the judge did not answer, its budget was spent. They are "
        "in no mean.",
        "quality/failures",
        unit="percentunit",
        decimals=1,
        limit=0.05,
        width=6,
    )


def spent() -> Stat:
    """What grading costs."""
    return stat(
        "Spent on grading",
        "What judges cost for these sessions.",
        "quality/spent",
        unit="currencyUSD",
        decimals=2,
        width=6,
    )


def series() -> TimeSeries:
    """Scores with their intervals."""
    thin = [
        DynamicConfigValue(id_val="custom.lineWidth", value=1),
        DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [4, 6]}),
        DynamicConfigValue(id_val="custom.hideFrom", value={"legend": True, "tooltip": False, "viz": False}),
    ]
    return (
        line(
            "Scores",
            "The mean of each grader's scores in each step, 0 to 1, by when sessions ended; sessions that were drawn "
            "more often weigh less. Dashed: Wilson's 95 % interval of the step. Whether a fall is drift is said below.",
            "quality/series",
            unit="percentunit",
            decimals=1,
            width=24,
        )
        .max(1)
        .override_by_regexp("/ (low|high)$/", thin)
    )


def graders() -> Table:
    """Each grader over the range."""
    return table(
        "Graders",
        "Over the range: the weighted mean and its 95 % interval (Wilson's, for as many sessions as the weights are "
        "worth), the share that passed, failures and cost.",
        "quality/graders",
        units={"passed": "percentunit", "spend": "currencyUSD"},
        decimals=_INTERVAL,
        width=HALF,
    )


def segments() -> Table:
    """Where it is worst."""
    return table(
        "Segments",
        "The same by intent, version, model and prompt, the worst first. Intervals hold for one segment alone: of "
        "many, some lie outside by chance.",
        "quality/segments",
        decimals=_INTERVAL | {"worth": 0},
        hidden=("centre", "half"),
        width=HALF,
    )


def streams() -> Table:
    """The statistics against their threshold."""
    return table(
        "Drift statistics",
        "What is watched now: the evidence of each stream against 1, at which it alarms alone, the mean of its "
        "baseline and the limit that it is held against. Of agents heard of since the range began, all intents "
        "and graders. docs/evals/drift.md explains it.",
        "quality/streams",
        gauges={"evidence": 1.0},
        decimals={"evidence": 3, "baseline_mean": 3, "held_against": 3},
        links={"agent": links.AGENT},
        hidden=links.HIDDEN,
    )


def alarms() -> Table:
    """What was told."""
    return found(
        "Drift alarms",
        "What was told of quality, inputs and versions, as last revised; the change has limits that hold whenever one "
        "looks. Of all intents and graders. A click on the mode opens its runbook.",
        "quality/alarms",
        units={
            "before": "percentunit",
            "after": "percentunit",
            "change_low": "percentunit",
            "change_high": "percentunit",
        },
        height=8,
    )


def moved() -> Table:
    """Where."""
    shares = (
        "share_before",
        "share_after",
        "before",
        "after",
        "change_low",
        "change_high",
        "worse_itself",
        "more_of_it",
    )
    return table(
        "Where it moved",
        "The segments of each alarm: how its own change (`worse_itself`) and its changed share (`more_of_it`) add to "
        "the change of all. Of all intents and graders.",
        "quality/moved",
        units=dict.fromkeys(shares, "percentunit"),
        links={"agent": links.AGENT},
        height=8,
    )


def agreement() -> Table:
    """Graders beside people."""
    return table(
        "Graders and people",
        "Sessions with a label of a person and a verdict of the grader. `missed`: the grader passed what the person "
        "did not. Among labelled sessions, which are drawn by worth: `watchkeeper evals agreement` weighs them.",
        "quality/agreement",
        units={"agreement": "percentunit", "by_chance": "percentunit"},
        decimals={"kappa": 2},
        width=HALF,
        height=8,
    )


def judged() -> Table:
    """Findings beside people."""
    return table(
        "Findings that people judged",
        "By failure mode: acknowledged as right or marked wrong in the range, the share that was right, and Wilson's "
        "95 % interval. Of all intents and graders.",
        "quality/judged",
        units={"precision": "percentunit", "low": "percentunit", "high": "percentunit"},
        hidden=("centre", "half"),
        width=HALF,
        height=8,
    )


def suites() -> TimeSeries:
    """Suites over time."""
    return line(
        "Suites",
        "The mean of each run of a frozen suite, by target, when it began. Of all intents and graders.",
        "quality/suites",
        unit="percentunit",
        decimals=1,
    )


def runs() -> Table:
    """The latest runs."""
    return table(
        "Runs of suites",
        "As they stand: `fell` is significantly worse than the last good one; `undecided` says neither. Of all intents "
        "and graders.",
        "quality/runs",
        units={"mean": "percentunit", "lasted": "s"},
        width=HALF,
        height=8,
    )


def sampling() -> Table:
    """Who was drawn."""
    return table(
        "Sampling",
        "Sessions that were drawn for grading in the range, by why: scored, waiting, cut by the day's budget, or "
        "unreadable. Of all graders.",
        "quality/sampling",
        units={"spend": "currencyUSD"},
        height=6,
    )
