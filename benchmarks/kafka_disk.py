"""What Apache Kafka takes on disk per million events: `python benchmarks/kafka_disk.py`.

One node as `watchkeeper up --broker apache` starts it is sent what the real SDK sends, in its own codec, and stopped;
then the blocks of its topics' logs are counted. `text` is how much of that the agents' texts are: ours repeat
themselves less than a benchmark's filler, so the second row draws random words.
"""

from __future__ import annotations

import argparse
import json
import random

from load import FILLER, TOOLS

from watchkeeper.cli.stack.testing import running_kafka
from watchkeeper.producers import Session, Settings, Watchkeeper
from watchkeeper.producers.transport import Delivery
from watchkeeper.schemas.topics import EVENTS, TOPICS

MILLION = 1_000_000
MIB = 1024 * 1024


def words(draw: random.Random) -> str:
    """A text as long as the filler, of words that come as often as each other: real ones compress better."""
    return " ".join(f"{draw.getrandbits(20):x}" for _ in range(len(FILLER) // 6))


def tell(s: Session, turn: int, text: str) -> None:
    """Five events of an agent at work."""
    request = s.prompt([{"role": "user", "content": f"{turn}: {text}"}], model="gpt-4.1", provider="openai")
    s.reasoning(f"{turn}: {text}")
    s.response(f"{turn}: {text}", request_id=request, usage={"input_tokens": 900, "output_tokens": 60})
    s.tool_result(s.tool_call("search_orders", {"query": f"{turn}", "limit": 5}), text)


def measure(events: int, *, fresh: bool) -> dict[str, float | str]:
    """Sends so many events and answers with bytes per event, on the wire and on disk."""
    draw = random.Random(0)
    raw = count = 0

    def delivered(delivery: Delivery) -> None:
        nonlocal raw, count
        raw, count = raw + len(delivery.record.value), count + delivery.record.events

    with running_kafka(topics=TOPICS) as cluster:
        settings = Settings(delivery_seconds=0)
        watch = Watchkeeper("disk", bootstrap=cluster.bootstrap, settings=settings, on_delivery=delivered, block=True)
        for number in range(events // 500):
            with watch.session(session_id=f"s{number}", tools=TOOLS) as s:
                for turn in range(100):
                    tell(s, turn, words(draw) if fresh else FILLER)
        assert watch.close(300)
        (node,) = cluster.nodes
        node.stop()
        data = node.place.data
        logs = [file for file in data.glob(f"{EVENTS.name}-*/*.log") if file.is_file()]
        on_disk = sum(file.stat().st_blocks * 512 for file in logs)
        rest = sum(file.stat().st_blocks * 512 for file in data.rglob("*") if file.is_file()) - on_disk
    return {
        "text": "random words" if fresh else "filler",
        "events": count,
        "bytes_an_event_sent": round(raw / count, 1),
        "bytes_an_event_on_disk": round(on_disk / count, 1),
        "mib_a_million_events": round(on_disk / count * MILLION / MIB),
        "mib_beside_events": round(rest / MIB, 1),
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="how many are sent; the figures are per event")
    asked = parser.parse_args()
    for fresh in (False, True):
        print(json.dumps(measure(asked.events, fresh=fresh)), flush=True)


if __name__ == "__main__":
    main()
