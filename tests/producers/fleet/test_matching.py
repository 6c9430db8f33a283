from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from watchkeeper.producers.fleet.ledger import AgentExpectation, Entry
from watchkeeper.producers.fleet.matching import NOBODY, Seen, Tally, compare
from watchkeeper.producers.fleet.scenario import Expectation
from watchkeeper.schemas.model import to_us

AT = datetime(2025, 6, 1, 12, tzinfo=UTC)
UNKNOWN = Expectation("hallucinated_tool", "unknown_tool")
WARNING = Expectation("cost_runaway", "cap_use", "low", {"cap": "tool_calls"})
BREACH = Expectation("cost_runaway", "cap_use", "high", {"cap": "tool_calls"})
SHARE = AgentExpectation(
    "s", "agent", Expectation("cost_runaway", "capped_share", evidence={"cap": "tool_calls"}, about="agent")
)


def _entry(*expected: Expectation, session_id: str = "one", **more: Any) -> Entry:
    return Entry("s", "agent", session_id, expected, **more)


def _seen(kind: str = "unknown_tool", session_id: str | None = "one", **more: Any) -> Seen:
    mode = {"unknown_tool": "hallucinated_tool", "loop": "reasoning_loop"}.get(kind, "cost_runaway")
    given: dict[str, Any] = {
        "finding_id": f"{kind}-{session_id}-{len(str(more))}",
        "session_id": session_id,
        "agent_id": "agent",
        "failure_mode": mode,
        "kind": kind,
        "severity": "high",
        "summary": "It did.",
        "evidence": {},
        "last_event_at": AT,
        "detected_at": AT + timedelta(seconds=0.25),
    }
    return Seen(**given | more)


def _cap(severity: str, **more: Any) -> Seen:
    return _seen("cap_use", severity=severity, evidence={"cap": "tool_calls"}, finding_id=severity, **more)


def _compare(entries: list[Entry], seen: list[Seen], *of_agents: AgentExpectation) -> Tally:
    tallies = compare(entries, of_agents, seen)
    assert list(tallies) == ["s"]
    return tallies["s"]


def test_what_was_injected_and_found_passes() -> None:
    tally = _compare([_entry(UNKNOWN)], [_seen()])
    assert tally.passed
    assert (tally.injected, tally.found, len(tally.matched)) == (1, 1, 1)
    assert tally.matched[0].seconds_to_finding == 0.25


def test_a_clean_session_without_findings_passes() -> None:
    assert _compare([_entry()], []).passed


def test_what_went_unseen_fails() -> None:
    tally = _compare([_entry(UNKNOWN)], [])
    assert not tally.passed
    assert [(one.session_id, one.times) for one in tally.missing] == [("one", 1)]


def test_a_clean_session_that_is_accused_fails() -> None:
    tally = _compare([_entry()], [_seen("loop")])
    assert not tally.passed
    assert [seen.kind for seen in tally.unexpected] == ["loop"]


def test_a_finding_about_another_session_does_not_count() -> None:
    tally = _compare([_entry(UNKNOWN), _entry(session_id="two")], [_seen(session_id="two")])
    assert (len(tally.missing), len(tally.unexpected)) == (1, 1)


def test_one_finding_too_many_of_an_expected_kind_is_unexpected() -> None:
    tally = _compare([_entry(UNKNOWN)], [_seen(), _seen(finding_id="again")])
    assert (tally.found, len(tally.unexpected)) == (1, 1)


def test_a_warning_does_not_stand_for_a_breach() -> None:
    tally = _compare([_entry(WARNING, BREACH)], [_cap("low")])
    assert [one.expectation for one in tally.missing] == [BREACH]


def test_evidence_must_agree() -> None:
    other = _seen("cap_use", evidence={"cap": "tokens"})
    tally = _compare([_entry(BREACH)], [other])
    assert (len(tally.missing), tally.unexpected) == (1, [other])


def test_lists_in_evidence_are_compared_as_lists() -> None:
    loop = Expectation("reasoning_loop", "loop", evidence={"cycle": ("a", "b")})
    assert _compare([_entry(loop)], [_seen("loop", evidence={"cycle": ["a", "b"]})]).passed
    assert not _compare([_entry(loop)], [_seen("loop", evidence={"cycle": ["b", "a"]})]).passed


def test_what_is_optional_may_come_and_need_not() -> None:
    maybe = Expectation("cost_runaway", "cap_use", "low", {"cap": "tool_calls"}, optional=True)
    assert _compare([_entry(maybe)], []).passed
    with_it = _compare([_entry(maybe)], [_cap("low")])
    assert with_it.passed
    assert (with_it.injected, len(with_it.matched)) == (0, 1)


def test_several_of_a_kind_are_counted() -> None:
    twice = Expectation("hallucinated_tool", "unknown_tool", times=2)
    tally = _compare([_entry(twice)], [_seen()])
    assert [(one.times, tally.found, tally.injected) for one in tally.missing] == [(1, 1, 2)]


def test_what_was_taken_back_accuses_nobody() -> None:
    assert _compare([_entry()], [_seen(resolved=True)]).passed


def test_findings_about_sessions_that_nobody_played_are_unexpected() -> None:
    tallies = compare([_entry()], (), [_seen(session_id="stranger")])
    assert not tallies[NOBODY].passed


def test_a_session_that_had_to_stop_and_did_is_timed_from_its_breach() -> None:
    stopped = _entry(BREACH, must_stop=True, stopped_us=to_us(AT) + 400_000)
    tally = _compare([stopped], [_cap("high")])
    assert tally.passed
    assert tally.seconds_to_stop == [0.4]


def test_a_session_that_had_to_stop_and_did_not_fails() -> None:
    assert not _compare([_entry(BREACH, must_stop=True)], [_cap("high")]).passed


def test_a_session_that_was_stopped_and_should_not_have_been_fails() -> None:
    assert not _compare([_entry(stopped_us=to_us(AT))], []).passed


def test_trouble_in_the_simulation_fails() -> None:
    assert not _compare([_entry(trouble="a request hung")], []).passed


def test_what_must_be_found_of_an_agent_is_missed_where_it_does_not_come() -> None:
    tally = _compare([_entry()], [], SHARE)
    assert [one.agent for one in tally.missing] == ["agent"]


def test_what_must_be_found_of_an_agent_is_found() -> None:
    assert _compare([_entry()], [_seen("capped_share", None, evidence={"cap": "tool_calls"})], SHARE).passed


def test_an_agent_that_is_accused_fails_the_scenario_that_it_played_in() -> None:
    accused = _seen("capped_share", None, evidence={"cap": "tool_calls", "limit": 0.05})
    assert _compare([_entry()], [accused]).unexpected == [accused]


def test_a_share_that_follows_from_what_was_injected_accuses_nobody() -> None:
    entries = [_entry(WARNING, BREACH), _entry(session_id="two")]
    found = [_cap("low"), _cap("high"), _seen("capped_share", None, evidence={"cap": "tool_calls", "limit": 0.4})]
    assert _compare(entries, found).passed
    other_cap = _seen("capped_share", None, evidence={"cap": "tokens", "limit": 0.4})
    assert not _compare(entries, [*found, other_cap]).passed


def test_what_is_due_over_all_sessions_may_name_any_of_them() -> None:
    entries = [_entry(), _entry(session_id="two")]
    due = AgentExpectation("s", "agent", Expectation("reasoning_loop", "loop", about="agent"))
    assert _compare(entries, [_seen("loop", "two")], due).passed
    assert len(_compare(entries, [_seen("loop", "two"), _seen("loop", "one")], due).unexpected) == 1


def test_what_is_due_over_all_sessions_may_be_about_another_agent_of_the_scenario() -> None:
    helper = Entry("s", "helper", "two")
    due = AgentExpectation("s", "agent", Expectation("reasoning_loop", "loop", about="agent"))
    assert _compare([_entry(), helper], [_seen("loop", None, agent_id="helper")], due).passed
    tallies = compare([_entry()], (due,), [_seen("loop", None, agent_id="stranger")])
    assert not all(tally.passed for tally in tallies.values())
