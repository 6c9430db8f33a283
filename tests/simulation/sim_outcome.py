"""What users see when all is done, without what tells when, and in which order, the workers did it.

Left out, and why:

- `detected_at`, `issued_at`, `expires_at`: when the worker was there to see it.
- `version` of states, `arrived_us`, `due_us`: they count writes, and tell when the worker read an event.
- how often what the store refused was set aside, where its producer sent it twice: once, while the first is on its
  way, and twice after it.
- offsets: the number of the record in the work stands for them, since repeats move what is behind them.
- `source_*` of signals on the bus: signals are compared by id, their places through what the watermarks do.
- of a subject: watermarks (the last position, which a repeat may spell with other ordinals), the order of examples,
  and whether an alarm was open for a moment while signals of several partitions overtook each other; what rules have
  counted of it is compared exactly, and its findings by id.
"""

from __future__ import annotations

from typing import Any

import orjson
from sim_stage_two import RULES, folded

from watchkeeper.schemas.topics import EVENTS
from watchkeeper.stream_processors.engine.decode import decode
from watchkeeper.stream_processors.engine.memory import MemoryBus
from watchkeeper.stream_processors.engine.memory_store import TABLES, MemoryStore
from watchkeeper.stream_processors.engine.ports import Record

_VOLATILE = {
    "findings": {"detected_at"},
    "control_commands": {"issued_at", "expires_at"},
    "sessions": {"version"},
    "subjects": {"version"},
}
_VOLATILE_STATE = {"passed", "version", "arrived_us", "due_us"}


class Places:
    """Which of the work's records stands where: one that was sent twice moves those behind it."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int], int] = {}
        self._latest: dict[bytes | None, int] = {}
        self._reached: dict[tuple[int, int], int] = {}

    def note(self, record: Record, number: int | None) -> None:
        """Takes note of a record; None for one that was sent before."""
        place = record.partition, record.offset
        if number is not None:
            self._numbers[place] = number
            # A record of which nothing can be read moves no session; one that is sent again after it does.
            if decode(record)[0]:
                self._latest[record.key] = number
        self._reached[place] = self._latest.get(record.key, -1)

    def number(self, partition: int, offset: int) -> int:
        """The record's number in the work; its offset where none was noted."""
        return self._numbers.get((partition, offset), offset)

    def reached(self, partition: int, offset: int) -> int:
        """The number of the latest of a session's records up to there."""
        return self._reached.get((partition, offset), offset)


def outcome(bus: MemoryBus, store: MemoryStore, places: Places) -> dict[str, Any]:
    """By table and topic, rows and ids."""
    told: dict[str, Any] = {table: [_steady(table, row, places) for row in store.rows(table)] for table in TABLES}
    for topic, identity in (("agent.findings", "finding_id"), ("agent.control", "command_id")):
        documents = [orjson.loads(message.value) for message in bus.messages(topic)]
        if bus.has_forgotten:
            # Whether stage 2 says more of it afterwards depends on the order, and what it said before is gone.
            documents = [one for one in documents if one.get("rule_id") not in RULES]
        told[topic] = sorted({(one[identity], _revision(one)) for one in documents})
    signals = [orjson.loads(line) for one in bus.messages("agent.signals") for line in one.value.split(b"\n")]
    told["agent.signals"] = sorted({one["signal_id"] for one in signals})
    letters = bus.messages("agent.dead-letter")
    told["agent.dead-letter"] = sorted({(_source(one.headers["wk-source"], places), one.value) for one in letters})
    return _letters_by_what_they_hold(told)


def _revision(told: dict[str, Any]) -> int:
    """How often stage 2 says more of what it found depends on the order in which sessions came."""
    return 0 if told.get("rule_id") in RULES else told.get("revision", 0)


def _letters_by_what_they_hold(told: dict[str, Any]) -> dict[str, Any]:
    """Of what the store refused and its producer sent again."""
    refused = [row["raw_base64"] for row in told["dead_letters"] if row["reason"] == "store_refused"]
    told["refused"] = sorted(set(refused))
    told["dead_letters"] = [row for row in told["dead_letters"] if row["reason"] != "store_refused"]
    told["agent.dead-letter"] = sorted(
        {(None if b"poisoned" in value else source, value) for source, value in told["agent.dead-letter"]}, key=repr
    )
    return told


def _source(named: str, places: Places) -> str:
    topic, partition, offset, line = named.split("/")
    return (
        f"{topic}/{partition}/{places.number(int(partition), int(offset)) if topic == EVENTS.name else offset}/{line}"
    )


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


def _ordered(state: dict[str, Any]) -> dict[str, Any]:
    """A state with its names in order: which of two came into it first may be chance, and says nothing."""
    ordered: dict[str, Any] = orjson.loads(orjson.dumps(state, option=orjson.OPT_SORT_KEYS))
    return ordered


def _steady(table: str, row: dict[str, Any], places: Places) -> dict[str, Any]:
    kept = {name: value for name, value in sorted(row.items()) if name not in _VOLATILE.get(table, ())}
    if table == "findings" and kept["rule_id"] in RULES:
        return {"finding_id": kept["finding_id"]}
    if table == "events" or (table == "dead_letters" and kept["source_topic"] == EVENTS.name):
        kept["source_offset"] = places.number(kept["source_partition"], kept["source_offset"])
    if table in ("sessions", "subjects"):
        state = orjson.loads(kept["state"])["s"]
        if table == "sessions":
            state["offset"] = places.reached(kept["source_partition"], state["offset"])
        kept["state"] = _ordered({name: value for name, value in state.items() if name not in _VOLATILE_STATE})
    if table == "subjects":
        kept["state"] = sorted(folded(row["state"]).items())
    return kept
