"""What the alert router's process tells of itself on loopback: its figures, and whether it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from watchkeeper.dashboards.alerting.totals import Totals

STALLED_SECONDS: Final = 120.0
"""A pass takes milliseconds, and a store that is away is waited for in seconds."""


class RouterWatch:
    """See `watchkeeper.stream_processors.watching.server.Told`.

    Args:
        totals: read at every question.
    """

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._beat_at = time.monotonic()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def beat(self) -> None:
        """Called whenever something was done."""
        self._beat_at = time.monotonic()

    def page(self) -> bytes:
        """The figures in Prometheus' text form."""
        return generate_latest(self._registry)

    def problem(self) -> str:
        """Why it is stalled; empty where it is not."""
        silent = time.monotonic() - self._beat_at
        return f"nothing was done for {silent:.0f} s" if silent > STALLED_SECONDS else ""

    def unready(self) -> str:
        """Why it does not route yet; empty where it does."""
        if not self._totals.passes:
            return "no pass was ended yet: the store or the broker may be away"
        return "" if self._totals.listening else "the broker has given it no partitions of agent.findings yet"

    def collect(self) -> Iterator[Metric]:
        """The figures, for the registry."""
        totals = self._totals
        heard = CounterMetricFamily(
            "watchkeeper_alerts_findings", "Findings that were heard, by what became of them.", labels=["place"]
        )
        for place, count in sorted(totals.findings.items()):
            heard.add_metric([place], count)
        yield heard
        notices = CounterMetricFamily(
            "watchkeeper_alerts_notices",
            "Messages by channel and kind: delivered, failed (one attempt), dead (given up).",
            labels=["channel", "kind", "outcome"],
        )
        for labels, count in sorted(totals.notices.items()):
            notices.add_metric(list(labels), count)
        yield notices
        beats = CounterMetricFamily(
            "watchkeeper_alerts_heartbeats",
            "Heartbeats: sent, failed, withheld as not all is well.",
            labels=["outcome"],
        )
        for outcome, count in sorted(totals.heartbeats.items()):
            beats.add_metric([outcome], count)
        yield beats
        for name, meaning, value in (
            ("unreadable", "Records of agent.findings that are no findings.", totals.unreadable),
            ("passes", "Passes that were ended.", totals.passes),
            ("interruptions", "Passes that the store or the broker broke off.", totals.interruptions),
        ):
            yield CounterMetricFamily(f"watchkeeper_alerts_{name}", meaning, value=value)
        for name, meaning, number in (
            ("open", "Alerts that go on.", totals.open_alerts),
            ("waiting_notices", "Messages on their way.", totals.waiting),
            ("oldest_waiting_seconds", "How long the oldest of them has waited.", totals.oldest_waiting_seconds),
            ("pipeline_trouble", "1 while the pipeline is not well.", int(bool(totals.trouble))),
        ):
            yield GaugeMetricFamily(f"watchkeeper_alerts_{name}", meaning, value=number)
