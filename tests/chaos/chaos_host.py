"""An agent's process: the real SDK under a scripted load, with a ledger of its own.

The same seed gives the same events, ids and times included, however often it is run: a host that was killed is run
again and tells the same story from the start. The ledger is written without a buffer: one line for each record that
the broker acknowledged, as the SDK was told, with the hash of each line of it.

    python chaos_host.py --kafka 127.0.0.1:9092 --ledger FILE --seed 1 --sessions 900 --name host-0
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

sys.path.insert(0, str(Path(__file__).parent))
from chaos_grader import ChaosGrader
from chaos_stranger import EACH, Stranger

from watchkeeper.producers import Session, Settings, Watchkeeper
from watchkeeper.producers.testing import ManualClock, RecordedIdentity
from watchkeeper.producers.transport import Delivery, OnDelivery, Record
from watchkeeper.producers.transport.kafka import KafkaTransport
from watchkeeper.schemas.wire import line_digest

START_US = 1_781_000_040_000_000
"""A whole minute: all sessions begin within it, so that stage 2 counts them in one bucket of its window."""

TOOLS = [
    {"name": name, "parameters": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}
    for name in ("search", "fetch", "book")
]
AT_ONCE = 20
LOST = b"lost on the way to the broker"


class Leaky(KafkaTransport):
    """Loses the events that hold `LOST`: gaps that are the same in each run.

    What the recorder itself drops it also tells of in later events, in the one that happens to be written next.
    """

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        """See `Transport`."""
        kept = [line for line in record.value.split(b"\n") if LOST not in line]
        if kept:
            return super().send(replace(record, value=b"\n".join(kept), events=len(kept)), on_delivery, give_up)
        on_delivery(Delivery(replace(record, value=b"", events=0)))
        return True


def told(s: Session, clock: ManualClock, draw: random.Random, index: int) -> Iterator[None]:
    """A session of some fifty events: requests, calls, results; now and then something is wrong."""
    for turn in range(10):
        s.turn = turn
        clock.advance(40_000)
        request = s.prompt([{"role": "user", "content": f"{index} {turn}: where is my order?"}], model="gpt-4.1")
        yield
        s.reasoning(f"{index} {turn}: I look it up.")
        clock.advance(1_000)
        fate = draw.random()
        if fate < 0.02:
            s.tool_result(s.tool_call("serch", {"q": str(turn)}), "no such tool", status="rejected")
        elif fate < 0.04:
            for _ in range(5):
                s.tool_result(s.tool_call("search", {"q": "the same"}), "nothing")
        elif fate < 0.045:
            s.reasoning(LOST.decode())
        elif fate < 0.06:
            s.decision("refund", "granted", facts={"order": index, "turn": turn}, rules=["r1"], principal="u1")
        elif fate < 0.062:
            s.reasoning("long " * 60_000)
        yield
        call = s.tool_call("fetch", {"q": f"{index} {turn}"})
        clock.advance(2_000)
        s.tool_result(call, f"order {index} {turn}: shipped")
        yield
        usage = {"input_tokens": 900, "output_tokens": 60}
        s.response(f"It is shipped ({turn}).", request_id=request, provider="openai", usage=usage)
        yield


def session(watch: Watchkeeper, seed: int, name: str, index: int) -> Iterator[None]:
    """A session with what belongs to it: a child it delegates to, a second writer, an end or none."""
    draw = random.Random(f"{seed}/{name}/{index}")
    clock = ManualClock(START_US + (index % 50) * 1_000_000)
    caps: dict[str, Any] = {"caps": {"tool_calls": 6}} if index % 4 == 0 else {}
    own = f"{name}-{index:05d}"
    identity = RecordedIdentity(f"{seed}/{own}")
    s = watch.session(session_id=own, user_id=f"u{index % 97}", tools=TOOLS, clock=clock, identity=identity, **caps)
    s.start()
    yield from told(s, clock, draw, index)
    if index % 10 == 3:
        with s.delegate("helper", task="look", session_id=f"{own}-child", clock=clock) as child:
            child.reasoning("I help.")
            yield
    if index % 10 == 5:
        late = RecordedIdentity(f"{seed}/{own}/late")
        with watch.attach(own, clock=clock, identity=late) as other:
            other.outcome("kept", 1.0)
        yield
    if index % 20 != 7:
        s.end()
    else:
        s.tool_call("book", {"q": "never answered"})


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--sessions", type=int, required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    ledger = os.open(options.ledger, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    def delivered(delivery: Delivery) -> None:
        if delivery.error:
            os.write(ledger, orjson.dumps({"given_up": delivery.error, "events": delivery.record.events}) + b"\n")
            return
        record = delivery.record
        if record.events:
            places = [_place(line) for line in record.value.split(b"\n")]
            at = [delivery.partition, delivery.offset]
            os.write(ledger, orjson.dumps({"at": at, "events": places}) + b"\n")

    settings = Settings(record_events=20, delivery_seconds=0)
    # A transport of its own has no reader of commands: a session that was stopped would tell another story each time.
    transport = Leaky(options.kafka, settings, patient=True)
    watch = Watchkeeper("chaos", transport=transport, settings=settings, block=True, on_delivery=delivered)
    stranger = Stranger(options.kafka, ledger, options.name, START_US)
    grader = ChaosGrader(options.kafka, options.name, START_US)
    waiting = iter(range(options.sessions))
    running: list[Iterator[None]] = []
    while True:
        while len(running) < AT_ONCE and (index := next(waiting, None)) is not None:
            running.append(session(watch, options.seed, options.name, index))
            grader.grade(index)
            if index % EACH == 0:
                stranger.begin(index)
        stranger.poll()
        if not running:
            break
        running = [one for one in running if next(one, StopIteration) is not StopIteration]
    done = watch.close(120)
    stranger.wait_until_judged(60)
    for index in range(0, options.sessions, EACH):
        stranger.finish(index)
    done = stranger.close(120) and done
    done = grader.close(120) and done
    losses = {str(reason): count for reason, count in watch.losses().items()}
    os.write(ledger, orjson.dumps({"done": done, "losses": losses}) + b"\n")
    sys.exit(0 if done else 1)


def _place(line: bytes) -> list[Any]:
    event = orjson.loads(line)
    return [event.get("tenant_id", "default"), event["session_id"], event["writer_id"], event["seq"], line_digest(line)]


if __name__ == "__main__":
    main()
