"""Findings of `cascading_approval`: what is wrong with a delegation or a call, in words and as evidence."""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.evidence.cascading_approval import (
    ActionBeyondGrant,
    ActionFault,
    BrokenDelegation,
    DelegationFault,
    GrantHop,
)
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.model import from_us
from watchkeeper.stream_processors.detection.delegation_faults import ActionVerdict, Fault
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.grant_tree import Chain, Handed

MAX_LISTED = 8

_DELEGATION: Final[dict[DelegationFault, str]] = {
    "amplified": "with scopes that it neither has nor may hand on",
    "not_delegable": "with scopes that it has for itself alone",
    "widened": "with constraints looser than its own",
    "outlives": "for longer than its own grant lasts",
    "expired": "after its own grant had expired",
    "revoked": "after its own grant had been revoked",
    "missing_parent": "on a grant that nobody gave",
    "foreign_parent": "on a grant that another holds",
    "forged": "on a grant that is not what was published under its name",
    "too_deep": "over more hops than the policy allows",
    "ungranted": "without the grant that the policy asks for",
    "not_entitled": "on the word of somebody who may not grant",
}

_ACTION: Final[dict[ActionFault, str]] = {
    "beyond_scope": "its grant does not cover that",
    "not_inherited": "a grant that its own derives from does not pass that on",
    "expired": "its grant had expired",
    "revoked": "its grant had been revoked",
    "ungranted": "nobody granted it, though the policy asks for a grant",
}


def of_delegation(one: Handed, fault: Fault, severity: Severity) -> Found:
    """The finding; resolved where the delegation says that the fault stands no more."""
    revision, stands = one["told"][fault.reason]
    summary = f"{one['agent']} delegated to {one['child_agent']} {_DELEGATION[fault.reason]}"
    return Found(
        about=("delegation", one["event"], fault.reason),
        severity=severity,
        summary=f"{summary}." if stands else f"{summary}; taken back: what was missing has come.",
        evidence=BrokenDelegation(
            reason=fault.reason,
            delegation_id=one["id"],
            grant_id=one["grant"],
            parent_grant_id=one["parent"],
            granted_by=one["by"],
            from_session=one["session"],
            from_agent=one["agent"],
            to_session=one["child"],
            to_agent=one["child_agent"],
            exceeding=fault.exceeding[:MAX_LISTED],
            allowed=fault.allowed[:MAX_LISTED],
            ended_at=None if fault.ended_us is None else from_us(fault.ended_us),
            depth=fault.depth,
            max_depth=fault.max_depth,
            chain=_hops(fault.chain),
        ),
        first_event_id=one["event"],
        first_us=one["at_us"],
        revision=revision,
        status="open" if stands else "resolved",
        session_id=one["session"],
        agent_id=one["agent"],
    )


def of_action(
    *,
    about: tuple[str | int, ...],
    reason: ActionFault,
    verdict: ActionVerdict,
    call: tuple[str, str, str, float | None],
    session: str,
    agent: str,
    event: tuple[str, int],
    revision: int,
    resolved: bool,
) -> Found:
    """The finding about a call.

    Args:
        about: its identity.
        reason: what is, or was, wrong.
        verdict: what is known of it now.
        call: tool, call id, scope and amount.
        session: the session that called.
        agent: its agent.
        agent: its agent.
        event: the call's event and its time.
        revision: of the finding.
        resolved: whether it is taken back.
    """
    tool, call_id, scope, amount = call
    summary = f"A session to which work was delegated called {tool}, which needs {scope}: {_ACTION[reason]}"
    return Found(
        about=about,
        severity="high",
        summary=f"{summary}; taken back: it was refused or is covered after all." if resolved else f"{summary}.",
        evidence=ActionBeyondGrant(
            reason=reason,
            tool_name=tool,
            tool_call_id=call_id,
            scope=scope,
            amount=amount,
            ended_at=None if verdict.ended_us is None else from_us(verdict.ended_us),
            chain=_hops(verdict.chain),
        ),
        first_event_id=event[0],
        first_us=event[1],
        revision=revision,
        status="resolved" if resolved else "open",
        session_id=session,
        agent_id=agent,
    )


def _hops(chain: Chain) -> list[GrantHop]:
    return [
        GrantHop(
            grant_id=hop.grant_id,
            granted_by=hop.by,
            session_id=hop.session,
            agent_id=hop.agent,
            scope=hop.scope[:MAX_LISTED],
            delegable=hop.delegable[:MAX_LISTED],
            expires_at=None if hop.expires_us is None else from_us(hop.expires_us),
        )
        for hop in chain[:MAX_LISTED]
    ]
