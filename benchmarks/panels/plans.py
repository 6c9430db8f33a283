"""How the engine goes about the slowest questions: which parts and granules it reads, and by what pipeline."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from clickhouse_connect.driver import Client

from panels.measure import Timing

SLOWEST = 10
"""So many at least, and all that take `SLOW_SECONDS` or more."""

SLOW_SECONDS = 1.0
WIDTH = 160
"""Lines are cut: what is computed is written out again and again, and is in the statement."""

_PROCESSOR = re.compile(r"^([A-Za-z]\w*(?:\([^()]*\))?)(?: \u00d7 (\d+))?")


def plans(client: Client, timings: Sequence[Timing]) -> list[dict[str, Any]]:
    """The plans of the slowest: `EXPLAIN indexes = 1` as it is, and how many processors of each kind the pipeline has.

    A question that a subquery answers first is explained with that answer in place, as the engine does it.
    """
    ordered = sorted(timings, key=lambda one: -one.least)
    return [_plan(client, one) for place, one in enumerate(ordered) if place < SLOWEST or one.least >= SLOW_SECONDS]


def _plan(client: Client, timing: Timing) -> dict[str, Any]:
    return {
        "question": timing.question.name,
        "chosen": timing.question.chosen,
        "least_seconds": timing.least,
        "cold_seconds": timing.cold,
        "read_rows": timing.read_rows,
        "read_bytes": timing.read_bytes,
        "sql": timing.question.sql,
        "plan": _explained(client, "EXPLAIN indexes = 1", timing),
        "pipeline": _processors(_explained(client, "EXPLAIN PIPELINE", timing)),
    }


def _explained(client: Client, how: str, timing: Timing) -> list[str]:
    return [str(line)[:WIDTH] for (line,) in client.query(f"{how} {timing.question.sql}").result_rows]


def _processors(lines: Sequence[str]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for line in lines:
        found = _PROCESSOR.match(line.strip())
        if found is not None and not line.strip().startswith(("(", "Description")):
            counted[found[1]] += int(found[2] or 1)
    return dict(counted.most_common())
