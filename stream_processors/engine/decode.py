"""A record's bytes to events, or to dead letters with a reason. Nothing is coerced and nothing is dropped."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from watchkeeper.schemas.contents import MAX_LINE_BYTES
from watchkeeper.schemas.envelope import SCHEMA_VERSION
from watchkeeper.schemas.events import EVENT_ADAPTER, EVENT_TYPES, Event
from watchkeeper.schemas.rows import RejectReason
from watchkeeper.schemas.topics import MAX_RECORD_BYTES
from watchkeeper.stream_processors.engine.ports import Record

_TIME_AS_WE_SPELL_IT = re.compile(rb'"occurred_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"')


@dataclass(slots=True)
class Line:
    """An event with the bytes it came in.

    Attributes:
        index: counts the record's lines from 0, empty ones included.
        verbatim: the bytes say what the event says and nothing else, so they can be stored as they are.
    """

    event: Event
    raw: bytes
    index: int
    verbatim: bool = False


@dataclass(frozen=True, slots=True)
class Rejected:
    """Bytes that are no event. `index` is the line in the record, -1 for the record as a whole."""

    reason: RejectReason
    detail: str
    raw: bytes
    index: int


def decode(record: Record) -> tuple[list[Line], list[Rejected]]:
    """All events of a record, and all that is none."""
    lines: list[Line] = []
    rejected: list[Rejected] = []
    if len(record.value) > MAX_RECORD_BYTES:
        detail = f"the record has {len(record.value)} bytes, the limit is {MAX_RECORD_BYTES}: send fewer events in one"
        return lines, [Rejected("too_large", detail, record.value, -1)]
    session = _session_of(record.key)
    for index, raw in enumerate(record.value.split(b"\n")):
        if not raw or raw.isspace():
            continue
        verbatim = record.canonical and len(raw) <= MAX_LINE_BYTES and _is_canonical(raw)
        outcome = _decode_line(raw, record.key, session, is_json=verbatim)
        if isinstance(outcome, tuple):
            rejected.append(Rejected(outcome[0], outcome[1], raw, index))
        else:
            lines.append(Line(outcome, raw, index, verbatim))
    return lines, rejected


def _session_of(key: bytes | None) -> tuple[str, str] | None:
    """Tenant and session as the record's key names them; None where it names none."""
    try:
        tenant_id, slash, session_id = (key or b"").decode().partition("/")
    except UnicodeDecodeError:
        return None
    return (tenant_id, session_id) if slash else None


def _decode_line(
    raw: bytes, key: bytes | None, session: tuple[str, str] | None, *, is_json: bool
) -> Event | tuple[RejectReason, str]:
    if len(raw) > MAX_LINE_BYTES:
        return "too_large", (
            f"the line has {len(raw)} bytes, the limit is {MAX_LINE_BYTES}: send long texts as `content` events"
        )
    try:
        event: Event = EVENT_ADAPTER.validate_json(raw)
    except ValidationError as error:
        return _explain(raw, error)
    if not is_json and (strange := _no_json(raw)):
        return "not_json", strange
    if (event.tenant_id, event.session_id) != session:
        return "wrong_key", (
            f"the record's key is {_shown(key)}, the event belongs to "
            f"{event.tenant_id}/{event.session_id}: key records by tenant_id/session_id"
        )
    return event


def _no_json(raw: bytes) -> str | None:
    """What pydantic reads and JSON does not know: NaN and the infinities, spelled out."""
    if b"NaN" not in raw and b"Infinity" not in raw:
        return None
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError as malformed:
        return f"{malformed}: JSON has no NaN and no infinities, write null"
    return None


def _is_canonical(raw: bytes) -> bool:
    """Whether every reader of the bytes reads the same: the header's claim is unproven.

    Readers differ in which of two equal keys they keep, and in which spellings of a time they know.
    """
    if _TIME_AS_WE_SPELL_IT.search(raw) is None:
        return False
    try:
        if orjson.dumps(orjson.loads(raw)) == raw:
            return True
        # Written by another JSON library, or with whole numbers beyond 64 bits.
        json.loads(raw, object_pairs_hook=_unique, parse_constant=_refuse)
    except ValueError:
        return False
    return True


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")


def _unique(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")


def _explain(raw: bytes, error: ValidationError) -> tuple[RejectReason, str]:
    """Why a line is no event, most basic reason first."""
    try:
        raw.decode()
    except UnicodeDecodeError as undecodable:
        return "not_utf8", f"byte {undecodable.start} is not UTF-8: events are JSON in UTF-8"
    try:
        document: Any = orjson.loads(raw)
    except orjson.JSONDecodeError as malformed:
        return "not_json", f"{malformed}: one JSON object on each line"
    if not isinstance(document, dict):
        return "not_an_object", f"the line is a JSON {type(document).__name__}: one event, as an object, on each line"
    version = document.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, int) and version > SCHEMA_VERSION:
        return "future_schema_version", (
            f"schema_version {version} is newer than {SCHEMA_VERSION}: upgrade the workers, then re-drive"
        )
    if document.get("type") not in EVENT_TYPES:
        return "unknown_type", f"type {_shown(document.get('type'))} is none of {', '.join(EVENT_TYPES)}"
    unusable = any(problem["type"] == "unusable_time" for problem in error.errors(include_url=False))
    return "unusable_time" if unusable else "invalid_field", _first_problems(error)


def _first_problems(error: ValidationError, most: int = 3) -> str:
    # The input is left out: a dead letter's detail is read in dashboards, and payloads are personal.
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{'.'.join(map(str, problem['loc'][1:])) or 'event'}: {problem['msg']}" for problem in problems[:most]]
    more = f" (and {len(problems) - most} more)" if len(problems) > most else ""
    return "; ".join(told) + more


def _shown(value: Any) -> str:
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return f"{text[:80]!r}"
