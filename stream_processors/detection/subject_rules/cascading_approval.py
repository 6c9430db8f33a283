"""Authority that does not narrow on its way from agent to agent.

What it sees. The delegations of one tree of sessions (`Delegated`), the grants that were published on `agent.grants`,
and calls of tools that need a scope by sessions to which work was delegated (`ScopedAction`).

- A delegation (`broken_delegation`) with a scope that its giver has neither for itself nor to hand on (`amplified`,
  high) or only for itself (`not_delegable`, medium); with a constraint looser than the giver's (`widened`, high); that
  ends after the giver's grant (`outlives`, medium); by a giver whose authority had ended (`expired`, `revoked`, high);
  that derives from a grant which nobody gave (`missing_parent`, high), or which another holds (`foreign_parent`, high);
  that says more than the published grant of its name, or whose signature does not hold (`forged`, critical).
- By policy (`delegation`): more hops than `max_depth` (`too_deep`, medium), none of the grants that are required
  (`ungranted`, medium), a root granted by somebody who may not (`not_entitled`, high).
- A call (`action_beyond_grant`, high) that the session's own grant does not cover (`beyond_scope`), or one that a grant
  further up does not pass on (`not_inherited`); after the authority ended (`expired`, `revoked`); without any, where
  the policy asks for it (`ungranted`). What was refused before it ran is taken back.

Without a policy, delegations that name scopes, constraints or ends are held to those of their givers: a grant says
itself what it allows. Delegations that name nothing are not judged, unless the policy requires grants.

Method. Delegations and grants form a graph (`grant_tree`); each delegation is held to the nearest grant above it that
says anything, each call to every grant back to the root. That one scope lies within another is decided exactly
(`schemas.scopes`). What a grant leaves out (constraints, an end) it inherits. Time is that of the delegation or the
call: a grant revoked later was good then. Sessions are read in parallel, so a delegation may be heard of after what
rests on it: what is wrong for want of it is told only when the tree has gone on for `grace_seconds`, or the session
that needs it has ended; whatever a later delegation explains is taken back (`resolved`).

Parameters: `grace_seconds` 60 (a worker that is a minute behind on one partition is behind by a lot); from the policy
`delegation` and `tools[name].scope`. The book of published grants is handed in.

What it gets wrong. A tree in which nobody names scopes hides everything. Who delegates `*` at the root has declared
nothing that could be exceeded. Agents are who they say they are: a grant's holder is its session, or any session of
the same agent in the tree. A grant published after the delegation that it explains is found at the tree's next
signal, and not at all where none follows. A host that does not record delegations leaves sessions that no one
delegated to; without `require_grants` their calls are not judged. Constraints are compared with one another, not with
what calls do; limits on amounts belong into scopes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypedDict

from watchkeeper.schemas.evidence.cascading_approval import ActionFault, DelegationFault
from watchkeeper.schemas.evidence.unjudged import Unjudged
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.signals import Delegated, ScopedAction, Signal, TreeLeft
from watchkeeper.stream_processors.detection.delegation_faults import ActionVerdict, Fault, action_verdict, faults
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.grant_book import GrantBook
from watchkeeper.stream_processors.detection.grant_tree import GrantTree, Handed, handed
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule
from watchkeeper.stream_processors.detection.subject_rules.authority_findings import (
    of_action,
    of_delegation,
)

MAX_DELEGATIONS = 64
MAX_TEXT = 32_768
"""Delegations of a tree that are kept, and characters of their scopes and constraints together."""

MAX_ACTIONS = 32
"""Calls that wait for a delegation, or whose finding may still be taken back; beyond it the oldest are let go."""

_BEYOND: Final = f"the tree has more than {MAX_DELEGATIONS} delegations, or their scopes are too long to be kept"
_AMOUNT: Final = "a limited grant covers a call whose amount is not known: give the tool's policy scope_amount"
_SCOPES: Final = "a delegation names more scopes, or more constraints, than are compared"
_UNSIGNED: Final = "the policy asks for signed grants and the worker has no key to verify them"


class Acted(TypedDict):
    """A call as the tree keeps it: one that waits, or one that was found wrong.

    Attributes:
        reason: what was told; "" where nothing was.
        required: whether the policy requires grants.
    """

    event: str
    session: str
    agent: str
    tool: str
    call: str
    scope: str
    amount: float | None
    at_us: int
    required: bool
    left: bool
    reason: str
    revision: int


@dataclass(slots=True)
class CascadingApprovalState:
    """One tree.

    Attributes:
        delegations: in the order in which they were heard of.
        actions: see `Acted`.
        latest_us: the latest time of a signal.
        characters: of the scopes and constraints that are kept.
        overflow: whether delegations were left out.
        restless: whether some delegation waits, or was told and may be taken back: time alone may change that.
        unjudged: what was told as not judged.
    """

    delegations: list[Handed] = field(default_factory=list)
    actions: list[Acted] = field(default_factory=list)
    latest_us: int = 0
    characters: int = 0
    overflow: bool = False
    restless: bool = False
    unjudged: list[str] = field(default_factory=list)


class CascadingApproval(SubjectRule[CascadingApprovalState]):
    """See the module.

    Args:
        book: the published grants; none, if None.
        grace_seconds: see the module.
    """

    rule_id = "cascading_approval"
    failure_mode = "cascading_approval"
    listens = frozenset({"delegated", "scoped_action", "tree_left"})
    state_type = CascadingApprovalState

    def __init__(self, book: GrantBook | None = None, *, grace_seconds: float = 60.0) -> None:
        self._book = GrantBook() if book is None else book
        self._grace_us = round(grace_seconds * 1_000_000)

    def fold(self, state: CascadingApprovalState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        state.latest_us = max(state.latest_us, to_us(signal.occurred_at))
        tree = GrantTree(signal.tenant_id, state.delegations, self._book)
        if isinstance(signal, Delegated):
            found = [*_take(state, signal), *self._all_delegations(state, tree), *self._all_actions(state, tree)]
            if signal.rules.signed_grants and not self._book.verifies:
                found += _unjudged(state, "unsigned", _UNSIGNED)
            return found
        if isinstance(signal, ScopedAction):
            acted = _refused(state, signal) if signal.refused else list(self._act(state, signal, tree))
            return [*acted, *self._overdue(state, tree)] if state.restless or state.actions else acted
        if isinstance(signal, TreeLeft):
            for one in (*state.delegations, *state.actions):
                if one["session"] == signal.session_id:
                    one["left"] = True
            return list(self._overdue(state, tree))
        return ()

    def _overdue(self, state: CascadingApprovalState, tree: GrantTree) -> Iterator[Found]:
        """Looks again at what waits, or was told: time has passed, and grants may have been published."""
        yield from self._all_delegations(state, tree)
        yield from self._all_actions(state, tree)

    def _all_delegations(self, state: CascadingApprovalState, tree: GrantTree) -> Iterator[Found]:
        state.restless = False
        for one in state.delegations:
            standing = {fault.reason: fault for fault in faults(one, tree)}
            for reason, fault in standing.items():
                before = one["told"].get(reason)
                if before is not None and before[1]:
                    continue
                if fault.waits and (state.overflow or not self._is_over(state, one)):
                    continue
                one["told"][reason] = [0 if before is None else before[0] + 1, 1]
                yield of_delegation(one, fault, _SEVERITIES[reason])
            state.restless = state.restless or bool(standing)
            for reason, told in one["told"].items():
                if told[1] and reason not in standing:
                    told[:] = [told[0] + 1, 0]
                    yield of_delegation(one, Fault(reason), _SEVERITIES[reason])

    def _act(self, state: CascadingApprovalState, signal: ScopedAction, tree: GrantTree) -> Iterator[Found]:
        if any(known["event"] == signal.event_id for known in state.actions):
            return
        one = Acted(
            event=signal.event_id,
            session=signal.session_id,
            agent=signal.agent_id,
            tool=signal.tool_name,
            call=signal.tool_call_id,
            scope=signal.scope,
            amount=signal.amount,
            at_us=to_us(signal.occurred_at),
            required=signal.rules.require_grants,
            left=False,
            reason="",
            revision=-1,
        )
        yield from self._judge(state, one, tree)
        if one["reason"] or self._waits(state, one, tree):
            state.actions.append(one)
            del state.actions[:-MAX_ACTIONS]

    def _all_actions(self, state: CascadingApprovalState, tree: GrantTree) -> Iterator[Found]:
        for one in tuple(state.actions):
            yield from self._judge(state, one, tree)
            if not one["reason"] and not self._waits(state, one, tree):
                state.actions.remove(one)

    def _judge(self, state: CascadingApprovalState, one: Acted, tree: GrantTree) -> Iterator[Found]:
        verdict = _verdict(one, tree)
        if verdict.unknown:
            yield from _unjudged(state, "amount", _AMOUNT)
        if verdict.waits and (state.overflow or not self._is_over(state, one)):
            return
        if (verdict.reason is not None) == bool(one["reason"]):
            return
        one["revision"] += 1
        told: ActionFault = verdict.reason or one["reason"]  # type: ignore[assignment] # it was a reason when told
        one["reason"] = verdict.reason or ""
        yield _found_action(one, told, verdict)

    def _waits(self, state: CascadingApprovalState, one: Acted, tree: GrantTree) -> bool:
        return _verdict(one, tree).waits and not self._is_over(state, one)

    def _is_over(self, state: CascadingApprovalState, one: Handed | Acted) -> bool:
        return one["left"] or state.latest_us - one["at_us"] >= self._grace_us


_SEVERITIES: Final[dict[DelegationFault, Severity]] = {
    "amplified": "high",
    "not_delegable": "medium",
    "widened": "high",
    "outlives": "medium",
    "expired": "high",
    "revoked": "high",
    "missing_parent": "high",
    "foreign_parent": "high",
    "forged": "critical",
    "too_deep": "medium",
    "ungranted": "medium",
    "not_entitled": "high",
}


def _take(state: CascadingApprovalState, signal: Delegated) -> Iterable[Found]:
    if any(known["event"] == signal.event_id for known in state.delegations):
        return ()
    one = handed(signal)
    size = sum(map(len, [*one["scope"], *one["delegable"]])) + len(str(one["constraints"]))
    if len(state.delegations) >= MAX_DELEGATIONS or state.characters + size > MAX_TEXT:
        state.overflow = True
        return _unjudged(state, "overflow", _BEYOND)
    state.delegations.append(one)
    state.characters += size
    return _unjudged(state, "scopes", _SCOPES) if signal.more_scopes or signal.constraints is None else ()


def _refused(state: CascadingApprovalState, signal: ScopedAction) -> list[Found]:
    for one in state.actions:
        if one["event"] == signal.event_id:
            state.actions.remove(one)
            if not one["reason"]:
                return []
            one["revision"] += 1
            reason: ActionFault = one["reason"]  # type: ignore[assignment] # it was a reason when told
            one["reason"] = ""
            return [_found_action(one, reason, ActionVerdict())]
    return []


def _verdict(one: Acted, tree: GrantTree) -> ActionVerdict:
    chains = [tree.chain(held) for held in tree.held_by(one["session"])]
    return action_verdict(one["scope"], one["amount"], one["at_us"], chains, required=one["required"])


def _found_action(one: Acted, reason: ActionFault, verdict: ActionVerdict) -> Found:
    return of_action(
        about=("action", one["event"]),
        reason=reason,
        verdict=verdict,
        call=(one["tool"], one["call"], one["scope"], one["amount"]),
        session=one["session"],
        agent=one["agent"],
        event=(one["event"], one["at_us"]),
        revision=one["revision"],
        resolved=not one["reason"],
    )


def _unjudged(state: CascadingApprovalState, about: str, reason: str) -> list[Found]:
    if about in state.unjudged:
        return []
    state.unjudged.append(about)
    return [
        Found(
            about=("unjudged", about),
            severity="low",
            summary=f"Authority in this tree could not all be judged: {reason}.",
            evidence=Unjudged(detector=CascadingApproval.rule_id, reason=reason),
        )
    ]
