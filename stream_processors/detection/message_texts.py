"""What people said in a prompt: the words of its messages, without the results that pass for a user's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from watchkeeper.schemas.events import Message, PromptData
from watchkeeper.stream_processors.detection.latest import Latest

MAX_ANSWER = 300
"""Characters of an answer that leaves it to the agent's words what is meant."""

_SYSTEM: Final = frozenset({"system", "developer"})
_DISGUISES = ("Observation:", "<tool_response>", "<function_results>")


def _new_messages(data: PromptData) -> tuple[tuple[int, Message], ...]:
    return tuple([(index, one) for index, one in enumerate(data.messages) if one.content.text is not None])


def _said_in(data: PromptData) -> tuple[tuple[str, str], ...]:
    before: Message | None = None
    said: list[tuple[str, str]] = []
    for _, message in new_messages(data):
        if message.role == "assistant":
            before = message
        elif message.role == "user" and (words := words_of(message)):
            if before is not None and len(words) <= MAX_ANSWER and (proposal := words_of(before)):
                said.append(("assistant", proposal))
            said.append(("user", words))
    return tuple(said)


def _system_in(data: PromptData) -> tuple[str, ...]:
    field = () if data.system is None or data.system.text is None else (data.system.text,)
    return (*field, *(words_of(message) for _, message in new_messages(data) if message.role in _SYSTEM))


new_messages: Final = Latest(_new_messages)
"""The messages whose texts are new to the session, with their places: most were sent with an earlier prompt."""

said_in: Final = Latest(_said_in)
"""Role and words of these messages: what users say, and what the agent said before.

What the agent said is there only where a user answers it in the same prompt, and with few words.
"""

system_in: Final = Latest(_system_in)
"""What the system prompt says, whether it was recorded apart or as a message."""


def words_of(message: Message) -> str:
    """The words of a message; empty where it holds none, or only results of tools."""
    raw = message.content.text or ""
    try:
        value: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        value = raw
    content = value.get("content", value.get("text", value.get("parts"))) if isinstance(value, dict) else value
    words = "\n".join(_texts(content))
    return "" if words.lstrip().startswith(_DISGUISES) else words


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, str):
                yield part
            elif isinstance(part, dict) and part.get("type", "text") in {"text", "input_text", "output_text"}:
                text = part.get("text")
                if isinstance(text, str):
                    yield text
