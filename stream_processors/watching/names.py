"""Every figure that a worker tells of itself: a closed list.

A type checker refuses a name that is not in `MetricName`, and `docs/metrics.md` is made of `METRICS` by
`python -m watchkeeper.stream_processors.watching.page`; a test compares all three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
Unit = Literal["records", "rows", "events", "findings", "commands", "signals", "seconds", "bytes", "times", "flag"]

MetricName = Literal[
    "watchkeeper_records_total",
    "watchkeeper_events_total",
    "watchkeeper_dead_letters_total",
    "watchkeeper_duplicates_total",
    "watchkeeper_replays_total",
    "watchkeeper_late_events_total",
    "watchkeeper_conflicts_total",
    "watchkeeper_findings_total",
    "watchkeeper_signals_total",
    "watchkeeper_commands_total",
    "watchkeeper_lag_records",
    "watchkeeper_partitions",
    "watchkeeper_store_seconds",
    "watchkeeper_store_rows_total",
    "watchkeeper_store_bytes_total",
    "watchkeeper_store_errors_total",
    "watchkeeper_publish_seconds",
    "watchkeeper_publish_errors_total",
    "watchkeeper_waiting",
    "watchkeeper_loop_delay_seconds",
    "watchkeeper_cpu_seconds_total",
    "watchkeeper_memory_peak_bytes",
    "watchkeeper_rows_dropped_total",
]


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: what it is, in which unit, split by which labels, and what it means."""

    kind: Kind
    unit: Unit
    labels: tuple[str, ...]
    meaning: str


METRICS: dict[MetricName, Metric] = {
    "watchkeeper_records_total": Metric("counter", "records", ("topic",), "Kafka records that were judged."),
    "watchkeeper_events_total": Metric("counter", "events", ("topic",), "Lines of those records that were applied."),
    "watchkeeper_dead_letters_total": Metric(
        "counter", "rows", ("topic",), "Lines and records that could not be read when they were decoded."
    ),
    "watchkeeper_duplicates_total": Metric("counter", "events", ("topic",), "Events that were stored before."),
    "watchkeeper_replays_total": Metric(
        "counter", "events", ("topic",), "Events read again at an offset that their session had covered."
    ),
    "watchkeeper_late_events_total": Metric("counter", "events", ("topic",), "Events that filled a gap."),
    "watchkeeper_conflicts_total": Metric(
        "counter", "events", ("topic",), "Events whose number was stored with other content."
    ),
    "watchkeeper_findings_total": Metric("counter", "findings", ("topic",), "Findings, told again after a replay too."),
    "watchkeeper_signals_total": Metric("counter", "signals", ("topic",), "Signals to stage 2."),
    "watchkeeper_commands_total": Metric("counter", "commands", ("topic",), "Commands to agents."),
    "watchkeeper_lag_records": Metric(
        "gauge",
        "records",
        ("topic", "partition"),
        "Records in the log that are not judged. The embedded broker counts a batch of records as one.",
    ),
    "watchkeeper_partitions": Metric("gauge", "times", ("topic",), "Partitions that this worker has in hand."),
    "watchkeeper_store_seconds": Metric("histogram", "seconds", ("table",), "Time until an insert was acknowledged."),
    "watchkeeper_store_rows_total": Metric("counter", "rows", ("table",), "Rows whose insert was acknowledged."),
    "watchkeeper_store_bytes_total": Metric("counter", "bytes", ("table",), "Bytes of those rows."),
    "watchkeeper_store_errors_total": Metric(
        "counter", "times", ("table", "error"), "Inserts that failed, each attempt, by the class of the error."
    ),
    "watchkeeper_publish_seconds": Metric("histogram", "seconds", ("topic",), "Time until messages were acknowledged."),
    "watchkeeper_publish_errors_total": Metric(
        "counter", "times", ("topic", "error"), "Attempts to publish that failed, by the class of the error."
    ),
    "watchkeeper_waiting": Metric("gauge", "flag", ("side",), "1 while the broker or the store is away."),
    "watchkeeper_loop_delay_seconds": Metric("gauge", "seconds", (), "How late the event loop's last beat came."),
    "watchkeeper_cpu_seconds_total": Metric("counter", "seconds", (), "Processor time of the process."),
    "watchkeeper_memory_peak_bytes": Metric("gauge", "bytes", (), "The most memory that the process has held."),
    "watchkeeper_rows_dropped_total": Metric(
        "counter", "rows", (), "Rows of these figures that were not stored, since the store was away."
    ),
}
