"""Findings about a call, kept until its result: what the guard refused did not happen, and is taken back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypedDict

import orjson
from pydantic import TypeAdapter

from watchkeeper.schemas.events import ToolResult
from watchkeeper.schemas.evidence import Evidence
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.fingerprints import short

MAX_KEPT_BYTES = 1200
"""Of findings whose calls wait for their results, as JSON. Beyond it the oldest stay as they are."""

_EVIDENCE: TypeAdapter[Evidence] = TypeAdapter(Evidence)


class Kept(TypedDict):
    """A finding as a state holds it."""

    call: str
    about: list[str | int]
    severity: Severity
    summary: str
    evidence: dict[str, Any]
    event_id: str
    us: int
    revision: int


def keep(kept: list[Kept], call_id: str, event_id: str, at_us: int, found: Iterable[Found]) -> None:
    """Keeps what was found about a call."""
    kept += [
        Kept(
            call=short(call_id),
            about=list(one.about),
            severity=one.severity,
            summary=one.summary,
            evidence=one.evidence.model_dump(mode="json"),
            event_id=one.first_event_id or event_id,
            us=at_us if one.first_us is None else one.first_us,
            revision=one.revision,
        )
        for one in found
    ]
    while len(orjson.dumps(kept)) > MAX_KEPT_BYTES:
        del kept[0]


def settle(kept: list[Kept], event: ToolResult) -> list[Found]:
    """Forgets what was kept about the call that is answered; takes it back where the call never ran."""
    call_id = short(event.data.tool_call_id)
    about = [one for one in kept if one["call"] == call_id]
    if not about:
        return []
    kept[:] = [one for one in kept if one["call"] != call_id]
    return [taken_back(one, "the guard refused the call") for one in about] if never_ran(event) else []


def never_ran(event: ToolResult) -> bool:
    """Whether the result says that the call was refused before it ran."""
    return event.data.status == "rejected"


def taken_back(one: Kept, why: str) -> Found:
    """The finding, resolved."""
    return Found(
        about=tuple(one["about"]),
        severity=one["severity"],
        summary=f"{one['summary'].rstrip('.')}; taken back: {why}.",
        evidence=_EVIDENCE.validate_python(one["evidence"]),
        first_event_id=one["event_id"],
        first_us=one["us"],
        revision=one["revision"] + 1,
        status="resolved",
    )
