from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from watchkeeper.cli.demo.report import Report, spread
from watchkeeper.cli.demo.store import SessionSeen
from watchkeeper.producers.fleet.ledger import Entry
from watchkeeper.producers.fleet.matching import Seen, compare
from watchkeeper.producers.fleet.scenario import Expectation
from watchkeeper.schemas.model import to_us

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
BREACH = Expectation("cost_runaway", "cap_use", "high", {"cap": "tokens"})


def session(session_id: str, **given: Any) -> SessionSeen:
    fields: dict[str, Any] = {
        "agent": "agent",
        "status": "completed",
        "events": 10,
        "tool_calls": 2,
        "tokens": 100,
        "cost_usd": 0.5,
        "unpriced_requests": 0,
        "findings": 0,
        "model": "gpt-4.1",
    }
    return SessionSeen(session_id=session_id, **fields | given)


def seen(session_id: str = "one", **given: Any) -> Seen:
    fields: dict[str, Any] = {
        "finding_id": f"f-{session_id}",
        "session_id": session_id,
        "agent_id": "agent",
        "failure_mode": "cost_runaway",
        "kind": "cap_use",
        "severity": "high",
        "summary": "Over its cap.",
        "evidence": {"cap": "tokens"},
        "last_event_at": AT,
        "detected_at": AT + timedelta(seconds=0.2),
        "visible_at": AT + timedelta(seconds=0.3),
    }
    return Seen(**fields | given)


def report(found: list[Seen] | None = None, **given: Any) -> Report:
    entries = [
        Entry("runs-away", "agent", "one", (BREACH,), must_stop=True, stopped_us=to_us(AT) + 500_000),
        Entry("behaves", "agent", "two"),
    ]
    tallies = compare(entries, (), [seen()] if found is None else found)
    sessions = {"one": session("one", findings=1, status="stopped"), "two": session("two", cost_usd=0.25)}
    fields: dict[str, Any] = {
        "seed": 0,
        "tenant": "demo-1",
        "tallies": tallies,
        "entries": entries,
        "sessions": sessions,
        "unsettled": [],
        "losses": {},
    }
    return Report(**fields | given)


def test_everything_found_and_nobody_accused_passes() -> None:
    assert report().passed


@pytest.mark.parametrize(
    "wrong",
    [
        {"found": []},
        {"found": [seen(), seen("two")]},
        {"unsettled": ["two"]},
        {"losses": {"queue_full": 3}},
    ],
    ids=["unseen", "accused", "never came out", "lost before the broker"],
)
def test_one_thing_wrong_fails(wrong: dict[str, Any]) -> None:
    assert not report(**wrong).passed


def test_the_document_for_machines_says_it_all() -> None:
    document = orjson.loads(orjson.dumps(report([seen(), seen("two")]).to_json()))
    assert document["passed"] is False
    assert (document["sessions"], document["events"]) == (2, 20)
    assert (document["injected"], document["found"]) == (1, 1)
    assert [(one["scenario"], one["session_id"]) for one in document["unexpected"]] == [("behaves", "two")]
    assert (document["must_stop"], document["stopped"]) == (1, 1)
    assert document["seconds_to_finding"] == {"median": 0.2, "max": 0.2}
    assert document["seconds_to_visible"] == {"median": 0.3, "max": 0.3}
    assert document["seconds_to_stop"] == {"median": 0.5, "max": 0.5}
    assert document["cost_usd"] == 0.75
    by_name = {one["scenario"]: one for one in document["scenarios"]}
    assert by_name["runs-away"]["findings"][0]["kind"] == "cap_use"
    assert by_name["runs-away"]["cost_usd"] == 0.5


def test_what_was_missed_is_named() -> None:
    (missing,) = report([]).to_json()["scenarios"][0]["missing"]
    assert missing == {
        "agent": "agent",
        "session_id": "one",
        "failure_mode": "cost_runaway",
        "kind": "cap_use",
        "times": 1,
    }


def test_requests_without_a_price_are_counted_apart() -> None:
    sessions = {"one": session("one"), "two": session("two", cost_usd=0.0, unpriced_requests=4, model="house")}
    cost = report(sessions=sessions).cost
    assert (cost.usd, cost.unpriced_requests, cost.unpriced_models) == (0.5, 4, ("house",))


def test_the_most_telling_session_was_stopped_though_another_has_more_findings() -> None:
    sessions = {"one": session("one", findings=1), "two": session("two", findings=5)}
    assert report(sessions=sessions).most_telling == "one"


def test_without_findings_no_session_is_telling() -> None:
    assert report([], sessions={"one": session("one")}).most_telling is None
    assert report([]).most_telling_mode is None


def test_nothing_measured_is_no_number() -> None:
    assert spread([]) is None


def test_each_mode_is_told_over_all_scenarios() -> None:
    accused = seen("two", failure_mode="reasoning_loop", kind="loop", evidence={})
    loop, runaway = sorted(report([seen(), accused]).modes, key=lambda mode: mode.passed)
    assert (loop.mode, loop.scenarios, loop.injected, loop.found, loop.unexpected) == ("reasoning_loop", 0, 0, 0, 1)
    assert not loop.passed
    assert (runaway.mode, runaway.scenarios, runaway.injected, runaway.found) == ("cost_runaway", 1, 1, 1)
    assert runaway.passed


def test_a_mode_that_was_missed_has_not_passed() -> None:
    (mode,) = report([]).modes
    assert (mode.injected, mode.found, mode.passed) == (1, 0, False)


def test_what_was_told_long_afterwards_is_not_timed() -> None:
    entries = [Entry("long-ago", "agent", "one", (BREACH,), past=True)]
    told = report(tallies=compare(entries, (), [seen()]))
    assert (len(told.matched), told.timed) == (1, [])
    assert told.to_json()["seconds_to_finding"] is None
