"""The texts that an event carries itself, and those of them that do not have the hash under which they came."""

from __future__ import annotations

from collections.abc import Sequence

from watchkeeper.schemas.contents import Content, matches
from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.events import ContentPart, Event, Prompt, Reasoning, Response, ToolCall, ToolResult


def inline_texts(event: Event) -> Sequence[tuple[str, Content]]:
    """Every content whose text is in the event, with the name of its field.

    The same as `contents_of` with the others left out, but the common types are told apart at once: every event
    passes here, and most of them carry no text or one.
    """
    if type(event) is Prompt:
        return _of_prompt(event)
    if type(event) is ToolResult:
        return _one("result", event.data.result)
    if type(event) is Response or type(event) is Reasoning:
        return _one("text", event.data.text)
    if type(event) is ToolCall:
        return _one("arguments", event.data.arguments_content)
    return [(name, content) for name, content in contents_of(event) if content.text is not None]


def mismatches(event: Event, salt: str | None) -> list[tuple[str, str]]:
    """Field and address of every inline text that does not have its hash.

    Salted texts are not judged without the writer's salt; nor are texts in several parts, which no single event holds.
    """
    if type(event) is ContentPart:
        data = event.data
        return [("text", data.address)] if data.parts == 1 and matches(data.address, data.text, salt) is False else []
    texts = inline_texts(event)
    if not texts:
        return []
    return [
        (name, content.address)
        for name, content in texts
        if matches(content.address, content.text or "", salt) is False
    ]


def _one(name: str, content: Content | None) -> Sequence[tuple[str, Content]]:
    return () if content is None or content.text is None else ((name, content),)


def _of_prompt(event: Prompt) -> list[tuple[str, Content]]:
    data = event.data
    # Most messages were sent with an earlier prompt: only the new ones are named.
    contents = [message.content for message in data.messages]
    found = [(f"messages[{index}]", content) for index, content in enumerate(contents) if content.text is not None]
    if data.system is not None and data.system.text is not None:
        found.append(("system", data.system))
    if data.tools is not None and data.tools.text is not None:
        found.append(("tools", data.tools))
    return found
