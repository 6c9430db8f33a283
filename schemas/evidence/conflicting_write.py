"""Evidence of `conflicting_write`: one session overwrote what it did not know of."""

from __future__ import annotations

from typing import Literal, TypeAlias

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model, Moment

Basis: TypeAlias = Literal["read", "wrote", "listed", "began"]


class ResourceStep(Model):
    """What a session did.

    Attributes:
        step: `read` and `wrote` the resource; `listed`: read with a tool that names no single resource; `began`.
        tool_name: of a write; empty for what was known before it.
        event_id: of a write's call.
    """

    session_id: str
    step: Basis
    at: Moment
    tool_name: str = ""
    event_id: str = ""


class ConflictingWrite(Model):
    """A write by a session that did not know of another session's write before it.

    Attributes:
        pattern: `lost_update`: it had read (or written) the resource before the other wrote; `blind_write`: it was
            under way when the other wrote, and did not look.
        resource: the argument that names it, and what stood there, described.
        overwritten: the session whose write was not known.
        stale: the session that wrote without knowing.
        steps: of both sessions, in order.
        conflicts: such writes between the two sessions so far.
        tolerance_seconds: by how much clocks may differ without changing the order.
    """

    kind: Literal["conflicting_write"] = "conflicting_write"
    pattern: Literal["lost_update", "blind_write"]
    resource: str
    overwritten: str
    stale: str
    steps: list[ResourceStep]
    conflicts: Count = 1
    tolerance_seconds: float
