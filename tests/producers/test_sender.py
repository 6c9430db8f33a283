"""The sender's thread: deadlines, failures of the transport and the masker, the ends of a process."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from watchkeeper.producers import Delivery, Masked, Settings, Watchkeeper
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.contents import MediaType
from watchkeeper.schemas.events import EVENT_ADAPTER

Make = Callable[..., Watchkeeper]
Until = Callable[[Callable[[], object]], None]


class Redactor:
    def mask(self, text: str, media_type: MediaType) -> Masked:
        return Masked(text.replace("secret", "[masked]"), text.count("secret"))


class Failing:
    def mask(self, text: str, media_type: MediaType) -> Masked:
        if "secret" in text:
            raise ValueError(text)
        return Masked(text)


class Vandal:
    def mask(self, text: str, media_type: MediaType) -> Masked:
        return Masked("{" if media_type == "application/json" and "secret" in text else text)


def test_the_thread_starts_with_the_first_event(make_watch: Make) -> None:
    before = set(threading.enumerate())
    watch = make_watch()
    assert set(threading.enumerate()) <= before
    with watch.session():
        (sender,) = set(threading.enumerate()) - before
        assert sender.name == "watchkeeper-sender"
        assert sender.daemon
    assert watch.close()
    sender.join(5)
    assert not sender.is_alive()


def test_flush_waits_until_all_is_acknowledged(watch: Watchkeeper, memory: MemoryTransport) -> None:
    assert watch.flush()
    with watch.session() as s:
        s.reasoning("a")
        assert watch.flush()
        assert len(memory.events()) == 2
    traffic = watch.traffic()
    assert (traffic.events, traffic.acknowledged_events) == (2, 2)


def test_flush_and_close_keep_their_deadlines(watch: Watchkeeper, memory: MemoryTransport) -> None:
    memory.full = True
    with watch.session() as s:
        s.reasoning("a")
    began = time.monotonic()
    assert not watch.flush(0.1)
    assert not watch.close(0.2)
    assert time.monotonic() - began < 5
    assert watch.losses() == {"unsent_at_close": 3}
    assert memory.records == []
    assert memory.closed


def test_every_record_s_fate_is_told(make_watch: Make, memory: MemoryTransport) -> None:
    fates: list[Delivery] = []
    watch = make_watch(on_delivery=fates.append)
    with watch.session():
        assert watch.flush()
        memory.failing = True
    assert not watch.close()
    assert [(fate.error, fate.record.events) for fate in fates] == [("", 1), ("told to fail", 1)]
    assert watch.losses() == {"delivery_failed": 1}


def test_texts_are_masked_before_they_are_hashed(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch(masker=Redactor())
    with watch.session(goal="a secret") as s:
        s.prompt([{"role": "user", "content": "secret secret"}], parameters={"k": "secret"})
        s.tool_call("t", {"word": "secret"})
        s.decision("d", facts={"f": "secret"})
    assert watch.close()
    assert b"secret" not in b"".join(memory.lines())
    started, prompt, call, decision, _ = memory.events()
    data: Any = prompt.data
    assert data.messages[0].content.masked == 2
    assert started.data.goal.masked == 1  # type: ignore[union-attr] # it is the start
    assert call.data.arguments == {"word": "[masked]"}  # type: ignore[union-attr] # it is the call
    assert decision.data.facts == {"f": "[masked]"}  # type: ignore[union-attr] # it is the decision


@pytest.mark.parametrize("masker", [Failing(), Vandal()])
def test_where_the_masker_fails_nothing_leaves(masker: Any, make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch(masker=masker)
    with watch.session() as s:
        s.tool_call("t", {"word": "secret"})
        s.reasoning("fine")
    assert watch.close()
    assert watch.losses() == {"mask_failed": 1}
    assert b"secret" not in b"".join(memory.lines())
    assert [event.seq for event in memory.events()] == [0, 2, 3]


class Exploding(MemoryTransport):
    def send(self, *_: Any) -> bool:
        raise RuntimeError("a bug with a secret")


def test_a_broken_transport_loses_events_and_nothing_else(
    make_watch: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("WATCHKEEPER_RAISE")
    watch = make_watch(transport=Exploding())
    with caplog.at_level(logging.ERROR, "watchkeeper"), watch.session() as s:
        for _ in range(3):
            s.tool_call("t")
            watch.flush()
    watch.close()
    losses = watch.losses()
    assert losses["delivery_failed"] == 5
    assert losses["internal_error"] >= 3
    assert len(caplog.records) == 1
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_where_no_thread_can_be_started_close_sends(
    make_watch: Make, memory: MemoryTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    watch = make_watch()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with watch.session() as s:
        s.reasoning("a")
    assert memory.records == []
    assert not watch.flush(0.1)
    assert watch.close()
    assert [event.seq for event in memory.events()] == [0, 1, 2]


def test_a_busy_sender_fills_its_records(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch(settings=Settings(queue_events=100_000))
    sessions = [watch.session() for _ in range(20)]
    for s in sessions:
        s.start()
    for number in range(200):
        for s in sessions:
            s.tool_result(s.tool_call("t", {"n": number}), number)
    for s in sessions:
        s.end()
    assert watch.close(20)
    assert watch.losses() == {}
    traffic = watch.traffic()
    assert traffic.events == 20 * 402
    assert traffic.events / traffic.records >= 20


PROGRAM = """
import os, sys
from watchkeeper.producers import Settings, Watchkeeper
from watchkeeper.producers.testing import MemoryTransport

class File(MemoryTransport):
    def close(self, seconds):
        with open(sys.argv[1], "ab") as out:
            out.write(b"".join(line + b"\\n" for line in self.lines()))

watch = Watchkeeper("support", transport=File(), settings=Settings(exit_seconds=20))
session = watch.session(session_id="s")
session.start()
"""


def run_program(tmp_path: Any, code: str) -> list[Any]:
    out = tmp_path / "lines"
    program = PROGRAM + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program, str(out)], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [EVENT_ADAPTER.validate_json(line) for line in out.read_bytes().splitlines()]


def test_the_interpreter_s_exit_sends_what_waits(tmp_path: Any) -> None:
    events = run_program(tmp_path, "for n in range(50): session.outcome('n', n)")
    assert [event.seq for event in events] == list(range(51))


def test_what_is_dropped_by_its_maker_is_sent_too(tmp_path: Any) -> None:
    events = run_program(tmp_path, "session.end()\ndel watch, session")
    assert [event.type for event in events] == ["session_started", "session_ended"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_child_of_a_fork_sends_its_own_and_not_its_parent_s(tmp_path: Any) -> None:
    events = run_program(
        tmp_path,
        """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        for n in range(300):
            session.outcome("parent", n)
        child = os.fork()
        session.outcome("child" if child == 0 else "parent", 1000)
        if child == 0:
            assert watch.flush()
            watch.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        session.end()
        """,
    )
    writers: dict[str, list[Any]] = {}
    for event in events:
        writers.setdefault(event.writer_id, []).append(event)
    by_length = sorted(writers.values(), key=len)
    assert [len(told) for told in by_length] == [1, 303]
    assert by_length[0][0].data.name == "child"
    assert by_length[0][0].seq == 0
    assert [event.seq for event in by_length[1]] == list(range(303))
