"""Sessions of the simulated fleet, through broker, worker and store, beside what was told in them."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from watchkeeper.cli.store import ReadStore
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.reading import reader as reading_reader
from watchkeeper.evals.reading.reader import InteractionReader, SessionRef
from watchkeeper.schemas.model import EARLIEST, LATEST
from watchkeeper.schemas.verdicts import VerdictRow

HOUR = timedelta(hours=1)


class Counting:
    """A store that counts what it is asked."""

    def __init__(self, store: ReadStore) -> None:
        self.asked = 0
        self._store = store

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        self.asked += 1
        return self._store.rows(sql, **parameters)


@pytest.fixture
def reader(read_store: ReadStore) -> InteractionReader:
    return InteractionReader(read_store)


@pytest.fixture
def read(reader: InteractionReader, played: Any) -> dict[str, Interaction]:
    return {one.interaction_id: one for one in reader.by_ids(played.tenant, played.messages)}


def told_in(messages: list[dict[str, Any]]) -> list[tuple[str, str, list[tuple[str, Any]]]]:
    """Speaker, text and calls of each message that is no tool's."""
    return [
        (
            message["role"],
            message["content"] or "",
            [
                (call["function"]["name"], _json(call["function"]["arguments"]))
                for call in message.get("tool_calls", ())
            ],
        )
        for message in messages
        if message["role"] != "tool"
    ]


def _json(text: str | None) -> Any:
    try:
        return orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return text


def test_turns_are_what_was_said(read: dict[str, Interaction], played: Any) -> None:
    assert set(read) == set(played.messages)
    for session_id, messages in played.messages.items():
        found = [
            (turn.speaker, turn.text, [(use.name, use.arguments) for use in turn.tools])
            for turn in read[session_id].turns
        ]
        assert found == told_in(messages), session_id


def test_results_are_what_tools_answered(read: dict[str, Interaction], played: Any) -> None:
    compared = 0
    for session_id, messages in played.messages.items():
        answered = [message["content"] for message in messages if message["role"] == "tool"]
        uses = read[session_id].calls
        assert len(uses) == len(answered)
        for use, answer in zip(uses, answered, strict=True):
            if not use.failed:
                assert _json(use.result) == _json(answer)
                compared += 1
    assert compared > 20


def test_facts_are_those_of_the_sessions(read: dict[str, Interaction], read_store: ReadStore, played: Any) -> None:
    rows = read_store.rows("SELECT * FROM sessions FINAL WHERE tenant_id = {tenant:String}", tenant=played.tenant)
    for row in rows:
        one = read[row["session_id"]]
        assert (one.agent_id, one.agent_version, one.intent, one.model, one.status, one.origin) == (
            row["agent_id"],
            row["agent_version"],
            row["intent"],
            row["model"],
            row["status"],
            "simulated",
        )
        assert one.tokens == row["input_tokens"] + row["output_tokens"]
        assert one.cost_usd == pytest.approx(float(row["cost_usd"]))
        assert one.complete
        assert one.goal
        assert one.tools == tuple(tool["name"] for tool in played.sessions[row["session_id"]].opening.started["tools"])
        assert row["started_at"] == one.started_at
        assert one.started_at <= one.ended_at <= row["last_event_at"]


def test_findings_documents_and_escalation(read: dict[str, Interaction], played: Any) -> None:
    by_scenario = {entry.session_id: entry.scenario for entry in played.ledger.entries()}
    modes: dict[str, set[str]] = {}
    for session_id, one in read.items():
        modes.setdefault(by_scenario[session_id], set()).update(note.failure_mode for note in one.findings)
    assert "hallucinated_tool" in modes["unknown-tool-corrected"]
    assert "ungrounded_answer" in modes["made-up-number"]
    assert not modes["everyday-refund"]
    handbook = [one for one in read.values() if one.agent_id == "handbook-helper"]
    assert all(one.documents for one in handbook)
    approved = [read[session] for session, scenario in by_scenario.items() if scenario == "approved-refund"]
    assert [one.escalated for one in approved] == [True]


def test_many_sessions_take_few_queries(read_store: ReadStore, played: Any) -> None:
    store = Counting(read_store)
    found = InteractionReader(store).by_ids(played.tenant, played.messages)
    assert len(found) == len(played.messages) > 25
    assert store.asked <= 6


def test_a_session_that_is_too_long_is_read_so_far_and_hides_no_other(
    reader: InteractionReader,
    read: dict[str, Interaction],
    played: Any,
    read_store: ReadStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted = read_store.rows(
        "SELECT session_id, count() AS events FROM events FINAL WHERE tenant_id = {tenant:String} GROUP BY session_id",
        tenant=played.tenant,
    )
    events = {row["session_id"]: row["events"] for row in counted}
    most = sorted(events.values())[len(events) // 2]
    monkeypatch.setattr(reading_reader, "MAX_EVENTS", most)
    again = {one.interaction_id: one for one in reader.by_ids(played.tenant, played.messages)}
    assert set(again) == set(read)
    for session, one in again.items():
        assert one.complete == (events[session] <= most)
        if one.complete:
            assert one == read[session]


def test_a_false_alarm_is_no_finding(
    reader: InteractionReader, read: dict[str, Interaction], played: Any, read_store: ReadStore
) -> None:
    one = next(one for one in read.values() if one.findings)
    note = one.findings[0]
    for verdict, minute in (("ack", 1), ("wrong", 2)):
        row = VerdictRow(
            tenant_id=played.tenant,
            finding_id=note.finding_id,
            verdict_id=str(uuid.uuid4()),
            verdict=verdict,  # type: ignore[arg-type] # one of the three
            reason="it was asked for",
            given_by="ada",
            given_at=datetime(2026, 1, 1, 12, minute, tzinfo=UTC),
            revision=0,
            failure_mode=note.failure_mode,
            kind=note.kind,
            rule_id="r",
            rule_version=1,
            agent_id=one.agent_id,
            about="",
        )
        read_store.insert("verdicts", [row.model_dump_json().encode()])
        (again,) = reader.by_ids(played.tenant, [one.interaction_id])
        assert (note.finding_id in {found.finding_id for found in again.findings}) == (verdict == "ack")


def test_what_ended_is_listed_page_by_page(
    reader: InteractionReader, played: Any, read: dict[str, Interaction]
) -> None:
    now = datetime.now(UTC)
    whole = list(reader.ended_between(played.tenant, now - HOUR, now + HOUR))
    paged = list(reader.ended_between(played.tenant, now - HOUR, now + HOUR, page=3))
    assert paged == whole
    assert {ref.session_id for ref in whole} == set(played.messages)
    assert whole == sorted(whole, key=lambda ref: ref.place)
    for ref in whole:
        one = read[ref.session_id]
        assert (ref.intent, ref.status, ref.prompt_version) == (one.intent, one.status, one.prompt_version)
        open_ones = Counter(note.severity for note in one.findings if note.status == "open")
        assert ref.findings == open_ones


def test_bounds_and_filters_of_the_list(reader: InteractionReader, played: Any) -> None:
    now = datetime.now(UTC)
    whole: list[SessionRef] = list(reader.ended_between(played.tenant, EARLIEST, LATEST))
    middle = whole[len(whole) // 2].ended_at
    before = list(reader.ended_between(played.tenant, EARLIEST, middle))
    after = list(reader.ended_between(played.tenant, middle, LATEST))
    assert before + after == whole
    assert all(ref.ended_at < middle for ref in before)
    agents = Counter(ref.agent_id for ref in whole)
    for agent, number in agents.items():
        assert len(list(reader.ended_between(played.tenant, EARLIEST, LATEST, agent=agent))) == number
    assert list(reader.ended_between(played.tenant, EARLIEST, LATEST, origin="live")) == []
    assert list(reader.ended_between("", now - HOUR, now + HOUR)) == whole
    assert list(reader.ended_between("nobody", EARLIEST, LATEST)) == []


def test_unknown_ids_are_left_out(reader: InteractionReader, played: Any) -> None:
    known = next(iter(played.messages))
    found = reader.by_ids(played.tenant, ["nothing", known, known])
    assert [one.interaction_id for one in found] == [known]
    assert reader.by_ids(played.tenant, []) == []
