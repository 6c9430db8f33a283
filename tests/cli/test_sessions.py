"""`watchkeeper sessions`: from real rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from click.testing import Result

Run = Callable[..., Result]


def ids(ended: Result) -> list[str]:
    assert ended.exit_code == 0, ended.output
    return [orjson.loads(line)["session_id"] for line in ended.stdout.splitlines()]


@pytest.fixture
def three(shelf: Any) -> Any:
    """Sessions `old`, `middle` and `new` of one tenant, with something different about each."""
    for name, minutes, given in (
        ("old", 300, {"status": "failed", "findings": 2, "worst_severity": "high", "user_id": "ada"}),
        ("middle", 200, {"status": "stopped", "cost_usd": 0.0, "unpriced_requests": 3, "customer_id": "c-77"}),
        ("new", 1, {"status": "open", "origin": "simulated", "unpriced_requests": 1, "agent_id": "other"}),
    ):
        begun = datetime.now(UTC) - timedelta(minutes=minutes)
        shelf.session = f"{name}-{shelf.tenant}"
        shelf.state(started_at=begun, last_event_at=begun + timedelta(seconds=30), **given)
    return shelf


def test_newest_come_first_with_the_stable_keys(run: Run, three: Any) -> None:
    ended = run("sessions", "--tenant", three.tenant, "--json")
    assert [name.partition("-")[0] for name in ids(ended)] == ["new", "middle", "old"]
    row = orjson.loads(ended.stdout.splitlines()[2])
    assert row["status"] == "failed"
    assert row["cost_usd"] == pytest.approx(0.0123)
    assert row["started_at"].endswith("Z")
    assert "state" not in row


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["--status", "failed"], ["old"]),
        (["--user", "ada"], ["old"]),
        (["--customer", "c-77"], ["middle"]),
        (["--agent", "other"], ["new"]),
        (["--origin", "simulated"], ["new"]),
        (["--with-findings"], ["old"]),
        (["--since", "1h"], ["new"]),
        (["--until", "1h"], ["middle", "old"]),
        (["--since", "4h", "--until", "2h"], ["middle"]),
        (["--limit", "1"], ["new"]),
    ],
)
def test_filters(run: Run, three: Any, filters: list[str], names: list[str]) -> None:
    ended = run("sessions", "--tenant", three.tenant, "--json", *filters)
    assert [name.partition("-")[0] for name in ids(ended)] == names


def test_the_table_says_what_is_unpriced_and_how_bad_it_is(run: Run, three: Any) -> None:
    ended = run("sessions", "--tenant", three.tenant)
    assert ended.exit_code == 0
    head, new, middle, old = ended.stdout.splitlines()
    assert head.split() == [
        "started", "(UTC)", "session", "status", "agent", "events", "calls", "tokens", "cost", "findings",
    ]  # fmt: skip
    assert f"new-{three.tenant}" in new
    assert "other 1.4.2 (simulated)" in new
    assert "≥ $0.0123" in new
    assert "unpriced" in middle
    assert old.endswith("2 high")
    assert "12,310" in old
    assert "\x1b" not in ended.stdout


def test_the_latest_row_of_a_session_counts(run: Run, shelf: Any) -> None:
    shelf.state(status="open", version=1)
    shelf.state(status="stopped", version=7)
    shelf.state(status="open", version=3)
    ended = run("sessions", "--tenant", shelf.tenant, "--json")
    assert [orjson.loads(line)["status"] for line in ended.stdout.splitlines()] == ["stopped"]


def test_a_recording_of_years_ago_that_was_stored_today_is_listed(run: Run, shelf: Any) -> None:
    begun = datetime(2024, 5, 1, tzinfo=UTC)
    shelf.state(started_at=begun, last_event_at=begun, origin="import")
    assert ids(run("sessions", "--tenant", shelf.tenant, "--json")) == [shelf.session]
    assert ids(run("sessions", "--tenant", shelf.tenant, "--since", "1h", "--json")) == []
    assert ids(run("sessions", "--tenant", shelf.tenant, "--since", "2024-04-30", "--json")) == [shelf.session]


def test_what_people_give_is_bound_and_not_pasted(run: Run, three: Any) -> None:
    ended = run("sessions", "--tenant", "x' OR '1'='1", "--json")
    assert ids(ended) == []
    assert run("sessions", "--tenant", "back\\slash {x:String} é☃").exit_code == 0


def test_nothing_found_is_said(run: Run) -> None:
    ended = run("sessions", "--tenant", "nobody")
    assert ended.exit_code == 0
    assert "no sessions in the last 7 days; look further back with --since 90d" in ended.stdout
    assert run("sessions", "--tenant", "nobody", "--json").stdout == ""


def test_a_time_that_is_none_is_2(run: Run) -> None:
    ended = run("sessions", "--since", "yesterday")
    assert ended.exit_code == 2
    assert "'yesterday' is no time: write 30m, 7d (before now) or 2025-11-21T10:00 (UTC)" in ended.stderr
