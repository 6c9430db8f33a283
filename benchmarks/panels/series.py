"""The pipeline's own figures of one worker over a month, as it writes them every 15 seconds."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from datetime import datetime

import orjson

from watchkeeper.schemas.model import to_us
from watchkeeper.stream_processors.watching.names import METRICS, VALUES, Metric

ROWS_SECONDS = 15
RESTART_DAYS = 6
_PARTITIONS = tuple(str(number) for number in range(12))
_FEW = {"partition": _PARTITIONS, "error": ("StoreUnavailableError",), "reason": ("not_json", "queue_full")}
_TOPICS = ("agent.events", "agent.signals", "agent.scores")
_TABLES = ("events", "contents", "findings", "control_commands", "scores", "sessions", "subjects", "dead_letters")


def _values(label: str) -> tuple[str, ...]:
    if label == "topic":
        return _TOPICS
    if label == "table":
        return _TABLES
    return _FEW.get(label) or VALUES[label][:4]


def _samples(name: str, metric: Metric) -> Iterator[tuple[str, dict[str, str], float]]:
    """Names and labels of a metric's rows, and by how much each grows beside the others of its metric."""
    for chosen in itertools.product(*(_values(label) for label in metric.labels)):
        labels = dict(zip(metric.labels, chosen, strict=True))
        if metric.kind != "histogram":
            yield name, labels, 1.0
            continue
        yield f"{name}_sum", labels, 0.02
        yield f"{name}_count", labels, 1.0
        if metric.rows_hold_buckets:
            bounds = [*(str(float(bound)) for bound in metric.buckets), "+Inf"]
            for number, bound in enumerate(bounds, 1):
                yield f"{name}_bucket", labels | {"le": bound}, number / len(bounds)


def rows_sql(begin: datetime, ticks: int, every_seconds: int) -> str:
    """A SELECT of the rows of `pipeline_metrics` from `begin` on; the worker is another one after some days.

    Series come one after the other, each with all its times: in the order of the table's key, so nothing is sorted.
    """
    told = sorted(
        (name, orjson.dumps(labels, option=orjson.OPT_SORT_KEYS).decode(), labels, share, metric.kind)
        for metric_name, metric in METRICS.items()
        for name, labels, share in _samples(metric_name, metric)
    )
    columns = {
        "name": [_text(one[0]) for one in told],
        "series": [_text(one[1]) for one in told],
        "label_names": [_listed(map(_text, one[2])) for one in told],
        "label_values": [_listed(map(_text, one[2].values())) for one in told],
        "share": [str(one[3]) for one in told],
        "is_gauge": [str(int(one[4] == "gauge")) for one in told],
    }
    fields = ", ".join(f"{_listed(values)}[one] AS {column}" for column, values in columns.items())
    labels = "CAST(mapFromArrays(label_names, label_values), 'Map(LowCardinality(String), String)') AS labels"
    second = f"{to_us(begin) // 1_000_000} + tick * {every_seconds}"
    alive = f"(({second}) % {RESTART_DAYS * 86_400})"
    # A counter never falls: a part that grows evenly, and one that comes and goes with the day.
    grown = f"floor(({alive} + 20000 * (1 - cos({alive} / 86400 * 2 * pi()))) * (1 + print % 20) * share)"
    return (
        f"SELECT toDateTime64({second}, 3, 'UTC') AS at,"
        f" concat('host/', toString(intDiv({second}, {RESTART_DAYS * 86_400}))) AS worker_id, name, series, labels,"
        f" if(is_gauge, toFloat64(cityHash64(print, tick) % 100), {grown}) AS value FROM ("
        f"SELECT name, series, labels, share, is_gauge, print, arrayJoin(range({ticks})) AS tick FROM ("
        f"SELECT arrayJoin(range(1, {len(told)} + 1)) AS one, {fields}, {labels}, cityHash64(series) AS print))"
    )


def _listed(values: Iterable[str]) -> str:
    return f"[{', '.join(values)}]"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
