"""What a model was shown: the words of a prompt, whatever shape its messages have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from watchkeeper.schemas.contents import INLINE_LIMIT, Content
from watchkeeper.schemas.events import PromptData

MAX_DEPTH = 16
_ENVELOPE = frozenset({"role", "type", "tool_call_id"})
"""Keys of a message under which nothing stands that was said."""


def shown_in(data: PromptData) -> Iterator[str]:
    """The texts that are new with this prompt: messages by what is said in them, and the system prompt."""
    if data.system is not None and data.system.text is not None:
        yield data.system.text
    for message in data.messages:
        if message.content.text is not None:
            yield plain(message.content.text)


def is_readable(data: PromptData) -> bool:
    """Whether what a prompt shows is known: it was recorded, and no part of it travelled apart from it."""
    contents: list[Content] = [message.content for message in data.messages]
    if data.system is not None:
        contents.append(data.system)
    return bool(contents) and all(one.text is not None or one.size <= INLINE_LIMIT for one in contents)


def plain(text: str) -> str:
    """A text as people would read it: of a JSON text, all that is said in it."""
    if text[:1] not in '{["':
        return text
    try:
        value: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return "\n".join(_strings(value, 0))


def _strings(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield plain(value) if depth < MAX_DEPTH and value[:1] in '{["' else value
    elif isinstance(value, bool) or value is None or depth >= MAX_DEPTH:
        return
    elif isinstance(value, (int, float)):
        yield str(value)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, depth + 1)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if (depth or key not in _ENVELOPE) and not (key == "type" and inner == "text"):
                yield from _strings(inner, depth + 1)
