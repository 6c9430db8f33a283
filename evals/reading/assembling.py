"""One interaction, put together from the rows of a session. Pure: `reader` brings the rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from watchkeeper.evals.interaction import Document, FindingNote, Interaction
from watchkeeper.evals.reading.escalation import escalated
from watchkeeper.evals.reading.transcript import CLOSING, turns_of
from watchkeeper.schemas.events import Event, Outcome, Prompt, Response, Retrieval, SessionEnded, SessionStarted
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.stored_events import Row, StoredEvent, gaps_of, in_order
from watchkeeper.schemas.stored_texts import SessionTexts

_LONGEST_NAME: Final = 256


@dataclass(slots=True)
class SessionRows:
    """What is stored about a session.

    Attributes:
        events: at least one.
        findings: the latest revision of each, without false alarms.
        status: as the row of `sessions` says; empty where there is none yet.
        truncated: there are more events than were read.
    """

    events: list[StoredEvent]
    texts: SessionTexts
    findings: list[Row] = field(default_factory=list)
    status: str = ""
    truncated: bool = False


def assemble(rows: SessionRows) -> Interaction:
    """Puts an interaction together."""
    ordered = in_order(rows.events)
    known = [(stored, stored.event) for _, stored in ordered if stored.event is not None]
    events = [event for _, event in known]
    start = next((event for event in events if isinstance(event, SessionStarted)), None)
    end = next((event for event in reversed(events) if isinstance(event, SessionEnded)), None)
    header = start or events[0]
    outcomes = _outcomes(known, rows.texts)
    tools = _tools(known, rows.texts)
    during = [at_us for at_us, stored in ordered if stored.type != "outcome"] or [ordered[-1][0]]
    return Interaction(
        interaction_id=header.session_id,
        tenant_id=header.tenant_id,
        origin=header.origin,
        agent_id=header.agent_id,
        agent_version=header.agent_version,
        model=_model(start, events),
        prompt_version=_prompt_version(start, events),
        intent=start.data.intent if start else "",
        environment=header.environment,
        retention_class=header.retention_class,
        goal=_goal(known, rows.texts),
        tools=tools,
        turns=turns_of(ordered, rows.texts),
        documents=_documents(known, rows.texts),
        findings=tuple(note_of(row) for row in rows.findings),
        outcomes=outcomes,
        escalated=escalated(events, outcomes, tools),
        status=rows.status or (end.data.status if end else "open"),
        started_at=from_us(min(during)),
        ended_at=end.occurred_at if end else from_us(max(during)),
        cost_usd=_cost(rows.events),
        tokens=_tokens(events),
        complete=_is_complete(rows),
    )


def note_of(row: Row) -> FindingNote:
    """A row of `findings` as a note."""
    return FindingNote(
        finding_id=row["finding_id"],
        failure_mode=row["failure_mode"],
        kind=row["kind"],
        severity=row["severity"],
        status=row["status"],
    )


def tool_names(listed: Any) -> tuple[str, ...]:
    """The names in a list of tools, in whichever form: `{name}`, `{function: {name}}` or a name alone."""
    names: list[str] = []
    for tool in listed if isinstance(listed, list) else ():
        given = tool
        if isinstance(tool, dict):
            given = tool.get("name") or (tool.get("function") or {}).get("name")
        if isinstance(given, str) and given:
            names.append(given[:_LONGEST_NAME])
    return tuple(dict.fromkeys(names))


def _model(start: SessionStarted | None, events: Sequence[Event]) -> str:
    if start is not None and start.data.model:
        return start.data.model
    return next((event.data.model for event in events if isinstance(event, Response | Prompt) and event.data.model), "")


def _prompt_version(start: SessionStarted | None, events: Sequence[Event]) -> str:
    if start is not None and start.data.prompt_version:
        return start.data.prompt_version
    return next((event.data.prompt_version for event in events if isinstance(event, Prompt)), "")


def _goal(known: Iterable[tuple[StoredEvent, Event]], texts: SessionTexts) -> str:
    for stored, event in known:
        if isinstance(event, SessionStarted) and event.data.goal is not None:
            return texts.of(event.data.goal, stored.writer_id).text or ""
    return ""


def _tools(known: Iterable[tuple[StoredEvent, Event]], texts: SessionTexts) -> tuple[str, ...]:
    for stored, event in known:
        if isinstance(event, SessionStarted) and event.data.tools is not None:
            text = texts.of(event.data.tools, stored.writer_id).text
            try:
                return tool_names(orjson.loads(text or "[]"))
            except orjson.JSONDecodeError:
                return ()
    return ()


def _documents(known: Iterable[tuple[StoredEvent, Event]], texts: SessionTexts) -> tuple[Document, ...]:
    """What retrievals brought, each text of a document once; one whose text is not there can support nothing."""
    found: dict[tuple[str, str], Document] = {}
    for stored, event in known:
        for document in event.data.documents if isinstance(event, Retrieval) else ():
            text = "" if document.content is None else texts.of(document.content, stored.writer_id).text or ""
            if text:
                one = Document(document_id=document.document_id, text=text, score=document.score)
                found.setdefault((document.document_id, text), one)
    return tuple(found.values())


def _outcomes(known: Iterable[tuple[StoredEvent, Event]], texts: SessionTexts) -> dict[str, float | bool | str]:
    """What became of it; of two outcomes of one name the later one holds."""
    return {
        event.data.name: _outcome_value(event, stored, texts)
        for stored, event in known
        if isinstance(event, Outcome) and event.data.name != CLOSING
    }


def _outcome_value(event: Outcome, stored: StoredEvent, texts: SessionTexts) -> float | bool | str:
    data = event.data
    word = data.label.lower()
    if word in {"true", "false"} and data.value in {None, float(word == "true")}:
        return word == "true"
    if data.value is not None:
        return data.value
    if data.label or data.comment is None:
        return data.label
    return texts.of(data.comment, stored.writer_id).text or ""


def _cost(events: Iterable[StoredEvent]) -> float | None:
    costs = [event.cost_usd for event in events if event.cost_usd is not None]
    return float(sum(costs)) if costs else None


def _tokens(events: Iterable[Event]) -> int:
    usages = [event.data.usage for event in events if isinstance(event, Response) and event.data.usage is not None]
    return sum(usage.input_tokens + usage.output_tokens for usage in usages)


def _is_complete(rows: SessionRows) -> bool:
    unread = any(event.event is None and event.type != "content" for event in rows.events)
    disputed = any(event.conflict for event in rows.events)
    missing = bool(gaps_of(rows.events)) or rows.texts.counts()["missing"] > 0
    begun = any(event.type == "session_started" for event in rows.events)
    return begun and not (rows.truncated or unread or disputed or missing)
