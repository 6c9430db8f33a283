"""`watchkeeper incident report`, over a real engine: figures, timeline, what must be made good, and nobody's markup."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result
from markdown_it import MarkdownIt

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.incidents.markdown import escaped
from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.evidence.incident import Compounded, IncidentStep
from watchkeeper.schemas.ids import uuid7

Run = Callable[..., Result]

POLICY = orjson.dumps({
    "agent": "refunds",
    "version": "7",
    "tools": {
        "lookup": {"effect": "read"},
        "refund": {"effect": "irreversible", "resource": "order"},
        "note": {"effect": "write"},
    },
}).decode()  # fmt: skip


@pytest.fixture
def told(shelf: Any) -> Any:
    """A loop at 5 s; then a refund that was approved, one whose tool is in no policy, and a lookup; stopped at 20 s."""
    address = address_of(POLICY, None)
    policy = {"address": address, "size": len(POLICY), "media_type": "application/json", "text": POLICY}
    start = {"goal": shelf.text("Answer questions on <b>orders</b>."), "prompt_version": "p-3", "policy": {
        "name": "refunds", "version": "7", "content": policy,
    }}  # fmt: skip
    shelf.event("session_started", 0, start)
    shelf.event("tool_call", 2, {"tool_call_id": "c0", "tool_name": "refund", "arguments": {"order": "A-0"}})
    shelf.event("tool_result", 3, {"tool_call_id": "c0", "tool_name": "refund"})
    shelf.event("approval", 6, {
        "approval_id": "a", "status": "granted", "tool_call_id": "c1", "approver": "eve | [x](http://evil)",
    })  # fmt: skip
    shelf.refund = shelf.event("tool_call", 7, {
        "tool_call_id": "c1", "tool_name": "refund", "arguments": {"order": "A-1", "amount": 10},
    })  # fmt: skip
    shelf.event("tool_result", 8, {"tool_call_id": "c1", "tool_name": "refund"})
    shelf.event("tool_call", 9, {"tool_call_id": "c1", "tool_name": "wire", "arguments": {"to": "x" * 300}})
    shelf.event("tool_call", 10, {"tool_call_id": "c2", "tool_name": "lookup", "arguments": {"order": "A-1"}})
    usage = {"input_tokens": 1, "output_tokens": 1}
    shelf.event("response", 4, {"request_id": "r1", "model": "gpt-4.1", "usage": usage}, cost_usd=0.25)
    shelf.event("response", 12, {"request_id": "r2", "model": "gpt-4.1", "usage": usage}, cost_usd=0.5)
    shelf.event("session_ended", 20, {"status": "stopped"})
    shelf.state(status="stopped", last_event_at=shelf.at(20), cost_usd=0.75, policy_address=address)
    shelf.loop = shelf.finding(
        failure_mode="reasoning_loop", kind="unknown_tool", rule_id="reasoning_loop", first_event_at=shelf.at(5),
        last_event_at=shelf.at(5), detected_at=shelf.at(6), root_session_id=shelf.session,
        summary="It asked the same three times. # <script>alert(1)</script>",
        runbook="docs/runbooks/reasoning_loop.md",
    )  # fmt: skip
    shelf.tool = shelf.finding(
        first_event_at=shelf.at(9), last_event_at=shelf.at(9), detected_at=shelf.at(9.5), root_session_id=shelf.session,
    )  # fmt: skip
    shelf.command(issued_at=shelf.at(10), finding_id=shelf.loop.finding_id, reason="it loops")
    steps = [
        IncidentStep(
            failure_mode=one.failure_mode, finding_kind=one.kind, finding_id=one.finding_id, session_id=shelf.session,
            severity=one.severity, after_seconds=after,
        )
        for one, after in ((shelf.loop, 0.0), (shelf.tool, 4.0))
    ]  # fmt: skip
    shelf.incident = shelf.finding(
        failure_mode="incident", kind="incident", rule_id="incident", first_event_at=shelf.at(5),
        last_event_at=shelf.at(9), detected_at=shelf.at(11), root_session_id=shelf.session,
        summary="A loop led to a tool that does not exist.", runbook="docs/runbooks/incident.md",
        evidence=Compounded(
            first_cause="reasoning_loop", first_session=shelf.session, steps=steps,
            modes=["reasoning_loop", "hallucinated_tool"], sessions=[shelf.session, "gone"], more=2,
        ),
    )  # fmt: skip
    return shelf


def test_what_is_known_is_filled_in(run: Run, told: Any) -> None:
    document = orjson.loads(run("incident", "report", told.incident.finding_id, "--json").stdout)
    assert (document["first_cause"], document["more"], document["gone"]) == ("reasoning_loop", 2, ["gone"])
    assert (document["found_after_seconds"], document["commanded_after_seconds"]) == (1.0, 4.0)
    assert document["stopped_after_seconds"] == 14.0
    assert (float(document["cost_usd"]), float(document["cost_after_usd"])) == (0.75, 0.5)
    assert (document["customers"], document["users"]) == (["c-9"], ["u-17"])
    assert [row["finding_id"] for row in document["findings"]] == [told.loop.finding_id, told.tool.finding_id]
    happened = [(moment["kind"], moment["what"].split(":")[0]) for moment in document["timeline"]]
    assert [kind for kind, _ in happened] == ["began", "finding", "action", "finding", "action", "command", "ended"]
    assert happened[2] == ("action", "refund (irreversible) on order=A-1")
    (version,) = document["versions"]
    assert (version["model"], version["prompt_version"], version["policy"]) == ("gpt-4.1", "p-3", "refunds 7")
    assert version["policy_address"] == address_of(POLICY, None)


def notice(shelf: Any, alert: str, channel: str, seconds: float, **given: Any) -> None:
    """Stores a message about the findings of an alert."""
    values = {
        "alert_id": alert, "notice_id": uuid7(), "channel": channel, "kind": "page", "state": "delivered",
        "severity": "high", "after": 0, "upto": 1, "attempts": 1, "answer": "200", "title": "t", "text": "t",
        "made_at": shelf.at(seconds), "tried_at": shelf.at(seconds), "version": 1,
    }  # fmt: skip
    shelf.put("alert_notices", orjson.dumps(values | given))


def heard(shelf: Any, alert: str, finding: Any, ordinal: int) -> None:
    """Stores what the alert router decided about a finding."""
    values = {
        "tenant_id": shelf.tenant, "finding_id": finding.finding_id, "revision": 0, "status": "open",
        "alert_id": alert, "place": "alert", "ordinal": ordinal, "heard_at": shelf.at(7), "version": 1,
    }  # fmt: skip
    shelf.put("alert_findings", orjson.dumps(values))


def test_who_was_told_and_who_said_what_is_in_the_timeline(run: Run, told: Any) -> None:
    alert = uuid7()
    heard(told, alert, told.loop, 1)
    heard(told, alert, told.tool, 2)
    notice(told, alert, "on-call", 8)
    notice(told, alert, "on-call", 12, kind="update", after=1, upto=2)
    notice(told, alert, "chat", 6.5, state="dead")
    notice(told, alert, "team", 30, kind="escalation", after=2, upto=3)
    run("finding", "ack", told.tool.finding_id, "--reason", "seen | and known", "--as", "Ines")
    document = orjson.loads(run("incident", "report", told.incident.finding_id, "--json").stdout)
    assert document["told_after_seconds"] == 2.0
    assert document["acknowledged_after_seconds"] > 60
    what = {moment["kind"]: moment["what"] for moment in document["timeline"]}
    assert what["notice"] == "page sent to on-call"
    assert what["verdict"] == "acknowledged by Ines: seen | and known"
    text = run("incident", "report", told.incident.finding_id).stdout
    assert "| first notice to people | 2.0 s after it was found |" in text
    assert f"(finding `{told.tool.finding_id}`)" in text
    assert "acknowledged by Ines: seen \\| and known" in text


def test_what_people_completed_is_not_written_over(run: Run, told: Any, tmp_path: Path) -> None:
    out = tmp_path / "incident.md"
    out.write_text("completed by people")
    refused = run("incident", "report", told.incident.finding_id, "--out", str(out))
    assert refused.exit_code == ExitCode.CONFIGURATION
    assert "--force" in refused.stderr
    assert out.read_text() == "completed by people"
    assert run("incident", "report", told.incident.finding_id, "--out", str(out), "--force").exit_code == 0
    assert out.read_text().startswith("# Incident")


def test_a_file_s_name_says_what_it_is(run: Run, told: Any, tmp_path: Path) -> None:
    refused = run("incident", "report", told.incident.finding_id, "--out", str(tmp_path / "incident.pdf"))
    assert refused.exit_code == ExitCode.CONFIGURATION
    assert ".md or .html" in refused.stderr
    told_so = ("--out", str(tmp_path / "incident.page"), "--format", "html")
    assert run("incident", "report", told.incident.finding_id, *told_so).exit_code == 0


def test_what_ended_before_it_was_found_says_so(run: Run, shelf: Any) -> None:
    shelf.event("session_started", 0, {})
    shelf.event("session_ended", 2, {"status": "completed"})
    shelf.state(last_event_at=shelf.at(2))
    late = shelf.finding(first_event_at=shelf.at(1), last_event_at=shelf.at(1), detected_at=shelf.at(7))
    text = run("incident", "report", late.finding_id).stdout
    assert "| last session ended | 5.0 s before it was found |" in text
    assert "| first notice to people | none is known |" in text


def test_what_may_have_to_be_made_good_is_what_changed_something_since_the_first_failure(run: Run, told: Any) -> None:
    document = orjson.loads(run("incident", "report", told.incident.finding_id, "--json").stdout)
    refund, wire = document["deeds"]
    assert (refund["tool"], refund["effect"], refund["resource"], refund["result"]) == (
        "refund", "irreversible", "order=A-1", "ok",
    )  # fmt: skip
    assert refund["event_id"] == told.refund
    assert refund["approved_by"].startswith("eve ")
    # The same call id again: its result was the first one's.
    assert (wire["tool"], wire["effect"], wire["result"]) == ("wire", "unknown", "no result")
    assert len(wire["resource"]) == 200


def test_any_finding_of_an_incident_leads_to_it(run: Run, told: Any) -> None:
    by_step = run("incident", "report", told.tool.finding_id, "--json").stdout
    assert orjson.loads(by_step)["head"]["finding_id"] == told.incident.finding_id


def test_a_finding_of_no_incident_stands_alone(run: Run, shelf: Any) -> None:
    shelf.event("session_started", 0, {})
    alone = shelf.finding(first_event_at=shelf.at(0), last_event_at=shelf.at(0), detected_at=shelf.at(2))
    document = orjson.loads(run("incident", "report", alone.finding_id, "--json").stdout)
    assert (document["first_cause"], document["found_after_seconds"]) == ("hallucinated_tool", 2.0)
    # Nothing says that it ended, and nobody commanded anything: that is told, not taken for zero.
    assert (document["stopped_after_seconds"], document["commanded_after_seconds"], document["deeds"]) == (
        None,
        None,
        [],
    )


def test_as_markdown_it_has_what_people_must_add(run: Run, told: Any) -> None:
    text = run("incident", "report", told.incident.finding_id).stdout
    for heading in ("In figures", "Timeline (UTC)", "To be made good", "Impact", "What will be different"):
        assert f"\n## {heading}\n" in text
    assert "| first command | 4.0 s after it was found |" in text
    assert "`gone`" in text
    assert "2 findings more" in text


def test_texts_of_others_make_no_markup(run: Run, told: Any, tmp_path: Path) -> None:
    out = tmp_path / "incident.html"
    ended = run("incident", "report", told.incident.finding_id, "--out", str(out))
    assert ended.exit_code == 0
    page = out.read_text()
    assert page.startswith("<!doctype html>")
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;b&gt;orders&lt;/b&gt;" in page
    assert "evil</a>" not in page
    assert "<a " not in page


@pytest.mark.parametrize(
    "text",
    ["# heading", "- item", "1. one", "2) two", "+ x", "> quoted", "a | b", "*x* _y_ `z`", "[a](b)", "<i>x</i>", "===",
     "&amp;", "a\nb", "\\*", "~~x~~", "![a](b)"],
)  # fmt: skip
def test_whatever_was_written_is_read_as_it_was(text: str) -> None:
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(escaped(text))
    whole = " ".join(text.split())
    shown = html.removeprefix("<p>").removesuffix("</p>\n")
    assert shown == whole.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def test_nothing_that_a_screen_would_obey_is_written(run: Run, shelf: Any, tmp_path: Path) -> None:
    evil = "\x1b[2J\u202egnp.exe"
    shelf.event("session_started", 0, {"goal": shelf.text(evil)}, user_id=f"u{evil}", customer_id=f"c{evil}")
    shelf.event("tool_call", 2, {"tool_call_id": "c1", "tool_name": f"t{evil}", "arguments": {"a": evil}})
    shelf.state(user_id=f"u{evil}", customer_id=f"c{evil}")
    finding = shelf.finding(summary=evil, first_event_at=shelf.at(1), last_event_at=shelf.at(1))
    out = tmp_path / "incident.html"
    text = run("incident", "report", finding.finding_id).stdout
    assert run("incident", "report", finding.finding_id, "--out", str(out)).exit_code == 0
    for told in (text, out.read_text()):
        assert "\x1b" not in told
        assert "\u202e" not in told
    assert "`u\\x1b[2J\\u202egnp.exe`" in text


def test_an_unknown_id_and_a_place_that_cannot_be_written(run: Run, told: Any) -> None:
    ended = run("incident", "report", "nothing-of-that-name")
    assert ended.exit_code == ExitCode.NOT_FOUND
    ended = run("incident", "report", told.incident.finding_id, "--out", "/nowhere/at/all.html")
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "another --out" in ended.stderr


def test_times_before_the_failure_are_no_reaction(run: Run, told: Any) -> None:
    told.command(issued_at=told.at(1), reason="an earlier matter")
    document = orjson.loads(run("incident", "report", told.incident.finding_id, "--json").stdout)
    assert timedelta(seconds=document["commanded_after_seconds"]) == timedelta(seconds=4)
