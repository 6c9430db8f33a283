"""`watchkeeper policy infer`, on the real engine, over sessions whose figures are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.policies.observing import Observed, Quantiles, SeenTool
from watchkeeper.cli.policies.proposing import proposal, rounded_up
from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_file import read_policy
from watchkeeper.stream_processors.detection.tools import ToolRegistry

Run = Callable[..., Result]

TOOLS = [
    {
        "name": "get_order",
        "parameters": {
            "type": "object",
            "properties": {"order_id": {"type": "string"}, "deep": {"type": "boolean"}},
            "required": ["order_id"],
        },
    },
    {"name": "refund_order", "parameters": {"type": "object", "properties": {}, "additionalProperties": False}},
    {"name": "never_used", "parameters": None},
]


def rows_of(shelf: Any, number: int, begun: datetime) -> None:
    """Session `number` of 0 to 99: calls, seconds and money grow with it."""
    shelf.session = f"{shelf.agent}-{number}"
    shelf.begin = begun
    shelf._next.clear()
    shelf.state(
        agent_id=shelf.agent,
        started_at=begun,
        last_event_at=begun + timedelta(seconds=number + 1),
        tool_calls=number % 10 + 1,
        tokens=1000 * (number + 1),
        cost_usd=0.01 * (number + 1),
        user_id=f"u-{number % 25}",
    )
    text = orjson.dumps(TOOLS).decode()
    content = {"address": address_of(text), "size": len(text), "media_type": "application/json"}
    shelf.event("session_started", 0, {"tools": content})
    for index in range(number % 3 + 1):
        call = {"tool_call_id": f"c-{index}", "tool_name": "get_order"}
        shelf.event("tool_call", index + 0.1, call, tool_name="get_order")
        status = "error" if number % 10 == 0 else "ok"
        result = call | {"status": status, "duration_us": 20_000 * (number + 1)}
        shelf.event("tool_result", index + 0.2, result, tool_name="get_order")
    if number < 20:
        shelf.event("tool_call", 5, {"tool_call_id": "r", "tool_name": "refund_order"}, tool_name="refund_order")
    if number == 7:
        shelf.event("tool_call", 6, {"tool_call_id": "x", "tool_name": "refnd"}, tool_name="refnd")


@pytest.fixture
def week(shelf: Any) -> Any:
    """A hundred sessions of one agent, in five hours of two days; and what must not count."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    kept: dict[str, list[bytes]] = {}
    put, shelf.put = shelf.put, lambda table, *rows: kept.setdefault(table, []).extend(rows)
    for number in range(100):
        day = midnight - timedelta(days=1 if number < 80 else 2)
        rows_of(shelf, number, day + timedelta(hours=number // 20 + 1, seconds=number))
    # A policy is not learnt from what is still open, from what was found wrong, or from recordings.
    for name, fields in (
        ("open", {"status": "open"}),
        ("accused", {"worst_severity": "critical", "findings": 1}),
        ("recorded", {"origin": "import"}),
        ("long ago", {"started_at": midnight - timedelta(days=90)}),
    ):
        shelf.session = f"{shelf.agent}-{name}"
        begun = fields.pop("started_at", midnight - timedelta(hours=20))
        shelf.state(agent_id=shelf.agent, started_at=begun, last_event_at=begun, tool_calls=10_000, **fields)
    shelf.content(orjson.dumps(TOOLS).decode(), salt=None)
    shelf.put = put
    for table, rows in kept.items():
        shelf.put(table, *rows)
    return shelf


def test_what_is_proposed_rests_on_the_figures_and_passes_the_check(run: Run, week: Any, tmp_path: Path) -> None:
    policy_file, tools_file = tmp_path / "p.yaml", tmp_path / "tools.json"
    ended = run(
        *("policy", "infer", "--agent", week.agent, "--tenant", week.tenant, "--since", "7d"),
        *("--output", str(policy_file), "--tools-output", str(tools_file)),
    )
    assert ended.exit_code == ExitCode.OK, ended.output
    text = policy_file.read_text()
    policy = read_policy(text.encode(), "p").policy
    assert policy.agent == week.agent
    assert policy.allow_unlisted_tools is False
    # 1.5 times the 99th percentile of 1 to 10 calls, 1,000 to 100,000 tokens, 1 to 100 s, $0.01 to $1.
    assert policy.caps.model_dump() == {
        "tool_calls": 15,
        "tokens": 150_000,
        "wall_clock_seconds": 150.0,
        "cost_usd": 1.5,
    }
    assert "# p50 50.5, p95 95.05, p99 99.01, most 100 s" in text
    assert "# Proposed from 100 sessions" in text
    assert "# 1 more, with findings of severity high or critical, were left out." in text
    # Sessions 60 to 79 spent $14.10 in their hour, 0 to 79 $32.40 in their day.
    assert policy.budgets.per_hour_usd == pytest.approx(36)
    assert policy.budgets.per_day_usd == pytest.approx(65)
    assert policy.budgets.per_user_day_usd is not None
    assert set(policy.tools) == {"get_order", "refund_order"}
    order, refund = policy.tools["get_order"], policy.tools["refund_order"]
    assert (order.effect, refund.effect) == ("read", "irreversible")
    # 40 calls an hour at most; the slowest call took 2 s.
    assert order.rate_limit is not None
    assert order.rate_limit.calls == pytest.approx(82, abs=4)
    assert order.timeout_seconds == 6
    assert refund.timeout_seconds is None
    assert "# as registered: order_id string, deep boolean?" in text
    assert "# never_used: registered, and not called in the period: left out" in text
    assert "# refnd: called 1 times, and not registered: left out" in text
    assert "# 199 calls in 100 sessions; 9.5% failed" in text
    assert json.loads(tools_file.read_text()) == TOOLS
    checked = run("policy", "check", "--tools", str(tools_file), str(policy_file))
    assert checked.exit_code == ExitCode.OK, checked.output
    assert "irreversible" in text


def test_requests_without_a_price_leave_money_out(run: Run, week: Any) -> None:
    week.session = f"{week.agent}-unpriced"
    begun = datetime.now(UTC) - timedelta(hours=30)
    week.state(agent_id=week.agent, started_at=begun, last_event_at=begun, cost_usd=0, unpriced_requests=2)
    ended = run("policy", "infer", "--agent", week.agent, "--tenant", week.tenant)
    assert ended.exit_code == ExitCode.OK, ended.output
    policy = read_policy(ended.stdout.encode(), "p").policy
    assert policy.caps.cost_usd == 5.0
    assert policy.budgets.per_day_usd is None
    assert "# cost_usd: 1 sessions have requests without a price; the default stands" in ended.stdout


def test_too_few_sessions_are_refused(run: Run, week: Any) -> None:
    about = ("policy", "infer", "--agent", week.agent, "--tenant", week.tenant)
    ended = run(*about, "--min-sessions", "101")
    assert ended.exit_code == ExitCode.FAILED
    assert "100 sessions of" in ended.stderr
    assert "1 more with findings of severity high are left out" in ended.stderr
    assert "--since" in ended.stderr
    # Those that the period holds, and no others.
    assert run(*about, "--until", "1d", "--since", "30h").exit_code in {ExitCode.FAILED, ExitCode.NOT_FOUND}


def test_an_agent_that_is_not_there_is_told_with_those_that_are(run: Run, week: Any) -> None:
    ended = run("policy", "infer", "--agent", week.agent[:-1], "--tenant", week.tenant)
    assert ended.exit_code == ExitCode.NOT_FOUND
    assert week.agent in ended.stderr
    assert "--since" in ended.stderr


def test_what_is_wrong_on_the_command_line(run: Run, tmp_path: Path) -> None:
    there = tmp_path / "p.yaml"
    there.touch()
    assert "name another file" in run("policy", "infer", "--agent", "a", "--output", str(there)).stderr
    swapped = run("policy", "infer", "--agent", "a", "--since", "1d", "--until", "2d")
    assert swapped.exit_code == ExitCode.CONFIGURATION
    assert "swap them" in swapped.stderr


def test_a_session_that_told_no_tools_has_none_to_write(run: Run, shelf: Any, tmp_path: Path) -> None:
    rows: list[bytes] = []
    put, shelf.put = shelf.put, lambda _table, *given: rows.extend(given)
    for number in range(12):
        shelf.session = f"{shelf.agent}-{number}"
        shelf.state(agent_id=shelf.agent)
    put("sessions", *rows)
    about = ("policy", "infer", "--agent", shelf.agent, "--min-sessions", "10")
    ended = run(*about, "--tools-output", str(tmp_path / "t.json"))
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "leave --tools-output out" in ended.stderr
    plain = run(*about)
    assert plain.exit_code == ExitCode.OK, plain.output
    assert read_policy(plain.stdout.encode(), "p").policy.tools == {}


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(0, 0), (12.3, 13), (12, 12), (1234, 1300), (0.0421, 0.043), (1.1, 1.1), (99.5, 100), (100, 100), (1e-9, 1e-9)],
)
def test_figures_are_rounded_up_to_two_digits(value: float, rounded: float) -> None:
    assert rounded_up(value) == pytest.approx(rounded)


# The machine may be busy with other things: how long one example takes says nothing.
@settings(deadline=None)
@given(st.floats(1e-9, 1e12))
def test_a_rounded_figure_is_never_below_and_at_most_a_tenth_above(value: float) -> None:
    assert value * (1 - 1e-6) <= rounded_up(value) <= value * 1.1 + 1e-9


SOME = Quantiles(1, 2, 3, 4)


def observed(agent: str, names: list[str], scale: float, *, registered: bool) -> Observed:
    size = Quantiles(scale, scale, scale, scale)
    caps = dict.fromkeys(("tool_calls", "tokens", "wall_clock_seconds", "cost_usd"), size)
    listed = [{"name": name, "parameters": {"properties": {name: {"type": name}}}} for name in names[::2]]
    return Observed(
        agent=agent,
        since=datetime(2026, 1, 1, tzinfo=UTC),
        until=datetime(2026, 1, 8, tzinfo=UTC),
        sessions=200,
        accused=3,
        unpriced=0,
        users=40,
        caps=caps,
        spend=dict.fromkeys(("hour", "day", "user_day"), size),
        tools=[SeenTool(name, 5, 4, SOME, size, size, 0.1) for name in names],
        registered=ToolRegistry(listed) if registered else None,
    )


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@settings(deadline=None)
@given(NAMES, st.lists(NAMES, max_size=5, unique=True), st.floats(1e-6, 1e9), st.booleans())
def test_whatever_the_traffic_held_the_proposal_can_be_used(
    agent: str, names: list[str], scale: float, registered: bool
) -> None:
    text = proposal(observed(agent, names, scale, registered=registered))
    policy = read_policy(text.encode(), "p").policy
    assert isinstance(policy, AgentPolicy)
    assert policy.agent == agent
    assert set(policy.tools) == set(names[::2] if registered else names)
