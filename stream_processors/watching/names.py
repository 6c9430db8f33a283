"""Every figure that a worker tells of itself: a closed list, with closed lists of what its labels may say.

A type checker refuses a name that is not in `MetricName`, and `docs/metrics.md` is made of `METRICS` and `VALUES` by
`python -m watchkeeper.stream_processors.watching.page`; a test compares all three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from watchkeeper.schemas.failure_modes import FAILURE_MODES, SEVERITIES
from watchkeeper.schemas.losses import TOLD_LOSSES
from watchkeeper.schemas.rows import RejectReason
from watchkeeper.schemas.topics import EVENTS, GRANTS, SCORES, SIGNALS
from watchkeeper.stream_processors.engine.observer import STEPS

Kind = Literal["counter", "gauge", "histogram"]
Unit = Literal[
    "records", "rows", "events", "findings", "commands", "signals", "requests", "states", "parts", "partitions",
    "grants", "seconds", "bytes", "times", "flag",
]  # fmt: skip

MetricName = Literal[
    "watchkeeper_records_total",
    "watchkeeper_events_total",
    "watchkeeper_dead_letters_total",
    "watchkeeper_lost_events_total",
    "watchkeeper_duplicates_total",
    "watchkeeper_replays_total",
    "watchkeeper_late_events_total",
    "watchkeeper_conflicts_total",
    "watchkeeper_unpriced_requests_total",
    "watchkeeper_findings_total",
    "watchkeeper_signals_total",
    "watchkeeper_commands_total",
    "watchkeeper_finding_seconds",
    "watchkeeper_stored_seconds",
    "watchkeeper_lag_records",
    "watchkeeper_uncommitted_records",
    "watchkeeper_commit_age_seconds",
    "watchkeeper_partitions",
    "watchkeeper_records_expired_total",
    "watchkeeper_batch_records",
    "watchkeeper_batch_events",
    "watchkeeper_step_seconds",
    "watchkeeper_states",
    "watchkeeper_state_bytes",
    "watchkeeper_grants",
    "watchkeeper_store_up",
    "watchkeeper_store_seconds",
    "watchkeeper_store_rows_total",
    "watchkeeper_store_bytes_total",
    "watchkeeper_store_errors_total",
    "watchkeeper_store_disk_bytes",
    "watchkeeper_store_disk_free_bytes",
    "watchkeeper_store_table_bytes",
    "watchkeeper_store_parts",
    "watchkeeper_publish_seconds",
    "watchkeeper_publish_errors_total",
    "watchkeeper_waiting",
    "watchkeeper_ready",
    "watchkeeper_loop_delay_seconds",
    "watchkeeper_cpu_seconds_total",
    "watchkeeper_memory_peak_bytes",
    "watchkeeper_rows_dropped_total",
]

CALLS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Buckets for calls and steps, in seconds."""
LATENCIES = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
"""Buckets for the way of an event, in seconds: an outage that is made up for is minutes."""
SIZES = (1, 5, 20, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)

OTHER = "other"
"""What a label says that would say something else than its list allows."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: what it is, in which unit, split by which labels, and what it means.

    Attributes:
        buckets: of a histogram, their upper bounds.
        rows_hold_buckets: whether the rows hold the buckets too, so that quantiles can be taken of them.
    """

    kind: Kind
    unit: Unit
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = CALLS
    rows_hold_buckets: bool = False


_TOPIC = ("topic",)

METRICS: dict[MetricName, Metric] = {
    "watchkeeper_records_total": Metric("counter", "records", _TOPIC, "Kafka records that were judged."),
    "watchkeeper_events_total": Metric("counter", "events", _TOPIC, "Lines of those records that were applied."),
    "watchkeeper_dead_letters_total": Metric(
        "counter", "rows", ("topic", "reason"), "Lines and records that could not be read, or that the store refused."
    ),
    "watchkeeper_lost_events_total": Metric(
        "counter",
        "events",
        ("topic", "reason"),
        "Events that producers say they lost before they were sent: what came in `watchkeeper.lost` since last time.",
    ),
    "watchkeeper_duplicates_total": Metric("counter", "events", _TOPIC, "Events that were stored before."),
    "watchkeeper_replays_total": Metric(
        "counter", "events", _TOPIC, "Events read again at an offset that their session had covered."
    ),
    "watchkeeper_late_events_total": Metric("counter", "events", _TOPIC, "Events that filled a gap."),
    "watchkeeper_conflicts_total": Metric(
        "counter", "events", _TOPIC, "Events whose number was stored with other content."
    ),
    "watchkeeper_unpriced_requests_total": Metric(
        "counter", "requests", _TOPIC, "Model requests with usage and no known price: their cost is missing in sums."
    ),
    "watchkeeper_findings_total": Metric(
        "counter", "findings", ("topic", "mode", "severity"), "Findings, told again after a replay too."
    ),
    "watchkeeper_signals_total": Metric("counter", "signals", _TOPIC, "Signals to stage 2."),
    "watchkeeper_commands_total": Metric("counter", "commands", _TOPIC, "Commands to agents."),
    "watchkeeper_finding_seconds": Metric(
        "histogram",
        "seconds",
        _TOPIC,
        "Event to finding: from the time of the event at which it was found (or of the limit that silence passed)"
        " until the finding was acknowledged by the broker. Two clocks take part. Without imports.",
        LATENCIES,
        rows_hold_buckets=True,
    ),
    "watchkeeper_stored_seconds": Metric(
        "histogram",
        "seconds",
        _TOPIC,
        "Event to stored: for each batch, from the broker's time of its oldest record until its rows were"
        " acknowledged.",
        LATENCIES,
        rows_hold_buckets=True,
    ),
    "watchkeeper_lag_records": Metric(
        "gauge",
        "records",
        ("topic", "partition"),
        "Records in the log that are not judged. The embedded broker counts a batch of records as one.",
    ),
    "watchkeeper_uncommitted_records": Metric(
        "gauge",
        "records",
        ("topic", "partition"),
        "Records that were judged and whose offset is not committed: what a crash now would read again.",
    ),
    "watchkeeper_commit_age_seconds": Metric(
        "gauge", "seconds", _TOPIC, "Time since the last commit while something judged waits for one; else 0."
    ),
    "watchkeeper_partitions": Metric("gauge", "partitions", _TOPIC, "Partitions that this worker has in hand."),
    "watchkeeper_records_expired_total": Metric(
        "counter", "records", _TOPIC, "Records that the log let go of (retention) before they were read: lost."
    ),
    "watchkeeper_batch_records": Metric("histogram", "records", _TOPIC, "Records judged together.", SIZES),
    "watchkeeper_batch_events": Metric("histogram", "events", _TOPIC, "Events applied in a batch.", SIZES),
    "watchkeeper_step_seconds": Metric(
        "histogram", "seconds", ("topic", "step"), "Time of each step of a batch, with its repetitions."
    ),
    "watchkeeper_states": Metric("gauge", "states", _TOPIC, "Sessions (of signals: subjects) held in memory."),
    "watchkeeper_state_bytes": Metric(
        "gauge", "bytes", _TOPIC, "Bytes of those states, as they were when last read or written."
    ),
    "watchkeeper_grants": Metric("gauge", "grants", (), "Grants of `agent.grants` by which delegations are judged."),
    "watchkeeper_store_up": Metric("gauge", "flag", (), "1 where the store answered when it was last asked."),
    "watchkeeper_store_seconds": Metric("histogram", "seconds", ("table",), "Time until an insert was acknowledged."),
    "watchkeeper_store_rows_total": Metric("counter", "rows", ("table",), "Rows whose insert was acknowledged."),
    "watchkeeper_store_bytes_total": Metric("counter", "bytes", ("table",), "Bytes of those rows."),
    "watchkeeper_store_errors_total": Metric(
        "counter", "times", ("table", "error"), "Inserts that failed, each attempt, by the class of the error."
    ),
    "watchkeeper_store_disk_bytes": Metric("gauge", "bytes", (), "Size of the store's disks."),
    "watchkeeper_store_disk_free_bytes": Metric("gauge", "bytes", (), "What is free of it."),
    "watchkeeper_store_table_bytes": Metric("gauge", "bytes", ("table",), "Bytes of a table on those disks."),
    "watchkeeper_store_parts": Metric(
        "gauge",
        "parts",
        ("table",),
        "Parts of the table's fullest partition. ClickHouse slows inserts down at 1,000 and refuses them at 3,000.",
    ),
    "watchkeeper_publish_seconds": Metric("histogram", "seconds", _TOPIC, "Time until messages were acknowledged."),
    "watchkeeper_publish_errors_total": Metric(
        "counter", "times", ("topic", "error"), "Attempts to publish that failed, by the class of the error."
    ),
    "watchkeeper_waiting": Metric("gauge", "flag", ("side",), "1 while the broker or the store is away."),
    "watchkeeper_ready": Metric("gauge", "flag", (), "1 once there were partitions of every topic in hand."),
    "watchkeeper_loop_delay_seconds": Metric("gauge", "seconds", (), "How late the event loop's last beat came."),
    "watchkeeper_cpu_seconds_total": Metric("counter", "seconds", (), "Processor time of the process."),
    "watchkeeper_memory_peak_bytes": Metric("gauge", "bytes", (), "The most memory that the process has held."),
    "watchkeeper_rows_dropped_total": Metric(
        "counter", "rows", (), "Rows of these figures that were not stored, since the store was away."
    ),
}

REASONS: Mapping[MetricName, tuple[str, ...]] = {
    "watchkeeper_dead_letters_total": get_args(RejectReason),
    "watchkeeper_lost_events_total": TOLD_LOSSES,
}
"""What the label `reason` may say, by metric."""

VALUES: Mapping[str, tuple[str, ...]] = {
    "topic": (EVENTS.name, SIGNALS.name, SCORES.name, GRANTS.name),
    "mode": FAILURE_MODES,
    "severity": SEVERITIES,
    "step": STEPS,
    "side": ("broker", "store"),
    "table": (
        "events",
        "contents",
        "findings",
        "control_commands",
        "verdicts",
        "scores",
        "sessions",
        "sessions_by_time",
        "subjects",
        "dead_letters",
        "pipeline_metrics",
        "activity_minutes",
        "finding_minutes",
        "activity_hours",
        "finding_hours",
        "metric_hours",
        "rollup_passes",
    ),
}
"""What the other labels may say. `partition` is the partition's number, `error` the name of a class of errors."""


def values_of(name: MetricName, label: str) -> tuple[str, ...]:
    """What a label of a metric may say; empty where that is not a list."""
    return REASONS.get(name, ()) if label == "reason" else VALUES.get(label, ())
