"""The same detectors, in the process itself."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from watchkeeper.producers import SessionStoppedError, Watchkeeper
from watchkeeper.producers.local import LocalTransport
from watchkeeper.producers.testing import ManualClock, MemoryTransport
from watchkeeper.schemas.control import Control
from watchkeeper.schemas.events import Usage
from watchkeeper.stream_processors.detection.pricing import Priced

Make = Callable[..., Watchkeeper]


class Dear:
    def price(self, *, provider: str, model: str, usage: Usage, at_us: int) -> Priced:
        return Priced("priced", 3.0 * usage.output_tokens, "v1")


def test_findings_are_printed_and_kept(make_watch: Make, capsys: pytest.CaptureFixture[str]) -> None:
    watch = make_watch(local=True)

    @watch.tool
    def order_status(order_id: int) -> str:
        return f"order {order_id} is on its way"

    with watch.session() as s:
        order_status(7)
        s.tool_result(s.tool_call("order_statsu", {"order_id": 7}), "no such tool", status="error")
    assert watch.close()
    (finding,) = watch.findings()
    assert finding.failure_mode == "hallucinated_tool"
    printed = capsys.readouterr().err
    assert printed.startswith("watchkeeper: HIGH hallucinated_tool: ")
    assert "nearest: order_status" in printed
    assert finding.runbook in printed
    assert watch.losses() == {}


def test_a_clean_session_prints_nothing(make_watch: Make, capsys: pytest.CaptureFixture[str]) -> None:
    watch = make_watch(local=True)
    with watch.session(tools=[]) as s:
        request = s.prompt([{"role": "user", "content": "x" * 600_000}])
        s.response("a", request_id=request, answer=True)
    assert watch.close()
    assert watch.findings() == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("caps", "prices", "tell"),
    [
        ({"tool_calls": 3}, None, lambda s: s.tool_result(s.tool_call("t", {"n": id(s)}), "a")),
        ({"tokens": 100}, None, lambda s: s.response("a", usage={"input_tokens": 30, "output_tokens": 10})),
        ({"cost_usd": 10.0}, Dear(), lambda s: s.response("a", usage={"output_tokens": 1}, model="m")),
    ],
    ids=["calls", "tokens", "money"],
)
def test_a_breach_stops_the_session_with_its_best_answer(
    caps: Any,
    prices: Any,
    tell: Callable[[Any], None],
    make_watch: Make,
    capsys: pytest.CaptureFixture[str],
) -> None:
    watch = make_watch(policy={"mode": "enforce", "caps": caps}, local=True, prices=prices)

    def run() -> None:
        with watch.session() as s:
            s.response("the best so far", answer=True)
            for _ in range(10):
                tell(s)
                watch.flush()

    with pytest.raises(SessionStoppedError) as raised:
        run()
    assert raised.value.best_answer == "the best so far"
    assert watch.close()
    (cap,) = caps
    breaches: Any = [finding.evidence for finding in watch.findings() if finding.failure_mode == "cost_runaway"]
    assert breaches[-1].cap == cap
    assert breaches[-1].share > 1
    capsys.readouterr()


def test_what_hangs_is_found_while_nothing_is_told() -> None:
    clock, out = ManualClock(1_700_000_000_000_000), io.StringIO()
    commands: list[Control] = []
    local = LocalTransport(commands.append, out=out, clock=clock)
    source = MemoryTransport()
    watch = Watchkeeper("support", {"caps": {"wall_clock_seconds": 60}}, transport=source)
    with watch.session(clock=clock) as s:
        s.tool_call("slow")
        assert watch.flush()
        for record in source.records:
            assert local.send(record, lambda _: None, lambda: False)
        local.poll()
        assert local.findings() == []
        clock.advance(61_000_000)
        local.poll()
        local.poll()
    watch.close()
    assert [finding.failure_mode for finding in local.findings()].count("cost_runaway") >= 1
    assert [command.action for command in commands] == ["terminate"]
    assert out.getvalue().count("watchkeeper: ") == len(local.findings())


def test_many_sessions_leave_room(monkeypatch: pytest.MonkeyPatch, make_watch: Make) -> None:
    monkeypatch.setattr("watchkeeper.producers.local.MAX_SESSIONS", 5)
    watch = make_watch(local=True)
    for _ in range(20):
        with watch.session():
            pass
    assert watch.close()
    assert watch.findings() == []
