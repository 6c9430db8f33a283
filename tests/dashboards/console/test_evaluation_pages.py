"""The pages of evaluation, drift and policies say what is in the store."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from console_scored_agent import GRADER, ScoredAgent

from watchkeeper.producers import fleet
from watchkeeper.schemas.evaluations import SuiteCaseRow, SuiteRunRow
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.policy_file import load_policy
from watchkeeper.schemas.rows import ContentRow, SessionRow
from watchkeeper.stream_processors.clickhouse import connect

REFUNDS = Path(fleet.__file__).parent / "policies" / "refund-desk.yaml"


@pytest.fixture(scope="module")
def graded(clickhouse: str) -> Iterator[ScoredAgent]:
    """Drifted, and all of its scores stored."""
    connected = connect(clickhouse)
    agent = ScoredAgent(connected)
    scores = agent.history()
    agent.store(scores)
    agent.watch(agent.judge(scores))
    yield agent
    connected.close()


def words(text: str) -> str:
    """What a page says, without its tags."""
    body = text[text.index("<main") :]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_evaluation_shows_each_agents_means(browse: Any, graded: ScoredAgent) -> None:
    passed = sum(bool(score.passed) for score in graded.history()) / 760
    said = words(browse.get("/evaluation", tenant=graded.tenant).text)
    assert f"clerk tenant {graded.tenant}, 760 scores" in said
    assert f"{passed:.1%}".replace("%", " %") in said
    assert GRADER in said


def test_scores_tell_sessions_apart(browse: Any, graded: ScoredAgent) -> None:
    asked = {"tenant": graded.tenant, "agent": "clerk", "by": "intent"}
    said = words(browse.get("/evaluation/scores", **asked).text)
    for intent in ("refund", "track"):
        shares = [float(bool(score.passed)) for score in graded.history() if score.intent == intent]
        mean = f"{sum(shares) / len(shares):.1%}".replace("%", " %")
        assert f"{GRADER} {intent} {mean}" in said


def test_what_cannot_be_read_says_what_may_be_asked(browse: Any, graded: ScoredAgent) -> None:
    wrong = browse.get("/evaluation/scores", tenant=graded.tenant, agent="clerk", by="mood")
    assert wrong.status == 400
    assert "it is one of intent, version" in words(wrong.text)
    assert browse.get("/evaluation", days="8").status == 400
    nobody = browse.get("/evaluation/scores", tenant=graded.tenant, agent="nobody")
    assert nobody.status == 404
    assert "agent nobody" in words(nobody.text)
    assert browse.get("/evaluation/runs/none").status == 404
    assert browse.get("/drift/stream", tenant=graded.tenant, agent="clerk", family="graders", name="x@1").status == 404
    assert browse.get("/policies/nowhere", tenant=graded.tenant).status == 404


def test_a_run_shows_its_worst_cases_first(browse: Any, graded: ScoredAgent) -> None:
    now, run_id = datetime.now(UTC), uuid7()
    graded.put(
        "eval_runs",
        SuiteRunRow(
            run_id=run_id, job="suite:nightly", suite="refunds@3", target="desk@1", tenant_id=graded.tenant,
            agent_id="clerk", trigger="schedule", due_at=now, started_at=now - timedelta(minutes=2), ended_at=now,
            state="fell", done=3, total=3, failures=1, mean=0.5, note="it fell by 12 points",
        ),
    )  # fmt: skip
    case: dict[str, Any] = {"run_id": run_id, "finished_at": now}
    graded.put(
        "eval_cases",
        SuiteCaseRow(case_id="case-good", session_id="s-a", value=1.0, scores=1, **case),
        SuiteCaseRow(case_id="case-bad", session_id="s-b", value=0.0, scores=1, **case),
        SuiteCaseRow(case_id="case-lost", session_id="s-c", failed=True, note="HTTP 503", **case),
    )
    said = words(browse.get(f"/evaluation/runs/{run_id}").text)
    assert "it fell by 12 points" in said
    assert "took 2 min" in said
    assert said.index("case-lost") < said.index("case-bad 0.0 %") < said.index("case-good 100.0 %")


def test_drift_shows_where_a_stream_stands_and_how_it_came_there(browse: Any, graded: ScoredAgent) -> None:
    listed = browse.get("/drift", tenant=graded.tenant).text
    assert "1 stream drifted" in words(listed)
    link = html.unescape(next(iter(re.findall(r'href="(/drift/stream\?[^"]+)"', listed))))
    page = browse.ask("GET", link).text
    said = words(page)
    assert "It has fallen from 9" in said
    assert "New before it: prompt version p-2" in said
    assert "intent refund" in said
    assert page.count('class="dot mean"') >= 50
    assert "<polyline" in page


def test_policies_show_who_runs_under_which(browse: Any, graded: ScoredAgent) -> None:
    policy, now = load_policy(REFUNDS), datetime.now(UTC)
    text = policy.canonical().decode()
    graded.put(
        "contents",
        ContentRow(
            tenant_id=graded.tenant, address=policy.address, part=0, parts=1, size=len(text.encode()),
            media_type="application/json", text=text, retention_class="standard",
        ),
    )  # fmt: skip
    graded.put(
        "sessions",
        SessionRow(
            source_partition=3, tenant_id=graded.tenant, session_id="s-p", version=1, root_session_id="s-p",
            parent_session_id="", agent_id="refund-desk", agent_version="1", environment="", origin="live", user_id="",
            customer_id="", workflow="", intent="", model="", started_at=now, opened_at=now, last_event_at=now,
            status="open", events=1, tool_calls=0, tokens=0, input_tokens=0, output_tokens=0, cost_usd=0,
            unpriced_requests=0, findings=0, worst_severity="", policy_address=policy.address,
            retention_class="standard", state="{}",
        ),
    )  # fmt: skip
    listed = words(browse.get("/policies", tenant=graded.tenant).text)
    assert "refund-desk" in listed
    assert policy.address[:14] in listed
    said = words(browse.get(f"/policies/{policy.address}", tenant=graded.tenant, agent="refund-desk").text)
    assert "enforce: sessions are stopped" in said
    assert "refund_order irreversible amount of 0.01 or more; amount of 300 at most" in said
    assert "tool calls 8 tokens 50,000 time 2 min cost $0.2500" in said
    assert "cannot be undone, and no call of it needs a person's approval" in said


@pytest.mark.parametrize("path", ["/evaluation", "/evaluation/labels", "/drift", "/policies"])
def test_a_tenant_without_anything_is_told_so(browse: Any, path: str) -> None:
    answer = browse.get(path, tenant="nobody")
    assert answer.status == 200
    assert 'class="empty"' in answer.text
