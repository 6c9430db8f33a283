"""Evidence of `duplicate_action`: something was done twice that should have been done once."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model

RepeatReason: TypeAlias = Literal["done", "unsure", "running", "new_key"]


class ActionCall(Model):
    """One of the calls.

    Attributes:
        has_key: whether it had an idempotency key.
    """

    session_id: str
    event_id: str
    has_key: bool


class DuplicateAction(Model):
    """A call that changes something, made again with the same arguments.

    Attributes:
        effect: the tool's, as the policy says.
        reason: what was known of the first call when it was made again. `done`: it had succeeded; `unsure`: it had
            timed out, or failed in a way that leaves open whether it took effect; `running`: it was not answered yet;
            `new_key`: one of these two, and the repeat had another idempotency key than the first, which so protected
            nothing.
        arguments: by name, described.
        first: the first call.
        again: the latest that repeats it.
        seconds_between: from the first call to the latest.
        repeats: how often it was repeated so far.
    """

    kind: Literal["duplicate_action"] = "duplicate_action"
    tool_name: str
    effect: Literal["write", "irreversible"]
    reason: RepeatReason
    arguments: str
    first: ActionCall
    again: ActionCall
    seconds_between: float
    repeats: Count = 1
