"""What masking costs the sender's thread: `python benchmarks/masking.py`, to `results/masking.json`.

Two kinds of figures, of plain and of JSON texts of three sizes, with and without something to mask in them: what
masking one text takes, and what one event with that text takes in the whole recorder, from the call to the transport,
beside the same event unmasked. CPU time; the least of the runs.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from functools import partial
from itertools import count

from harness import Figure, of_least, write

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.masking import PolicyMasker
from watchkeeper.producers.settings import Settings
from watchkeeper.producers.transport import Delivery, OnDelivery, Record
from watchkeeper.schemas.contents import MediaType
from watchkeeper.schemas.policy import Masking

SIZES = {"200_b": 200, "2_kb": 2_000, "50_kb": 50_000}
MASKING = {"kinds": ["secret", "email"]}
HIT = "write to someone.private@example.com"
WORDS = ("the", "order", "was", "sent", "on", "monday", "and", "customer", "asks", "for", "refund", "broke", "transit")
RUNS = 7
RUN_SECONDS = 0.05
EVENT_BYTES = 4_000_000
"""Of texts in one run of whole events."""


def words(draw: random.Random, size: int) -> str:
    """Words of about `size` characters."""
    return " ".join(draw.choice(WORDS) for _ in range(max(1, size // 5)))


def plain(draw: random.Random, size: int, *, hit: bool) -> str:
    """A plain text, with one address where `hit`."""
    text = words(draw, size)[: size - len(HIT) - 1]
    return f"{text} {HIT}" if hit else text


def as_json(draw: random.Random, size: int, *, hit: bool) -> str:
    """Records with texts, numbers, escapes and lists, with one address where `hit`."""
    items: list[dict[str, object]] = []
    while len(json.dumps(items)) < size - len(HIT) - 100:
        said = f'{words(draw, 60)}\n"{words(draw, 20)}"'
        items.append({"id": draw.randrange(10**6), "said": said, "price": draw.randrange(10**4) / 100, "tags": ["a"]})
    return json.dumps({"items": items, "note": HIT if hit else "none"})


def least_seconds(work: Callable[[], object]) -> list[float]:
    """CPU seconds of one piece of work, of each run."""
    work()
    began = time.thread_time()
    work()
    times = max(1, int(RUN_SECONDS / max(time.thread_time() - began, 1e-6)))
    runs = []
    for _ in range(RUNS):
        began = time.thread_time()
        for _ in range(times):
            work()
        runs.append((time.thread_time() - began) / times)
    return runs


class Swallowing:
    """A transport that takes everything at once."""

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        """Acknowledges."""
        del give_up
        on_delivery(Delivery(record))
        return True

    def poll(self) -> None:
        """Nothing is left."""

    def flush(self, seconds: float) -> int:
        """Nothing is left."""
        del seconds
        return 0

    def close(self, seconds: float) -> None:
        """Nothing is open."""

    def after_fork(self) -> None:
        """Nothing is shared."""


def different(text: str, number: int) -> str:
    """The text with a number in it: one that was sent already is sent by its address."""
    return f'{{"n":{number},{text[1:]}' if text[:1] == "{" else f"{number} {text}"


def event_seconds(text: str, *, masked: bool) -> list[float]:
    """CPU seconds of the process for one event with this text, of each run."""
    events = max(20, min(1_000, EVENT_BYTES // len(text)))
    settings = Settings(queue_bytes=16 * EVENT_BYTES, queue_events=2 * events)
    section = MASKING if masked else {"kinds": []}
    watch = Watchkeeper("bench", {"masking": section}, transport=Swallowing(), settings=settings)
    numbers = count()
    runs = []
    with watch.session() as s:
        for _ in range(RUNS + 1):
            watch.flush(60)
            told = [different(text, next(numbers)) for _ in range(events)]
            began = time.process_time()
            for one in told:
                s.tool_result("call", one)
            watch.flush(60)
            runs.append((time.process_time() - began) / events)
    watch.close()
    if watch.losses():
        raise SystemExit(f"events were lost: {watch.losses()}")
    return runs[1:]


def figures() -> list[Figure]:
    """All figures."""
    masker = PolicyMasker(Masking.model_validate(MASKING), bytes(32))
    draw = random.Random(0)
    found: list[Figure] = []
    for form, make in (("plain", plain), ("json", as_json)):
        media: MediaType = "application/json" if form == "json" else "text/plain"
        for label, size in SIZES.items():
            for hit in (False, True):
                text = make(draw, size, hit=hit)
                name = f"{form}_{label}{'_with_a_hit' if hit else ''}_microseconds"
                if (masker.mask(text, media).places > 0) is not hit:
                    raise SystemExit(f"the text of {name} is not what it should be")
                runs = least_seconds(partial(masker.mask, text, media))
                found.append(of_least(f"mask_{name}", "µs", [run * 1e6 for run in runs]))
                bare = of_least(
                    f"event_unmasked_{name}", "µs", [run * 1e6 for run in event_seconds(text, masked=False)]
                )
                beside = [run * 1e6 for run in event_seconds(text, masked=True)]
                found += [of_least(f"event_masked_{name}", "µs", beside, bare), bare]
    return found


if __name__ == "__main__":
    write("masking", figures())
