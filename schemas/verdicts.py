"""Verdicts: what people say of findings. The latest on a finding holds; the earlier ones are kept as its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field, StringConstraints

from watchkeeper.schemas.failure_modes import FailureMode
from watchkeeper.schemas.model import Model, Moment, Name

Verdict: TypeAlias = Literal["ack", "wrong", "mute"]
"""`ack`: it is true, and somebody has taken note. `wrong`: a false alarm. `mute`: nobody wants to see it for a while,
true or not."""


class VerdictRow(Model):
    """One verdict, as it is stored.

    Attributes:
        given_by: who says so.
        muted_until: of a `mute`, until when findings of the same rule about the same are left out of lists.
        revision: the finding's, as it was judged.
        about: what the finding is about within rule, agent and kind: a tool, a cap, a reason; never one session.
    """

    tenant_id: Name
    finding_id: Name
    verdict_id: Name
    verdict: Verdict
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    given_by: Name
    given_at: Moment
    muted_until: Moment | None = None
    revision: Annotated[int, Field(ge=0, lt=2**31)]
    failure_mode: FailureMode
    kind: Name
    rule_id: Name
    rule_version: Annotated[int, Field(ge=1, lt=2**31)]
    agent_id: Name
    about: str


ABOUT_FIELDS: Final = (
    *("tool_name", "cap", "rate", "of", "whose", "per", "what", "pattern", "reason", "constraint", "fact"),
    *("fault", "decision", "workflow", "step", "value", "name", "path", "source", "rule", "detector"),
)
"""Fields of evidence that say what a finding is about within its rule, agent and kind, in this order."""


def about_of(evidence: Mapping[str, Any]) -> str:
    """What a finding is about within its rule, agent and kind: by it people mute. Only texts take part."""
    return " ".join(
        f"{name}={evidence[name]}" for name in ABOUT_FIELDS if isinstance(evidence.get(name), str) and evidence[name]
    )
