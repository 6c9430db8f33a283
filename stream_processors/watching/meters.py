"""The figures in memory, in the form that Prometheus reads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from watchkeeper.stream_processors.watching.names import METRICS, OTHER, Metric, MetricName, values_of


class Reading(NamedTuple):
    """One figure as it stands."""

    name: str
    labels: dict[str, str]
    value: float


class Meters:
    """All figures of one worker. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        self._meters = {name: _meter(name, metric, self._registry) for name, metric in METRICS.items()}
        self._closed = {
            (name, label): frozenset(values_of(name, label))
            for name, metric in METRICS.items()
            for label in metric.labels
        }

    def count(self, name: MetricName, amount: float = 1, **labels: str) -> None:
        """Adds to a counter; an amount of 0 makes a series that is there from the start."""
        meter = self._of(name, labels)
        if not isinstance(meter, Counter):
            raise TypeError(f"{name} is no counter")
        meter.inc(amount)

    def set(self, name: MetricName, value: float, **labels: str) -> None:
        """Sets a gauge."""
        meter = self._of(name, labels)
        if not isinstance(meter, Gauge):
            raise TypeError(f"{name} is no gauge")
        meter.set(value)

    def observe(self, name: MetricName, value: float, **labels: str) -> None:
        """Adds an observation to a histogram."""
        meter = self._of(name, labels)
        if not isinstance(meter, Histogram):
            raise TypeError(f"{name} is no histogram")
        meter.observe(value)

    def forget(self, name: MetricName, **labels: str) -> None:
        """Forgets one series of a figure with labels; nothing happens where there is none."""
        with suppress(KeyError):
            self._meters[name].remove(*(labels[label] for label in METRICS[name].labels))

    def text(self) -> bytes:
        """All figures in Prometheus' text form."""
        return generate_latest(self._registry)

    def readings(self) -> Iterator[Reading]:
        """The figures as rows hold them.

        Without gauges that are not known and series that count nothing yet, and without buckets but those of
        `Metric.rows_hold_buckets`.
        """
        for name, metric in METRICS.items():
            for family in self._meters[name].collect():
                for sample in family.samples:
                    is_void = math.isnan(sample.value) if metric.kind == "gauge" else not sample.value
                    if is_void or sample.name.endswith("_created"):
                        continue
                    if metric.rows_hold_buckets or not sample.name.endswith("_bucket"):
                        yield Reading(sample.name, dict(sample.labels), sample.value)

    def _of(self, name: MetricName, labels: dict[str, str]) -> Counter | Gauge | Histogram:
        meter = self._meters[name]
        if not labels:
            return meter
        return meter.labels(**{label: self._allowed(name, label, value) for label, value in labels.items()})

    def _allowed(self, name: MetricName, label: str, value: str) -> str:
        allowed = self._closed.get((name, label))
        return value if not allowed or value in allowed else OTHER


def _meter(name: MetricName, metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    if metric.kind == "counter":
        return Counter(name, metric.meaning, metric.labels, registry=registry)
    if metric.kind == "gauge":
        gauge = Gauge(name, metric.meaning, metric.labels, registry=registry)
        if not metric.labels:
            # Not known yet: 0 would say that the store is away, or its disk full.
            gauge.set(math.nan)
        return gauge
    return Histogram(name, metric.meaning, metric.labels, registry=registry, buckets=metric.buckets)
