"""Beginning, ending, nesting, and which session is current where."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from watchkeeper.producers import Watchkeeper, bind
from watchkeeper.producers.testing import ManualClock, MemoryTransport, RecordedIdentity

Make = Callable[..., Watchkeeper]


def test_a_start_is_told_when_it_starts(watch: Watchkeeper, memory: MemoryTransport) -> None:
    with watch.session() as s:
        assert watch.flush()
        assert [event.type for event in memory.events()] == ["session_started"]
        call = s.tool_call("slow")
        assert watch.flush()
        assert [event.type for event in memory.events()][1:] == ["tool_call"]
        s.tool_result(call, "done")


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (None, "completed", ""),
        (ValueError("with a secret"), "failed", "ValueError"),
        (KeyboardInterrupt(), "failed", "KeyboardInterrupt"),
        (SystemExit(), "completed", ""),
        (SystemExit(0), "completed", ""),
        (SystemExit(1), "failed", "SystemExit"),
        (SystemExit("no such order"), "failed", "SystemExit"),
    ],
)
def test_the_end_says_how_it_went(
    error: BaseException | None, status: str, kind: str, watch: Watchkeeper, memory: MemoryTransport
) -> None:
    def run() -> None:
        with watch.session() as s:
            s.response("half", answer=True)
            if error is not None:
                raise error

    if error is None:
        run()
    else:
        with pytest.raises(type(error)):
            run()
    assert watch.close()
    ended: Any = memory.events()[-1].data
    assert (ended.status, ended.error_type) == (status, kind)
    assert ended.answer.address == memory.events()[1].data.text.address  # type: ignore[union-attr] # the response's
    assert b"secret" not in memory.lines()[-1]


def test_what_is_recorded_first_begins_the_session(watch: Watchkeeper, memory: MemoryTransport) -> None:
    s = watch.session()
    s.reasoning("a")
    s.end(answer="b")
    assert watch.close()
    assert [event.type for event in memory.events()] == ["session_started", "reasoning", "session_ended"]


def test_options_stand_in_the_envelope(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch(
        tenant="acme", agent_version="1.2", workflow="w", environment="staging", retention_class="regulated"
    )
    with watch.session(user_id="u", customer_id="c", step="one", turn=0, trace_id="a" * 32, span_id="b" * 16) as s:
        s.step = "two"
        s.next_turn()
        s.annotate(tier="gold")
        s.reasoning("x")
    assert watch.close()
    first, second, _ = memory.events()
    assert (first.tenant_id, first.agent_version, first.workflow, first.environment) == ("acme", "1.2", "w", "staging")
    assert (first.user_id, first.customer_id, first.retention_class) == ("u", "c", "regulated")
    assert (first.trace_id, first.span_id, first.origin) == ("a" * 32, "b" * 16, "live")
    assert (first.step, first.turn, second.step, second.turn) == ("one", 0, "two", 1)
    assert second.attributes == {"tier": "gold"}
    assert memory.records[0].key.startswith(b"acme/")


def test_delegation_nests_sessions(watch: Watchkeeper, memory: MemoryTransport) -> None:
    with watch.session(user_id="u", session_id="root") as s:
        with s.delegate("billing", task="refund it", session_id="child") as child:
            assert watch.current() is child
            with child.delegate("bank", session_id="grandchild") as grandchild:
                assert watch.current() is grandchild
            assert watch.current() is child
        assert watch.current() is s
    assert watch.current() is None
    assert watch.close()
    events = memory.events()
    begun = {event.session_id: event for event in events if event.type == "session_started"}
    assert begun["child"].root_session_id == begun["child"].parent_session_id == "root"
    assert (begun["grandchild"].root_session_id, begun["grandchild"].parent_session_id) == ("root", "child")
    assert begun["root"].root_session_id is None
    assert (begun["child"].agent_id, begun["child"].user_id) == ("billing", "u")
    told: Any = {event.session_id: event.data for event in events if event.type == "delegation"}
    started: Any = begun["child"].data
    assert told["root"].child_session_id == "child"
    assert told["root"].task.text == started.goal.text == "refund it"
    assert told["child"].child_agent_id == "bank"


def test_a_session_resumed_elsewhere_is_another_writer(make_watch: Make, memory: MemoryTransport) -> None:
    first, second = make_watch(), make_watch()
    with first.session() as s:
        pass
    # Two senders: only what was sent before the other began has an order between them.
    assert first.close()
    with second.resume(s.session_id) as again:
        again.reasoning("on")
    with second.attach(s.session_id) as late:
        late.outcome("kept", 1)
    assert second.close()
    events = memory.events()
    assert {event.session_id for event in events} == {s.session_id}
    assert len({event.writer_id for event in events}) == 3
    starts: Any = [event.data.resumed for event in events if event.type == "session_started"]
    assert starts == [False, True]
    assert [event.type for event in events[-1:]] == ["outcome"]
    assert [event.seq for event in events] == [0, 1, 0, 1, 2, 0]


def test_threads_see_the_session_they_are_bound_to(watch: Watchkeeper) -> None:
    with watch.session() as s, ThreadPoolExecutor(4) as pool:
        assert pool.submit(watch.current).result() is None
        assert {pool.submit(bind(watch.current)).result() for _ in range(8)} == {s}
        bound = watch.bind(watch.current)
        assert set(pool.map(lambda _: bound(), range(20))) == {s}


def test_tasks_keep_to_their_sessions(watch: Watchkeeper, memory: MemoryTransport) -> None:
    async def run(name: str) -> None:
        async with watch.session(session_id=name) as s:
            for _ in range(5):
                await asyncio.sleep(0)
                assert watch.current() is s
                s.reasoning(name)
                await asyncio.gather(asyncio.create_task(inner(s)))

    async def inner(expected: Any) -> None:
        assert watch.current() is expected

    async def main() -> None:
        await asyncio.gather(*(run(f"s{number}") for number in range(10)))

    asyncio.run(main())
    assert watch.close()
    assert len(memory.events()) == 70
    assert all(
        event.data.text.text in {event.session_id, None} for event in memory.events() if event.type == "reasoning"
    )


def test_a_session_left_in_another_context_lets_go(watch: Watchkeeper) -> None:
    def holding() -> Any:
        with watch.session():
            yield

    with watch.session() as around:
        generator = holding()
        next(generator)
        inside = watch.current()
        assert inside is not None
        thread = threading.Thread(target=lambda: list(generator))
        thread.start()
        thread.join()
        assert inside.is_over
        assert watch.current() is around
    assert watch.current() is None
    assert watch.losses() == {}


def test_recorded_sessions_are_the_same_bytes_every_time() -> None:
    def record() -> bytes:
        memory = MemoryTransport()
        watch = Watchkeeper("support", transport=memory, origin="import", block=True)
        clock = ManualClock(1_700_000_000_000_000)
        with watch.session(session_id="recorded", clock=clock, identity=RecordedIdentity("file:1"), goal="g") as s:
            request = s.prompt([{"role": "user", "content": "x" * 300_000}])
            clock.advance(2_000_000)
            s.response("a", request_id=request)
            call = s.tool_call("t", {"a": 1})
            clock.advance(500)
            s.tool_result(call, {3, 1, 2})
            with s.delegate("other") as child:
                child.reasoning("r")
        assert watch.close()
        events = memory.events()
        assert {event.origin for event in events} == {"import"}
        response, result = (next(e for e in events if e.type == kind) for kind in ("response", "tool_result"))
        assert (response.data.duration_us, result.data.duration_us) == (2_000_000, 500)
        assert result.occurred_at.timestamp() == 1_700_000_002.0005
        return b"\n".join(sorted(memory.lines()))

    assert record() == record()


def test_wrong_options_are_refused_as_python_would(watch: Watchkeeper) -> None:
    with pytest.raises(TypeError, match="usr_id"):
        watch.session(usr_id="u")  # type: ignore[call-arg] # that is what is tested
    with watch.session() as s, pytest.raises(TypeError, match="taks"):
        s.delegate("a", taks="x")  # type: ignore[call-arg] # likewise


@pytest.mark.parametrize(
    ("caps", "kept", "named"),
    [
        ({"tool_calls": 3}, {"tool_calls": 3}, ""),
        ({"tool_calls": -1}, None, "tool_calls"),
        ({"calls": 1}, None, "calls"),
        ({}, None, ""),
    ],
)
def test_caps_of_a_session(
    caps: Any, kept: Any, named: str, watch: Watchkeeper, memory: MemoryTransport, caplog: pytest.LogCaptureFixture
) -> None:
    with watch.session(caps=caps):
        pass
    assert watch.close()
    started: Any = memory.events()[0].data
    assert (started.caps and started.caps.model_dump(exclude_none=True)) == kept
    assert named in caplog.text
    assert bool(caplog.records) == bool(named)
