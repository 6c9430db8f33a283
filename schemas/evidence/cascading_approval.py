"""Evidence of `cascading_approval`: authority that grew, ran out or was made up on its way down."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model, Moment

DelegationFault: TypeAlias = Literal[
    "amplified",
    "not_delegable",
    "widened",
    "outlives",
    "expired",
    "revoked",
    "missing_parent",
    "foreign_parent",
    "forged",
    "too_deep",
    "ungranted",
    "not_entitled",
]

ActionFault: TypeAlias = Literal["beyond_scope", "not_inherited", "expired", "revoked", "ungranted"]


class GrantHop(Model):
    """One grant of a chain.

    Attributes:
        session_id: the session that holds it; empty for one that stands on `agent.grants` alone.
        scope: what its holder may do; at most eight are listed.
        delegable: what its holder may hand on; at most eight are listed.
    """

    grant_id: str
    granted_by: str = ""
    session_id: str = ""
    agent_id: str = ""
    scope: list[str] = []
    delegable: list[str] = []
    expires_at: Moment | None = None


class BrokenDelegation(Model):
    """A delegation that hands on what its giver did not have to give.

    Attributes:
        reason: `amplified`: a scope that the giver neither has nor may hand on; `not_delegable`: one that it has for
            itself alone; `widened`: a constraint looser than the giver's; `outlives`: it ends after the giver's;
            `expired`, `revoked`: the giver's authority had ended; `missing_parent`: it derives from a grant that
            nobody gave; `foreign_parent`: from one that another holds; `forged`: it says more than the grant of that
            name on `agent.grants`, or that one's signature does not hold; `too_deep`: more hops than the policy
            allows; `ungranted`: it names no grant or no scope where the policy asks for both; `not_entitled`: who
            granted it is not among those who may.
        exceeding: the scopes, or the names of the constraints, that are beyond.
        allowed: what might have been handed on.
        ended_at: when the giver's authority ended.
        chain: the grants that it derives from, the nearest first.
    """

    kind: Literal["broken_delegation"] = "broken_delegation"
    reason: DelegationFault
    delegation_id: str
    grant_id: str
    parent_grant_id: str
    granted_by: str = ""
    from_session: str
    from_agent: str
    to_session: str
    to_agent: str
    exceeding: list[str] = []
    allowed: list[str] = []
    ended_at: Moment | None = None
    depth: Count | None = None
    max_depth: Count | None = None
    chain: list[GrantHop] = []


class ActionBeyondGrant(Model):
    """A tool call by a session to which work was delegated, beyond the authority that was delegated with it.

    Attributes:
        reason: `beyond_scope`: the session's own grant does not cover it; `not_inherited`: its grant does, and one
            further up may not be handed on so far; `expired`, `revoked`: it had ended; `ungranted`: there is none,
            where the policy asks for one.
        scope: what the call needs, by its tool's policy.
        amount: of the call, where the policy names the argument.
        ended_at: when the authority ended.
        chain: the grants of the session, the nearest first.
    """

    kind: Literal["action_beyond_grant"] = "action_beyond_grant"
    reason: ActionFault
    tool_name: str
    tool_call_id: str
    scope: str
    amount: float | None = None
    ended_at: Moment | None = None
    chain: list[GrantHop] = []
