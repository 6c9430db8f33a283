"""A finding: one failure, of one mode, with its evidence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.evidence import Evidence
from watchkeeper.schemas.failure_modes import FailureMode, Severity
from watchkeeper.schemas.model import Model, Moment, Name, Subject

RuleStage = Literal["draft", "shadow", "canary", "active"]
Status = Literal["open", "resolved"]


class Finding(Model):
    """A finding.

    Its id is derived from what it is about, never from when it was found: found again after a crash, or by a
    replay, it is the same finding. A later `revision` of the same id replaces the earlier one.

    Attributes:
        kind: the shape of `evidence`: one failure mode shows in several.
        subject: what a finding over many sessions is about; None for one session's.
        summary: one sentence for a person.
        first_event_id: the event with which the failure began; None where no event is to blame.
        last_event_id: the event at which it was found; None where a tick found it.
        first_event_at: when it began.
        last_event_at: the time of the event, or of the silence's limit, at which it was found.
        detected_at: the worker's clock when it was found; takes no part in identity.
        policy_address: the policy by which it was judged.
        runbook: what to do about it.
    """

    schema_version: Annotated[int, Field(ge=1, le=1)] = 1
    finding_id: Name
    revision: Annotated[int, Field(ge=0, lt=2**31)] = 0
    status: Status = "open"
    tenant_id: Name
    session_id: Name | None = None
    root_session_id: Name | None = None
    subject: Subject | None = None
    agent_id: Name
    agent_version: str = ""
    environment: str = ""
    origin: Origin
    user_id: str = ""
    customer_id: str = ""
    failure_mode: FailureMode
    kind: Name
    severity: Severity
    rule_id: Name
    rule_version: Annotated[int, Field(ge=1, lt=2**31)]
    rule_stage: RuleStage = "active"
    summary: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    evidence: Evidence
    first_event_id: str | None = None
    last_event_id: str | None = None
    first_event_at: Moment
    last_event_at: Moment
    detected_at: Moment
    policy_address: str = ""
    runbook: str

    @model_validator(mode="after")
    def _about_something(self) -> Finding:
        if self.session_id is None and self.subject is None:
            raise ValueError("a finding is about a session or a subject: give session_id or subject")
        if self.kind != self.evidence.kind:
            raise ValueError(f"kind {self.kind} does not name the evidence, which is {self.evidence.kind}")
        return self

    @property
    def key(self) -> bytes:
        """The Kafka key: findings of one session, or of one subject, stay in order."""
        return f"{self.tenant_id}/{self.session_id or self.subject}".encode()


FINDING_ADAPTER: TypeAdapter[Finding] = TypeAdapter(Finding)
