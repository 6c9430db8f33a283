"""The board Session: one session's story, record, cost and findings, whatever range is chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest
from board_asking import END, Row, ask, fresh_store, one, put
from board_fleet import SMALL, events, found, states
from clickhouse_connect.driver import Client

from watchkeeper.dashboards.grafana.macros import Range

SESSION = "watchkeeper-session: "
ELSEWHEN = Range(END + timedelta(days=40), END + timedelta(days=41), 60_000)
TOLD = max(SMALL, key=lambda s: (s.looped, len(s.calls), len(s.responses)))
"""One with a loop, calls and answers."""


@pytest.fixture(scope="module")
def store(clickhouse: str) -> Iterator[Client]:
    """The session and another one; its fourth event never came, its third came twice, differently; a child; scores."""
    other = next(session for session in SMALL if session.tenant != TOLD.tenant)
    child = states([other])[1] | {
        "tenant_id": TOLD.tenant,
        "session_id": "child",
        "root_session_id": TOLD.session_id,
        "parent_session_id": TOLD.session_id,
        "started_at": TOLD.started.isoformat(),
        "last_event_at": TOLD.started.isoformat(),
    }
    rows = {
        "events": [*kept(), events([TOLD])[2] | {"digest": "other", "late": True}, *events([other])],
        "sessions": [*states([TOLD, other]), child],
        "findings": found([TOLD, other]),
        "scores": [score(0.2, 1), score(0.7, 2)],
        "control_commands": [
            command("session", TOLD.session_id),
            command("agent", TOLD.agent),
            command("session", "x"),
        ],
    }
    with fresh_store(clickhouse) as (client, _):
        for _ in range(2):
            for table, listed in rows.items():
                put(client, table, listed)
        yield client


def kept() -> list[Row]:
    return [row for row in events([TOLD]) if row["seq"] != 3]


def score(value: float, minute: int) -> Row:
    at = TOLD.started + TOLD.lasted
    texts = (
        "model",
        "prompt_version",
        "intent",
        "environment",
        "suite",
        "case_id",
        "run_id",
        "target",
        "label",
        "reason",
    )
    return dict.fromkeys(texts, "") | {
        "tenant_id": TOLD.tenant,
        "score_id": "s1",
        "schema_version": 1,
        "subject": "s",
        "origin": "live",
        "source": "live",
        "session_id": TOLD.session_id,
        "agent_id": TOLD.agent,
        "agent_version": TOLD.version,
        "retention_class": "standard",
        "grader": "exact@1",
        "result_type": "number",
        "passed": None,
        "value": value,
        "criteria": "[]",
        "inclusion": 1,
        "stratum": "uniform",
        "occurred_at": at.isoformat(),
        "graded_at": (at + timedelta(minutes=minute)).isoformat(),
        "cost_usd": None,
    }


def command(kind: str, target: str) -> Row:
    return {
        "tenant_id": TOLD.tenant,
        "command_id": f"{kind}-{target}",
        "schema_version": 1,
        "target_kind": kind,
        "target_id": target,
        "action": "pause",
        "tool_name": "",
        "reason": "a person asked",
        "issued_by": "ada",
        "finding_id": None,
        "issued_at": TOLD.started.isoformat(),
        "expires_at": (TOLD.started + timedelta(hours=1)).isoformat(),
        "signature": None,
    }


def say(store: Client, panel: str, session: str = TOLD.session_id, **values: Any) -> list[Row]:
    return ask(store, SESSION + panel, ELSEWHEN, session=[session], **values)


def test_figures(store: Client) -> None:
    said = {
        name: one(say(store, name))
        for name in ("Spend", "Lasted", "Tool calls", "Findings that stand", "Missing events")
    }
    assert said == pytest.approx(
        {
            "Spend": TOLD.cost,
            "Lasted": TOLD.lasted.total_seconds(),
            "Tool calls": len(TOLD.calls),
            "Findings that stand": TOLD.findings - (TOLD.gap == "resolved"),
            "Missing events": 1,
        }
    )
    (header,) = say(store, "The session")
    assert (header["agent"], header["version"], header["status"]) == (TOLD.agent, TOLD.version, TOLD.status)
    assert say(store, "The session", tenant=["nobody"]) == []
    assert say(store, "Spend", session="nobody") == []


def test_the_story_in_order_with_findings_in_place_and_the_cost_running_along(store: Client) -> None:
    story = say(store, "Story")
    assert [row["at"] for row in story] == sorted(row["at"] for row in story)
    told = Counter(row["type"] for row in kept()) + Counter([events([TOLD])[2]["type"]])
    assert Counter(row["what"] for row in story) == told + Counter(
        {"finding": len({r["finding_id"] for r in found([TOLD])})}
    )
    assert story[-1]["spent"] == pytest.approx(TOLD.cost)
    spent = 0.0
    for row in story:
        spent += row["cost"] or 0.0
        assert row["spent"] == pytest.approx(spent)
        assert row["since"] == pytest.approx((row["at"].replace(tzinfo=UTC) - TOLD.started).total_seconds(), abs=0.0011)
    calls = [row["detail"] for row in story if row["what"] == "tool_call"]
    assert calls == [f'{{"n":{n}}}' for n in range(len(TOLD.calls)) if 1 + 2 * n != 3]
    result = next(row for row in story if row["what"] == "tool_result")
    assert result["detail"].strip() == TOLD.calls[0].status
    assert result["took"] == pytest.approx(TOLD.calls[0].duration_us / 1e6)
    assert {row["severity"] for row in story if row["name"] == "reasoning_loop"} == {"high"}


def test_what_it_used(store: Client) -> None:
    running = say(store, "Cost so far")
    assert running[-1]["spent"] == pytest.approx(TOLD.cost)
    tokens = say(store, "Tokens so far")[-1]
    assert tokens["input"] + tokens["cached_input"] == sum(answer.input_tokens for answer in TOLD.responses)
    assert tokens["output"] == sum(answer.output for answer in TOLD.responses)
    (record,) = say(store, "Record")
    assert (record["events"], record["missing"], record["conflicting"], record["late"]) == (len(kept()), 1, 1, 1)
    called = Counter(call.tool for n, call in enumerate(TOLD.calls) if 1 + 2 * n != 3)
    assert {row["tool"]: row["calls"] for row in say(store, "Tools") if row["calls"]} == dict(called)


def test_what_was_said_of_it_and_done_about_it(store: Client) -> None:
    (score_,) = say(store, "Scores")
    assert (score_["grader"], score_["value"]) == ("exact@1", 0.7)
    assert [row["target"] for row in say(store, "Commands")] == ["agent", "session"]
    tree = say(store, "Delegation tree")
    assert {(row["session"], row["parent"]) for row in tree} == {(TOLD.session_id, ""), ("child", TOLD.session_id)}
    assert {row["tenant"] for row in tree} == {TOLD.tenant}
    rows = say(store, "Findings")
    assert {row["finding"]: row["status"] for row in rows} == {
        row["finding_id"]: row["status"] for row in found([TOLD])
    }
    assert {row["mode"]: row["runbook_panel"] for row in rows}["reasoning_loop"] == 4


def test_every_session_of_the_fleet_can_be_told(fleet_store: Client) -> None:
    for session in SMALL[:5]:
        asked = {"session": [session.session_id], "tenant": [session.tenant]}
        story = ask(fleet_store, SESSION + "Story", ELSEWHEN, **asked)
        assert sum(row["what"] != "finding" for row in story) == len(events([session]))
        assert story[-1]["spent"] == pytest.approx(session.cost)
