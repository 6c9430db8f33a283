"""A session's record as one JSON document; `docs/cli.md` describes its keys."""

from __future__ import annotations

from typing import Any, Final

import orjson
from pydantic import BaseModel

from watchkeeper.cli.record.model import CommandNote, Entry, FindingNote, PromptNote, Record, Told
from watchkeeper.cli.store import Row
from watchkeeper.schemas.contents import Content
from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.model import format_utc, from_us
from watchkeeper.schemas.stored_events import Gap, StoredEvent, gaps_of

VERDICT_FIELDS: Final = ("verdict", "verdict_reason", "verdict_by", "verdict_at", "muted_until")


def document_of(record: Record) -> dict[str, Any]:
    """The record; each text stands once, under its address."""
    policy = record.policy
    return {
        "session": record.facts,
        "policy": {
            "name": policy.name,
            "version": policy.version,
            "address": policy.reference.address if policy.reference else None,
            "mode": policy.body.mode if policy.body else None,
        },
        "caps": [{"cap": cap.cap, "used": cap.used, "limit": cap.limit, "share": cap.share} for cap in record.caps],
        "price_versions": record.price_versions,
        "writers": _writers(record),
        "text_counts": record.texts.counts(),
        "texts": {
            address: {"text": text.text, "verdict": text.verdict, "media_type": text.media_type, "masked": text.masked}
            for address, text in record.texts.by_address().items()
        },
        "truncated": record.truncated,
        "story": [_entry(record, entry) for entry in record.story],
    }


def _writers(record: Record) -> list[dict[str, Any]]:
    told = [entry.told for entry in record.story]
    stored = [one.stored if isinstance(one, PromptNote) else one for one in told]
    gaps = gaps_of(one for one in stored if isinstance(one, StoredEvent)).values()
    return [
        {
            "writer_id": writer_id,
            "events": number,
            "missing": [[gap.first, gap.last] for gap in gaps if gap.writer_id == writer_id],
        }
        for writer_id, number in sorted(record.writers.items())
    ]


def _entry(record: Record, entry: Entry) -> dict[str, Any]:
    """An entry; what it tells stands under its kind, since a finding has a kind of its own."""
    kind, told = _told(record, entry.told)
    return {"kind": kind, "at": format_utc(from_us(entry.at_us)), "offset_us": entry.offset_us, kind: told}


def _told(record: Record, told: Told) -> tuple[str, dict[str, Any]]:
    match told:
        case FindingNote(row=row):
            return "finding", finding_document(row)
        case CommandNote(row=row):
            return "command", row
        case Gap() as gap:
            return "gap", {"writer_id": gap.writer_id, "first": gap.first, "last": gap.last}
        case PromptNote() as note:
            return "event", {**_event(record, note.stored), "repeated_messages": note.repeated}
        case StoredEvent() as stored:
            return "event", _event(record, stored)


def finding_document(row: Row) -> dict[str, Any]:
    """A row of `findings`, its evidence as an object, and the verdict that holds on it; None where there is none."""
    told = {**row, "evidence": orjson.loads(row["evidence"])}
    columns = {name: told.pop(name) for name in VERDICT_FIELDS}
    verdict = {name.removeprefix("verdict_"): value for name, value in columns.items()}
    if not verdict["verdict"]:
        return {**told, "verdict": None}
    # Without a mute, the column holds the beginning of time.
    until = verdict["muted_until"] if verdict["verdict"] == "mute" else None
    return {**told, "verdict": {**verdict, "muted_until": until}}


def _event(record: Record, stored: StoredEvent) -> dict[str, Any]:
    event = stored.event
    return {
        "type": stored.type,
        "event_id": stored.event_id,
        "writer_id": stored.writer_id,
        "seq": stored.seq,
        "occurred_at": format_utc(from_us(stored.occurred_us)),
        "late": stored.late,
        "conflict": stored.conflict,
        "place": stored.place,
        "turn": event.turn if event else None,
        "step": event.step if event else "",
        "attributes": event.attributes if event else {},
        "cost_usd": stored.cost_usd,
        "price_status": stored.price_status,
        "data": orjson.loads(stored.data) if event is None else _without_texts(event.data),
        "unsound_texts": [] if event is None else _unsound(record, stored),
    }


def _unsound(record: Record, stored: StoredEvent) -> list[dict[str, str]]:
    assert stored.event is not None
    found = ((field, record.texts.of(content, stored.writer_id)) for field, content in contents_of(stored.event))
    return [
        {"field": field, "address": text.address, "verdict": text.verdict}
        for field, text in found
        if text.verdict != "verified"
    ]


def _without_texts(value: Any) -> Any:
    """The event's data, with texts by address: they stand under `texts`."""
    if isinstance(value, Content):
        return value.model_dump(mode="json", exclude={"text"})
    if isinstance(value, BaseModel):
        return {name: _without_texts(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, list):
        return [_without_texts(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_texts(item) for name, item in value.items()}
    return value
