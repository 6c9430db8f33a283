"""Work, and authority, that sessions hand to one another."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from watchkeeper.schemas.model import Moment, Name
from watchkeeper.schemas.policy_delegation import DelegationRules
from watchkeeper.schemas.signals.base import SignalBase


class Delegated(SignalBase):
    """A session handed work, and authority, to another; see `DelegationData`.

    Attributes:
        event_id: the delegation's event.
        is_first: whether the session that delegates is the first of its tree.
        constraints: with all that may be personal in them replaced by names; None where they are too many.
        more_scopes: scopes beyond those listed.
        rules: what the policy of the session that delegates asks of it.
    """

    kind: Literal["delegated"] = "delegated"
    event_id: Name
    is_first: bool
    delegation_id: Name
    child_session_id: Name
    child_agent_id: Name
    grant_id: str = ""
    parent_grant_id: str = ""
    granted_by: str = ""
    scope: list[str] = []
    delegable: list[str] = []
    more_scopes: Annotated[int, Field(ge=0)] = 0
    constraints: dict[str, Any] | None = {}
    expires_at: Moment | None = None
    rules: DelegationRules = DelegationRules()


class ScopedAction(SignalBase):
    """A session to which work was delegated called a tool that needs a scope.

    Attributes:
        event_id: the call's event.
        scope: what the call needs, by its tool's policy.
        amount: the call's, where the policy names an argument and a number stands there.
        refused: it was refused before it ran; said of a call that was told before.
    """

    kind: Literal["scoped_action"] = "scoped_action"
    event_id: Name
    tool_name: Name
    tool_call_id: Name
    scope: Name
    amount: float | None = None
    refused: bool = False
    rules: DelegationRules = DelegationRules()


class TreeLeft(SignalBase):
    """A session that delegated, or acted by delegated authority, came to its end."""

    kind: Literal["tree_left"] = "tree_left"
    event_id: Name
