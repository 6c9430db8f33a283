"""What sessions did that other sessions may also do: calls that are counted, repeated, or write the same resource."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.model import Moment, Name, Sentence
from watchkeeper.schemas.policy import CustomerLimit, RateLimit
from watchkeeper.schemas.signals.base import SignalBase


class RatedCall(SignalBase):
    """A tool was called whose rate is limited over more than one session.

    Attributes:
        event_id: the call's event.
        limit: the limit by the policy of the session that called.
    """

    kind: Literal["rated_call"] = "rated_call"
    tool_name: Name
    event_id: Name
    limit: RateLimit


class CustomerMet(SignalBase):
    """A customer met with something that a business rule limits.

    Attributes:
        constraint: the rule's name in the policy of the session.
        name: the decision's name, or the tool's.
        reference: the decision's id, or the call's event.
        limit: how many one customer may meet with.
        severity: of findings about it.
    """

    kind: Literal["customer_met"] = "customer_met"
    constraint: Name
    where: Literal["decision", "tool_call"]
    name: Name
    reference: Name
    limit: CustomerLimit
    severity: Severity
    message: Sentence = ""


class ActionTold(SignalBase):
    """A call was made that changes something, or turned out to have had no effect.

    Attributes:
        event_id: the call's event.
        called_at: when it was made.
        outcome: `failed` takes back what was told when it was made.
        key: a digest of its idempotency key; empty without one.
        arguments: by name, described.
        window_seconds: how long another session's same call counts as a repeat.
    """

    kind: Literal["action_told"] = "action_told"
    tool_name: Name
    effect: Literal["write", "irreversible"]
    event_id: Name
    called_at: Moment
    outcome: Literal["made", "failed"] = "made"
    key: Annotated[str, StringConstraints(max_length=64)] = ""
    arguments: Annotated[str, StringConstraints(max_length=256)] = ""
    window_seconds: Annotated[float, Field(gt=0)] = 3600.0


class ResourceWritten(SignalBase):
    """A session wrote to a resource that its policy declares.

    Attributes:
        event_id: the call's event.
        called_at: when it was made.
        known_at: since when the session knew how the resource stood.
        basis: by what it knew: it had read or written the resource, listed what there is, or merely begun.
        resource: the argument that names it, and what stood there, described.
        deed: a digest of tool and arguments.
        window_seconds: within which a write without a look is a conflict.
    """

    kind: Literal["resource_written"] = "resource_written"
    tool_name: Name
    effect: Literal["write", "irreversible"]
    event_id: Name
    called_at: Moment
    known_at: Moment
    basis: Literal["read", "wrote", "listed", "began"]
    resource: Annotated[str, StringConstraints(max_length=256)]
    deed: Annotated[str, StringConstraints(max_length=64)]
    root_session_id: Name
    parent_session_id: Annotated[str, StringConstraints(max_length=256)] = ""
    window_seconds: Annotated[float, Field(gt=0)] = 300.0
