"""What every event says about itself, whatever its type."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from watchkeeper.schemas.contents import Salt
from watchkeeper.schemas.model import Identifier, Model, Moment

SCHEMA_VERSION = 1

Origin = Literal["live", "import", "simulated"]
RetentionClass = Literal["standard", "regulated"]

EventId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
TenantId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^/\x00-\x1f\x7f]+$")]
Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Attributes = dict[str, str | Int64 | float | bool]


class Envelope(Model):
    """The header of an event.

    Attributes:
        event_id: UUID version 7.
        schema_version: the contract's version; a later one is dead-lettered and can be re-driven after an upgrade.
        tenant_id: whose data this is. May not hold a slash: the record key is `tenant_id/session_id`.
        session_id: one run of one agent (OpenTelemetry: `gen_ai.conversation.id`).
        root_session_id: the session at the head of the delegation tree; the session itself where nobody delegated.
        parent_session_id: the session that delegated to this one.
        writer_id: who numbers. Approvals given in a web page, late outcomes and a session resumed in another
            process are writers of their own.
        seq: gapless from 0 per session and writer; a loss shows as a gap.
        occurred_at: when it happened, by the writer's clock.
        agent_id: the agent (OpenTelemetry: `gen_ai.agent.id`).
        agent_version: its released version.
        workflow: the workflow's name (OpenTelemetry: `gen_ai.workflow.name`).
        step: the step within the workflow.
        turn: counts the user's turns, from 0.
        environment: `production`, `staging`, …
        origin: `live`, `import` (never pages, never controls) or `simulated`.
        retention_class: `standard` (90 days) or `regulated` (7 years).
        trace_id: OpenTelemetry trace, 32 hexadecimal digits.
        span_id: OpenTelemetry span, 16 hexadecimal digits.
        user_id: who asked.
        customer_id: about whom.
        attributes: a few short facts for filtering; at most 32.
        writer_salt: 16 random bytes in hexadecimal, on a writer's first event: the key of its salted digests.
            Erasing it (and the texts) erases the person; the chain stays whole.
        data_digest: BLAKE2b-256 of the bytes of `data`, keyed with the writer's salt.
        chain: BLAKE2b-256 over the writer's previous chain value, the header and `data_digest`.
    """

    event_id: EventId
    schema_version: Annotated[int, Field(ge=1, le=SCHEMA_VERSION)] = SCHEMA_VERSION
    tenant_id: TenantId = "default"
    session_id: Identifier
    root_session_id: Identifier | None = None
    parent_session_id: Identifier | None = None
    writer_id: Identifier
    seq: Annotated[int, Field(ge=0, lt=2**53)]
    occurred_at: Moment
    agent_id: Identifier
    agent_version: Annotated[str, StringConstraints(max_length=128)] = ""
    workflow: Annotated[str, StringConstraints(max_length=256)] = ""
    step: Annotated[str, StringConstraints(max_length=256)] = ""
    turn: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    environment: Annotated[str, StringConstraints(max_length=64)] = "production"
    origin: Origin = "live"
    retention_class: RetentionClass = "standard"
    trace_id: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{32})?$")] = ""
    span_id: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{16})?$")] = ""
    user_id: Annotated[str, StringConstraints(max_length=256)] = ""
    customer_id: Annotated[str, StringConstraints(max_length=256)] = ""
    # A factory: pydantic copies a mutable default deeply, for every event.
    attributes: Annotated[Attributes, Field(max_length=32, default_factory=dict, json_schema_extra={"default": {}})]
    writer_salt: Salt | None = None
    data_digest: Digest | None = None
    chain: Digest | None = None


HEADER_FIELDS: tuple[str, ...] = tuple(Envelope.model_fields)
