"""The approvals of a session, and the calls that lacked one: the state of `unapproved_action`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypedDict

from watchkeeper.schemas.events import Approval
from watchkeeper.schemas.evidence import UnapprovedAction
from watchkeeper.schemas.evidence.unapproved_action import Outcome, Unapproved
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.stream_processors.detection.approvals import Given, Shortfall, take_in
from watchkeeper.stream_processors.detection.argument_leaves import Leaf
from watchkeeper.stream_processors.detection.detector import Found

MAX_GIVEN = 12
"""Approvals remembered. Those that can cover nothing any more go first."""

MAX_WATCHED = 4
"""Calls without approval that are watched: those that run, and those that were found and may be approved late."""

_WORDS: dict[str, str] = {
    "nobody_asked": "nobody was asked for approval",
    "not_answered": "the answer was not waited for",
    "denied": "it had been denied",
    "expired": "the approval had expired",
    "by_the_agent": "the agent approved itself",
    "not_entitled": "the approver is not among those whom the policy names",
    "beyond_its_limits": "it is beyond the limits of its approval",
    "used_before": "its approval had been used by another call",
    "after_the_fact": "approval was given only afterwards",
}
_SEVERITIES: dict[str, Severity] = {"denied": "critical", "by_the_agent": "critical", "after_the_fact": "medium"}


class Watched(TypedDict):
    """A call that needs approval and was made without.

    Attributes:
        over: whether its result is there.
        revision: of what was told, -1 before.
        reason: that was told.
    """

    call: str
    id: str
    tool: str
    event: str
    us: int
    leaves: dict[str, Leaf]
    agents: list[str]
    path: str
    got: str
    above: float | None
    over: bool
    outcome: Outcome
    revision: int
    reason: Unapproved | Literal[""]


@dataclass(slots=True)
class Ledger:
    """What is kept between events.

    Attributes:
        given: approvals asked for, given or refused, in the order of their first word.
        watched: calls that lack one, oldest first.
        forgotten: approvals that might still have covered something and had to make room.
        unjudged: what was told as not judged.
    """

    given: list[Given] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)
    forgotten: int = 0
    unjudged: list[str] = field(default_factory=list)


def take_approval(ledger: Ledger, event: Approval) -> Given:
    """Takes in a word on an approval."""
    known = next((one for one in ledger.given if one["id"] == event.data.approval_id), None)
    given = take_in(known, event)
    if known is None:
        ledger.given.append(given)
        if len(ledger.given) > MAX_GIVEN:
            _make_room(ledger)
    return given


def watch(ledger: Ledger, watched: Watched) -> None:
    """Watches a call."""
    ledger.watched.append(watched)
    if len(ledger.watched) > MAX_WATCHED:
        found = next((one for one in ledger.watched if one["over"]), ledger.watched[0])
        ledger.watched.remove(found)


def release(ledger: Ledger, call: str) -> None:
    """Sets free what a call used that did not happen."""
    for one in ledger.given:
        if call in one["by"]:
            one["by"].remove(call)
            return


def found_of(watched: Watched, shortfall: Shortfall | None, why: str = "") -> Found:
    """The finding about a watched call; taken back where nothing is wrong any more, for the reason `why`."""
    given = shortfall.given if shortfall is not None else None
    reason = shortfall.reason if shortfall is not None else watched["reason"] or "nobody_asked"
    amount = f" ({watched['got']}, above {watched['above']:g})" if watched["above"] is not None else ""
    text = f"The agent called {watched['tool']}{amount} without the approval it needs: {_WORDS[reason]}"
    return Found(
        about=(watched["event"],),
        severity=_SEVERITIES.get(reason, "high"),
        summary=f"{text}." if shortfall is not None else f"{text}; taken back: {why}.",
        evidence=UnapprovedAction(
            tool_name=watched["tool"],
            tool_call_id=watched["id"],
            reason=reason,
            path=watched["path"],
            got=watched["got"],
            above=watched["above"],
            approval_id=given["id"] if given is not None else "",
            approver=given["approver"] if given is not None else "",
            limit=shortfall.limit if shortfall is not None else "",
            outcome=watched["outcome"],
        ),
        first_event_id=watched["event"],
        first_us=watched["us"],
        revision=watched["revision"] + (shortfall is None),
        status="open" if shortfall is not None else "resolved",
    )


def _make_room(ledger: Ledger) -> None:
    spent = (one for one in ledger.given if one["status"] != "requested" and len(one["by"]) >= one["uses"])
    gone = next(spent, None) or next((one for one in ledger.given if one["status"] == "expired"), None)
    if gone is None:
        gone = ledger.given[0]
        ledger.forgotten += 1
    ledger.given.remove(gone)
