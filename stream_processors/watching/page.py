"""Makes `docs/metrics.md` of the list of figures: `python -m watchkeeper.stream_processors.watching.page`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from watchkeeper.stream_processors.watching.names import METRICS, REASONS, VALUES, Metric

_HEAD = """# What a worker tells of itself

Made by `python -m watchkeeper.stream_processors.watching.page`; a test compares. A worker serves these figures at
`/metrics` on 127.0.0.1 (`WATCHKEEPER_WATCH_PORT`, 0 for a free one; `watch/PID.json` in its directory says which),
and writes them every 15 seconds into the table `pipeline_metrics`: counters once they count something, and of
histograms `_sum` and `_count`, with the buckets of those marked *. Counters begin at 0 with each worker. `watchkeeper
status` reads both.

| name | kind | unit | labels | meaning |
|---|---|---|---|---|
"""

_LABELS = """
## Labels

What a label may say. Whatever would say something else is told as `other`, so that nothing that agents send can make
new series.

| label | values |
|---|---|
"""

_TAIL = """
## Alive, and ready

`/healthz` answers 503 with the reason where the worker is stalled, and 200 also while the broker or the store is away:
starting it again would not bring them back. `/readyz` answers 503 until the worker has had partitions of every topic,
and while a side is away. What to do is in `docs/runbooks/stalled-worker.md` and `docs/runbooks/store-away.md`.
"""


def page() -> str:
    """The page as text."""
    return (
        _HEAD
        + "\n".join(_row(name, metric) for name, metric in METRICS.items())
        + "\n"
        + _LABELS
        + "\n".join(_labels())
        + "\n"
        + _TAIL
    )


def _row(name: str, metric: Metric) -> str:
    kind = f"{metric.kind}{'*' if metric.rows_hold_buckets else ''}"
    return f"| `{name}` | {kind} | {metric.unit} | {', '.join(metric.labels)} | {metric.meaning} |"


def _labels() -> Iterator[str]:
    yield "| `partition` | the partition's number |"
    yield "| `error` | the name of a class of errors |"
    yield from (f"| `{label}` | {_listed(values)} |" for label, values in VALUES.items())
    yield from (f"| `reason` of `{name}` | {_listed(values)} |" for name, values in REASONS.items())


def _listed(values: Sequence[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


if __name__ == "__main__":
    sys.stdout.write(page())
