"""What a stranger's program writes beside the SDK: lines that nobody can read, repeats, texts that came in parts.

It writes to the same topic with a plain producer, and to the same ledger what the broker acknowledged.
"""

from __future__ import annotations

import os
import time
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.model import format_utc, from_us
from watchkeeper.schemas.topics import EVENTS, PARTITIONER
from watchkeeper.schemas.wire import line_digest, record_key

TOOLS = orjson.dumps([{"name": "weigh", "parameters": {"type": "object", "properties": {}}}]).decode()
WRITER = "stranger"
EACH = 10
"""One session of a stranger for so many of the SDK."""


class Stranger:
    """Sessions of its own, in two halves: what repeats comes when the first half has long been judged.

    Args:
        ledger: the descriptor of the host's ledger.
        start_us: when all of them begin, in microseconds since 1970.
    """

    def __init__(self, bootstrap: str, ledger: int, name: str, start_us: int) -> None:
        settings = {
            "bootstrap.servers": bootstrap,
            "partitioner": PARTITIONER,
            "enable.idempotence": True,
            "message.timeout.ms": 0,
            "linger.ms": 5,
            "log_level": 0,
        }
        self._producer = Producer(settings)
        self._bootstrap = bootstrap
        self._ends: dict[int, int] = {}
        self._ledger, self._name, self._start_us = ledger, name, start_us

    def begin(self, index: int) -> None:
        """The first half: tools in parts, an event of the session's that names them, and what is no event."""
        part = {"address": address_of(TOOLS), "part": 0, "parts": 1, "size": len(TOOLS), "text": TOOLS}
        named = {"address": address_of(TOOLS), "size": len(TOOLS), "media_type": "application/json"}
        first = [self._line(index, 0, "content", part), self._line(index, 1, "session_started", {"tools": named})]
        self._send(index, [*first, f"no JSON: {self._name} {index}".encode()])
        self._send(index, [self._call(index, 2, "weigh")])

    def finish(self, index: int) -> None:
        """The second half: a number again with the same content, another with other content, and the end."""
        self._send(index, [self._call(index, 2, "weigh")])
        self._send(index, [self._call(index, 2, "weight"), self._call(index, 3, "weight")])
        self._send(index, [self._line(index, 5, "unheard_of", {}), self._line(index, 4, "session_ended", {})])

    def wait_until_judged(self, seconds: float) -> None:
        """Returns when the workers have committed all that was told until now: then what repeats it is no replay."""
        self._producer.flush(seconds)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._is_judged():
            time.sleep(0.2)

    def _is_judged(self) -> bool:
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": "watchkeeper", "log_level": 0})
        try:
            places = consumer.committed([TopicPartition(EVENTS.name, number) for number in self._ends], timeout=2)
        except KafkaException:
            return False
        finally:
            consumer.close()
        return all(place.offset >= self._ends[place.partition] for place in places)

    def poll(self) -> None:
        """Takes acknowledgements in."""
        self._producer.poll(0)

    def close(self, seconds: float) -> bool:
        """Whether all is acknowledged."""
        left: int = self._producer.flush(seconds)
        return left == 0

    def _call(self, index: int, seq: int, tool: str) -> bytes:
        return self._line(index, seq, "tool_call", {"tool_call_id": f"c{seq}", "tool_name": tool, "arguments": {}})

    def _line(self, index: int, seq: int, kind: str, data: dict[str, Any]) -> bytes:
        at_us = self._start_us + seq * 1_000
        entropy = f"{self._name}{index:04d}{seq}".encode()[-10:].rjust(10, b"-")
        header: dict[str, Any] = {
            "type": kind,
            "event_id": uuid7(at_us // 1000, entropy),
            "session_id": self._session(index),
        }
        header |= {"writer_id": WRITER, "seq": seq, "occurred_at": format_utc(from_us(at_us)), "agent_id": "stranger"}
        return orjson.dumps(header | {"data": data})

    def _session(self, index: int) -> str:
        return f"{self._name}-stranger-{index:05d}"

    def _send(self, index: int, lines: list[bytes]) -> None:
        def acknowledged(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                os.write(self._ledger, orjson.dumps({"given_up": str(error), "events": len(lines)}) + b"\n")
                return
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            self._ends[partition] = offset + 1
            at = [partition, offset]
            events = [["default", self._session(index), WRITER, seq, line_digest(line)] for seq, line in read]
            unreadable = [[*at, number] for number, line in enumerate(lines) if _seq(line) is None]
            os.write(self._ledger, orjson.dumps({"at": at, "events": events, "unreadable": unreadable}) + b"\n")

        read = [(seq, line) for line in lines if (seq := _seq(line)) is not None]
        key = record_key("default", self._session(index))
        self._producer.produce(EVENTS.name, b"\n".join(lines), key, on_delivery=acknowledged)


def _seq(line: bytes) -> int | None:
    """The event's number; None for what the worker cannot read."""
    if line.startswith(b"no JSON") or b'"unheard_of"' in line:
        return None
    number: int = orjson.loads(line)["seq"]
    return number
