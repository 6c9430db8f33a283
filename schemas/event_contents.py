"""Which texts an event carries, by field."""

from __future__ import annotations

from collections.abc import Iterator

from watchkeeper.schemas.contents import Content
from watchkeeper.schemas.events import (
    Approval,
    Decision,
    Delegation,
    Event,
    Outcome,
    Prompt,
    Reasoning,
    Response,
    Retrieval,
    SessionEnded,
    SessionStarted,
    ToolCall,
    ToolResult,
)


def contents_of(event: Event) -> Iterator[tuple[str, Content]]:
    """Every content of the event with the name of its field, in reading order. `content` events yield nothing."""
    for field, content in _fields(event):
        if content is not None:
            yield field, content


def _fields(event: Event) -> Iterator[tuple[str, Content | None]]:  # noqa: C901, PLR0912 - one branch for each type
    match event:
        case ToolCall():
            yield "arguments", event.data.arguments_content
        case ToolResult():
            yield "result", event.data.result
        case Response():
            yield "text", event.data.text
        case Prompt():
            yield "system", event.data.system
            yield "tools", event.data.tools
            for index, message in enumerate(event.data.messages):
                yield f"messages[{index}]", message.content
        case Reasoning():
            yield "text", event.data.text
        case Retrieval():
            yield "query", event.data.query
            for index, document in enumerate(event.data.documents):
                yield f"documents[{index}]", document.content
        case SessionStarted():
            yield "goal", event.data.goal
            yield "tools", event.data.tools
            yield "policy", event.data.policy.content if event.data.policy else None
        case SessionEnded():
            yield "answer", event.data.answer
        case Decision() | Approval():
            yield "reason", event.data.reason
        case Delegation():
            yield "task", event.data.task
        case Outcome():
            yield "comment", event.data.comment
        case _:
            return


def is_shared(content: Content) -> bool:
    """Whether the text holds no person's data and is looked up across sessions: tool schemas, templates, policies."""
    return content.address.startswith("u-")
