"""What a call of the recorder costs the host with a broker and without: `python benchmarks/emit_without_broker.py`.

The same load (`load.py emit`), twice in one run: beside an embedded broker, and at an address where nobody listens. The
figure without is given as a ratio of the one with.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness import Figure, of_quantile, write

from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.schemas.topics import TOPICS

HERE = Path(__file__).parent
EVENTS = 10_000
RATE = 1_000


def observed(kafka: str, *words: str) -> list[float]:
    """Microseconds of each call."""
    command = [
        sys.executable,
        str(HERE / "load.py"),
        "emit",
        f"--kafka={kafka}",
        f"--events={EVENTS}",
        f"--rate={RATE}",
    ]
    done = subprocess.run([*command, *words], check=True, stdout=subprocess.PIPE, text=True, timeout=180)
    found: list[float] = json.loads(done.stdout)["emit"]
    return found


def emitting_without_broker() -> list[Figure]:
    """Median and p99 of a call, with a broker and without one."""
    with running_broker(TOPICS) as kafka:
        there = observed(kafka, "--prefix=with")
    away = observed(f"127.0.0.1:{free_port()}", "--prefix=without", "--away")
    figures: list[Figure] = []
    for name, quantile in (("p50", 0.5), ("p99", 0.99)):
        beside = of_quantile(f"emit_{name}_with_broker_microseconds", "µs", there, quantile)
        figures += [of_quantile(f"emit_{name}_without_broker_microseconds", "µs", away, quantile, beside), beside]
    return figures


if __name__ == "__main__":
    write("emit_without_broker", emitting_without_broker())
