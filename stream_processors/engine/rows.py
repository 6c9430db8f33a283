"""What is kept, as rows of ClickHouse: JSON objects by column name."""

from __future__ import annotations

import base64
from datetime import datetime

import orjson

from watchkeeper.schemas.contents import Content
from watchkeeper.schemas.control import Control
from watchkeeper.schemas.events import ContentPart, Event, Prompt, Response, ToolCall, ToolResult
from watchkeeper.schemas.model import LATEST, format_utc, from_us, to_us
from watchkeeper.schemas.rows import ContentRow, DeadLetterRow, RejectReason, SessionRow, SubjectRow
from watchkeeper.stream_processors.detection.pricing import Priced
from watchkeeper.stream_processors.detection.session import SessionState
from watchkeeper.stream_processors.detection.subjects import SubjectState
from watchkeeper.stream_processors.engine.decode import Line
from watchkeeper.stream_processors.engine.ports import Record

_LATEST_US = to_us(LATEST)

_MOST_DOLLARS = 999_999_999.0
"""What a column of nine digits holds; a row beyond it would be refused for ever."""

_MOST_COUNTED = 2**63 - 1


class EventRows:
    """Rows of `events` for the lines of one record.

    What is the same for all lines of a record is spelled once. No line can speak for the worker: a key that is no
    field of an event is refused when it is decoded, and ClickHouse refuses a row in which a key stands twice.
    """

    def __init__(self, record: Record) -> None:
        self._head = (
            f'{{"source_partition":{record.partition},"source_offset":{record.offset},'
            f'"received_at":"{format_utc(received_at(record))}",'
        ).encode()

    def row(self, line: Line, digest: str, *, priced: Priced, late: bool) -> bytes:
        """The row of one event."""
        own = f'"source_line":{line.index},"digest":"{digest}",'
        if late:
            own += '"late":true,'
        own += _promoted(line.event, priced)
        body = line.raw if line.verbatim else line.event.model_dump_json(exclude_none=True).encode()
        if isinstance(line.event, ContentPart):
            body = _without_text(line.event)
        return b"".join((self._head, own.encode(), body.lstrip()[1:]))


def received_at(record: Record) -> datetime:
    """The record's time, brought into the range that can be stored: producers may write any number."""
    return from_us(min(max(record.timestamp_ms * 1000, 0), _LATEST_US))


def _promoted(event: Event, priced: Priced) -> str:
    """Columns that dashboards filter and sum by, lifted out of `data`."""
    if isinstance(event, (ToolCall, ToolResult)):
        return f'"tool_name":{_json(event.data.tool_name)},'
    if isinstance(event, Prompt):
        return f'"model":{_json(event.data.model)},' if event.data.model else ""
    if not isinstance(event, Response):
        return ""
    columns = f'"model":{_json(event.data.model)},'
    usage = event.data.usage
    if usage is not None:
        columns += (
            f'"input_tokens":{usage.input_tokens},"cached_input_tokens":{usage.cache_read_input_tokens},'
            f'"output_tokens":{usage.output_tokens},"price_status":"{priced.status}",'
        )
        if priced.cost_usd is not None:
            columns += (
                f'"cost_usd":"{min(priced.cost_usd, _MOST_DOLLARS):.9f}","price_version":{_json(priced.version)},'
            )
    return columns


def _json(text: str) -> str:
    return orjson.dumps(text).decode()


def _without_text(event: ContentPart) -> bytes:
    # The text itself goes to `contents`; kept here too it would be stored twice.
    return event.model_dump_json(exclude_none=True, exclude={"data": {"text"}}).encode()


def part_row(event: ContentPart) -> bytes:
    """The row of `contents` for a part of a long text."""
    data = event.data
    row = ContentRow(
        tenant_id=event.tenant_id,
        address=data.address,
        part=data.part,
        parts=data.parts,
        size=data.size,
        media_type=data.media_type,
        text=data.text,
        retention_class=event.retention_class,
    )
    return row.model_dump_json().encode()


def content_row(event: Event, content: Content) -> bytes:
    """The row of `contents` for a shared text (tools, a policy) that an event carries inline."""
    row = ContentRow(
        tenant_id=event.tenant_id,
        address=content.address,
        part=0,
        parts=1,
        size=content.size,
        media_type=content.media_type,
        text=content.text or "",
        retention_class=event.retention_class,
    )
    return row.model_dump_json().encode()


def session_row(partition: int, session: SessionState) -> bytes:
    """The row of `sessions`: what people look at, and the state to resume from."""
    totals = session.totals
    row = SessionRow.model_construct(
        source_partition=partition,
        tenant_id=session.tenant_id,
        session_id=session.session_id,
        version=session.version,
        root_session_id=session.root_session_id,
        parent_session_id=session.parent_session_id,
        agent_id=session.agent_id,
        agent_version=session.agent_version,
        environment=session.environment,
        origin=session.origin,
        user_id=session.user_id,
        customer_id=session.customer_id,
        workflow=session.workflow,
        intent=session.intent,
        model=session.model,
        started_at=from_us(session.started_us),
        opened_at=from_us(session.opened_us),
        last_event_at=from_us(session.last_us),
        status=session.status,  # type: ignore[arg-type] # detectors and events only ever set members
        events=totals.events,
        tool_calls=totals.tool_calls,
        tokens=min(totals.tokens, _MOST_COUNTED),
        input_tokens=min(totals.input_tokens, _MOST_COUNTED),
        output_tokens=min(totals.output_tokens, _MOST_COUNTED),
        cost_usd=round(min(totals.cost_usd, _MOST_DOLLARS), 9),
        unpriced_requests=totals.unpriced_requests,
        findings=totals.findings,
        worst_severity=totals.worst_severity,
        policy_address=session.policy_address,
        retention_class=session.retention_class,
        state=session.dump().decode(),
    )
    return row.model_dump_json().encode()


def subject_row(partition: int, subject: SubjectState) -> bytes:
    """The row of `subjects`."""
    row = SubjectRow(
        source_partition=partition,
        subject=subject.subject,
        version=subject.version,
        tenant_id=subject.tenant_id,
        origin=subject.origin,
        state=subject.dump().decode(),
    )
    return row.model_dump_json().encode()


def command_row(command: Control) -> bytes:
    """The row of `control_commands`: the target in two columns."""
    document = command.model_dump(mode="json")
    target = document.pop("target")
    return orjson.dumps({**document, "target_kind": target["kind"], "target_id": target["id"]})


def dead_letter_row(record: Record, reason: RejectReason, detail: str, raw: bytes, line: int) -> bytes:
    """The row of `dead_letters`, byte for byte."""
    row = DeadLetterRow(
        source_topic=record.topic,
        source_partition=record.partition,
        source_offset=record.offset,
        source_line=line,
        reason=reason,
        detail=detail[:2000],
        key_base64=base64.b64encode(record.key or b"").decode(),
        raw_base64=base64.b64encode(raw).decode(),
        received_at=received_at(record),
    )
    return row.model_dump_json().encode()
