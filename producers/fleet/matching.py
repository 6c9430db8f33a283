"""What was injected against what was found. Pure.

A session leads to the findings that its scenario declares, and to no other: one that is missing is *unseen*, one too
many is an accusation. Both are failures, of the pipeline or of the declaration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from watchkeeper.producers.fleet.ledger import AgentExpectation, Entry
from watchkeeper.producers.fleet.scenario import Expectation
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import to_us


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding as somebody who looks for findings sees it.

    Attributes:
        evidence: the evidence's fields.
        visible_at: when it was first seen in the store; None where nobody looked there.
    """

    finding_id: str
    session_id: str | None
    agent_id: str
    failure_mode: str
    kind: str
    severity: str
    summary: str
    evidence: dict[str, Any]
    last_event_at: datetime
    detected_at: datetime
    visible_at: datetime | None = None
    resolved: bool = False

    @classmethod
    def of(cls, finding: Finding) -> Seen:
        """A finding straight from a detector."""
        return cls(
            finding_id=finding.finding_id,
            session_id=finding.session_id,
            agent_id=finding.agent_id,
            failure_mode=finding.failure_mode,
            kind=finding.kind,
            severity=finding.severity,
            summary=finding.summary,
            evidence=finding.evidence.model_dump(mode="json"),
            last_event_at=finding.last_event_at,
            detected_at=finding.detected_at,
            resolved=finding.status == "resolved",
        )

    @property
    def seconds_to_finding(self) -> float:
        """From the event (or the limit that silence passed) to the finding."""
        return (self.detected_at - self.last_event_at).total_seconds()

    @property
    def seconds_to_visible(self) -> float | None:
        """From the event to the store, as far as was looked."""
        return None if self.visible_at is None else (self.visible_at - self.last_event_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Missing:
    """Something injected that nobody found. `session_id` is empty for what is about an agent."""

    agent: str
    session_id: str
    expectation: Expectation
    times: int


@dataclass(slots=True)
class Tally:
    """How one scenario went.

    Attributes:
        injected: findings that had to come.
        found: those of them that came.
        found_of: the same by failure mode.
        matched: the findings that were expected, optional ones included.
        missing: what did not come.
        unexpected: what came and had not been injected.
        must_stop: sessions that the pipeline had to stop.
        stopped: those of them whose agent learnt of it.
        seconds_to_stop: from the event that crossed the line to the agent's learning of it.
        trouble: what went wrong in the simulation itself.
        past: its sessions were told long after they were.
    """

    scenario: str
    sessions: int = 0
    injected: int = 0
    found: int = 0
    found_of: dict[str, int] = field(default_factory=dict)
    matched: list[Seen] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    unexpected: list[Seen] = field(default_factory=list)
    must_stop: int = 0
    stopped: int = 0
    seconds_to_stop: list[float] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    past: bool = False

    @property
    def timed(self) -> list[Seen]:
        """The findings of which it can be said how soon they came."""
        return [] if self.past else self.matched

    @property
    def passed(self) -> bool:
        """Whether everything injected was found, nothing else, and who had to stop did."""
        return not (self.missing or self.unexpected or self.trouble) and self.stopped == self.must_stop


NOBODY: Final = "(no scenario)"
"""Where findings stand about sessions that the fleet did not play."""


def compare(entries: Iterable[Entry], of_agents: Iterable[AgentExpectation], seen: Iterable[Seen]) -> dict[str, Tally]:
    """Puts every finding to the scenario that it belongs to, and says what is missing and what is too much.

    Args:
        entries: the sessions that were played.
        of_agents: what must be found over all sessions of scenarios.
        seen: what was found about these sessions and agents.
    """
    entries = list(entries)
    open_ones = [one for one in seen if not one.resolved]
    tallies: dict[str, Tally] = {}
    by_session: dict[str | None, list[Seen]] = {}
    for one in open_ones:
        by_session.setdefault(one.session_id, []).append(one)
    for entry in entries:
        tally = tallies.setdefault(entry.scenario, Tally(entry.scenario))
        _session(tally, entry, by_session.pop(entry.session_id, []))
    about_agents = by_session.pop(None, [])
    for stray in (one for some in by_session.values() for one in some):
        tallies.setdefault(NOBODY, Tally(NOBODY)).unexpected.append(stray)
    for expected in of_agents:
        tally = tallies.setdefault(expected.scenario, Tally(expected.scenario))
        agents = {expected.agent, *(entry.agent for entry in entries if entry.scenario == expected.scenario)}
        here = [one for one in about_agents if one.agent_id in agents]
        rest = _match(tally, expected.agent, "", (expected.expectation,), [*tally.unexpected, *here])
        tally.unexpected = [one for one in tally.unexpected if one in rest]
        about_agents = [one for one in about_agents if one not in here or one in rest]
    for one in about_agents:
        if not is_true_of_agent(one, entries):
            _tally_of_agent(tallies, one, entries).unexpected.append(one)
    return tallies


def is_true_of_agent(seen: Seen, entries: Sequence[Entry]) -> bool:
    """Whether a finding about an agent follows from what was injected into its sessions.

    Scenarios chosen one by one can make an agent hit its caps more often than its policy allows, undeclared.
    """
    if seen.kind != "capped_share":
        return False
    own = [entry for entry in entries if entry.agent == seen.agent_id]
    capped = [entry for entry in own if any(_is_breach(one, seen.evidence.get("cap")) for one in entry.expected)]
    return bool(own) and len(capped) / len(own) > float(seen.evidence.get("limit", 1.0))


def matches(expectation: Expectation, seen: Seen) -> bool:
    """Whether a finding is of the kind that was expected."""
    return (
        seen.failure_mode == expectation.failure_mode
        and seen.kind == expectation.kind
        and expectation.severity in {None, seen.severity}
        and all(_agrees(value, seen.evidence.get(name)) for name, value in expectation.evidence.items())
    )


def _agrees(expected: Any, got: Any) -> bool:
    return list(expected) == list(got or ()) if isinstance(expected, (list, tuple)) else bool(expected == got)


def _is_breach(expectation: Expectation, cap: Any) -> bool:
    return expectation.kind == "cap_use" and expectation.severity != "low" and expectation.evidence.get("cap") == cap


def _session(tally: Tally, entry: Entry, seen: list[Seen]) -> None:
    tally.sessions += 1
    tally.past = entry.past
    tally.unexpected += _match(tally, entry.agent, entry.session_id, entry.expected, seen)
    if entry.trouble:
        tally.trouble.append(f"{entry.session_id}: {entry.trouble}")
    if entry.must_stop:
        tally.must_stop += 1
        if entry.stopped_us is not None:
            tally.stopped += 1
            crossed = [one for one in seen if one.severity in {"high", "critical"}]
            if crossed:
                first_us = min(to_us(one.last_event_at) for one in crossed)
                tally.seconds_to_stop.append((entry.stopped_us - first_us) / 1_000_000)
    elif entry.stopped_us is not None:
        tally.trouble.append(f"{entry.session_id}: was stopped, and should not have been")


def _match(
    tally: Tally, agent: str, session_id: str, expected: Sequence[Expectation], seen: Sequence[Seen]
) -> list[Seen]:
    """Matches findings with what was expected; answers those that nobody expected."""
    rest = list(seen)
    for expectation in expected:
        fitting = [one for one in rest if matches(expectation, one)][: expectation.times]
        rest = [one for one in rest if one not in fitting]
        tally.matched += fitting
        if expectation.optional:
            continue
        tally.injected += expectation.times
        tally.found += len(fitting)
        tally.found_of[expectation.failure_mode] = tally.found_of.get(expectation.failure_mode, 0) + len(fitting)
        if len(fitting) < expectation.times:
            tally.missing.append(Missing(agent, session_id, expectation, expectation.times - len(fitting)))
    return rest


def _tally_of_agent(tallies: dict[str, Tally], seen: Seen, entries: Sequence[Entry]) -> Tally:
    scenario = next((entry.scenario for entry in entries if entry.agent == seen.agent_id), NOBODY)
    return tallies.setdefault(scenario, Tally(scenario))
