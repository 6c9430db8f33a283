"""One event on a session's page: a title, and below it what was said, asked and answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Protocol, TypeVar

import orjson
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.output import STATUS_STYLES, one_line
from watchkeeper.cli.pages.text import json_line, marks_of
from watchkeeper.cli.record.model import PromptNote, Record
from watchkeeper.schemas import events
from watchkeeper.schemas.contents import Content
from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.event_data import ResponseData
from watchkeeper.schemas.prompts import RebuiltText
from watchkeeper.schemas.stored_events import StoredEvent
from watchkeeper.stream_processors.detection.tools import ToolRegistry

DOCUMENTS_SHOWN: Final = 5
_ELSEWHERE: Final = frozenset({"policy", "tools"})
"""Texts of `session_started` that the page's head tells about, or that are too long for people."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Writer(Protocol[T_co]):
    """Writes what was said: the terminal's page in lines, the console in blocks."""

    @property
    def full(self) -> bool:
        """Whether nothing is left out."""

    def block(self, text: Text) -> Iterator[T_co]:
        """A text as it is."""

    def said(self, label: str, found: RebuiltText | None) -> Iterator[T_co]:
        """A text of the session under its label; nothing where there is none."""

    def body(self, text: str | None) -> Text:
        """A text as agents wrote it."""

    def value(self, label: str, value: Any) -> Iterator[T_co]:
        """A JSON value under its label."""


_LABELS: Final = {"text": "", "result": "", "arguments": ""}
"""Texts that need no label, because the event's title says what they are."""


def event_title(stored: StoredEvent) -> Text:
    """What happened, on one line."""
    name, *facts = event_facts(stored)
    title = Text(one_line(name), style="bold")
    for fact in facts:
        if fact:
            title.append(" · ", style="not bold").append(
                one_line(fact), style=f"not bold {STATUS_STYLES.get(fact, '')}"
            )
    return title


def event_facts(stored: StoredEvent) -> list[str]:  # noqa: PLR0911 - one branch for each type
    """The words of an event's title: what it is, then what is short about it; empty ones say nothing."""
    match stored.event:
        case events.SessionStarted(data=data):
            reasoning = "" if data.reasoning_exposed == "none" else f"reasoning: {data.reasoning_exposed}"
            return ["session resumed" if data.resumed else "session started", data.prompt_version, reasoning, data.sdk]
        case events.Prompt(data=data):
            return ["prompt", data.model, data.request_id]
        case events.Reasoning(data=data):
            return ["reasoning", "summary" if data.summary else ""]
        case events.ToolCall(data=data):
            key = f"idempotency key {data.idempotency_key}" if data.idempotency_key else ""
            return [f"call {data.tool_name}", data.tool_call_id, key]
        case events.ToolResult(data=data):
            trust = "" if data.trust == "untrusted" else data.trust
            lasted = took(data.duration_us)
            return [f"result {data.tool_name}", data.status, lasted, data.error_type, data.tool_call_id, trust]
        case events.Retrieval(data=data):
            found = formats.plural(len(data.documents), "document") if data.phase == "finished" else ""
            return [f"retrieval {data.phase}", data.source, found, took(data.duration_us)]
        case events.Response(data=data):
            said = "answer" if data.answer else ""
            return ["response", *response_facts(stored, data), data.finish_reason, said, data.error_type]
        case _:
            return _rarer_facts(stored)


def response_facts(stored: StoredEvent, data: ResponseData) -> list[str]:
    """Which model answered, what it used, what that cost and how long it took; empty ones say nothing."""
    return [data.model, _usage(data.usage), _cost(stored), took(data.duration_us)]


def _rarer_facts(stored: StoredEvent) -> list[str]:  # noqa: PLR0911 - one branch for each type
    match stored.event:
        case events.Decision(data=data):
            who = f"by {data.principal}" if data.principal else ""
            return [f"decision {data.name}", f"outcome {json_line(data.outcome)}", who, data.authority]
        case events.Delegation(data=data):
            return [f"delegation to {data.child_agent_id}", f"session {data.child_session_id}"]
        case events.Approval(data=data):
            return [f"approval {data.status}", data.action, data.approver, data.tool_call_id]
        case events.Checkpoint(data=data):
            return ["checkpoint", data.checkpoint_id]
        case events.Outcome(data=data):
            return [
                f"{data.kind} {data.name}",
                "" if data.value is None else f"{data.value:g}",
                data.label,
                data.source,
            ]
        case events.SessionEnded(data=data):
            return ["session ended", data.status, data.error_type, data.reason]
        case _:
            return _unread(stored)


def _unread(stored: StoredEvent) -> list[str]:
    if stored.type != "content":
        return [stored.type, "this version of Watchkeeper cannot read it"]
    part = orjson.loads(stored.data)
    return ["part of a text", f"{part.get('part', 0) + 1} of {part.get('parts')}", str(part.get("address"))]


def event_body(page: Writer[T], record: Record, told: StoredEvent | PromptNote) -> Iterator[T]:
    """What stands below the title."""
    if isinstance(told, PromptNote):
        yield from _prompt(page, told)
        return
    if told.event is None:
        if told.type != "content":
            yield from page.block(page.body(told.data))
        return
    yield from _values(page, told.event)
    if isinstance(told.event, events.SessionStarted):
        yield from _tools(page, record, told, told.event.data.tools)
    for field, content in contents_of(told.event):
        if field not in _ELSEWHERE and not field.startswith("documents["):
            yield from page.said(_LABELS.get(field, field), record.texts.of(content, told.writer_id))
    if isinstance(told.event, events.Retrieval):
        yield from _documents(page, record, told, told.event.data)


def _tools(page: Writer[T], record: Record, told: StoredEvent, content: Content | None) -> Iterator[T]:
    """The names of the registered tools; a list that is not what its address says is marked."""
    if content is None:
        return
    found = record.texts.of(content, told.writer_id)
    names = "" if found.text is None else _names_of_tools(found.text)
    yield from page.block(
        Text("tools: ", style="bold").append(one_line(names), "not bold").append_text(marks_of(found))
    )


def _names_of_tools(text: str) -> str:
    try:
        listed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "a list that is not JSON"
    return (", ".join(ToolRegistry(listed).names) or "none") if isinstance(listed, list) else "a text that is no list"


def _values(page: Writer[T], event: events.Event) -> Iterator[T]:
    """What the event holds beside its texts and its title."""
    match event:
        case events.ToolCall(data=data):
            if data.arguments_content is None:
                yield from page.block(page.body(json_line(data.arguments)))
        case events.Decision(data=data):
            yield from page.value("facts", data.facts)
            rules = ", ".join(f"{rule.name} {rule.version}".strip() for rule in data.rules)
            yield from page.value("rules", rules) if rules else ()
            yield from page.value("alternatives", data.alternatives) if data.alternatives else ()
        case events.Delegation(data=data):
            yield from page.value("scope", data.scope) if data.scope else ()
        case events.Approval(data=data):
            yield from page.value("limits", data.limits) if data.limits else ()
        case events.Checkpoint(data=data):
            for name, checked in data.values.items():
                source = f" ({checked.source} says {json_line(checked.source_value)})" if checked.source else ""
                yield from page.value(name, f"{json_line(checked.value)}{source}")
        case _:
            return


def _prompt(page: Writer[T], note: PromptNote) -> Iterator[T]:
    """New messages as they were; those that stood at the head of the prompt before are only counted."""
    prompt = note.prompt
    if not note.same_system:
        yield from page.said("system", prompt.system)
    if note.repeated:
        yield from page.block(Text(f"… {formats.plural(note.repeated, 'message')} as before", style="dim"))
    if note.left_out:
        yield from page.block(Text(f"… {formats.plural(note.left_out, 'message')} shown before left out", style="dim"))
    for role, text in prompt.messages[note.repeated :]:
        yield from page.said(role or "message", text)
    if prompt.tools is not None and prompt.tools.verdict != "verified":
        yield from page.said("tools", prompt.tools)


def _documents(page: Writer[T], record: Record, told: StoredEvent, data: events.RetrievalData) -> Iterator[T]:
    shown = data.documents if page.full else data.documents[:DOCUMENTS_SHOWN]
    for document in shown:
        score = "-" if document.score is None else f"{document.score:.2f}"
        line = Text(f"{score:>6}  ").append(one_line(f"{document.document_id} {document.version}".strip()))
        yield from page.block(line)
        if page.full and document.content is not None:
            yield from page.said("", record.texts.of(document.content, told.writer_id))
    if len(shown) < len(data.documents):
        yield from page.block(Text(f"… {len(data.documents) - len(shown)} more (--full)", style="dim"))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def took(micros: int | None) -> str:
    """A length of time that was measured, in microseconds; empty where it was not."""
    return "" if micros is None else formats.duration(micros / 1_000_000)


def _usage(usage: events.Usage | None) -> str:
    if usage is None:
        return ""
    cached = usage.cache_read_input_tokens
    read = f" ({formats.count(cached)} cached)" if cached else ""
    return f"{formats.count(usage.input_tokens)}{read} in, {formats.count(usage.output_tokens)} out"


def _cost(stored: StoredEvent) -> str:
    if stored.cost_usd is not None:
        return formats.money(stored.cost_usd)
    return "unpriced" if stored.price_status == "unpriced" else ""
