"""`make bench`: throughput and latency of the local stack, the worker's ceiling beside it, and what emitting costs.

Everything runs on this machine at once: load, broker, workers, engine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from emit_without_broker import emitting_without_broker
from harness import Figure, of_quantile, of_runs, write
from throughput import Flood, apache, apache_runs, begin_load, ceiling_runs, stack_runs

from watchkeeper.cli.stack.apache.programs import ApacheKafkaUnavailableError
from watchkeeper.cli.stack.testing import running_broker, running_stack, running_worker
from watchkeeper.schemas.events import EVENT_ADAPTER
from watchkeeper.schemas.findings import FINDING_ADAPTER
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.topics import EVENTS, FINDINGS, PARTITIONS, TOPICS
from watchkeeper.stream_processors.offsets import FETCH_WAIT_MS

WARM_UP_SECONDS = 3.0
SINGLE = "_single_event_records"
TWO = "_two_workers"
APACHE = "_apache_kafka"


def main() -> None:
    """Runs all and writes `results/bench.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=1400, help="sessions of 60 events a run")
    parser.add_argument("--single-sessions", type=int, default=700, help="the same, where a record holds one event")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long the steady stream runs")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    options = parser.parse_args()
    flood, single = Flood(options.sessions, options.runs), Flood(options.single_sessions, options.runs, together=1)
    ceilings = ceilings_of(flood, single)
    figures = [*whole_stack(flood, single, ceilings, options.seconds), *ceilings.values(), *emitting()]
    figures += [*emitting_without_broker(), *on_apache(flood)]
    if options.dry_run:
        print(*(figure.line() for figure in figures), sep="\n")
    else:
        write("bench", figures)


def ceilings_of(flood: Flood, single: Flood) -> dict[str, Figure]:
    """What workers do that consume and validate, and nothing else; by the suffix of the figures beside them."""
    runs: dict[str, Callable[[], list[float]]] = {
        "": lambda: ceiling_runs(flood),
        SINGLE: lambda: ceiling_runs(single),
        TWO: lambda: ceiling_runs(flood, workers=2),
    }
    return {
        suffix: _told(of_runs(f"ceiling_events_per_second{suffix}", "events/s", run())) for suffix, run in runs.items()
    }


def whole_stack(flood: Flood, single: Flood, ceilings: dict[str, Figure], seconds: float) -> list[Figure]:
    """Everything that is measured on the whole stack."""

    def figure(suffix: str, runs: list[float]) -> Figure:
        return _told(of_runs(f"end_to_end_events_per_second{suffix}", "events/s", runs, ceilings[suffix]))

    with running_stack() as variables:
        kafka, dsn = variables["WATCHKEEPER_KAFKA_BOOTSTRAP"], variables["WATCHKEEPER_CLICKHOUSE_DSN"]
        figures = [figure("", stack_runs(kafka, dsn, flood, "one"))]
        figures.append(figure(SINGLE, stack_runs(kafka, dsn, single, "single")))
        figures += latencies(kafka, seconds)
        with running_worker(kafka, dsn):
            figures.append(figure(TWO, stack_runs(kafka, dsn, flood, "two")))
        return figures


def on_apache(flood: Flood) -> list[Figure]:
    """The same with Apache Kafka as the broker; none where it cannot run, which is said."""
    try:
        ceiling = _told(of_runs(f"ceiling_events_per_second{APACHE}", "events/s", ceiling_runs(flood, broker=apache)))
    except ApacheKafkaUnavailableError as error:
        print(f"left out: end_to_end_events_per_second{APACHE} ({error})", flush=True)
        return []
    runs = apache_runs(flood, "apache")
    return [_told(of_runs(f"end_to_end_events_per_second{APACHE}", "events/s", runs, ceiling)), ceiling]


def _told(figure: Figure) -> Figure:
    print(figure.line(), flush=True)
    return figure


def _from_the_beginning(kafka: str) -> Consumer:
    """A reader of findings and events, all partitions of both."""
    # As the worker asks: the embedded broker answers at the end of the wait only.
    consumer = Consumer(
        {
            "bootstrap.servers": kafka,
            "group.id": "bench",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": FETCH_WAIT_MS,
        }
    )
    places = [TopicPartition(t.name, p, OFFSET_BEGINNING) for t in (FINDINGS, EVENTS) for p in range(PARTITIONS)]
    consumer.assign(places)
    return consumer


def latencies(kafka: str, seconds: float) -> list[Figure]:
    """From the time of an event to its finding on the bus, at 2,000 events/s; beside it, to the event on the bus."""
    consumer = _from_the_beginning(kafka)
    drain(consumer, lambda *_: None, quiet=3.0)
    load = begin_load("stream", kafka, prefix=f"steady{time.time():.0f}", seconds=seconds)
    to_finding: list[tuple[int, float]] = []
    to_bus: list[tuple[int, float]] = []

    def take(topic: str, value: bytes) -> None:
        now_us = time.time_ns() // 1000
        if topic == FINDINGS.name:
            finding = FINDING_ADAPTER.validate_json(value)
            if finding.kind == "unknown_tool":
                at_us = to_us(finding.last_event_at)
                to_finding.append((at_us, (now_us - at_us) / 1e6))
        elif b"no_such_tool" in value:
            for call in (line for line in value.split(b"\n") if b'"tool_call"' in line and b'"no_such_tool"' in line):
                at_us = to_us(EVENT_ADAPTER.validate_json(call).occurred_at)
                to_bus.append((at_us, (now_us - at_us) / 1e6))

    drain(consumer, take, quiet=5.0, until=load)
    consumer.close()
    assert load.stdout is not None
    told = json.loads(load.stdout.readline())
    print(
        f"  {told['events'] / told['seconds']:,.0f} events/s for {told['seconds']:.0f} s, lost: {told['lost']}",
        flush=True,
    )
    bus = of_quantile("event_to_bus_p99_seconds", "s", steady(to_bus), 0.99)
    return [
        of_quantile("event_to_finding_p99_seconds", "s", steady(to_finding), 0.99, bus),
        of_quantile("event_to_finding_p50_seconds", "s", steady(to_finding), 0.5),
        bus,
    ]


def steady(observed: list[tuple[int, float]]) -> list[float]:
    """The latencies of events after the first seconds, in which the load finds its broker and its rate."""
    begin_us = min(at_us for at_us, _ in observed) + round(WARM_UP_SECONDS * 1e6)
    return [latency for at_us, latency in observed if at_us >= begin_us]


def drain(
    consumer: Consumer, take: Callable[[str, bytes], None], *, quiet: float, until: subprocess.Popen[str] | None = None
) -> None:
    """Hands over what arrives, until nothing has for `quiet` seconds (and `until` has ended)."""
    last = time.monotonic()
    while time.monotonic() - last < quiet or (until is not None and until.poll() is None):
        message = consumer.poll(0.1)
        if message is not None and not message.error():
            last = time.monotonic()
            take(message.topic() or "", message.value() or b"")


def emitting() -> list[Figure]:
    """What a call of the recorder costs the host's thread, beside encoding the same payload.

    With a broker, the sender's thread at work and nothing else: an agent does not share its cores with the pipeline.
    """
    figures: list[Figure] = []
    with running_broker(TOPICS) as kafka:
        for size, events, rate, suffix in ((2_000, 10_000, 1000, ""), (50_000, 3_000, 150, "_50kb")):
            load = begin_load("emit", kafka, prefix=f"emit{size}", bytes=size, events=events, rate=rate)
            assert load.stdout is not None
            observed = json.loads(load.stdout.readline())
            load.wait(60)
            encode = of_quantile(f"encode_p99_microseconds{suffix}", "µs", observed["encode"], 0.99)
            figures += [
                of_quantile(f"emit_p99_microseconds{suffix}", "µs", observed["emit"], 0.99, encode),
                of_quantile(f"emit_p50_microseconds{suffix}", "µs", observed["emit"], 0.5),
                encode,
            ]
    return figures


if __name__ == "__main__":
    main()
