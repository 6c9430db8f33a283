"""Loads on the pipeline, each in a process of its own: `python benchmarks/load.py flood|stream|emit`.

`flood` prepares records through the recorder, says `ready`, and sends them as fast as the broker takes them when it
reads a line. `stream` runs agents at a steady rate, one event in twenty a call to a tool that does not exist. `emit`
measures what recording costs the host's thread. Each prints one JSON object on a line when it is done.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator

import orjson
from confluent_kafka import Producer

from watchkeeper.producers import Record, Session, Settings, Watchkeeper
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.topics import PARTITIONER

NAMES = ("search_orders", "search_documents", "get_customer", "list_invoices")
TOOLS = [
    {
        "name": name,
        "description": "Looks a thing up.",
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}},
            "required": ["query"],
        },
    }
    for name in NAMES
]
FILLER = "The customer asked about an order that has not arrived yet. "


def conversation(s: Session, name: str) -> Iterator[None]:
    """Events of an agent at work, one at each step: requests, reasoning, answers, calls, results; 600 bytes each."""
    messages: list[dict[str, str]] = []
    for turn in range(10_000):
        messages = [*messages[-2:], {"role": "user", "content": f"{name} {turn}: {FILLER}{FILLER}"}]
        request = s.prompt(messages, model="gpt-4.1", provider="openai")
        yield
        s.reasoning(f"{name} {turn}: {FILLER}")
        yield
        s.response(f"{turn}: {FILLER}", request_id=request, usage={"input_tokens": 900, "output_tokens": 60})
        yield
        call = s.tool_call(NAMES[turn % 4], {"query": f"{name} {turn}", "limit": 5})
        yield
        s.tool_result(call, f"{turn} {name}: {FILLER}{FILLER}")
        yield


def prepare(sessions: int, events: int, together: int, prefix: str) -> list[Record]:
    """Records of whole sessions with `together` events each, interleaved as agents that run at once send them."""
    memory = MemoryTransport()
    settings = Settings(record_events=together, record_bytes=900_000, linger_ms=60_000, busy_linger_ms=60_000)
    watch = Watchkeeper(agent="bench", transport=memory, settings=settings, block=True)
    for number in range(sessions):
        name = f"{prefix}-{number}"
        with watch.session(session_id=name, user_id=f"u{number % 97}", tools=TOOLS, caps={"tool_calls": 10_000}) as s:
            steps = conversation(s, name)
            for _ in range(events - 2):
                next(steps)
    assert watch.close(120)
    lines: dict[bytes, list[bytes]] = {}
    for record in memory.records:
        lines.setdefault(record.key, []).extend(record.value.split(b"\n"))
    headers = memory.records[0].headers
    return [
        Record(memory.records[0].topic, key, b"\n".join(cut), headers, len(cut))
        for start in range(0, events, together)
        for key, whole in lines.items()
        if (cut := whole[start : start + together])
    ]


def flood(options: argparse.Namespace) -> None:
    """See the module."""
    records = prepare(options.sessions, options.events, options.together, options.prefix)
    size, count = sum(len(record.value) for record in records), sum(record.events for record in records)
    print(json.dumps({"ready": count, "bytes_an_event": size / count, "events_a_record": count / len(records)}))
    sys.stdout.flush()
    sys.stdin.readline()
    producer = Producer(
        {
            "bootstrap.servers": options.kafka,
            "partitioner": PARTITIONER,
            "compression.type": "lz4",
            "linger.ms": 20,
            "acks": "all",
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    begin = time.time()
    for record in records:
        producer.produce(record.topic, key=record.key, value=record.value, headers=list(record.headers))
        producer.poll(0)
    assert producer.flush(120) == 0
    print(json.dumps({"events": count, "begin": begin, "end": time.time()}))


def stream(options: argparse.Namespace) -> None:
    """See the module."""
    watch = Watchkeeper(agent="bench", bootstrap=options.kafka)
    sent, round_number, begin = 0, 0, time.perf_counter()
    while time.perf_counter() - begin < options.seconds:
        round_number += 1
        sessions = [watch.session(session_id=f"{options.prefix}-{round_number}-{i}", tools=TOOLS) for i in range(20)]
        for s in sessions:
            s.start()
        steps = [conversation(s, s.session_id) for s in sessions]
        rejected: dict[str, str] = {}
        sent += len(sessions)
        for step in range(1, 40):
            for s, walk in zip(sessions, steps, strict=True):
                if step % 20 == 10:
                    rejected[s.session_id] = s.tool_call("no_such_tool", {"query": s.session_id})
                elif step % 20 == 11:
                    s.tool_result(rejected[s.session_id], "there is no such tool", status="rejected")
                else:
                    next(walk)
                sent += 1
                ahead = sent / options.rate - (time.perf_counter() - begin)
                if ahead > 0:
                    time.sleep(ahead)
        for s in sessions:
            s.end()
            sent += 1
    assert watch.close(30)
    print(json.dumps({"events": sent, "seconds": time.perf_counter() - begin, "lost": watch.losses()}))


def emit(options: argparse.Namespace) -> None:
    """See the module."""
    observed: dict[str, list[float]] = {"emit": [], "encode": []}
    payload = "x" * options.bytes
    watch = Watchkeeper(agent="bench", bootstrap=options.kafka)
    with watch.session(session_id=options.prefix, tools=TOOLS) as s:
        call = s.tool_call("search_orders", {"query": "x"})
        begin = time.perf_counter()
        for number in range(options.events):
            before = time.perf_counter_ns()
            s.tool_result(call, payload)
            between = time.perf_counter_ns()
            orjson.dumps({"tool_call_id": call, "result": payload, "number": number})
            after = time.perf_counter_ns()
            observed["emit"].append((between - before) / 1000)
            observed["encode"].append((after - between) / 1000)
            ahead = number / options.rate - (time.perf_counter() - begin)
            if ahead > 0:
                time.sleep(ahead)
    assert watch.close(0.0 if options.away else 30) is not options.away
    print(json.dumps(observed | {"lost": watch.losses()}))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("load", choices=["flood", "stream", "emit"])
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--prefix", default="load")
    parser.add_argument("--sessions", type=int, default=2500)
    parser.add_argument("--events", type=int, default=60)
    parser.add_argument("--together", type=int, default=20)
    parser.add_argument("--rate", type=float, default=2000.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--bytes", type=int, default=2000)
    parser.add_argument("--away", action="store_true", help="emit: there is no broker, so that nothing can arrive")
    options = parser.parse_args()
    {"flood": flood, "stream": stream, "emit": emit}[options.load](options)


if __name__ == "__main__":
    main()
