"""Makes `docs/metrics.md` of the list of figures: `python -m watchkeeper.stream_processors.watching.page`."""

from __future__ import annotations

import sys

from watchkeeper.stream_processors.watching.names import METRICS

_HEAD = """# What a worker tells of itself

Made by `python -m watchkeeper.stream_processors.watching.page`; a test compares. A worker serves these figures at
`/metrics` on 127.0.0.1 (`WATCHKEEPER_WATCH_PORT`, 0 for a free one; `watch/PID.json` in its directory says which),
and writes them every 15 seconds into the table `pipeline_metrics`, without the buckets of histograms. Counters begin
at 0 with each worker.

| name | kind | unit | labels | meaning |
|---|---|---|---|---|
"""


def page() -> str:
    """The page as text."""
    rows = (
        f"| `{name}` | {metric.kind} | {metric.unit} | {', '.join(metric.labels)} | {metric.meaning} |"
        for name, metric in METRICS.items()
    )
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
