"""Lines as a recorder writes them, and workers in the world of `watchkeeper.stream_processors.engine.memory`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.model import format_utc, from_us
from watchkeeper.schemas.topics import EVENTS, PARTITIONS
from watchkeeper.schemas.wire import record_key
from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.detection.detector import Detector
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.engine.engine import Engine
from watchkeeper.stream_processors.engine.memory import MemoryBus, MemoryClock
from watchkeeper.stream_processors.engine.memory_store import MemoryStore
from watchkeeper.stream_processors.engine.ports import Clock, Record, Store
from watchkeeper.stream_processors.engine.stage_one import StageOne

START_US = 1_767_225_600_000_000
SALT = "00112233445566778899aabbccddeeff"
CANONICAL = {"wk-writer": "canonical/1"}
TOOLS = [{"name": "search", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}}}]


class Teller:
    """Writes the lines of one writer of a session, a tenth of a second apart."""

    def __init__(
        self, session: str = "s-1", *, tenant: str = "default", writer: str = "w-1", now_us: int = START_US
    ) -> None:
        self.session, self.tenant, self.writer = session, tenant, writer
        self.now_us = now_us
        self.seq = 0
        self.header: dict[str, Any] = {}

    @property
    def key(self) -> bytes:
        return record_key(self.tenant, self.session)

    def line(self, kind: str, data: dict[str, Any], *, seq: int | None = None, **header: Any) -> bytes:
        """The next event of the writer, or one with a number of its own."""
        number = self.seq if seq is None else seq
        if seq is None:
            self.seq += 1
        self.now_us += 100_000
        entropy = f"{self.session}/{self.writer}/{number}".encode()[-10:].rjust(10, b"-")
        document: dict[str, Any] = {"type": kind, "event_id": uuid7(START_US // 1000, entropy)}
        if self.tenant != "default":
            document["tenant_id"] = self.tenant
        document |= {"session_id": self.session, "writer_id": self.writer}
        document |= {"seq": number, "occurred_at": format_utc(from_us(self.now_us)), "agent_id": "support"}
        document |= self.header | header
        if number == 0:
            document["writer_salt"] = SALT
        return orjson.dumps(document | {"data": data})

    def start(self, tools: Any = TOOLS, **data: Any) -> bytes:
        if tools is not None:
            data["tools"] = tools if isinstance(tools, dict) else self.shared(json.dumps(tools))
        return self.line("session_started", data)

    def call(self, number: int | None = None, *, tool: str = "search", seq: int | None = None, q: str = "") -> bytes:
        called = f"c{self.seq if number is None else number}"
        return self.line("tool_call", {"tool_call_id": called, "tool_name": tool, "arguments": {"q": q}}, seq=seq)

    def result(self, number: int, *, tool: str = "search") -> bytes:
        return self.line("tool_result", {"tool_call_id": f"c{number}", "tool_name": tool})

    def end(self) -> bytes:
        return self.line("session_ended", {"status": "completed"})

    @staticmethod
    def shared(text: str) -> dict[str, Any]:
        return {"address": address_of(text), "size": len(text.encode()), "text": text}

    def record(self, *lines: bytes, offset: int = 0, canonical: bool = True, partition: int = 0) -> Record:
        return Record(
            EVENTS.name, partition, offset, self.key, b"\n".join(lines), START_US // 1000, canonical=canonical
        )


class World:
    """A bus and a store with a clock that moves while somebody sleeps."""

    def __init__(self) -> None:
        self.clock = MemoryClock(restless=True)
        self.bus = MemoryBus(self.clock)
        self.store = MemoryStore(self.clock)

    def tell(self, teller: Teller, *lines: bytes, canonical: bool = True) -> Record:
        """Puts a record on the bus."""
        return self.bus.produce(EVENTS.name, teller.key, b"\n".join(lines), CANONICAL if canonical else None)


class Worker:
    """Stage 1 in an engine, fed from the bus from the committed offsets on."""

    def __init__(
        self,
        world: World,
        *,
        detectors: Iterable[Detector[Any]] | None = None,
        capacity: int = 1000,
        store: Store | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.world = world
        self.failures: list[BaseException] = []
        self.acknowledged: list[Record] = []
        self.clock = clock or world.clock
        judge = Judge(default_detectors() if detectors is None else detectors, strict=True)
        self.stage = StageOne(judge, store or world.store, self.clock, capacity=capacity)
        self.engine = Engine(
            self.stage,
            bus=world.bus,
            store=store or world.store,
            clock=self.clock,
            acknowledge=self._acknowledge,
            on_failure=self.failures.append,
        )
        self.positions: dict[int, int] = {}

    async def start(self, partitions: Iterable[int] = range(PARTITIONS)) -> Worker:
        """Takes over the partitions."""
        mine = list(partitions)
        self.positions = {number: self.world.bus.committed.get((EVENTS.name, number), 0) for number in mine}
        await self.engine.assign(mine)
        return self

    async def run(self, takes: Iterator[int] | None = None) -> None:
        """Reads all there is, in takes of so many records (all at once without), until all of it is kept."""
        waiting = self._waiting()
        while waiting:
            size = len(waiting) if takes is None else max(1, next(takes, len(waiting)))
            taken, waiting = waiting[:size], waiting[size:]
            await self.engine.process(taken)
        await self.engine.drain()

    async def tick(self) -> None:
        """Lets time pass until now, as far as everything is judged."""
        await self.engine.tick({number: self.world.bus.horizon(EVENTS.name, number) for number in self.positions})
        await self.engine.drain()

    def _waiting(self) -> list[Record]:
        """What is unread, the partitions in turns."""
        read: list[list[Record]] = []
        for number, position in self.positions.items():
            read.append(self.world.bus.read(EVENTS.name, number, position))
            self.positions[number] = position + len(read[-1])
        longest = max(map(len, read), default=0)
        return [log[index] for index in range(longest) for log in read if index < len(log)]

    async def _acknowledge(self, records: Sequence[Record]) -> None:
        self.acknowledged += records
        for record in records:
            self.world.bus.committed[record.topic, record.partition] = record.offset + 1


VOLATILE: dict[str, set[str]] = {
    "findings": {"detected_at"},
    "control_commands": {"issued_at", "expires_at"},
    "sessions": {"version"},
}
VOLATILE_STATE = {"version", "log", "passed", "arrived_us", "due_us"}


def outcome(world: World) -> dict[str, Any]:
    """All that users see, without what tells when the worker did it."""
    told: dict[str, Any] = {}
    for table in world.store.inserted:
        told[table] = [_steady(table, row) for row in world.store.rows(table)]
    for topic, identity in (("agent.findings", "finding_id"), ("agent.control", "command_id")):
        documents = [orjson.loads(message.value) for message in world.bus.messages(topic)]
        told[topic] = sorted({(one[identity], one.get("revision", 0)) for one in documents})
    signals = [line for message in world.bus.messages("agent.signals") for line in message.value.split(b"\n")]
    told["agent.signals"] = sorted({orjson.loads(line)["signal_id"] for line in signals})
    return told


def _steady(table: str, row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in VOLATILE.get(table, ())}
    if table == "sessions":
        state = orjson.loads(kept["state"])["s"]
        kept["state"] = {name: value for name, value in state.items() if name not in VOLATILE_STATE}
    return kept
