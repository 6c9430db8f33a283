"""What must hold at every write of a state and at every commit, whatever went wrong before."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sim_loop import OWNER

from watchkeeper.schemas.topics import EVENTS, SCORES
from watchkeeper.schemas.wire import line_digest
from watchkeeper.stream_processors.engine.memory import MemoryBus
from watchkeeper.stream_processors.engine.memory_store import TABLES, MemoryStore
from watchkeeper.stream_processors.engine.ports import Record
from watchkeeper.stream_processors.engine.stage import Output

WHOLE = -1
"""The line of a dead letter that is a record as a whole."""


class BrokenError(AssertionError):
    """A promise of delivery was broken."""


class Watch:
    """Compares what is about to be said with what is on the bus and in the store."""

    def __init__(self, bus: MemoryBus, store: MemoryStore) -> None:
        self._bus, self._store = bus, store
        self._outputs: dict[tuple[str, bytes], Output] = {}
        self._checked: dict[tuple[str, int], int] = {}
        self.states = self.commits = 0
        self.broken: list[str] = []
        self._has_forgotten = False

    def judged(self, output: Output | None) -> None:
        """Takes note of what a state that is about to be written rests on.

        Two workers may come to the same state by batches that are cut differently: each is held to its own.
        """
        for row in output.states if output is not None else ():
            assert output is not None
            self._outputs[OWNER.get(), row] = output

    def _break(self, what: str) -> None:
        # Kept here too: whose task it ends may not be looked at.
        self.broken.append(what)
        raise BrokenError(what)

    def forget(self) -> None:
        """The broker forgot everything."""
        self._has_forgotten = True
        self._checked.clear()
        self._outputs.clear()

    def before_insert(self, owner: str, table: str, rows: Sequence[bytes]) -> None:
        """A worker's state is never ahead of what was found on the way to it."""
        if table not in ("sessions", "subjects"):
            return
        found = (self._outputs.get((owner, row)) for row in rows)
        for output in {id(one): one for one in found if one is not None}.values():
            self.states += 1
            for message in output.messages:
                if not any(
                    record.key == message.key and record.value == message.value for record in self._log(message.topic)
                ):
                    self._break(f"a state was written before its message on {message.topic} was published")
            for (name, _), wanted in output.rows.items():
                stored = self._store._tables[name]
                for raw in wanted:
                    row = orjson.loads(raw)
                    row.setdefault("tenant_id", "default")
                    if row.get("tool_name") == "poisoned":
                        continue
                    if tuple(row[column] for column in TABLES[name].key) not in stored:
                        self._break(f"a state was written before its row of {name} was stored")

    def before_commit(self, topic: str, partition: int, offset: int) -> None:
        """Nothing is committed that is not stored."""
        self.commits += 1
        start = self._checked.get((topic, partition), 0)
        for record in self._bus.read(topic, partition, start, max(0, offset - start)):
            for index, raw in enumerate(record.value.split(b"\n")):
                if not self._is_kept(topic, record, index, raw):
                    self._break(f"offset {offset} of {topic}/{partition} was committed, {raw[:80]!r} is not stored")
        self._checked[topic, partition] = max(start, offset)

    def _is_kept(self, topic: str, record: Record, index: int, raw: bytes) -> bool:
        if topic == EVENTS.name:
            return self._is_event_kept(record, index, raw)
        return self._is_score_kept(record, index, raw) if topic == SCORES.name else self._is_folded(raw)

    def _is_score_kept(self, record: Record, index: int, raw: bytes) -> bool:
        """Its row is stored and its signal published, or it is a dead letter."""
        place = (record.topic, record.partition, record.offset, index)
        if any(key[:4] == place for key in self._store._tables["dead_letters"]):
            return True
        try:
            score_id = orjson.loads(raw)["score_id"]
        except ValueError:
            return False
        stored = any(key[3] == score_id for key in self._store._tables["scores"])
        if self._has_forgotten:
            # What is stored was told in the log that is gone, perhaps.
            return stored
        return stored and any(score_id.encode() in one.value for one in self._log("agent.signals"))

    def _log(self, topic: str) -> list[Record]:
        return [record for log in self._bus._logs[topic] for record in log.records]

    def _is_event_kept(self, record: Record, index: int, raw: bytes) -> bool:
        letters = self._store._tables["dead_letters"]
        places = [(record.topic, record.partition, record.offset, line) for line in (index, WHOLE)]
        if any(key[:4] in places for key in letters):
            return True
        try:
            event = orjson.loads(raw)
        except ValueError:
            return False
        key = ("default", event.get("session_id"), event.get("writer_id"), event.get("seq"), line_digest(raw))
        if key in self._store._tables["events"]:
            return True
        if self._has_forgotten and any(known[:4] == key[:4] for known in self._store._tables["events"]):
            # Other content under a known number, at a low offset of another log, passes for a replay (ADR 12).
            return True
        # Sent again with equal bytes, and refused by the store the first time: it is a dead letter there.
        return b'"poisoned"' in raw and bool(letters)

    def _is_folded(self, raw: bytes) -> bool:
        signal = orjson.loads(raw)
        for row in self._store._tables["subjects"].values():
            if row.row["subject"] == signal["subject"]:
                if signal["source_offset"] is None:
                    # What a tick found has no place in the stream; rules make its repeat harmless.
                    return True
                topic = "scores/" if signal["kind"] == "scored" else ""
                log, *taken = orjson.loads(row.row["state"])["s"]["watermarks"].get(
                    f"{topic}{signal['source_partition']}", ["", -1, -1]
                )
                return bool(log != signal["source_log"] or [signal["source_offset"], signal["ordinal"]] <= taken)
        return False
