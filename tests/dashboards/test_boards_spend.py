"""What the board Spend adds up and holds against each other, computed again in Python."""

from __future__ import annotations

import statistics
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from board_asking import END, LAST_DAYS, LAST_HOUR, ask
from board_fleet import CAPS, SMALL, Session
from clickhouse_connect.driver import Client

SPEND = "watchkeeper-spend: "


def went_well(session: Session) -> bool:
    return session.status == "completed" and session.worst not in {"high", "critical"}


def hour_of(session: Session) -> datetime:
    return session.started.replace(minute=0, second=0, microsecond=0)


def test_the_month_goes_on_as_its_last_days(fleet_store: Client) -> None:
    (row,) = ask(fleet_store, SPEND + "This month", LAST_HOUR)
    # A response is counted where it was told, not where its session began.
    spent = [(session.started + part * session.lasted, cost) for session in SMALL for part, cost in parts(session)]
    midnight = END.replace(hour=0)
    so_far = sum(cost for at, cost in spent if at >= END.replace(day=1, hour=0))
    usual = sum(cost for at, cost in spent if midnight - timedelta(days=7) <= at < midnight) / 7
    assert row["so_far"] == pytest.approx(so_far)
    assert row["usual_day"] == pytest.approx(usual)
    assert row["at_its_end"] == pytest.approx(so_far + usual * 29.5)
    assert row["last_month"] == pytest.approx(sum(cost for at, cost in spent if at < END.replace(day=1, hour=0)))
    assert so_far > 0 < row["last_month"]


def parts(session: Session) -> list[tuple[float, float]]:
    """When in the session, as a share of it, what was paid."""
    steps = 2 * len(session.calls) + len(session.responses) + (session.status != "open")
    first = 1 + 2 * len(session.calls)
    return [((first + n) / max(1, steps), answer.cost or 0.0) for n, answer in enumerate(session.responses)]


def test_the_dearest_sessions_beside_their_agent_s_median(fleet_store: Client) -> None:
    priced = [session for session in SMALL if not session.unpriced]
    usual = {
        key: statistics.median(s.cost for s in priced if (s.tenant, s.agent) == key)
        for key in {(session.tenant, session.agent) for session in priced}
    }
    rows = ask(fleet_store, SPEND + "Dearest sessions", LAST_DAYS)
    dearest = sorted(priced, key=lambda s: (-round(s.cost, 9), s.session_id))[:50]
    assert [row["session"] for row in rows] == [session.session_id for session in dearest]
    for row, session in zip(rows, dearest, strict=True):
        assert row["usual"] == pytest.approx(usual[session.tenant, session.agent])
        assert row["times_usual"] == pytest.approx(session.cost / usual[session.tenant, session.agent])


def test_what_was_told_as_too_much(fleet_store: Client) -> None:
    rows = ask(fleet_store, SPEND + "Told as too much", LAST_DAYS)
    crossed = {session.session_id: session.caps["cost_usd"] for session in SMALL if "cost_usd" in session.caps}
    near = {session.session_id: 0.9 * CAPS["cost_usd"] for session in SMALL if "cost_usd" in session.warned}
    assert {row["session"]: row["spend"] for row in rows} == pytest.approx(crossed | near)
    assert [row["of_allowed"] for row in rows] == sorted((row["of_allowed"] for row in rows), reverse=True)


def test_what_a_good_session_costs(fleet_store: Client) -> None:
    hours: defaultdict[datetime, list[Session]] = defaultdict(list)
    for session in SMALL:
        hours[hour_of(session)].append(session)
    rows = ask(fleet_store, SPEND + "Spend per good session", LAST_DAYS)
    assert {row["time"].replace(tzinfo=UTC) for row in rows} == set(hours)
    for row in rows:
        sessions = hours[row["time"].replace(tzinfo=UTC)]
        count = sum(map(went_well, sessions))
        assert row["spend"] == (pytest.approx(sum(s.cost for s in sessions) / count) if count else None)
    for row in ask(fleet_store, SPEND + "Good sessions by agent", LAST_DAYS):
        sessions = [session for session in SMALL if session.agent == row["agent"]]
        good = [session for session in sessions if went_well(session)]
        assert (row["sessions"], row["good"]) == (len(sessions), len(good))
        assert row["a_good_one"] == pytest.approx(sum(s.cost for s in sessions) / len(good))
        assert row["spent_in_vain"] == pytest.approx(sum(s.cost for s in sessions if not went_well(s)))
