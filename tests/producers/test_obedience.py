"""What commands do to a session, by mode and by who issued them."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watchkeeper.producers import SessionStoppedError, Settings, StopOrder, Watchkeeper
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.control import Control, Target
from watchkeeper.schemas.ids import uuid7

Make = Callable[..., Watchkeeper]
Until = Callable[[Callable[[], object]], None]
QUICK = Settings(pause_poll_ms=1, slow_down_seconds=0.05)


def order(watch: Watchkeeper, action: Any, target: str, by: str = "worker", seconds: float = 60, **more: Any) -> None:
    """Hands the recorder a command, as the reader of the control topic does."""
    kind, _, name = target.partition(":")
    now = datetime.now(tz=UTC)
    command = Control(
        command_id=uuid7(),
        tenant_id="default",
        target=Target(kind=kind, id=name),  # type: ignore[arg-type] # one of the three
        action=action,
        reason="it loops",
        issued_by=by,
        finding_id="f1",
        issued_at=now,
        expires_at=now + timedelta(seconds=seconds),
        **more,
    )
    watch._recorder.obey(command)


def stopped(run: Callable[[], None]) -> SessionStoppedError:
    with pytest.raises(SessionStoppedError) as raised:
        run()
    return raised.value


ENFORCED = [("enforce", "worker"), ("enforce", "ops"), ("warn", "ops")]
LET_GO = [("warn", "worker"), ("observe", "worker"), ("observe", "ops")]


@pytest.mark.parametrize(("mode", "by"), ENFORCED)
def test_a_session_is_stopped_with_its_best_answer(
    mode: str, by: str, make_watch: Make, memory: MemoryTransport
) -> None:
    watch = make_watch(policy={"mode": mode})

    def run() -> None:
        with watch.session() as s:
            s.response("a draft", answer=True)
            s.response("thinking aloud")
            order(watch, "terminate", f"session:{s.session_id}", by)
            s.tool_call("never")

    error = stopped(run)
    assert (error.best_answer, error.reason, error.finding_id) == ("a draft", "it loops", "f1")
    assert watch.close()
    events = memory.events()
    assert [event.type for event in events] == ["session_started", "response", "response", "session_ended"]
    ended: Any = events[-1].data
    assert (ended.status, ended.reason) == ("stopped", "it loops")
    assert ended.answer.address == events[1].data.text.address  # type: ignore[union-attr] # the response's


@pytest.mark.parametrize(("mode", "by"), LET_GO)
def test_where_the_mode_lets_it_go_it_is_noted(
    mode: str, by: str, make_watch: Make, memory: MemoryTransport, caplog: pytest.LogCaptureFixture, until: Until
) -> None:
    told: list[StopOrder] = []
    watch = make_watch(policy={"mode": mode}, on_stop=told.append)
    with watch.session() as s:
        s.response("a draft", answer=True)
        order(watch, "terminate", f"session:{s.session_id}", by)
        assert s.stop_requested is not None
        assert not s.stop_requested.enforced
        s.tool_call("goes on")
        if mode == "warn":
            until(lambda: told)
    assert watch.close()
    assert [event.type for event in memory.events()][2:] == ["tool_call", "session_ended"]
    assert "watchkeeper.stop_requested" in memory.events()[2].attributes
    assert [(one.action, one.best_answer, one.enforced) for one in told] == (
        [("terminate", "a draft", False)] if mode == "warn" else []
    )
    assert ("lets it go on" in caplog.text) == (mode == "warn")


def test_what_has_happened_is_recorded_before_the_stop(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch(policy={"mode": "enforce"})

    def run() -> None:
        with watch.session() as s:
            call = s.tool_call("t")
            order(watch, "terminate", f"session:{s.session_id}")
            s.tool_result(call, "it ran")

    stopped(run)
    assert watch.close()
    types = [event.type for event in memory.events()]
    assert types == ["session_started", "tool_call", "tool_result", "session_ended"]


def test_a_stopped_session_stays_stopped(make_watch: Make) -> None:
    watch = make_watch(policy={"mode": "enforce"})
    s = watch.session()
    s.start()
    order(watch, "terminate", f"session:{s.session_id}")
    for tell in (lambda: s.prompt([]), lambda: s.reasoning("a"), s.check, lambda: s.outcome("o")):
        with pytest.raises(SessionStoppedError):
            tell()
    s.end()
    assert watch.close()


def test_who_stops_the_whole_stops_its_parts(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch(policy={"mode": "enforce"})

    def run() -> None:
        with watch.session(session_id="root") as s, s.delegate("helper", session_id="child") as child:
            order(watch, "terminate", "session:root")
            child.tool_call("t")

    assert stopped(run).session_id == "child"
    assert watch.close()
    ends: Any = {event.session_id: event.data for event in memory.events() if event.type == "session_ended"}
    assert {name: data.status for name, data in ends.items()} == {"root": "stopped", "child": "stopped"}


def test_a_new_session_honours_what_is_in_force_for_its_agent(make_watch: Make, memory: MemoryTransport) -> None:
    watch = make_watch(policy={"mode": "enforce"})
    order(watch, "terminate", "agent:support", "ops")
    with watch.session() as s:
        stopped(lambda: s.reasoning("a"))
    order(watch, "resume", "agent:support", "ops")
    with watch.session() as s:
        s.prompt([])
    assert watch.close()
    assert [event.type for event in memory.events()].count("prompt") == 1


def test_a_pause_holds_what_is_about_to_begin(make_watch: Make, until: Until) -> None:
    watch = make_watch(policy={"mode": "enforce"}, settings=QUICK)
    reached = threading.Event()
    with watch.session() as s:
        order(watch, "pause", "agent:support")
        s.reasoning("what happened is told at once")

        def work() -> None:
            s.tool_call("t")
            reached.set()

        thread = threading.Thread(target=work)
        thread.start()
        assert not reached.wait(0.2)
        order(watch, "resume", "agent:support", "ops")
        until(reached.is_set)
        thread.join()


def test_a_pause_ends_with_its_expiry(make_watch: Make) -> None:
    watch = make_watch(policy={"mode": "enforce"}, settings=QUICK)
    with watch.session() as s:
        order(watch, "pause", "tenant:default", seconds=0.3)
        began = time.monotonic()
        s.prompt([])
        assert 0.2 < time.monotonic() - began < 5


def test_a_paused_session_can_be_stopped(make_watch: Make) -> None:
    watch = make_watch(policy={"mode": "enforce"}, settings=QUICK)
    with watch.session() as s:
        order(watch, "pause", "agent:support")
        timer = threading.Timer(0.05, lambda: order(watch, "terminate", "agent:support"))
        timer.start()
        stopped(s.check)
        timer.join()


@pytest.mark.parametrize(("first", "then"), [("worker", "ops"), ("ops", "worker")])
@pytest.mark.parametrize("target", ["session:s", "agent:support"])
def test_an_operator_s_command_holds_beside_a_worker_s_that_is_let_go(
    first: str, then: str, target: str, make_watch: Make
) -> None:
    watch = make_watch()
    with watch.session(session_id="s") as s:
        for by in (first, then):
            order(watch, "terminate", "session:s" if by == "worker" else target, by)
        assert s.stop_requested is not None
        assert s.stop_requested.issued_by == "ops"
        stopped(s.check)


def test_a_worker_s_pause_only_warns_in_warn(make_watch: Make, caplog: pytest.LogCaptureFixture) -> None:
    watch = make_watch(settings=QUICK)
    with watch.session() as s:
        order(watch, "pause", "agent:support")
        s.tool_call("goes on")
    assert "pause" in caplog.text


def test_a_pause_does_not_hold_an_event_loop(make_watch: Make, caplog: pytest.LogCaptureFixture) -> None:
    watch = make_watch(policy={"mode": "enforce"}, settings=QUICK)

    async def main() -> list[str]:
        went: list[str] = []
        async with watch.session() as s:
            order(watch, "pause", "agent:support")
            s.tool_call("not held: that would hold the loop")

            async def other() -> None:
                went.append("other")
                order(watch, "resume", "agent:support", "ops")

            task = asyncio.create_task(other())
            await s.acheck()
            went.append("on")
            await task
        return went

    assert asyncio.run(main()) == ["other", "on"]
    assert "await s.acheck()" in caplog.text


def test_slow_down_puts_a_moment_before_each_step(make_watch: Make) -> None:
    watch = make_watch(policy={"mode": "enforce"}, settings=QUICK)
    with watch.session() as s:
        order(watch, "slow_down", "agent:support")
        began = time.monotonic()
        s.prompt([])
        s.tool_call("t")
        assert time.monotonic() - began >= 0.1


def test_an_open_circuit_is_for_the_host_to_ask(watch: Watchkeeper) -> None:
    with watch.session() as s:
        assert not s.circuit_open("pay")
        order(watch, "circuit_open", "agent:support", tool_name="pay")
        assert s.circuit_open("pay")
        assert not s.circuit_open("lookup")
        s.tool_call("pay")


def test_an_open_circuit_tells_what_to_do_instead(watch: Watchkeeper, caplog: pytest.LogCaptureFixture) -> None:
    with watch.session() as s:
        assert s.fallback("pay") is None
        order(watch, "circuit_open", "agent:support", tool_name="pay")
        assert s.fallback("pay") == ""
        order(watch, "circuit_open", "tenant:default", by="ops", tool_name="pay", fallback="Offer to call back.")
        assert s.fallback("pay") == "Offer to call back."
        assert s.fallback("lookup") is None
        order(watch, "resume", "tenant:default", by="ops", tool_name="pay")
        assert s.fallback("pay") == ""
        s.notice()
    told = [one.message for one in caplog.records if "circuit of the tool pay" in one.message]
    assert len(told) == 2
    assert "Offer to call back." in told[1]


def test_a_host_that_is_only_watched_reads_of_no_circuit(make_watch: Make, caplog: pytest.LogCaptureFixture) -> None:
    with make_watch(policy={"mode": "observe"}).session() as s:
        order(watch=s._watch, action="circuit_open", target="agent:support", tool_name="pay")
        assert s.fallback("pay") == ""
        s.notice()
    assert "circuit of the tool" not in caplog.text


def test_callbacks_may_do_anything(make_watch: Make, until: Until, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHKEEPER_RAISE")
    seen: list[str] = []

    def on_stop(told: StopOrder) -> None:
        live.reasoning("recorded from the callback")
        seen.append(told.session_id)
        raise RuntimeError("the host's bug")

    watch = make_watch(on_stop=on_stop)
    with watch.session() as live:
        order(watch, "terminate", f"session:{live.session_id}")
        until(lambda: seen and watch.losses().get("internal_error"))
    assert seen == [live.session_id]


def test_each_command_is_told_once(make_watch: Make, until: Until, caplog: pytest.LogCaptureFixture) -> None:
    told: list[StopOrder] = []
    watch = make_watch(on_stop=told.append)
    with caplog.at_level(logging.WARNING, "watchkeeper"), watch.session() as s:
        order(watch, "terminate", f"session:{s.session_id}")
        order(watch, "pause", "agent:support")
        order(watch, "pause", "agent:other")
        until(lambda: len(told) == 2)
    assert len(caplog.records) == 2


def test_a_decorated_coroutine_waits_while_paused(make_watch: Make) -> None:
    watch = make_watch(policy={"mode": "enforce"}, settings=QUICK)

    @watch.tool
    async def pay() -> str:
        return "paid"

    async def main() -> float:
        async with watch.session():
            order(watch, "pause", "agent:support", seconds=0.2)
            began = time.monotonic()
            assert await pay() == "paid"
            return time.monotonic() - began

    assert asyncio.run(main()) > 0.1
