"""The list of sessions and the story of one, over real rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> javascript:alert(1) https://evil.example/ \x1b[31m"


@pytest.fixture
def told(shelf: Any) -> Any:
    """A session with a prompt, a call, a finding at it, a decision and a gap."""
    shelf.event(
        "session_started", 0, {"goal": shelf.text(HOSTILE), "intent": "refund", "model": "gpt-4o-mini"}, user_id="u-17"
    )
    shelf.event("prompt", 0.5, {"request_id": "r1", "messages": [shelf.message("user", "Where is my refund?")]})
    shelf.event("response", 1, {"request_id": "r1", "model": "gpt-4o-mini"}, cost_usd=0.5, price_status="priced")
    call = shelf.event("tool_call", 2, {"tool_call_id": "c1", "tool_name": HOSTILE[:200], "arguments": {"a": HOSTILE}})
    shelf.event("response", 3, {"request_id": "r2", "model": "gpt-4o-mini"}, cost_usd=0.25, price_status="priced")
    rules = [{"name": "refund-limit", "version": "3"}]
    decided = {"decision_id": "d1", "name": "refund", "facts": {"total": 12}, "rules": rules, "outcome": "refuse"}
    shelf.event("decision", 4, {**decided, "reason": shelf.text("over the limit of the tariff")})
    shelf.event("reasoning", 5, {"text": shelf.text("long " * 1000)}, seq=9)
    finding = shelf.finding(last_event_id=call, summary=f"It called {HOSTILE}")
    shelf.state(findings=1, worst_severity="high", status="open", started_at=shelf.at(0))
    return shelf, finding, call


def test_a_session_is_told_as_a_story(browse: Any, told: Any) -> None:
    shelf, finding, call = told
    page = browse.get(f"/sessions/{shelf.session}")
    assert page.status == 200
    text = page.text
    for said in ("Where is my refund?", "It decides refund: refuse", "over the limit of the tariff", "refund-limit 3",
                 "3 events never arrived"):  # fmt: skip
        assert said in text
    # The finding stands right behind the event at which it was found.
    order = re.findall(r'id="e-([^"]+)"', text)
    assert order[order.index(call) + 1] == finding.finding_id
    assert re.findall(r'class="spent"[^>]*>([^<]+)<', text) == ["$0.5000"] * 3 + ["$0.7500"] * 4
    assert "5,000 characters" in text
    assert f'href="/findings/{finding.finding_id}"' in text


def test_what_agents_wrote_is_text_and_nothing_else(browse: Any, told: Any) -> None:
    shelf, _, _ = told
    for page in (browse.get(f"/sessions/{shelf.session}"), browse.get("/sessions", tenant=shelf.tenant)):
        assert not re.search(r"<script(?! src=\"/static/)|<img(?! src=\"/static/icon.svg\")", page.text)
        assert 'href="http' not in page.text
        assert 'href="javascript' not in page.text
        assert "\x1b" not in page.text
    assert "&lt;script&gt;alert(1)" in browse.get(f"/sessions/{shelf.session}").text


def test_a_session_that_is_not_there_is_told_with_what_is_near(browse: Any, told: Any) -> None:
    shelf, _, _ = told
    page = browse.get(f"/sessions/{shelf.session}x", tenant=shelf.tenant)
    assert page.status == 404
    assert f"did you mean {shelf.session}" in page.text


def test_two_tenants_with_one_id_are_told_apart(browse: Any, new_shelf: Callable[..., Any]) -> None:
    one, other = new_shelf(), new_shelf()
    other.session = one.session
    for shelf in (one, other):
        shelf.event("session_started", 0, {"goal": shelf.text(f"for {shelf.tenant}")})
        shelf.state()
    assert browse.get(f"/sessions/{one.session}").status == 404
    page = browse.get(f"/sessions/{one.session}", tenant=other.tenant)
    assert page.status == 200
    assert f"for {other.tenant}" in page.text


def ids(text: str) -> list[str]:
    return re.findall(r'href="/sessions/([^"?]+)\?tenant', text)


def test_filters_choose_and_pages_follow_one_another(browse: Any, shelf: Any) -> None:
    # Pairs that begin at the same moment: the place in the list is still one place.
    made = [f"{shelf.session}-{number:03d}" for number in range(60)]
    for number, session in enumerate(made):
        shelf.state(
            session_id=session,
            started_at=shelf.at(-60 * (number // 2)),
            status="failed" if number == 7 else "completed",
            intent="tariff" if number == 8 else "refund",
            agent_version="9" if number == 9 else "1",
            findings=1 if number == 10 else 0,
            worst_severity="critical" if number == 10 else "",
        )
    first = browse.get("/sessions", tenant=shelf.tenant)
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = browse.get(older.replace("&amp;", "&"))
    assert ids(first.text) + ids(second.text) == made
    assert 'rel="next"' not in second.text
    for name, value, number in (
        ("status", "failed", 7), ("intent", "tariff", 8), ("version", "9", 9), ("severity", "high", 10),
    ):  # fmt: skip
        page = browse.get("/sessions", tenant=shelf.tenant, **{name: value})
        assert ids(page.text) == [made[number]]


def test_sessions_are_chosen_by_what_was_found_in_them(browse: Any, told: Any, new_shelf: Callable[..., Any]) -> None:
    shelf, _, _ = told
    shelf.state(session_id=f"{shelf.session}-clean")
    page = browse.get("/sessions", tenant=shelf.tenant, mode="hallucinated_tool")
    assert ids(page.text) == [shelf.session]
    assert ids(browse.get("/sessions", tenant=shelf.tenant, mode="data_leak").text) == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"severity": "terrible"}, "severity is &#39;terrible&#39;: give one of info, low"),
        ({"mode": "x"}, "hallucinated_tool"),
        ({"since": "1y"}, "90d"),
        ({"agent": "x" * 300}, "at most 256"),
        ({"after": "soon", "after_session": "x"}, "microseconds"),
    ],
)
def test_a_filter_that_cannot_be_read_is_told(browse: Any, query: dict[str, str], said: str) -> None:
    page = browse.get("/sessions", **query)
    assert page.status == 400
    assert said in page.text


def test_nobody_s_list_says_so(browse: Any) -> None:
    page = browse.get("/sessions", tenant="nobody-at-all")
    assert page.status == 200
    assert "No session matches" in page.text


def test_those_that_handed_work_to_one_another_stand_as_a_tree(browse: Any, shelf: Any) -> None:
    task = {"delegation_id": "d1", "child_session_id": f"{shelf.session}-child", "child_agent_id": "billing"}
    shelf.event("session_started", 0, {})
    shelf.event("delegation", 1, {**task, "task": shelf.text("Refund it")})
    shelf.state()
    shelf.state(session_id=f"{shelf.session}-child", root_session_id=shelf.session, parent_session_id=shelf.session,
                agent_id="billing")  # fmt: skip
    page = browse.get(f"/sessions/{shelf.session}")
    assert re.search(r'class="depth-1"><a href="/sessions/[^"]+-child\?tenant=[^"]+">billing</a>', page.text)
    assert "(this session)" in page.text
    assert "To the session that took it over" in page.text
