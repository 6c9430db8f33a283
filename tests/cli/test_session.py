"""`watchkeeper session show`: the whole record of a session, from real rows."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import orjson
import pytest
from click.testing import Result
from rich.console import Console

from watchkeeper.cli import queries
from watchkeeper.cli.commands.session import lines_of as lines_of_page
from watchkeeper.cli.pages.text import Page
from watchkeeper.cli.record.reading import read_record
from watchkeeper.cli.store import open_store
from watchkeeper.schemas.policy import AgentPolicy, Caps

Run = Callable[..., Result]
POLICY = AgentPolicy(agent="support", version="2026-03", mode="enforce", caps=Caps(tool_calls=10, tokens=50_000))


@pytest.fixture
def told(shelf: Any) -> Any:
    """A session with something of everything."""
    policy = POLICY.canonical().decode()
    shelf.content(policy, salt=None)
    shelf.event(
        "session_started",
        0,
        {
            "goal": shelf.text("Help customers with refunds."),
            "policy": {"name": "support", "version": "2026-03", "content": shelf.text(policy, salt=None, inline=False)},
            "caps": {"tool_calls": 6},
            "model": "gpt-4o-mini",
            "provider": "openai",
        },
        user_id="u-17",
    )
    system = shelf.text("You are a support agent.")
    first = shelf.message("user", "Where is my\nrefund?")
    shelf.event("prompt", 0.5, {"request_id": "r1", "model": "gpt-4o-mini", "system": system, "messages": [first]})
    shelf.event("reasoning", 1, {"text": shelf.text("I should look the order up.")})
    usage = {"input_tokens": 1200, "output_tokens": 80, "cache_read_input_tokens": 1000}
    shelf.event(
        "response",
        1.5,
        {"request_id": "r1", "model": "gpt-4o-mini", "usage": usage, "finish_reason": "tool_calls"},
        cost_usd=0.0021,
        price_status="priced",
        price_version="2026-03-01",
    )
    call = shelf.event("tool_call", 2, {"tool_call_id": "c1", "tool_name": "refnd", "arguments": {"order": "A1"}})
    shelf.event(
        "tool_result",
        2.7,
        {"tool_call_id": "c1", "tool_name": "refnd", "status": "error", "duration_us": 700_000,
         "result": shelf.text("no such tool \x1b[31mred"), "error_type": "KeyError"},
    )  # fmt: skip
    again = [shelf.message("user", "Where is my\nrefund?", inline=False), shelf.message("tool", "no such tool")]
    shelf.event("prompt", 3, {"request_id": "r2", "system": {**system, "text": None}, "messages": again}, late=True)
    answer = {"request_id": "r2", "model": "own-model", "text": shelf.text("It is on its way."), "answer": True}
    shelf.event("response", 4, {**answer, "usage": {"input_tokens": 10, "output_tokens": 2}}, price_status="unpriced")
    shelf.finding(first_event_id=call, last_event_id=call, last_event_at=shelf.at(2))
    shelf.finding(
        last_event_id=None, last_event_at=shelf.at(60), failure_mode="audit_gap", severity="medium", summary="Silent."
    )
    shelf.command(issued_at=shelf.at(2.2))
    shelf.state(last_event_at=shelf.at(4), tool_calls=1, tokens=292, cost_usd=0.0021, unpriced_requests=1)
    return shelf


def lines_of(shown: Result) -> list[str]:
    assert shown.exit_code == 0, shown.output
    assert shown.stderr == ""
    return [line.strip() for line in shown.stdout.splitlines()]


def document_of(shown: Result) -> dict[str, Any]:
    assert shown.exit_code == 0, shown.output
    document: dict[str, Any] = orjson.loads(shown.stdout)
    return document


def events_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["event"] for entry in document["story"] if entry["kind"] == "event"]


def test_the_head_says_who_ran_under_which_policy_and_what_was_used(run: Run, told: Any) -> None:
    lines = lines_of(run("session", "show", told.session))
    assert lines[0] == f"session {told.session}  completed"
    head = "\n".join(lines[: lines.index("")])
    for part in (
        f"agent      {told.agent} 1.4.2 · model gpt-4o-mini (openai)",
        f"policy     support 2026-03 · enforce · {POLICY.address}",
        "user u-17 · customer c-9 · refund",
        f"tenant {told.tenant} · production · live",
        "4.0 s · 31 events of 1 writer",
        # The session's own cap of 6 narrows the policy's 10.
        "tool calls  ███░░░░░░░░░░░░░░░░░ 1 of 6, 17%",
        "292 of 50,000, 1%",
        "4.0 s of 5 min, 1%",
        "≥ $0.0021 of $5.00",
        "priced by  2026-03-01",
        "findings   2, the worst high",
        "texts      8, each with its hash",
    ):
        assert part in head


def test_the_story_stands_in_order_with_findings_and_commands_in_place(run: Run, told: Any) -> None:
    lines = lines_of(run("session", "show", told.session))
    story = lines[lines.index("") + 1 :]
    assert [line for line in story if line.startswith("+")] == [
        "+0.000 s  session started",
        "+0.500 s  prompt · gpt-4o-mini · r1",
        "+1.0 s  reasoning",
        "+1.5 s  response · gpt-4o-mini · 1,200 (1,000 cached) in, 80 out · $0.0021 · tool_calls",
        "+2.0 s  call refnd · c1",
        "+2.0 s  FINDING high hallucinated_tool / unknown_tool",
        f"+2.2 s  COMMAND terminate to session {told.session}, by worker",
        "+2.7 s  result refnd · error · 700 ms · KeyError · c1",
        "+3.0 s  prompt · r2 [came late]",
        "+4.0 s  response · own-model · 10 in, 2 out · unpriced · answer",
        "+1 min  FINDING medium audit_gap / unknown_tool",
    ]
    assert "\x1b" not in "".join(story)
    assert "no such tool \\x1b[31mred" in story
    assert any("found while nothing arrived" in line for line in story)


def test_of_a_prompt_only_what_is_new_is_shown(run: Run, told: Any) -> None:
    lines = lines_of(run("session", "show", told.session))
    assert lines.count("user: Where is my") == 1
    assert lines.count("system: You are a support agent.") == 1
    later = lines[lines.index("+3.0 s  prompt · r2 [came late]") :]
    assert later[1:3] == ["… 1 message as before", "tool: no such tool"]


def test_as_json_every_text_stands_once_and_whole(run: Run, told: Any) -> None:
    document = document_of(run("session", "show", told.session, "--json"))
    assert set(document) == {
        "session", "policy", "caps", "price_versions", "writers", "text_counts", "texts", "truncated", "story",
    }  # fmt: skip
    assert document["policy"] == {
        "name": "support", "version": "2026-03", "address": POLICY.address, "mode": "enforce",
    }  # fmt: skip
    assert document["caps"][0] == {"cap": "tool_calls", "used": 1, "limit": 6, "share": 1 / 6}
    assert document["text_counts"] == {"verified": 8, "mismatch": 0, "missing": 0, "unverifiable": 0}
    prompts = [event for event in events_of(document) if event["type"] == "prompt"]
    assert [entry["repeated_messages"] for entry in prompts] == [0, 1]
    first = [document["texts"][message["content"]["address"]]["text"] for message in prompts[1]["data"]["messages"]]
    assert orjson.loads(first[0]) == {"role": "user", "content": "Where is my\nrefund?"}
    assert [entry["kind"] for entry in document["story"]].count("finding") == 2
    assert document["story"][0]["offset_us"] == 0
    assert document["session"]["session_id"] == told.session


def test_texts_that_do_not_match_or_are_missing_are_marked(run: Run, shelf: Any) -> None:
    shelf.event("session_started", 0, {"goal": {**shelf.text("Help."), "text": "Harm."}})
    shelf.event("reasoning", 1, {"text": shelf.text("never sent", inline=False)})
    shelf.event("tool_call", 2, {"tool_call_id": "c", "tool_name": "t", "arguments": None})
    long = "first half, second half"
    shelf.content("first half, ", part=0, parts=2, of=long)
    shelf.event("reasoning", 3, {"text": shelf.text(long, inline=False)})
    shelf.event("reasoning", 4, {"text": shelf.text("of an unknown writer")}, writer_id="w2", seq=1)
    shown = run("session", "show", shelf.session)
    assert "goal: Harm. [the text does not match its hash: s-" in shown.stdout
    assert f"[the text is missing: {shelf.text('never sent')['address']}]" in shown.stdout
    # Half of a text is none.
    assert f"[the text is missing: {shelf.text(long)['address']}]" in shown.stdout
    assert "of an unknown writer [not verified: the writer's salt is missing]" in shown.stdout
    assert "4, of them 1 mismatch, 2 missing, 1 unverifiable" in shown.stdout
    document = document_of(run("session", "show", shelf.session, "--json"))
    verdicts = [text["verdict"] for event in events_of(document) for text in event["unsound_texts"]]
    assert verdicts == ["mismatch", "missing", "missing", "unverifiable"]


def test_a_long_text_is_put_together_from_its_parts(run: Run, shelf: Any) -> None:
    long = "x" * 300_000 + "END"
    for part, piece in enumerate((long[:200_000], long[200_000:])):
        shelf.content(piece, part=part, parts=2, of=long)
        data = {"address": shelf.text(long)["address"], "part": part, "parts": 2, "size": len(long), "text": piece}
        shelf.event("content", 0, data, writer_id="writer-1/c")
    shelf.event("session_started", 0.1, {"goal": shelf.text(long, inline=False)})
    short = run("session", "show", shelf.session).stdout
    assert "more characters (--full)" in short
    assert "part of a text" not in short
    full = run("session", "show", shelf.session, "--full").stdout
    assert long in full
    assert "part of a text · 2 of 2" in full
    assert document_of(run("session", "show", shelf.session, "--json"))["text_counts"]["verified"] == 1


def test_gaps_late_events_and_conflicts_are_told(run: Run, shelf: Any) -> None:
    shelf.event("session_started", 0, {})
    shelf.event("reasoning", 1, {"text": shelf.text("after a gap")}, seq=4)
    shelf.event("reasoning", 2, {"text": shelf.text("the same number")}, seq=5)
    shelf.event("reasoning", 3, {"text": shelf.text("with other content")}, seq=5)
    # The clock of this writer went back; its numbers say what came first.
    shelf.event("reasoning", 0.5, {"text": shelf.text("last of all")}, seq=6)
    lines = lines_of(run("session", "show", shelf.session))
    story = [line for line in lines[lines.index("") + 1 :] if line.startswith("+")]
    assert story[1] == "+1.0 s  GAP 3 events never arrived: numbers 1 to 3 of writer-1"
    assert sum("number 5 of writer-1 came with other content" in line for line in story) == 2
    assert lines[-1] == "last of all"
    document = document_of(run("session", "show", shelf.session, "--json"))
    assert document["writers"] == [{"writer_id": "writer-1", "events": 5, "missing": [[1, 3]]}]


def test_every_type_of_event_has_its_words(run: Run, shelf: Any) -> None:
    tools = shelf.text('[{"name": "find"}, {"name": "pay"}]', salt=None)
    shelf.event("session_started", 0, {"tools": tools, "resumed": True})
    asked = {"retrieval_id": "q", "phase": "started", "source": "wiki", "query": shelf.text("refunds?")}
    shelf.event("retrieval", 1, asked)
    documents = [{"document_id": f"d{number}", "score": 0.9 - number / 10} for number in range(7)]
    shelf.event("retrieval", 2, {"retrieval_id": "q", "phase": "finished", "source": "wiki", "documents": documents,
                                 "duration_us": 1_500_000})  # fmt: skip
    shelf.event("decision", 3, {"decision_id": "d", "name": "refund", "facts": {"amount": 12}, "outcome": "approved",
                                "rules": [{"name": "small", "version": "3"}], "principal": "u-17"})  # fmt: skip
    shelf.event("delegation", 4, {"delegation_id": "g", "child_session_id": "child-1", "child_agent_id": "payer",
                                  "task": shelf.text("Pay 12.")})  # fmt: skip
    shelf.event("approval", 5, {"approval_id": "a", "status": "granted", "action": "pay", "approver": "m.okafor"})
    shelf.event(
        "checkpoint",
        6,
        {"checkpoint_id": "k", "values": {"iban": {"value": "DE1", "source": "crm", "source_value": "DE2"}}},
    )
    shelf.event("outcome", 7, {"name": "resolved", "kind": "business", "value": 1.0}, writer_id="crm")
    shelf.event("session_ended", 8, {"status": "failed", "reason": "no money", "answer": shelf.text("Sorry.")})
    shown = "\n".join(lines_of(run("session", "show", shelf.session)))
    for part in (
        "session resumed", "tools: find, pay", "retrieval started · wiki", "query: refunds?",
        "retrieval finished · wiki · 7 documents · 1.5 s", "0.90  d0", "… 2 more (--full)",
        "decision refund · outcome approved · by u-17", 'facts: {"amount":12}', "rules: small 3",
        "delegation to payer · session child-1", "task: Pay 12.", "approval granted · pay · m.okafor",
        "checkpoint · k", "iban: DE1 (crm says DE2)", "business resolved · 1",
        "session ended · failed · no money", "answer: Sorry.", "policy     none: judged by the default caps",
    ):  # fmt: skip
        assert part in shown


def test_a_session_without_a_row_yet_is_shown_from_its_events(run: Run, shelf: Any) -> None:
    shelf.event("session_started", 0, {"model": "gpt-4o-mini"}, user_id="u-1")
    shelf.event("tool_call", 3, {"tool_call_id": "c", "tool_name": "t"})
    lines = lines_of(run("session", "show", shelf.session))
    assert lines[0] == f"session {shelf.session}  open"
    assert any("3.0 s · 2 events of 1 writer" in line for line in lines)
    assert any("1 of 25, 4%" in line for line in lines)


def test_an_unknown_id_is_3_and_names_what_is_near(run: Run, shelf: Any) -> None:
    shelf.event("session_started", 0, {})
    shelf.state()
    ended = run("session", "show", shelf.session[:-1], "--tenant", shelf.tenant)
    assert ended.exit_code == 3
    assert shelf.session in ended.stderr
    ended = run("session", "show", shelf.session, "--tenant", "nobody's")
    assert ended.exit_code == 3


def test_an_id_of_several_tenants_asks_which(run: Run, new_shelf: Callable[..., Any]) -> None:
    one, other = new_shelf(), new_shelf()
    other.session = one.session
    for shelf in (one, other):
        shelf.event("session_started", 0, {})
        shelf.state()
    ended = run("session", "show", one.session)
    assert ended.exit_code == 2
    assert one.tenant in ended.stderr
    assert "--tenant" in ended.stderr
    assert run("session", "show", one.session, "--tenant", one.tenant).exit_code == 0


def test_a_session_whose_start_is_missing_says_so(run: Run, shelf: Any) -> None:
    shelf.event("reasoning", 1, {"text": shelf.text("x")}, seq=1)
    lines = lines_of(run("session", "show", shelf.session))
    assert "policy     not known, since the session's start is missing: judged by the default caps" in lines


def test_on_a_terminal_lines_are_broken_and_stay_indented(told: Any, clickhouse: str) -> None:
    with open_store(clickhouse) as store:
        record = read_record(store, told.session)
    console = Console(file=StringIO(), width=80, force_terminal=True, color_system=None, soft_wrap=True)
    lines = [line.plain for line in lines_of_page(Page(console, full=False), record)]
    assert all(len(line) <= 80 for line in lines)
    assert any(told.session in line for line in lines)
    # A hash is longer than the line, and stays whole over two.
    assert POLICY.address in "".join(line.strip() for line in lines)


def test_it_is_asked_for_by_primary_key(client: Any, shelf: Any) -> None:
    for number in range(3):
        shelf.event("reasoning", number, {"text": shelf.text("x")})
    parameters = {"tenant": shelf.tenant, "session": shelf.session, "limit": 10}
    plan = client.query(f"EXPLAIN indexes = 1 {queries.EVENTS_OF_SESSION}", parameters=parameters)
    text = "\n".join(row[0] for row in plan.result_rows)
    assert "session_id in" in text.partition("PrimaryKey")[2]
