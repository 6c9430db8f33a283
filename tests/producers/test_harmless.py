"""A host is never harmed: faults at every seam, a thousand threads, cancelled tasks, the ends of the interpreter."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.testing import MemoryTransport

Make = Callable[..., Watchkeeper]

SEAMS = [
    "watchkeeper.producers.session.freeze",
    "watchkeeper.producers.session.weight",
    "watchkeeper.producers.session.Item",
    "watchkeeper.producers.writing.hostqueue.HostQueue.put",
    "watchkeeper.producers.writing.sender.Sender.ensure_running",
    "watchkeeper.producers.writing.writer.Writer.write",
    "watchkeeper.producers.writing.writer.Writer._compose",
    "watchkeeper.producers.writing.headers.Header.encode",
    "watchkeeper.producers.writing.batches.Batches.add",
    "watchkeeper.producers.writing.batches.Batches.all",
    "watchkeeper.producers.writing.batches.Batches.due",
    "watchkeeper.producers.writing.hostqueue.HostQueue.mark",
    "watchkeeper.producers.transport.memory.MemoryTransport.send",
    "watchkeeper.producers.transport.memory.MemoryTransport.flush",
]


@pytest.mark.parametrize("seam", SEAMS)
def test_a_fault_inside_is_counted_and_the_host_goes_on(
    seam: str, make_watch: Make, memory: MemoryTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATCHKEEPER_RAISE")
    watch = make_watch()

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    with watch.session(goal="g") as s:
        assert watch.flush(20)
        with monkeypatch.context() as faults:
            faults.setattr(seam, broken)
            s.tool_result(s.tool_call("t", {"n": [1, "x"]}), "a")
            s.reasoning(["odd"])  # type: ignore[arg-type]  # hosts hand over what they have
            watch.flush(5)
        s.reasoning("fine")
    watch.close(20)
    assert watch.losses().get("internal_error", 0) > 0
    assert [event.type for event in memory.events()][-2:] == ["reasoning", "session_ended"]


@pytest.mark.parametrize("together", [True, False], ids=["one session", "a session each"])
def test_a_thousand_threads_lose_nothing_uncounted(together: bool, make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch()
    gate = threading.Event()
    shared = watch.session(session_id="shared")
    shared.start()

    def run(number: int) -> None:
        gate.wait(60)
        s = shared if together else watch.session(session_id=f"s{number}")
        for count in range(10):
            s.outcome("n", count)
        if not together:
            s.end()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(1000)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(60)
    assert watch.close(60)
    told = 1 + 1000 * (10 if together else 12)
    events = memory.events()
    assert len(events) + watch.losses().get("queue_full", 0) == told
    assert watch.losses().keys() <= {"queue_full"}
    numbers: dict[str, list[int]] = {}
    for event in events:
        numbers.setdefault(event.session_id, []).append(event.seq)
    for found in numbers.values():
        assert found == sorted(set(found))
    if not watch.losses():
        assert all(found == list(range(len(found))) for found in numbers.values())


@pytest.mark.parametrize("turns", range(6))
def test_a_cancelled_task_leaves_a_whole_record(turns: int, watch: Watchkeeper, memory: MemoryTransport) -> None:
    """The task is cancelled at its nth await: what it had begun is ended, and the cancellation passes."""

    @watch.tool
    async def look(n: int) -> int:
        await asyncio.sleep(0)
        return n

    async def agent() -> None:
        async with watch.session(session_id="s") as s:
            for number in range(10):
                await s.acheck()
                await look(number)
                await asyncio.sleep(0)

    async def main() -> None:
        task = asyncio.create_task(agent())
        for _ in range(turns + 1):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert watch.close(20)
    events = memory.events()
    assert [event.seq for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("session_started", "session_ended")
    kinds = [event.type for event in events]
    assert kinds.count("tool_call") == kinds.count("tool_result")
    assert watch.losses() == {}


ENDS = {
    "atexit": "import atexit; atexit.register(lambda: s.reasoning('late'))",
    "del": "class Late:\n    def __del__(self): s.reasoning('late')\nlate = Late()",
    "daemon": (
        "import threading, itertools\n"
        "def run():\n    for n in itertools.count(): s.outcome('n', n)\n"
        "threading.Thread(target=run, daemon=True).start()"
    ),
    "sys.exit": "import sys\nwith s: sys.exit(0)",
    "exception": "import sys\nsys.excepthook = lambda *_: None\nwith s: raise ValueError",
    "interrupt": "import signal\ntry:\n    with s: signal.raise_signal(signal.SIGINT)\nexcept KeyboardInterrupt: pass",
}


@pytest.mark.parametrize("end", list(ENDS))
def test_the_interpreter_ends_in_time_whoever_still_tells(end: str) -> None:
    source = (
        textwrap.dedent("""
        from watchkeeper.producers import Settings, Watchkeeper
        watch = Watchkeeper("host", bootstrap="127.0.0.1:9", settings=Settings(exit_seconds=0.5))
        s = watch.session(goal="g")
        s.start()
        """)
        + ENDS[end]
    )
    began = time.monotonic()
    process = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False)
    assert time.monotonic() - began < 20
    assert process.returncode == (1 if end == "exception" else 0), process.stderr
    assert "Traceback" not in process.stderr
