"""What users see when all is done, without what tells when, and in which order, the workers did it.

Left out, and why:

- `detected_at`, `issued_at`, `expires_at`: when the worker was there to see it.
- `version` of states, `arrived_us`, `due_us`: they count writes, and tell when the worker read an event.
- the evidence and the summary of what a tick found: how long was waited until a tick came; its id is compared.
- `source_*` of signals on the bus: signals are compared by id, their places through what the watermarks do.
- of a subject: watermarks (the last position, which a repeat may spell with other ordinals), the order of examples,
  and whether an alarm was open for a moment while signals of several partitions overtook each other; its sums,
  buckets and capped sessions are compared exactly, and its findings by id.
"""

from __future__ import annotations

from typing import Any

import orjson

from watchkeeper.stream_processors.engine.memory import MemoryBus
from watchkeeper.stream_processors.engine.memory_store import TABLES, MemoryStore

_VOLATILE = {
    "findings": {"detected_at"},
    "control_commands": {"issued_at", "expires_at"},
    "sessions": {"version"},
    "subjects": {"version"},
}
_OF_TICKS = {"never_closed", "unanswered_call"}
_TICKED = {"evidence", "summary", "last_event_at", "first_event_at"}
_VOLATILE_STATE = {"version", "arrived_us", "due_us"}
_FOLDED = ("head", "buckets", "sums", "capped")


def outcome(bus: MemoryBus, store: MemoryStore) -> dict[str, Any]:
    """By table and topic, rows and ids."""
    told: dict[str, Any] = {table: [_steady(table, row) for row in store.rows(table)] for table in TABLES}
    for topic, identity in (("agent.findings", "finding_id"), ("agent.control", "command_id")):
        documents = [orjson.loads(message.value) for message in bus.messages(topic)]
        told[topic] = sorted({(one[identity], one.get("revision", 0)) for one in documents})
    signals = [orjson.loads(line) for one in bus.messages("agent.signals") for line in one.value.split(b"\n")]
    told["agent.signals"] = sorted({one["signal_id"] for one in signals})
    letters = bus.messages("agent.dead-letter")
    told["agent.dead-letter"] = sorted({(one.headers["wk-source"], one.value) for one in letters})
    return told


def differences(wanted: dict[str, Any], found: dict[str, Any], most: int = 6) -> list[str]:
    """What is told by one and not by the other, for a person."""
    lines: list[str] = []
    for name, expected in wanted.items():
        one, other = ({repr(row) for row in rows} for rows in (expected, found[name]))
        if len(expected) != len(found[name]):
            lines.append(f"{name}: {len(found[name])} instead of {len(expected)}")
        lines += [f"{name}: missing {row[:1500]}" for row in sorted(one - other)[:most]]
        lines += [f"{name}: instead {row[:1500]}" for row in sorted(other - one)[:most]]
    return lines


def _steady(table: str, row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in sorted(row.items()) if name not in _VOLATILE.get(table, ())}
    if table == "findings" and not kept.get("session_id"):
        return {"finding_id": kept["finding_id"]}
    if table == "findings" and kept["kind"] in _OF_TICKS:
        kept = {name: value for name, value in kept.items() if name not in _TICKED}
    if table in ("sessions", "subjects"):
        state = orjson.loads(kept["state"])["s"]
        kept["state"] = {name: value for name, value in state.items() if name not in _VOLATILE_STATE}
    if table == "subjects":
        folds = kept["state"]["folds"].items()
        kept["state"] = {rule: {name: fold[1].get(name) for name in _FOLDED} for rule, fold in sorted(folds)}
        for fold in kept["state"].values():
            fold["buckets"], fold["capped"] = (sorted((fold[name] or {}).items()) for name in ("buckets", "capped"))
    return kept
