"""The list of findings, one finding, what people say of it, and its incident's report, over real rows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver import Client
from console_browse import Browse, served_console

from watchkeeper.dashboards.console.runbooks import rendered, runbook
from watchkeeper.schemas.failure_modes import FAILURE_MODES

ROOT = Path(__file__).parents[3]
HOSTILE = "<b>x</b> [here](https://evil.example/) ![](https://evil.example/p.png) <https://evil.example/>"


def ids(text: str) -> list[str]:
    return re.findall(r'<tr id="f-([^"]+)"', text)


def said_of(client: Client, finding: str) -> list[tuple[Any, ...]]:
    columns = "verdict, reason, given_by, muted_until"
    query = f"SELECT {columns} FROM verdicts FINAL WHERE finding_id = {{id:String}} ORDER BY given_at"
    return [tuple(row) for row in client.query(query, parameters={"id": finding}).result_rows]


def test_a_finding_is_shown_with_evidence_runbook_and_commands(browse: Browse, shelf: Any) -> None:
    event = shelf.event("tool_call", 1, {"tool_call_id": "c1", "tool_name": "refnd", "arguments": {}})
    finding = shelf.finding(last_event_id=event, summary=HOSTILE)
    page = browse.get(f"/findings/{finding.finding_id}")
    assert page.status == 200
    assert f'/sessions/{shelf.session}?tenant={shelf.tenant}#e-{event}"' in page.text
    for said in (
        "refnd",
        "nearest",
        "Nobody has said yet",
        f"watchkeeper finding show {finding.finding_id}",
        "What it means",
    ):
        assert said in page.text
    assert "&lt;b&gt;x&lt;/b&gt;" in page.text
    assert "evil.example" in page.text
    assert 'href="http' not in page.text


def test_names_in_commands_are_quoted_for_a_shell(browse: Browse, shelf: Any) -> None:
    shelf.session = "s-1; reboot"
    finding = shelf.finding()
    page = unescape(browse.get(f"/findings/{finding.finding_id}").text)
    assert f"watchkeeper session show 's-1; reboot' --tenant {shelf.tenant}" in page


def test_a_finding_tells_what_led_to_it(browse: Browse, shelf: Any) -> None:
    for number in range(8):
        shelf.event("reasoning", number, {"text": shelf.text(f"thought {number}")})
    call = shelf.event("tool_call", 9, {"tool_call_id": "c1", "tool_name": "refnd", "arguments": {"order": 7}})
    shelf.event("tool_result", 10, {"tool_call_id": "c1", "tool_name": "refnd", "status": "rejected"})
    finding = shelf.finding(last_event_id=call, last_event_at=shelf.at(9), summary="No such tool.")
    shelf.finding(last_event_id=call, last_event_at=shelf.at(9), summary="Something else.")
    shelf.state()
    page = browse.get(f"/findings/{finding.finding_id}").text
    story = page.partition("How it came to it")[2].partition("</ol>")[0]
    assert re.findall(r"thought \d", story) == ["thought 5", "thought 6", "thought 7"]
    assert story.index("It calls refnd") < story.index("No such tool.")
    assert "refnd is refused" not in story
    assert "Something else." not in story


def test_a_finding_of_a_session_that_is_gone_is_shown_without_its_story(browse: Browse, shelf: Any) -> None:
    page = browse.get(f"/findings/{shelf.finding().finding_id}")
    assert page.status == 200
    assert "How it came to it" not in page.text


@pytest.mark.parametrize(
    ("verdict", "kept"), [("ack", "Kept: acknowledged"), ("wrong", "Kept: marked wrong"), ("mute", "Kept: muted")]
)
def test_what_people_say_is_kept_with_reason_and_name(
    browse: Browse, shelf: Any, client: Client, verdict: str, kept: str
) -> None:
    finding = shelf.finding()
    path = f"/judge/{finding.finding_id}"
    fields = {"verdict": verdict, "reason": "agreed by phone", "who": "Ada Müller", "span": "7d"}
    answer = browse.post(path, **fields)
    assert answer.status == 303
    assert "watchkeeper_who=Ada%20M%C3%BCller" in answer.headers["set-cookie"]
    page = browse.get(answer.headers["location"])
    assert kept in page.text
    assert "Ada Müller" in page.text
    ((found, reason, who, until),) = said_of(client, finding.finding_id)
    assert (found, reason, who) == (verdict, "agreed by phone", "Ada Müller")
    if verdict == "mute":
        assert timedelta(days=6, hours=23) < until - datetime.now(UTC) <= timedelta(days=7)
        assert ids(browse.get("/findings", tenant=shelf.tenant).text) == []
        assert ids(browse.get("/findings", tenant=shelf.tenant, muted="yes").text) == [finding.finding_id]
    else:
        assert until is None
        assert ids(browse.get("/findings", tenant=shelf.tenant, verdict=verdict).text) == [finding.finding_id]


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"verdict": "ack", "who": "ada"}, 400, "the reason is missing"),
        ({"verdict": "ack", "reason": "r"}, 400, "your name is missing"),
        ({"verdict": "ack", "reason": "r" * 1001, "who": "ada"}, 400, "1000"),
        ({"verdict": "true", "reason": "r", "who": "ada"}, 400, "give one of ack, wrong, mute"),
        ({"verdict": "mute", "reason": "r", "who": "ada", "span": "9y"}, 400, "give one of 1d, 7d, 30d"),
        (
            {"verdict": "ack", "reason": "r", "who": "ada", "seal": "0" * 64},
            403,
            "not sent from a page of this console",
        ),
        ({"verdict": "ack", "reason": "r" * 70_000, "who": "ada"}, 400, "65,536 bytes"),
    ],
)
def test_a_verdict_that_cannot_be_kept_says_why_and_is_not(
    browse: Browse, shelf: Any, client: Client, fields: dict[str, str], status: int, said: str
) -> None:
    finding = shelf.finding()
    answer = browse.post(f"/judge/{finding.finding_id}", **fields)
    assert answer.status == status
    assert said in answer.text
    assert said_of(client, finding.finding_id) == []


def test_a_form_without_its_seal_or_type_does_nothing(browse: Browse, shelf: Any, client: Client) -> None:
    finding = shelf.finding()
    path, body = f"/judge/{finding.finding_id}", "verdict=ack&reason=r&who=ada"
    assert browse.ask("POST", path, body, Content_Type="application/x-www-form-urlencoded").status == 403
    assert browse.ask("POST", path, body, Content_Type="text/plain").status == 400
    assert said_of(client, finding.finding_id) == []


def test_a_finding_that_is_not_there_is_told(browse: Browse, shelf: Any) -> None:
    shelf.finding()
    assert browse.get("/findings/nothing").status == 404
    assert browse.post("/judge/nothing", verdict="ack", reason="r", who="ada").status == 404
    assert browse.get("/incidents/nothing").status == 404


def test_filters_choose_and_pages_follow_one_another(browse: Browse, shelf: Any) -> None:
    now = datetime.now(UTC)
    made = [
        shelf.finding(
            severity="critical" if number == 3 else "low", detected_at=now - timedelta(minutes=number // 2)
        ).finding_id
        for number in range(55)
    ]
    first = browse.get("/findings", tenant=shelf.tenant)
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    second = browse.get(older.replace("&amp;", "&"))
    assert len(ids(first.text)) == 50
    assert sorted(ids(first.text) + ids(second.text)) == sorted(made)
    assert ids(browse.get("/findings", tenant=shelf.tenant, severity="high").text) == [made[3]]
    assert ids(browse.get("/findings", tenant=shelf.tenant, mode="data_leak").text) == []
    wrong = browse.get("/findings", mode="nothing")
    assert wrong.status == 400
    assert "give one of hallucinated_tool" in wrong.text


def test_an_incident_s_report_is_a_page_without_links_of_others(browse: Browse, shelf: Any) -> None:
    shelf.event("session_started", 0, {"goal": shelf.text(HOSTILE)})
    shelf.event("tool_call", 1, {"tool_call_id": "c1", "tool_name": "refund", "arguments": {"note": HOSTILE}})
    shelf.state()
    finding = shelf.finding(summary=HOSTILE)
    page = browse.get(f"/incidents/{finding.finding_id}")
    assert page.status == 200
    event = re.findall(rf'<a href="/sessions/{shelf.session}\?tenant={shelf.tenant}#e-([^"]+)"><code>', page.text)
    assert len(event) == 1
    assert f'<a href="/sessions/{shelf.session}?tenant={shelf.tenant}"><code>{shelf.session}</code></a>' in page.text
    assert f'<a href="/findings/{finding.finding_id}?tenant={shelf.tenant}"><code>' in page.text
    assert "<h2>In figures</h2>" in page.text
    assert not re.search(r'<img(?! src="/static/)|href="http|style=', page.text)


def test_a_store_that_is_away_gives_a_page_that_says_so_and_looks_again(broker: str) -> None:
    with served_console("http://127.0.0.1:1/watchkeeper", broker) as browse:
        for path in ("/sessions", "/findings", "/findings/x", "/incidents", "/control", "/dashboards/overview", "/"):
            page = browse.get(path)
            assert page.status == 503, path
            assert page.headers["retry-after"] == "5"
            assert '<meta http-equiv="refresh" content="5">' in page.text
            assert "127.0.0.1:1" in page.text
        # A form is not sent again by itself.
        answer = browse.post("/judge/x", verdict="ack", reason="r", who="ada")
        assert (answer.status, "http-equiv" in answer.text) == (503, False)


@pytest.mark.parametrize("mode", FAILURE_MODES)
def test_each_mode_with_a_runbook_has_it_rendered(mode: str) -> None:
    written = (ROOT / f"docs/runbooks/{mode}.md").is_file()
    assert ("<strong>What it means.</strong>" in runbook(mode)) is written


def test_markdown_of_others_makes_no_tags_and_no_addresses() -> None:
    text = rendered(
        "# One\n\n<script>x</script> [a](javascript:x) ![b](http://c) <http://d>\n\n|a|\n|:-:|\n|1|\n", heading=1
    )
    assert "<h2>One</h2>" in text
    assert not re.search(r"<script|<a |<img|style=", text)
