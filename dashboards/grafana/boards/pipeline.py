"""Pipeline: does Watchkeeper itself keep up, and does it lose nothing."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Row
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries

from watchkeeper.dashboards.grafana.board import Board
from watchkeeper.dashboards.grafana.panels import HALF, line, stat

UID = "watchkeeper-pipeline"


def board() -> Board:
    """The dashboard."""
    return Board(
        uid=UID,
        title="Watchkeeper: Pipeline",
        description="Does Watchkeeper itself keep up, and does it lose nothing.",
        rows=(
            (Row("At a glance"), (workers(), open_dead_letters(), undelivered())),
            (Row("Does it keep up"), (throughput(), lag(), finding_latency(), store_seconds())),
            (Row("Is anything lost"), (dead_letters(), lost_events())),
            (Row("How full is it"), (states(), store_parts())),
        ),
    )


def workers() -> Stat:
    """Who works."""
    return stat("Workers ready", "Workers that said within the last minute that they are ready.", "pipeline/workers")


def open_dead_letters() -> Stat:
    """What nobody has looked at."""
    return stat(
        "Dead letters open",
        "What could not be read in the range and was not sent again: `watchkeeper dead-letters list`.",
        "pipeline/open_dead_letters",
        limit=1,
    )


def undelivered() -> Stat:
    """Whom nobody reached."""
    return stat(
        "Alerts that did not arrive",
        "Messages of the alert router that a channel did not take, however often they were tried: "
        "docs/runbooks/undelivered-alerts.md.",
        "pipeline/undelivered",
        limit=1,
    )


def throughput() -> TimeSeries:
    """Events a second."""
    return line("Events a second", "Lines that were applied, by topic.", "pipeline/throughput", unit="eps")


def lag() -> TimeSeries:
    """What waits."""
    return line(
        "Records that wait",
        "Records in the log that are not judged, by topic. It should fall to nothing: docs/runbooks/stalled-worker.md.",
        "pipeline/lag",
    )


def finding_latency() -> TimeSeries:
    """From the event to its finding."""
    return line(
        "Event to finding",
        "From the event at which it was found until the finding was acknowledged by the broker: upper bounds of the "
        "buckets that hold the median and 95 of 100.",
        "pipeline/finding_latency",
        unit="s",
        limit=5,
    )


def store_seconds() -> TimeSeries:
    """How fast the store is."""
    return line(
        "Time to store a batch",
        "Mean time until an insert was acknowledged, by table: docs/runbooks/store-away.md.",
        "pipeline/store_seconds",
        unit="s",
    )


def dead_letters() -> TimeSeries:
    """What could not be read."""
    return line("Dead letters", "Lines and records that could not be read, by reason.", "pipeline/dead_letters")


def lost_events() -> TimeSeries:
    """What producers lost."""
    return line(
        "Events that producers lost",
        "Events that producers say they lost before they were sent, by reason. The gap shows in the session too.",
        "pipeline/lost_events",
    )


def states() -> TimeSeries:
    """What workers hold."""
    return line(
        "State held", "Bytes of the states in the workers' memory.", "pipeline/states", unit="bytes", width=HALF
    )


def store_parts() -> TimeSeries:
    """Whether ClickHouse merges fast enough."""
    return line(
        "Parts of the fullest partition",
        "ClickHouse slows inserts down at 1,000 parts of a partition and refuses them at 3,000.",
        "pipeline/store_parts",
        limit=1000,
    )
