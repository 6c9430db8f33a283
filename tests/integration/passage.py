"""A history of many sessions, the way in through a real broker, and all that came out, in comparable form."""

from __future__ import annotations

import random
import re
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from sim_stage_two import RULES, folded

from watchkeeper.cli.stack.child import Child, tail
from watchkeeper.schemas.topics import EVENTS, PARTITIONER, PARTITIONS, SCORES, SIGNALS
from watchkeeper.schemas.wire import line_digest
from watchkeeper.stream_processors.clickhouse import connect

telling: Any = sys.modules["watchkeeper_engine_telling"]
GROUP = "watchkeeper"
START_MS = telling.START_US // 1000


@dataclass(frozen=True)
class Told:
    """A record to be sent, with a time of its own."""

    at_ms: int
    key: bytes
    value: bytes
    canonical: bool


@dataclass
class History:
    """Records in the order of their sending.

    Attributes:
        digests: of every line that must end as an event: session, writer, number, digest.
        rejected: lines that must end as dead letters.
    """

    records: list[Told] = field(default_factory=list)
    digests: set[tuple[str, str, int, str]] = field(default_factory=set)
    rejected: int = 0

    def tell(self, teller: Any, *lines: bytes, canonical: bool = True) -> None:
        self.records.append(Told(START_MS + len(self.records), teller.key, b"\n".join(lines), canonical))
        for line in lines:
            document = orjson.loads(line)
            if "session_id" in document:
                place = (document["session_id"], document["writer_id"], document["seq"])
                self.digests.add((*place, line_digest(line)))
            else:
                self.rejected += 1


def history(sessions: int = 1000, seed: int = 1) -> History:
    """Some twenty events a session; a few sessions misbehave, and a few records are spoiled."""
    draw = random.Random(seed)
    told = History()
    running: list[Any] = []
    begun = 0
    while begun < sessions or running:
        if begun < sessions and len(running) < 50:
            teller = telling.Teller(f"s-{begun:05d}", now_us=telling.START_US + begun * 1_000_000)
            begun += 1
            caps = {"tool_calls": 6} if draw.random() < 0.1 else None
            told.tell(teller, teller.start(**({"caps": caps} if caps else {})), teller.call(q="first"))
            running.append(teller)
            continue
        teller = draw.choice(running)
        if teller.seq >= 18:
            told.tell(teller, teller.end())
            running.remove(teller)
            continue
        _step(told, teller, draw)
    return told


def _step(told: History, teller: Any, draw: random.Random) -> None:
    fate = draw.random()
    canonical = draw.random() < 0.8
    if fate < 0.01:
        # One is lost, or comes late.
        missing = teller.call(q="late")
        told.tell(teller, teller.result(teller.seq - 1))
        if fate < 0.005:
            told.tell(teller, missing)
    elif fate < 0.02:
        line = teller.call(q="twice")
        told.tell(teller, line, canonical=canonical)
        told.tell(teller, line, canonical=canonical)
    elif fate < 0.03:
        line = teller.call(q="one")
        told.tell(teller, line)
        told.tell(teller, line.replace(b'"q":"one"', b'"q":"two"'))
    elif fate < 0.04:
        told.tell(teller, teller.call(tool="serch"), b'{"type":"tool_call"}', canonical=False)
    elif fate < 0.1:
        told.tell(teller, *[teller.call(q="again") for _ in range(4)])
    else:
        numbers = [teller.seq + step for step in range(2)]
        usage = {"input_tokens": 900, "output_tokens": 90, "cache_read_input_tokens": 100}
        answer = {"request_id": f"r{numbers[0]}", "model": "gpt-4.1", "provider": "openai", "usage": usage}
        lines = [teller.call(number, q=str(number)) for number in numbers]
        lines += [teller.result(number) for number in numbers]
        told.tell(teller, *lines, teller.line("response", answer), canonical=canonical)


def send(bootstrap: str, records: list[Told]) -> None:
    """Sends records by one producer: partitions and offsets are the same each time."""
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": PARTITIONER, "enable.idempotence": True})
    for record in records:
        headers: Any = telling.CANONICAL if record.canonical else {}
        while True:
            try:
                producer.produce(EVENTS.name, record.value, record.key, headers=headers, timestamp=record.at_ms)
            except BufferError:
                producer.poll(0.1)
            else:
                break
    assert producer.flush(60) == 0


VOLATILE: dict[str, set[str]] = {
    "findings": {"detected_at"},
    "control_commands": {"issued_at", "expires_at"},
    "sessions": {"version", "state"},
    "subjects": {"version", "state"},
    "contents": {"keep_until"},
}
TABLES = ("events", "contents", "findings", "control_commands", "sessions", "subjects", "dead_letters")


def rows(dsn: str, table: str, where: str = "1") -> list[tuple[Any, ...]]:
    """All rows of a table, the latest of each key, without what tells when the worker did it."""
    client = connect(dsn)
    left_out = ", ".join({"stored_at", *VOLATILE.get(table, ())})
    query = f"SELECT * EXCEPT ({left_out}) FROM {table} FINAL WHERE {where}"
    found = [tuple(row) for row in client.query(query).result_rows]
    client.close()
    return sorted(found, key=repr)


def states(dsn: str) -> dict[str, Any]:
    """Every session's state, without what tells when the worker did it."""
    client = connect(dsn)
    found: dict[str, Any] = {}
    for session, state in client.query("SELECT session_id, state FROM sessions FINAL").result_rows:
        document = orjson.loads(state)["s"]
        found[session] = {name: value for name, value in document.items() if name not in telling.VOLATILE_STATE}
    client.close()
    return found


def counts(dsn: str) -> dict[str, Any]:
    """What stage 2 has counted of each subject: a signal that is lost or counted twice shows here."""
    client = connect(dsn)
    found: dict[str, Any] = {}
    for subject, state in client.query("SELECT subject, state FROM subjects FINAL").result_rows:
        found[subject] = folded(state)
    client.close()
    return found


def outcome(dsn: str, bootstrap: str) -> dict[str, Any]:
    """All that users see: rows, states, and what is on the bus."""
    told: dict[str, Any] = {table: rows(dsn, table) for table in TABLES}
    # When stage 2 says it depends on the order in which sessions of different partitions came; what it has counted
    # in the end does not.
    told["findings"] = rows(dsn, "findings", f"rule_id NOT IN {tuple(sorted(RULES))}")
    told["subjects"] = counts(dsn)
    told["states"] = states(dsn)
    for topic, identity in (("agent.findings", "finding_id"), ("agent.control", "command_id")):
        documents = [orjson.loads(value) for value in everything(bootstrap, topic)]
        told[topic] = {(one[identity], one.get("revision", 0)) for one in documents if one.get("rule_id") not in RULES}
    signals = [line for value in everything(bootstrap, "agent.signals") for line in value.split(b"\n")]
    told["agent.signals"] = {orjson.loads(line)["signal_id"] for line in signals}
    told["agent.dead-letter"] = set(everything(bootstrap, "agent.dead-letter"))
    return told


def everything(bootstrap: str, topic: str) -> list[bytes]:
    """The values of all records of a topic."""
    return [value for value, _ in messages(bootstrap, topic)]


def messages(bootstrap: str, topic: str) -> list[tuple[bytes, dict[str, str]]]:
    """The values and headers of all records of a topic."""
    partitions = 1 if topic == "agent.control" else PARTITIONS
    marks = {partition: f"mark {uuid.uuid4().hex}".encode() for partition in range(partitions)}
    producer = Producer({"bootstrap.servers": bootstrap})
    for partition, mark in marks.items():
        producer.produce(topic, value=mark, partition=partition)
    assert producer.flush(30) == 0
    settings = {"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex, "fetch.message.max.bytes": 2**24}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    found: list[tuple[bytes, dict[str, str]]] = []
    while marks:
        message = consumer.poll(20)
        assert message is not None, f"{topic}: still waiting for {sorted(marks)}"
        assert message.error() is None
        where, value = message.partition(), message.value() or b""
        if where is not None and value == marks.get(where):
            del marks[where]
        elif not value.startswith(b"mark "):
            pairs: Any = message.headers() or []
            found.append((value, {name: told.decode() for name, told in pairs}))
    consumer.close()
    return found


def _number(dsn: str, query: str) -> int:
    client = connect(dsn)
    number: int = client.query(query).result_rows[0][0]
    client.close()
    return number


def counted(dsn: str) -> int:
    """How many different events are stored."""
    return _number(dsn, "SELECT uniqExact(tenant_id, session_id, writer_id, seq, digest) FROM events")


def wait_until(ready: Callable[[], bool], seconds: float, *watched: Child) -> None:
    """Waits for a condition; a worker that ended meanwhile is an error, with the end of its log."""
    deadline = time.monotonic() + seconds
    while not ready():
        for child in watched:
            assert child.exit_code is None, f"{child.name} ended with {child.exit_code}:\n{tail(child.log, 40)}"
        said = "\n".join(tail(child.log, 30) for child in watched)
        assert time.monotonic() < deadline, f"not within {seconds} s\n{said}"
        time.sleep(0.05)


def partitions(worker: Child) -> int:
    """How many partitions of events the worker has in hand, as it last said."""
    said = re.findall(r"agent.events: generation \S+ has partitions \[(.*)\]", worker.log.read_text())
    return len([number for number in said[-1].split(",") if number]) if said else 0


def settled(dsn: str, bootstrap: str, expected: History, *watched: Child, seconds: float = 60) -> None:
    """Waits until all of a history is stored, the sessions' states, which come last, with it, and stage 2 is done."""
    ended = {place[0] for place in expected.digests}

    def states_are_there() -> bool:
        return _number(dsn, "SELECT uniqExact(session_id) FROM sessions FINAL WHERE status != 'open'") >= len(ended)

    wait_until(lambda: counted(dsn) >= len(expected.digests), seconds, *watched)
    wait_until(states_are_there, seconds, *watched)
    wait_until(lambda: _committed(bootstrap), 60, *watched)


def _committed(bootstrap: str) -> bool:
    """Whether the worker has committed all of the topics that it reads."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": GROUP})
    try:
        places = [
            TopicPartition(one.name, number) for one in (EVENTS, SIGNALS, SCORES) for number in range(one.partitions)
        ]
        for place in consumer.committed(places, timeout=5):
            if consumer.get_watermark_offsets(place, timeout=5)[1] > max(place.offset, 0):
                return False
    except KafkaException:
        return False
    finally:
        consumer.close()
    return True


def exact(dsn: str, expected: History) -> None:
    """Every event that was sent is stored, once, with the content that was sent, and nothing else is."""
    client = connect(dsn)
    query = "SELECT session_id, writer_id, seq, digest FROM events"
    found = client.query(f"{query} FINAL").result_rows
    assert len(found) == len(expected.digests)
    assert {tuple(row) for row in found} == expected.digests
    assert {tuple(row) for row in client.query(query).result_rows} == expected.digests
    client.close()
    assert _number(dsn, "SELECT count() FROM dead_letters FINAL") == expected.rejected
