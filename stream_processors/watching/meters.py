"""The figures in memory, in the form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from watchkeeper.stream_processors.watching.names import METRICS, Metric, MetricName

BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


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

    def count(self, name: MetricName, amount: float = 1, **labels: str) -> None:
        """Adds to a counter."""
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

    def forget(self, name: MetricName) -> None:
        """Forgets every series of a figure with labels."""
        self._meters[name].clear()

    def text(self) -> bytes:
        """All figures in Prometheus' text form."""
        return generate_latest(self._registry)

    def readings(self) -> Iterator[Reading]:
        """All figures but the buckets of histograms and the times at which counters began."""
        for family in self._registry.collect():
            for sample in family.samples:
                if not sample.name.endswith(("_bucket", "_created")):
                    yield Reading(sample.name, dict(sample.labels), sample.value)

    def _of(self, name: MetricName, labels: dict[str, str]) -> Counter | Gauge | Histogram:
        meter = self._meters[name]
        return meter.labels(**labels) if labels else meter


def _meter(name: MetricName, metric: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    if metric.kind == "counter":
        return Counter(name, metric.meaning, metric.labels, registry=registry)
    if metric.kind == "gauge":
        return Gauge(name, metric.meaning, metric.labels, registry=registry)
    return Histogram(name, metric.meaning, metric.labels, registry=registry, buckets=BUCKETS)
