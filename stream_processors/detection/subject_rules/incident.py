"""Failures that compound: findings of several modes in one session, or in the sessions of one delegation tree.

What it sees. Of each session, the first findings of each mode with at least medium severity, and what became of them
(`FindingTold`); what rules of stage 2 find about the tree itself (`cascading_approval`). Two different modes, about
different events, whose failures began within a window are one incident: a call of a tool that does not exist, then
tools that the goal does not explain, then the cap on cost, then a lost trace. It names the first of them, in the order
in which they began; at the same moment the session that delegated comes before those below it. It is told again
(`revision`) when a mode or a session joins, when it grows more severe, when an earlier cause shows, and when its
findings have doubled; taken back when so many of them were that fewer than two modes are left.

Its severity is that of its worst finding, one step above where it has three modes or more, or more than one session.

One mode many times is no incident, nor are two modes that tell of the same events: a call may break two rules at once,
and one rule may tell of a call what another tells of the text that led to it.

Method. The findings of one tree in a bounded list; one that began more than the window after the latest opens the next
incident. Sessions are not heard in the order of their times, so the incident before is kept too, and what began then
still joins it; what began earlier than both is left out. Everything follows from the lists, so that the order in which
findings are heard does not matter to what stands in the end, as long as they fit.

Parameters: `incident_window_seconds` of the session's policy, 3600 (ten times what field reports let a
session run: what follows a failure later than that has most likely another cause), `MAX_FINDINGS` 24.

What it gets wrong. That one thing follows another does not make it its consequence: the first is where to look first.
Clocks of sessions on different machines may differ by more than lies between two failures. Findings about other
subjects (an agent's share, a tool's health, a resource that two sessions wrote) do not join. Of each kind a session
tells three findings: later ones are in none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import TypedDict

from watchkeeper.schemas.evidence.incident import Compounded, IncidentStep
from watchkeeper.schemas.failure_modes import SEVERITIES, FailureMode, Severity
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.signals import FindingTold, Signal, name_of
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.finding_told import is_told
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

MAX_FINDINGS = 24
MAX_STEPS = 16
"""Listed in the evidence; the rest is counted."""

_MAX_DEPTH = 32
_WORST = len(SEVERITIES) - 1


class Member(TypedDict):
    """A finding in its latest revision, as the tree keeps it.

    Attributes:
        events: its first and its last.
        rank: its severity's.
    """

    id: str
    mode: FailureMode
    kind: str
    session: str
    parent: str
    agent: str
    events: list[str]
    us: int
    rank: int
    is_open: bool
    revision: int


class Chain(TypedDict):
    """An incident, or what may become one.

    Attributes:
        members: its findings.
        number: counts the tree's incidents.
        revision: of what was told; -1 before.
        shown: what was told, in short; "" where nothing is, or it was taken back.
        most: findings that it had when it was told.
        left_out: findings that there was no room for.
    """

    members: list[Member]
    number: int
    revision: int
    shown: str
    most: int
    left_out: int


@dataclass(slots=True)
class IncidentsState:
    """One tree.

    Attributes:
        chains: the latest incident, and the one before it first.
        window_us: by the policy of the session that told last.
    """

    chains: list[Chain] = field(default_factory=list)
    window_us: int = 3_600_000_000


class Incidents(SubjectRule[IncidentsState]):
    """See the module."""

    rule_id = "incident"
    rule_version = 3
    state_version = 3
    failure_mode = "incident"
    listens = frozenset({"finding_told"})
    state_type = IncidentsState

    def fold(self, state: IncidentsState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, FindingTold):
            return ()
        state.window_us = round(signal.window_seconds * 1_000_000)
        member = Member(
            id=signal.finding_id,
            mode=signal.failure_mode,
            kind=signal.finding_kind,
            session=signal.session_id,
            parent=signal.parent_session_id,
            agent=signal.agent_id,
            events=[signal.first_event_id, signal.last_event_id],
            us=to_us(signal.first_event_at),
            rank=SEVERITIES.index(signal.severity),
            is_open=signal.status == "open",
            revision=signal.revision,
        )
        return _join(state, member, signal)

    def hear(self, state: IncidentsState, finding: Finding, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.hear`."""
        if not signal.subject.startswith("tree:"):
            return ()
        if not is_told(finding) and _chain_of(state, finding.finding_id) is None:
            return ()
        member = Member(
            id=finding.finding_id,
            mode=finding.failure_mode,
            kind=finding.kind,
            session=finding.session_id or name_of(signal.subject),
            parent="",
            agent=finding.agent_id,
            events=[finding.first_event_id or "", finding.last_event_id or ""],
            us=to_us(finding.first_event_at),
            rank=SEVERITIES.index(finding.severity),
            is_open=finding.status == "open",
            revision=finding.revision,
        )
        return _join(state, member, signal)


def _chain_of(state: IncidentsState, finding_id: str) -> Chain | None:
    return next((chain for chain in state.chains if any(one["id"] == finding_id for one in chain["members"])), None)


def _join(state: IncidentsState, member: Member, signal: Signal) -> Iterable[Found]:
    chain = _chain_of(state, member["id"])
    if chain is not None:
        known = next(one for one in chain["members"] if one["id"] == member["id"])
        # What a tick found is told again after a crash, perhaps when more is known of it.
        if member["revision"] <= known["revision"]:
            return ()
        known["rank"], known["is_open"], known["revision"] = member["rank"], member["is_open"], member["revision"]
    elif not member["is_open"]:
        return ()
    else:
        chain = _fitting(state, member["us"])
        if chain is None or not _has_room(chain, member):
            return ()
        chain["members"].append(member)
    return _judge(chain, signal)


def _fitting(state: IncidentsState, us: int) -> Chain | None:
    """The incident that a moment belongs to, the next one where it comes much later; None where it is too old."""
    for chain in state.chains:
        times = [one["us"] for one in chain["members"]]
        if us <= max(times) + state.window_us:
            return chain if us >= min(times) - state.window_us else None
    number = state.chains[-1]["number"] + 1 if state.chains else 0
    chain = Chain(members=[], number=number, revision=-1, shown="", most=0, left_out=0)
    state.chains = [*state.chains[-1:], chain]
    return chain


def _has_room(chain: Chain, member: Member) -> bool:
    """Whether the finding belongs to what is kept; makes room for it."""
    members = chain["members"]
    if len(members) < MAX_FINDINGS:
        return True
    chain["left_out"] += 1
    alike = [one for one in members if one["mode"] == member["mode"]]
    if any(one["session"] == member["session"] for one in alike):
        return False
    # A mode, or a session, that is new takes the place of the latest finding of the mode that has most.
    modes = [one["mode"] for one in members]
    common = max(dict.fromkeys(modes), key=modes.count)
    members.remove(max((one for one in members if one["mode"] == common), key=lambda one: one["us"]))
    return True


def _judge(chain: Chain, signal: Signal) -> Iterable[Found]:
    standing = _ordered([one for one in chain["members"] if one["is_open"]])
    if not _compounds(standing):
        if not chain["shown"]:
            return ()
        chain["shown"] = ""
        chain["revision"] += 1
        return [_found(chain, _ordered(chain["members"]), signal, resolved=True)]
    modes = dict.fromkeys(one["mode"] for one in standing)
    sessions = dict.fromkeys(one["session"] for one in standing)
    shown = f"{_severity(standing)} {standing[0]['id']} {len(modes)} {len(sessions)}"
    if shown == chain["shown"] and len(standing) < 2 * chain["most"]:
        return ()
    chain["shown"], chain["most"] = shown, len(standing)
    chain["revision"] += 1
    return [_found(chain, standing, signal, resolved=False)]


def _compounds(standing: list[Member]) -> bool:
    """Whether there are two modes, each of which tells of an event that the other does not tell of."""
    events: dict[str, set[str]] = {}
    for one in standing:
        # A finding that no event is to blame for is like no other.
        events.setdefault(one["mode"], set()).update([event for event in one["events"] if event] or [one["id"]])
    return any(one - other and other - one for one, other in combinations(events.values(), 2))


def _ordered(members: list[Member]) -> list[Member]:
    parents = {one["session"]: one["parent"] for one in members if one["parent"]}

    def depth(session: str) -> int:
        for above in range(_MAX_DEPTH):
            if session not in parents:
                return above
            session = parents[session]
        return _MAX_DEPTH

    return sorted(members, key=lambda one: (one["us"], depth(one["session"]), one["session"], one["id"]))


def _severity(members: list[Member]) -> Severity:
    rank = max(one["rank"] for one in members)
    spreads = len({one["mode"] for one in members}) >= 3 or len({one["session"] for one in members}) >= 2
    return SEVERITIES[min(_WORST, rank + spreads)]


def _found(chain: Chain, members: list[Member], signal: Signal, *, resolved: bool) -> Found:
    first = members[0]
    modes = list(dict.fromkeys(one["mode"] for one in members))
    sessions = list(dict.fromkeys(one["session"] for one in members))
    where = "one session" if len(sessions) == 1 else f"{len(sessions)} sessions"
    summary = f"Failures compound in {where}: {', '.join(modes)}. It began with {first['mode']} in {first['session']}"
    return Found(
        about=("incident", chain["number"]),
        severity=_severity(members),
        summary=f"{summary}; taken back: too few of them stand." if resolved else f"{summary}.",
        evidence=Compounded(
            first_cause=first["mode"],
            first_session=first["session"],
            steps=[
                IncidentStep(
                    failure_mode=one["mode"],
                    finding_kind=one["kind"],
                    finding_id=one["id"],
                    session_id=one["session"],
                    severity=SEVERITIES[one["rank"]],
                    after_seconds=(one["us"] - first["us"]) / 1_000_000,
                )
                for one in members[:MAX_STEPS]
            ],
            modes=modes,
            sessions=sessions,
            more=max(0, len(members) - MAX_STEPS) + chain["left_out"],
        ),
        first_event_id=first["events"][0] or None,
        first_us=first["us"],
        revision=chain["revision"],
        status="resolved" if resolved else "open",
        session_id=name_of(signal.subject),
        agent_id=first["agent"],
    )
