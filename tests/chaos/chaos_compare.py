"""All that users see after a run, and how it differs from a run without faults.

Left out of the comparison, each for a reason:

- `stored_at`, `detected_at`, `issued_at`, `expires_at`, `keep_until`, `received_at`: when the worker did it;
- `source_partition` stays in; `source_offset`, `source_line`: the SDK cuts records by time, so the same event may
  stand at another place of the stream;
- `version` of states: counts how often they were written; in the state itself also `offset`, `arrived_us`, `due_us`;
- of stage 2 the evidence of findings: it tells in which order sessions of different partitions came. What has been
  counted in the end is compared (`subjects`), and the ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from chaos_faults import PARTITIONS
from chaos_world import Ledger
from confluent_kafka import Consumer, TopicPartition

from watchkeeper.stream_processors.clickhouse import connect

LEFT_OUT = {"stored_at", "detected_at", "issued_at", "expires_at", "keep_until", "received_at"} | {
    "source_offset",
    "source_line",
    "version",
    "state",
}
STATE_LEFT_OUT = {"version", "offset", "arrived_us", "due_us"}
KEYS = {
    "events": ("tenant_id", "session_id", "writer_id", "seq", "digest"),
    "contents": ("tenant_id", "address", "part"),
    "findings": ("finding_id",),
    "control_commands": ("command_id",),
    "sessions": ("tenant_id", "session_id"),
    "dead_letters": ("source_topic", "source_partition", "source_offset", "source_line"),
}

Outcome = dict[str, dict[Any, Any]]
"""Rows by table and key; of the bus, what was told, by id."""


@dataclass
class Verdict:
    """What a run shows.

    Attributes:
        doubled: rows that stand for an event twice where each must stand once, after duplicates are merged away.
        changed: by part of the outcome, keys that are missing, added or differ.
    """

    sent: int
    stored: int
    lost: int
    doubled: int
    changed: dict[str, list[Any]]

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled or changed."""
        return not (self.lost or self.doubled or self.changed)


def collect(dsn: str, bootstrap: str) -> Outcome:
    """All that users see."""
    outcome: Outcome = {}
    client = connect(dsn)
    try:
        for table, key in KEYS.items():
            result = client.query(f"SELECT * FROM {table} FINAL")
            rows = [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
            outcome[table] = {tuple(row[name] for name in key): _steady(table, row) for row in rows}
        query = "SELECT subject, state FROM subjects FINAL"
        outcome["subjects"] = {name: _fold(state) for name, state in client.query(query).result_rows}
    finally:
        client.close()
    for topic, identity in (("agent.findings", "finding_id"), ("agent.control", "command_id")):
        lines = [orjson.loads(line) for line in everything(bootstrap, topic)]
        # Told again after a crash it is the same message: what readers see is its latest revision.
        outcome[topic] = {(one[identity], one.get("revision", 0)): 1 for one in lines}
    signals = [orjson.loads(line) for line in everything(bootstrap, "agent.signals")]
    outcome["agent.signals"] = {one["signal_id"]: 1 for one in signals}
    return outcome


def compare(dsn: str, ledger: Ledger, found: Outcome, expected: Outcome) -> Verdict:
    """The ledger against the store, and the outcome against that of the run without faults."""
    client = connect(dsn)
    try:
        query = "SELECT tenant_id, session_id, writer_id, seq, digest FROM events"
        rows = [tuple(row) for row in client.query(f"{query} FINAL").result_rows]
        raw = {tuple(row) for row in client.query(query).result_rows}
    finally:
        client.close()
    stored = set(rows)
    # By number too: the same event under another digest is there twice.
    doubled = len(rows) - len({row[:4] for row in rows}) + len(raw - stored)
    changed = {name: gap for name in expected if (gap := _differing(found.get(name, {}), expected[name]))}
    return Verdict(len(ledger.places), len(stored), len(ledger.places - stored), doubled, changed)


def _differing(found: dict[Any, Any], expected: dict[Any, Any]) -> list[Any]:
    return [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]


def _steady(table: str, row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in LEFT_OUT}
    if table == "sessions":
        state = orjson.loads(row["state"])["s"]
        kept["state"] = {name: value for name, value in state.items() if name not in STATE_LEFT_OUT}
    if table == "findings" and row["session_id"] is None:
        return {name: kept[name] for name in ("finding_id", "kind", "subject", "rule_id")}
    return kept


def _fold(state: str) -> Any:
    _, fold = orjson.loads(state)["s"]["folds"]["capped_share"]
    return [fold["sums"], fold["buckets"], sorted(fold["capped"].items())]


def everything(bootstrap: str, topic: str) -> list[bytes]:
    """The lines of all records of a topic. Nobody writes any more."""
    numbers = range(1 if topic == "agent.control" else PARTITIONS)
    settings = {"bootstrap.servers": bootstrap, "group.id": "compare", "enable.partition.eof": True}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in numbers])
    found: list[bytes] = []
    ended: set[int | None] = set()
    while len(ended) < len(numbers):
        message = consumer.poll(30)
        assert message is not None, f"{topic}: no answer; ended are {sorted(map(str, ended))}"
        if message.error():
            ended.add(message.partition())
        else:
            ended.discard(message.partition())
            found += [line for line in (message.value() or b"").split(b"\n") if line]
    consumer.close()
    return found
