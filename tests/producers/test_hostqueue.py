from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from watchkeeper.producers import Settings, Watchkeeper
from watchkeeper.producers.testing import MemoryTransport

THREADS = 50
EACH = 40


def test_numbers_are_gapless_and_in_order_under_many_threads(watch: Watchkeeper, memory: MemoryTransport) -> None:
    barrier = threading.Barrier(THREADS)
    with watch.session() as s:

        def work() -> None:
            barrier.wait()
            for number in range(EACH):
                s.outcome("n", number)

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert watch.close()
    assert [event.seq for event in memory.events()] == list(range(THREADS * EACH + 2))


@pytest.mark.parametrize("limit", [{"queue_events": 5}, {"queue_bytes": 4000, "event_bytes": 4000}])
def test_a_full_queue_drops_the_newest_and_shows_a_gap(
    limit: dict[str, Any],
    make_watch: Callable[..., Watchkeeper],
    memory: MemoryTransport,
    until: Callable[[Callable[[], object]], None],
) -> None:
    watch = make_watch(settings=Settings(**limit))
    memory.full = True
    with watch.session() as s:
        # The sender takes what it can hold and then waits for the transport.
        for number in range(200):
            s.tool_call("t", {"number": number, "filling": "x" * 400})
        lost = watch.losses()["queue_full"]
        assert lost > 100
        memory.full = False
        until(lambda: watch.flush(1.0))
        s.reasoning("after")
    assert watch.close()
    assert watch.losses() == {"queue_full": lost}
    events = memory.events()
    numbers = [event.seq for event in events]
    assert numbers == sorted(numbers)
    assert len(numbers) == 203 - lost
    assert numbers[-2:] == [201, 202]
    assert events[-1].attributes == {"watchkeeper.lost": lost, "watchkeeper.lost_reasons": f"queue_full:{lost}"}


def test_an_event_beyond_the_limit_is_dropped_and_counted(
    make_watch: Callable[..., Watchkeeper], memory: MemoryTransport
) -> None:
    watch = make_watch(settings=Settings(event_bytes=10_000))
    with watch.session() as s:
        s.tool_call("t", {"a": "x" * 20_000})
    assert watch.close()
    assert watch.losses() == {"too_large": 1}
    assert [event.seq for event in memory.events()] == [0, 2]


def test_a_patient_caller_waits_instead(make_watch: Callable[..., Watchkeeper], memory: MemoryTransport) -> None:
    watch = make_watch(settings=Settings(queue_events=3), block=True)
    with watch.session() as s:
        for number in range(2000):
            s.outcome("n", number)
    assert watch.close()
    assert watch.losses() == {}
    assert len(memory.events()) == 2002


def test_nothing_follows_the_end_of_a_session(watch: Watchkeeper, memory: MemoryTransport) -> None:
    with watch.session() as s:
        pass
    s.reasoning("too late")
    s.end()
    assert watch.close()
    assert watch.losses() == {"session_over": 1}
    assert [event.type for event in memory.events()] == ["session_started", "session_ended"]


def test_nothing_is_taken_after_the_close(watch: Watchkeeper, memory: MemoryTransport) -> None:
    with watch.session() as s:
        assert watch.close()
        assert watch.close()
        s.reasoning("too late")
    assert watch.losses() == {"closed": 2}
    assert len(memory.events()) == 1
