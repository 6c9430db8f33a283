"""Reads contents from outside for instructions: those that are suspicious are remembered, and told where asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from watchkeeper.schemas.contents import INLINE_LIMIT, Content
from watchkeeper.schemas.evidence import Unjudged
from watchkeeper.stream_processors.detection.detector import Context, Found, Said
from watchkeeper.stream_processors.detection.fingerprints import brief as brief_address
from watchkeeper.stream_processors.detection.fingerprints import short
from watchkeeper.stream_processors.detection.handles import handles_in, note
from watchkeeper.stream_processors.detection.instruction_scan import Suspicion, scan
from watchkeeper.stream_processors.detection.session_rules.suspicious_contents import (
    SIGNALS,
    SOURCES,
    PromptInjectionState,
    Remembered,
    Source,
    evidence_of,
    listed_signals,
)
from watchkeeper.stream_processors.detection.spoken_deeds import ordered_in

MIN_SCORE = 3
MAX_CONTENTS = 4
"""Suspicious contents remembered; the heaviest stay."""

MAX_HANDLES = 24
"""Of one content."""

_FILES = frozenset({"file", "document", "input_file"})


class Brought(NamedTuple):
    """What brought a content."""

    source: Source
    name: str
    event_id: str


def hear(
    state: PromptInjectionState, brought: Brought, context: Context, content: Content, text: str | None
) -> Iterable[Said]:
    """Reads a content; one that is suspicious is remembered."""
    if text is None:
        # Without its text it was sent before, and read then; unless it is too long for one event.
        return () if content.size <= INLINE_LIMIT or state.unread else _unread(state, content)
    suspicion = scan(text)
    if suspicion is None or any(one["address"] == content.address for one in state.contents):
        return ()
    weak = suspicion.score < MIN_SCORE or not suspicion.is_core
    remembered = _remembered(brought, context, content, suspicion, weak=weak)
    if weak and not (remembered["handles"] and remembered["deeds"]):
        return ()
    state.contents.append(remembered)
    if len(state.contents) > MAX_CONTENTS:
        state.contents.remove(min(state.contents, key=lambda one: (not one["weak"], one["score"])))
    if weak or not context.policy.injection.report_content:
        return ()
    return [
        Found(
            about=("content", brief_address(content.address)),
            severity="low",
            summary=(
                f"{SOURCES[brought.source]} {brought.name} reads like instructions to agents: "
                f"{listed_signals(remembered)}."
            ),
            evidence=evidence_of(remembered),
        )
    ]


def _remembered(
    brought: Brought, context: Context, content: Content, suspicion: Suspicion, *, weak: bool
) -> Remembered:
    named = (plain for _, plain in handles_in(suspicion.region, skip_senders=True))
    return Remembered(
        address=content.address,
        event=brought.event_id,
        us=context.at_us,
        source=brought.source,
        name=short(brought.name),
        signals=sum(1 << SIGNALS.index(one) for one in suspicion.signals),
        score=suspicion.score,
        at=suspicion.offset,
        length=suspicion.length,
        handles=note("", named, MAX_HANDLES),
        deeds=ordered_in(suspicion.region),
        weak=weak,
        talks=suspicion.discusses,
        fresh=True,
    )


def _unread(state: PromptInjectionState, content: Content) -> Iterable[Said]:
    state.unread = True
    reason = "contents too long to travel with their event are not read"
    return [
        Found(
            about=("unjudged", "too long"),
            severity="low",
            summary=f"Not every content of this session was read for instructions: {reason}.",
            evidence=Unjudged(detector="prompt_injection", reason=reason, detail={"bytes": content.size}),
        )
    ]


def files_in(raw: str) -> Iterator[str]:
    """The texts of the files in a message."""
    try:
        value: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return
    parts = value.get("content", value.get("parts")) if isinstance(value, dict) else value
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and part.get("type") in _FILES:
            source = part.get("source")
            data = source.get("data") if isinstance(source, dict) else None
            for text in (part.get("text"), part.get("content"), data):
                if isinstance(text, str):
                    yield text
