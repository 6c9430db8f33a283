"""All that users see after a run, and how it differs from a run without faults.

Left out of the comparison, each for a reason:

- `stored_at`, `detected_at`, `issued_at`, `expires_at`, `keep_until`, `received_at`: when the worker did it;
- `source_partition` stays in; `source_offset`, `source_line`: the SDK cuts records by time, so the same event may
  stand at another place of the stream;
- `version` of states: counts how often they were written; in the state itself also `offset`, `arrived_us`,
  `stamped_us`, `due_us`;
- the places of dead letters, for the same reason: their bytes and reasons are compared, and the ledger tells their
  places;
- `computed_at` of minutes, and those that hold zeros only: they replace what is there no more;
- of stage 2 the evidence of findings: it tells in which order sessions of different partitions came. What has been
  counted in the end is compared (`subjects`), and the ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from chaos_faults import CHAOS_TOPICS
from chaos_world import Ledger
from clickhouse_connect.driver import Client
from confluent_kafka import Consumer, TopicPartition
from sim_stage_two import RULES, folded

from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.rollup_sql import SOURCES, Source

LEFT_OUT = {"stored_at", "detected_at", "issued_at", "expires_at", "keep_until", "received_at"} | {
    "source_offset",
    "source_line",
    "version",
    "state",
    "computed_at",
}
STATE_LEFT_OUT = {"version", "offset", "log", "passed", "arrived_us", "stamped_us", "due_us"}
KEYS = {
    "events": ("tenant_id", "session_id", "writer_id", "seq", "digest"),
    "contents": ("tenant_id", "address", "part"),
    "findings": ("finding_id",),
    "control_commands": ("command_id",),
    "sessions": ("tenant_id", "session_id"),
    "scores": ("tenant_id", "source", "agent_id", "score_id"),
}

Outcome = dict[str, dict[Any, Any]]
"""Rows by table and key; of the bus, what was told, by id."""


@dataclass
class Verdict:
    """What a run shows.

    Attributes:
        sent: events, and lines that cannot be read, that the broker has acknowledged.
        stored: events and dead letters.
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
        for source in SOURCES:
            outcome[source.target] = _minutes(client, source)
        query = "SELECT reason, detail, raw_base64 FROM dead_letters FINAL"
        outcome["dead_letters"] = dict.fromkeys(map(tuple, client.query(query).result_rows), 1)
        query = "SELECT subject, state FROM subjects FINAL"
        outcome["subjects"] = {name: folded(state) for name, state in client.query(query).result_rows}
    finally:
        client.close()
    for topic, identity in (("agent.findings", "finding_id"), ("agent.control", "command_id")):
        lines = [orjson.loads(line) for line in everything(bootstrap, topic)]
        # Told again after a crash it is the same message: what readers see is its latest revision.
        outcome[topic] = {(one[identity], _revision(one)): 1 for one in lines}
    outcome["agent.dead-letter"] = dict.fromkeys(everything(bootstrap, "agent.dead-letter"), 1)
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
        query = "SELECT source_partition, source_offset, source_line FROM dead_letters FINAL"
        letters = [tuple(row) for row in client.query(query).result_rows]
    finally:
        client.close()
    stored = set(rows)
    numbers = {place[:4] for place in ledger.places}
    # By number too: what was told once must not stand there under another digest as well.
    doubled = len(rows) - len(stored) + len(raw - stored) + sum(row[:4] in numbers for row in stored - ledger.places)
    doubled += len(letters) - len(set(letters))
    lost = len(ledger.places - stored) + len(ledger.unreadable - set(letters))
    changed = {name: gap for name in expected if (gap := _differing(found.get(name, {}), expected[name]))}
    sent = len(ledger.places) + len(ledger.unreadable)
    return Verdict(sent, len(stored) + len(set(letters)), lost, doubled, changed)


def _differing(found: dict[Any, Any], expected: dict[Any, Any]) -> list[Any]:
    return [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]


def _steady(table: str, row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in LEFT_OUT}
    if table == "sessions":
        state = orjson.loads(row["state"])["s"]
        kept["state"] = {name: value for name, value in state.items() if name not in STATE_LEFT_OUT}
    if table == "findings" and row["rule_id"] in RULES:
        return {name: kept[name] for name in ("finding_id", "kind", "subject", "rule_id")}
    return kept


def _revision(told: dict[str, Any]) -> int:
    """How often stage 2 says more of what it found depends on the order in which sessions came."""
    return 0 if told.get("rule_id") in RULES else told.get("revision", 0)


def _minutes(client: Client, source: Source) -> dict[Any, Any]:
    """A table of minutes, by key; of a distribution, which has no order of its own, the quantile that it stands for."""
    columns = [name for name in source.totals if name != "duration_us"]
    counted = columns[0]
    if "duration_us" in source.totals:
        columns.append("ifNotFinite(finalizeAggregation(duration_us), -1)")
    keys = ("minute", *source.keys)
    query = f"SELECT {', '.join((*keys, *columns))} FROM {source.target} FINAL WHERE {counted} > 0"
    return {row[: len(keys)]: row[len(keys) :] for row in map(tuple, client.query(query).result_rows)}


def everything(bootstrap: str, topic: str) -> list[bytes]:
    """The lines of all records of a topic. Nobody writes any more."""
    numbers = range(next(one.partitions for one in CHAOS_TOPICS if one.name == topic))
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
