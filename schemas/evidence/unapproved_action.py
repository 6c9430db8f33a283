"""Evidence of `unapproved_action`: what ran without the approval that its policy asks for."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.model import Model

Unapproved: TypeAlias = Literal[
    "nobody_asked",
    "not_answered",
    "denied",
    "expired",
    "by_the_agent",
    "not_entitled",
    "beyond_its_limits",
    "used_before",
    "after_the_fact",
]

Outcome: TypeAlias = Literal["running", "ok", "error", "timeout"]


class UnapprovedAction(Model):
    """A call that needed a person's approval and had none that covers it.

    Attributes:
        reason: what is wrong with the approval that comes nearest: `nobody_asked` where there is none, `not_answered`
            where it was asked for, `by_the_agent` where the agent approved itself, `not_entitled` where the policy
            names others, `used_before` where an approval of one call served another, `after_the_fact` where it was
            given when the call had run.
        path: JSON pointer to the amount that made it necessary; empty where every call needs approval.
        got: what stood there, described.
        above: the amount above which approval is needed.
        approval_id: the approval that comes nearest; empty where there is none.
        limit: the limit of the approval that the call is beyond.
        outcome: of the call: `running` where it had no result yet.
    """

    kind: Literal["unapproved_action"] = "unapproved_action"
    tool_name: str
    tool_call_id: str
    reason: Unapproved
    path: str = ""
    got: str = ""
    above: float | None = None
    approval_id: str = ""
    approver: str = ""
    limit: str = ""
    outcome: Outcome = "running"
