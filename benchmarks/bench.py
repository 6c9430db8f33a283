"""`make bench`: throughput and latency of the local stack, the worker's ceiling beside it, and what emitting costs.

Everything runs on this machine at once: load, broker, worker, engine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from harness import Figure, of_quantile, of_runs, write

from watchkeeper.cli.stack.testing import running_broker, running_stack
from watchkeeper.schemas.events import EVENT_ADAPTER
from watchkeeper.schemas.findings import FINDING_ADAPTER
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.topics import EVENTS, FINDINGS, PARTITIONS, TOPICS
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.offsets import FETCH_WAIT_MS

HERE = Path(__file__).parent
PATIENCE = 240.0
WARM_UP_SECONDS = 3.0


def main() -> None:
    """Runs all and writes `results/bench.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=2500, help="sessions of 60 events a run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long the steady stream runs")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    options = parser.parse_args()
    ceiling = of_runs("ceiling_events_per_second", "events/s", ceiling_runs(options.sessions, options.runs))
    print(ceiling.line(), flush=True)
    figures = [*whole_stack(options, ceiling), ceiling, *emitting()]
    if options.dry_run:
        print(*(figure.line() for figure in figures), sep="\n")
    else:
        write("bench", figures)


def ceiling_runs(sessions: int, runs: int) -> list[float]:
    """Events a second of a worker that consumes and validates, and does nothing else."""
    with tempfile.TemporaryDirectory() as home, running_broker(TOPICS) as kafka:
        told = Path(home) / "told"
        told.write_text("0 0")
        environment = os.environ | {
            "WATCHKEEPER_KAFKA_BOOTSTRAP": kafka,
            "WATCHKEEPER_CLICKHOUSE_DSN": "http://nobody:x@127.0.0.1:9/watchkeeper",
            "WATCHKEEPER_HOME": home,
            "CEILING_TOLD": str(told),
        }
        with child([HERE / "ceiling_worker.py"], environment, stderr=(Path(home) / "log").open("w")):
            return [run(kafka, sessions, number, lambda: told_of(told)) for number in range(-1, runs)][1:]


def told_of(path: Path) -> tuple[int, float]:
    """How many events the ceiling's worker has validated, and when it said so."""
    count, _, at = path.read_text().partition(" ")
    return int(count or 0), float(at or 0.0)


def whole_stack(options: argparse.Namespace, ceiling: Figure) -> list[Figure]:
    """Everything that is measured on the whole stack."""
    with running_stack() as variables:
        kafka = variables["WATCHKEEPER_KAFKA_BOOTSTRAP"]
        client = connect(variables["WATCHKEEPER_CLICKHOUSE_DSN"])

        def stored() -> tuple[int, float]:
            count, latest = client.query("SELECT count(), max(stored_at) FROM events").result_rows[0]
            return int(count), latest.timestamp()

        runs = [run(kafka, options.sessions, number, stored) for number in range(-1, options.runs)][1:]
        figures = [of_runs("end_to_end_events_per_second", "events/s", runs, ceiling)]
        print(figures[0].line(), flush=True)
        return figures + latencies(kafka, options.seconds)


def run(kafka: str, sessions: int, number: int, progress: Callable[[], tuple[int, float]]) -> float:
    """Sends whole sessions as fast as the broker takes them; answers events a second from first sent to last done.

    Run -1 is a smaller one that warms up and is not counted.
    """
    sessions = sessions // 4 if number < 0 else sessions
    load = begin_load("flood", kafka, prefix=f"run{number}", sessions=sessions)
    assert load.stdout is not None
    assert load.stdin is not None
    ready = json.loads(load.stdout.readline())
    if number == 0:
        size, together = ready["bytes_an_event"], ready["events_a_record"]
        print(f"  {ready['ready']:,} events of {size:.0f} bytes, {together:.1f} a record")
    before, _ = progress()
    load.stdin.write("\n")
    load.stdin.flush()
    deadline = time.time() + PATIENCE
    while True:
        count, at = progress()
        if count - before >= ready["ready"]:
            break
        if time.time() > deadline:
            raise TimeoutError(f"{count - before:,} of {ready['ready']:,} events after {PATIENCE:.0f} s")
        # Seldom: asking costs the engine that is measured. When the last event came is told to the millisecond.
        time.sleep(0.5)
    sent = json.loads(load.stdout.readline())
    load.wait(30)
    rate = float(ready["ready"] / (at - sent["begin"]))
    print(f"  run {number}: {rate:,.0f} events/s", flush=True)
    return rate


def latencies(kafka: str, seconds: float) -> list[Figure]:
    """From the time of an event to its finding on the bus, at 2,000 events/s; beside it, to the event on the bus."""
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


def begin_load(load: str, kafka: str, **options: Any) -> subprocess.Popen[str]:
    """One of `load.py`'s loads, in a process of its own."""
    words = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, str(HERE / "load.py"), load, f"--kafka={kafka}", *words]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextmanager
def child(words: list[Any], environment: dict[str, str], stderr: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A Python program that ends with the block."""
    process = subprocess.Popen([sys.executable, *map(str, words)], env=environment, stderr=stderr, stdout=stderr)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


if __name__ == "__main__":
    main()
