"""Rows of ClickHouse that are no event, finding or command: their columns, as the worker writes them.

Field names are column names; `tests/schemas/test_ddl.py` compares these models, and those of events, findings and
commands, with the tables that the numbered `.sql` files make.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from watchkeeper.schemas.envelope import Origin, RetentionClass
from watchkeeper.schemas.model import Model, Moment

PriceStatus = Literal["none", "priced", "unpriced"]
"""`none`: nothing to price. `unpriced`: there was usage, and no price is known; its cost is NULL, never 0."""

RejectReason = Literal[
    "not_utf8",
    "not_json",
    "not_an_object",
    "unknown_type",
    "future_schema_version",
    "invalid_field",
    "wrong_key",
    "too_large",
    "unusable_time",
    "store_refused",
]
"""Why a line or a record is dead-lettered."""

INSERT_SETTINGS: dict[str, str | int] = {
    # An acknowledged insert is stored, and one insert is one block: nothing is gathered on the server.
    "async_insert": 0,
    "date_time_input_format": "best_effort",
    # Columns that a row leaves out, or gives as null, take their defaults.
    "input_format_defaults_for_omitted_fields": 1,
    "input_format_null_as_default": 1,
    # `data`, `attributes` and `evidence` are objects on the wire and kept as the bytes that they were.
    "input_format_json_read_objects_as_strings": 1,
    # A server that remembers inserts must not withhold a repeated one from the views that the first one did not reach.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    # A field without a column is an error: to leave it out would lose it without a word.
    "input_format_skip_unknown_fields": 0,
}
"""Settings for inserts of rows as JSONEachRow; servers differ in their defaults."""

Partition = Annotated[int, Field(ge=0, lt=2**16)]
Small = Annotated[int, Field(ge=0, lt=2**31)]
Big = Annotated[int, Field(ge=0, lt=2**63)]


class EventColumns(Model):
    """What the worker adds to an event.

    Attributes:
        source_partition: the partition of `agent.events`.
        source_offset: the record's offset.
        source_line: the line within the record, from 0.
        digest: identifies the stored line; part of the table's key, so that other content is kept apart.
        late: it filled a gap after later events had been judged.
        received_at: the broker's time of the record.
        tool_name: of calls and results.
        model: of prompts and responses.
        input_tokens: of responses, cached ones included.
        cached_input_tokens: the part read from a cache.
        output_tokens: of responses.
        cost_usd: by the price book; NULL where unpriced.
        price_version: the price book's version.
    """

    source_partition: Partition
    source_offset: Big
    source_line: Small
    digest: str
    late: bool = False
    received_at: Moment
    tool_name: str = ""
    model: str = ""
    input_tokens: Big = 0
    cached_input_tokens: Big = 0
    output_tokens: Big = 0
    cost_usd: float | None = None
    price_status: PriceStatus = "none"
    price_version: str = ""


class ContentRow(Model):
    """One part of a text, by address."""

    tenant_id: str
    address: str
    part: Small
    parts: Small
    size: Big
    media_type: str
    text: str
    retention_class: RetentionClass


class SessionFigures(Model):
    """What people look at of a session, wherever it is kept.

    Attributes:
        version: grows with every write of the session; the source offset in the upper bits.
        opened_at: the time of the event by which the worker first heard of it. It never changes, `started_at` may.
    """

    source_partition: Partition
    tenant_id: str
    session_id: str
    version: Big
    root_session_id: str
    parent_session_id: str
    agent_id: str
    agent_version: str
    environment: str
    origin: Origin
    user_id: str
    customer_id: str
    workflow: str
    intent: str
    model: str
    started_at: Moment
    opened_at: Moment
    last_event_at: Moment
    status: Literal["open", "completed", "failed", "stopped", "silent"]
    events: Big
    tool_calls: Big
    tokens: Big
    input_tokens: Big
    output_tokens: Big
    cost_usd: float
    unpriced_requests: Big
    findings: Big
    worst_severity: str
    policy_address: str
    retention_class: RetentionClass


class SessionRow(SessionFigures):
    """The latest state of a session: what people look at, and what the worker resumes from.

    Attributes:
        state: the worker's state as JSON.
    """

    state: str


class SessionTimeRow(SessionFigures):
    """A session where it stands in time, by `opened_at`: what panels and lists read.

    A view copies it from each row of `sessions`.
    """


class SubjectRow(Model):
    """The latest state of a subject of stage 2."""

    source_partition: Partition
    subject: str
    version: Big
    tenant_id: str
    origin: Origin
    state: str


class DeadLetterRow(Model):
    """What could not be read, byte for byte.

    Attributes:
        source_line: the line within the record; -1 for the record as a whole.
        key_base64: the record's key.
        raw_base64: the bytes.
        status: `redriven` once an operator has sent it again.
    """

    source_topic: str
    source_partition: Partition
    source_offset: Big
    source_line: Annotated[int, Field(ge=-1, lt=2**31)]
    revision: Small = 0
    reason: RejectReason
    detail: str
    key_base64: str
    raw_base64: str
    received_at: Moment
    status: Literal["open", "redriven"] = "open"


class MetricRow(Model):
    """One figure of a worker's own (`docs/metrics.md`).

    Attributes:
        at: when it was read.
        worker_id: the worker's host and process.
        name: the metric's name.
        series: the labels as canonical JSON: part of the table's key.
        value: the figure; counters grow for as long as their worker lives.
    """

    at: Moment
    worker_id: str
    name: str
    series: str
    labels: dict[str, str]
    value: float
