"""The board Agent over a small fleet, stored twice as a replay does it: what it says, computed again in Python."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from board_asking import END, LAST_DAYS, LAST_HOUR, ask, drawn_over, fresh_store, one, put
from board_fleet import CAPS, SMALL, Session, events, finding, fleet, found, states
from clickhouse_connect.driver import Client

from watchkeeper.dashboards.grafana.macros import Range

AGENT = "watchkeeper-agent: "
FLEET = SMALL
CHOICES: list[tuple[Range, dict[str, Any]]] = [
    (LAST_HOUR, {}),
    (LAST_DAYS, {}),
    (LAST_DAYS, {"tenant": ["acme"], "agent": ["support"]}),
    (LAST_DAYS, {"intent": ["refund"], "version": ["2"]}),
]


def chosen(span: Range, choice: dict[str, Any]) -> list[Session]:
    kept = {"tenant": "tenant", "agent": "agent", "intent": "intent", "version": "version"}
    return [
        session
        for session in FLEET
        if span.since <= session.started <= span.until
        and all(getattr(session, kept[name]) in values for name, values in choice.items())
    ]


def share(sessions: list[Session], which: Callable[[Session], bool]) -> float:
    return sum(map(which, sessions)) / len(sessions)


def quantile(values: list[float], at: float) -> float:
    """Of all values, the ends included, as spreadsheets do it."""
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=1000, method="inclusive")[round(at * 1000) - 1]


@pytest.mark.parametrize(("span", "choice"), CHOICES)
def test_figures(fleet_store: Client, span: Range, choice: dict[str, Any]) -> None:
    sessions = chosen(span, choice)
    expected = {
        "Sessions": len(sessions),
        "Capped": share(sessions, lambda s: bool(s.caps)),
        "Looped": share(sessions, lambda s: s.looped),
        "Recorded whole": share(sessions, lambda s: s.gap != "open"),
        "Median cost": statistics.median(s.cost for s in sessions if not s.unpriced),
    }
    said = {name: one(ask(fleet_store, AGENT + name, span, **choice)) for name in expected}
    assert said == pytest.approx(expected)
    assert len(sessions) > 5


def test_abstentions_a_session_come_of_minutes(fleet_store: Client) -> None:
    sessions = chosen(LAST_DAYS, {})
    abstained = sum(answer.abstained for session in sessions for answer in session.responses)
    assert one(ask(fleet_store, AGENT + "Abstentions a session", LAST_DAYS)) == pytest.approx(abstained / len(sessions))


def by_step(sessions: list[Session], step: timedelta) -> dict[datetime, list[Session]]:
    steps: defaultdict[datetime, list[Session]] = defaultdict(list)
    for session in sessions:
        steps[session.started - (session.started - datetime(1970, 1, 1, tzinfo=UTC)) % step].append(session)
    return steps


@pytest.mark.parametrize(("span", "step"), [(LAST_HOUR, timedelta(minutes=1)), (LAST_DAYS, timedelta(hours=1))])
def test_series_of_sessions(fleet_store: Client, span: Range, step: timedelta) -> None:
    expected = by_step(chosen(span, {}), step)
    looped = {
        row["time"].replace(tzinfo=UTC): row["looped"] for row in ask(fleet_store, AGENT + "Sessions in a loop", span)
    }
    assert looped == pytest.approx({time: share(list_, lambda s: s.looped) for time, list_ in expected.items()})
    whole = {
        row["time"].replace(tzinfo=UTC): row["whole"]
        for row in ask(fleet_store, AGENT + "Sessions recorded whole", span)
    }
    assert whole == pytest.approx({time: share(list_, lambda s: s.gap != "open") for time, list_ in expected.items()})
    names = {"any cap": "", "tool calls": "tool_calls", "tokens": "tokens", "wall clock": "wall_clock_seconds"}
    names["cost"] = "cost_usd"
    capped = {
        (row["time"].replace(tzinfo=UTC), names[row["name"]]): row["share"]
        for row in ask(fleet_store, AGENT + "Sessions that hit a cap", span)
    }
    assert capped == pytest.approx(
        {
            # mypy does not infer a lambda's default.
            (time, cap): share(list_, lambda s, cap=cap: cap in s.caps if cap else bool(s.caps))  # type: ignore[misc]
            for time, list_ in expected.items()
            for cap in ("", *CAPS)
        }
    )


def test_cost_quantiles(fleet_store: Client) -> None:
    rows = ask(fleet_store, AGENT + "Cost of a session", LAST_DAYS)
    expected = by_step([s for s in chosen(LAST_DAYS, {}) if not s.unpriced], timedelta(hours=1))
    assert len(rows) == len(expected)
    for row in rows:
        costs = [session.cost for session in expected[row["time"].replace(tzinfo=UTC)]]
        assert [row["p50"], row["p90"], row["p99"]] == pytest.approx([quantile(costs, q) for q in (0.5, 0.9, 0.99)])


@pytest.mark.parametrize(("panel", "key"), [("By intent", "intent"), ("By version", "version")])
def test_tables_of_sessions(fleet_store: Client, panel: str, key: str) -> None:
    groups: defaultdict[str, list[Session]] = defaultdict(list)
    for session in chosen(LAST_DAYS, {}):
        groups[getattr(session, key) or "(none)"].append(session)
    rows = ask(fleet_store, AGENT + panel, LAST_DAYS)
    assert sum(row["sessions"] for row in rows) == len(FLEET)
    for row in rows:
        sessions = groups.pop(row["about" if key == "intent" else key])
        ended = [session for session in sessions if session.status != "open"]
        priced = [session.cost for session in sessions if not session.unpriced]
        assert row["completed"] == pytest.approx(share(ended, lambda s: s.status == "completed"))
        assert row["with_findings"] == pytest.approx(share(sessions, lambda s: s.findings > 0))
        assert row["capped"] == pytest.approx(share(sessions, lambda s: bool(s.caps)))
        assert [row["cost_p50"], row["cost_p95"]] == pytest.approx([quantile(priced, 0.5), quantile(priced, 0.95)])
        assert row["calls_p50"] == pytest.approx(quantile([float(len(s.calls)) for s in sessions], 0.5))
    assert not groups


def test_caps_and_loops_and_gaps(fleet_store: Client) -> None:
    for row in ask(fleet_store, AGENT + "Caps", LAST_DAYS):
        used = {s.session_id: s.caps[row["cap"]] / CAPS[row["cap"]] for s in FLEET if row["cap"] in s.caps}
        assert row["sessions"] == len(used)
        assert row["median_use"] == pytest.approx(statistics.median(used.values()))
        assert row["worst_use"] == pytest.approx(max(used.values()))
        assert used[row["session"]] == pytest.approx(row["worst_use"])
    (loop,) = ask(fleet_store, AGENT + "Loops", LAST_DAYS)
    looped = sum(session.looped for session in FLEET)
    assert (loop["cycle"], loop["loops"], loop["sessions"]) == ("search → mail", looped, looped)
    assert (loop["calls"], loop["tokens"], loop["spend"]) == (6 * looped, 600 * looped, 0.25 * looped)
    (gap,) = ask(fleet_store, AGENT + "Audit gaps", LAST_DAYS)
    assert gap["findings"] == sum(bool(session.gap) for session in FLEET)
    assert gap["resolved"] == sum(session.gap == "resolved" for session in FLEET)


def _step_of(at: str, step: timedelta) -> datetime:
    moment = datetime.fromisoformat(at)
    return moment - (moment - datetime(1970, 1, 1, tzinfo=UTC)) % step


STEPS = [(LAST_HOUR, timedelta(minutes=1)), (LAST_DAYS, timedelta(hours=1))]


@pytest.mark.parametrize(("span", "step"), STEPS)
def test_abstentions_over_time(fleet_store: Client, span: Range, step: timedelta) -> None:
    begun: Counter[tuple[datetime, str]] = Counter()
    abstained: Counter[tuple[datetime, str]] = Counter()
    for row in events(FLEET):
        if span.since <= (at := _step_of(row["occurred_at"], step)) <= span.until:
            begun[at, row["agent_id"]] += row["type"] == "session_started"
            abstained[at, row["agent_id"]] += row["type"] == "response" and row["data"]["abstained"]
    said = {
        (row["time"].replace(tzinfo=UTC), row["name"]): row["share"]
        for row in ask(fleet_store, AGENT + "Abstentions over time", span)
    }
    assert said == pytest.approx({key: abstained[key] / count for key, count in begun.items() if count})
    assert any(said.values())


@pytest.mark.parametrize(("span", "step"), STEPS)
def test_findings_by_mode(fleet_store: Client, span: Range, step: timedelta) -> None:
    once = {(row["tenant_id"], row["finding_id"]): row for row in found(FLEET)}
    expected = Counter((_step_of(row["first_event_at"], step), row["failure_mode"]) for row in once.values())
    said = {
        (row["time"].replace(tzinfo=UTC), row["name"]): row["findings"]
        for row in ask(fleet_store, AGENT + "Findings by mode", span)
    }
    assert said == {key: count for key, count in expected.items() if span.since <= key[0] <= span.until}


def test_tools_that_do_not_exist(clickhouse: str) -> None:
    called = [
        # (session, called, what the agent did next)
        (0, "refund_all", "corrected"),
        (1, "refund_all", "repeated"),
        (2, "refund_all", ""),
        (2, "refund_all", "corrected"),
        (3, "teleport", ""),
    ]
    rows = []
    for number, (session, name, follow_up) in enumerate(called):
        told = {"tool_name": name, "tool_call_id": "c", "registered": 3, "nearest": ["refund"], "follow_up": follow_up}
        rows.append(finding(FLEET[session], "hallucinated_tool", "unknown_tool", f"unknown-{number}", told))
    with fresh_store(clickhouse) as (client, _):
        for _ in range(2):
            put(client, "findings", rows)
        said = ask(client, AGENT + "Tools that do not exist", LAST_DAYS)
    assert [tuple(row.values()) for row in said] == [
        ("refund_all", 4, 3, "refund", pytest.approx(2 / 3), pytest.approx(1 / 3)),
        ("teleport", 1, 1, "refund", None, None),
    ]


def test_agents_of_the_overview(fleet_store: Client) -> None:
    rows = ask(fleet_store, "watchkeeper-overview: Agents", LAST_DAYS)
    agents = {session.agent for session in FLEET}
    assert {row["agent"] for row in rows} == agents
    assert [row["spend"] for row in rows] == sorted((row["spend"] for row in rows), reverse=True)
    for row in rows:
        own = [session for session in FLEET if session.agent == row["agent"]]
        expected = {
            "sessions": len(own),
            "failed": sum(session.status == "failed" for session in own),
            "stopped": sum(session.status == "stopped" for session in own),
            "calls": sum(len(session.calls) for session in own),
            "spend": sum(session.cost for session in own),
            "spend_a_session": sum(session.cost for session in own) / len(own),
            "unpriced": sum(session.unpriced for session in own),
        }
        assert {name: row[name] for name in expected} == pytest.approx(expected)


def test_sessions_to_read_first(fleet_store: Client) -> None:
    rows = ask(fleet_store, AGENT + "Sessions to read first", LAST_DAYS)
    grave = ["", "low", "medium", "high", "critical"]
    expected = sorted(FLEET, key=lambda s: (-grave.index(s.worst), -s.findings, -round(s.cost, 9), s.session_id))
    assert [row["session"] for row in rows] == [session.session_id for session in expected]
    first = expected[0]
    assert rows[0]["spend"] == pytest.approx(first.cost)
    assert rows[0]["lasted"] == pytest.approx(first.lasted.total_seconds())
    assert rows[0]["tenant"] == first.tenant


def test_a_start_that_is_told_late_moves_a_session(clickhouse: str) -> None:
    (session,) = fleet(sessions=1)
    early = states([session])[0]
    late = states([session])[1]
    # The worker keeps when it first heard of a session.
    early["opened_at"] = late["opened_at"] = early["started_at"]
    late["started_at"] = (END - timedelta(hours=2)).isoformat()
    with fresh_store(clickhouse) as (client, _):
        put(client, "sessions", [early, late])
        assert one(ask(client, AGENT + "Sessions", LAST_HOUR)) == 0
        assert one(ask(client, AGENT + "Sessions", LAST_DAYS)) == 1


def test_what_changed_is_drawn(fleet_store: Client) -> None:
    told = drawn_over(fleet_store, "watchkeeper-agent", LAST_DAYS)
    begun: defaultdict[tuple[str, str], dict[str, datetime]] = defaultdict(dict)
    for session in sorted(FLEET, key=lambda s: s.started):
        begun[session.tenant, session.agent].setdefault(session.version, session.started)
    changed = {
        (agent, list(versions)[1]): list(versions.values())[1]
        for (_, agent), versions in begun.items()
        if len(versions) > 1
    }
    said = {(row["text"].split()[2], row["text"][-1]) for row in told["Policy changes"]}
    assert said == set(changed)
    assert all(row["text"].startswith("New version") for row in told["New versions"])
    assert told["Drift alarms"] == []
