"""Tells how a line is written, and reads it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import ValidationError

from watchkeeper.producers.importers.messages import kind_of
from watchkeeper.producers.importers.model import Form, RecordedSession, UnreadableError
from watchkeeper.producers.importers.sessions import read_chat, read_neutral
from watchkeeper.schemas.contents import MAX_LINE_BYTES
from watchkeeper.schemas.events import EVENT_ADAPTER, Event

_LONG_NUMBER: Final = re.compile(rb"\d{17}")
_EVENT_KEYS: Final = frozenset({"event_id", "writer_id", "seq", "occurred_at"})
_NEUTRAL_KEYS: Final = frozenset({"session_id", "agent", "source", "labels"})
_SHOWN_PROBLEMS: Final = 3


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """A line of our own: the event as it was read, and the bytes that are sent again unchanged."""

    raw: bytes
    event: Event


def read_line(raw: bytes, form: Form | None = None) -> RecordedSession | OwnEvent:
    """What a line holds.

    Args:
        raw: the line, without its line break.
        form: how it is written; told by what it holds, if None.

    Raises:
        UnreadableError: the line cannot be imported; the message says why.
    """
    document = parse(raw)
    chosen = form or form_of(document)
    if chosen == "events":
        return _read_event(raw)
    fingerprint = hashlib.sha256(raw).hexdigest()
    return read_neutral(document, fingerprint) if chosen == "neutral" else read_chat(document, fingerprint)


def parse(raw: bytes) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        UnreadableError: it is none.
    """
    try:
        document = _loads(raw)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"byte {error.start} is not UTF-8: save the file as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"not JSON ({error}): write one session, as a JSON object, on each line") from error
    if isinstance(document, list):
        raise UnreadableError("the line is a list: write its items on lines of their own (`jq -c '.[]' FILE`)")
    if not isinstance(document, dict):
        raise UnreadableError(f"the line is {kind_of(document)}: write one session, as a JSON object, on each line")
    return document


def form_of(document: dict[str, Any]) -> Form:
    """How a line is written, by the keys that it has.

    Raises:
        UnreadableError: it has those of no form.
    """
    keys = document.keys()
    if "messages" in keys:
        return "neutral" if keys & _NEUTRAL_KEYS else "chat"
    if "type" in keys and keys & _EVENT_KEYS:
        return "events"
    shown = ", ".join(sorted(map(str, keys))[:8]) or "no keys"
    raise UnreadableError(
        f"neither a session (messages) nor an event (type, event_id), but {shown}: "
        "convert it to the neutral form of docs/importing.md"
    )


def _loads(raw: bytes) -> Any:
    """Reads JSON exactly. Files written by Python hold NaN and half surrogates; NaN is read as null."""
    if not _LONG_NUMBER.search(raw):
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            pass
    return json.loads(raw, parse_constant=lambda _: None)


def _read_event(raw: bytes) -> OwnEvent:
    if len(raw) > MAX_LINE_BYTES:
        raise UnreadableError(f"the event takes {len(raw)} bytes, and a worker reads lines of up to {MAX_LINE_BYTES}")
    try:
        return OwnEvent(raw, EVENT_ADAPTER.validate_json(raw))
    except ValidationError as error:
        # The input is left out: it is somebody's data.
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        told = [f"{'.'.join(map(str, one['loc'][1:])) or 'event'}: {one['msg']}" for one in problems[:_SHOWN_PROBLEMS]]
        more = f" (and {len(problems) - _SHOWN_PROBLEMS} more)" if len(problems) > _SHOWN_PROBLEMS else ""
        raise UnreadableError(f"no event of this version: {'; '.join(told)}{more}") from error
