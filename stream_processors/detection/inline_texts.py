"""Texts that an event carries itself and that do not have the hash under which they came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from watchkeeper.schemas.contents import Content, keyed_hash, matches
from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.events import (
    ContentPart,
    Decision,
    Event,
    Prompt,
    PromptData,
    Reasoning,
    Response,
    SessionEnded,
    SessionStarted,
    SessionStartedData,
    ToolCall,
    ToolResult,
)
from watchkeeper.stream_processors.detection.message_texts import new_messages

MAX_SHARED: Final = 128
"""Shared texts that are remembered as right: policies, lists of tools."""

MAX_LENGTH: Final = 64 * 1024
"""Characters of one of these; a longer one is hashed each time."""

_RIGHT: Final[dict[str, str]] = {}


def mismatches(event: Event, salt: str | None) -> Sequence[tuple[str, str]]:
    """Field and address of every inline text that does not have its hash.

    Salted texts are not judged without the writer's salt; nor are texts in several parts, which no single event holds.
    The common types are told apart at once: every event passes here, and most of them carry no text or one.
    """
    if type(event) is Prompt:
        return _of_prompt(event.data, salt)
    if type(event) is ToolResult:
        return _of_one("result", event.data.result, salt)
    if type(event) is Response or type(event) is Reasoning:
        return _of_one("text", event.data.text, salt)
    if type(event) is ToolCall:
        return _of_one("arguments", event.data.arguments_content, salt)
    return _of_others(event, salt)


def _of_others(event: Event, salt: str | None) -> Sequence[tuple[str, str]]:
    if type(event) is SessionStarted:
        return _of_start(event.data, salt)
    if type(event) is SessionEnded:
        return _of_one("answer", event.data.answer, salt)
    if type(event) is Decision:
        return _of_one("reason", event.data.reason, salt)
    if type(event) is ContentPart:
        data = event.data
        return [("text", data.address)] if data.parts == 1 and matches(data.address, data.text, salt) is False else ()
    return [(name, content.address) for name, content in contents_of(event) if _is_wrong(content, salt)]


def _of_one(name: str, content: Content | None, salt: str | None) -> Sequence[tuple[str, str]]:
    # Most were sent before, and come by address alone.
    if content is None or content.text is None or not _is_wrong(content, salt):
        return ()
    return ((name, content.address),)


def _of_start(data: SessionStartedData, salt: str | None) -> Sequence[tuple[str, str]]:
    policy = None if data.policy is None else data.policy.content
    return (
        *_of_one("goal", data.goal, salt),
        *_of_one("tools", data.tools, salt),
        *_of_one("policy", policy, salt),
    )


def _of_prompt(data: PromptData, salt: str | None) -> Sequence[tuple[str, str]]:
    wrong = [
        (f"messages[{index}]", message.content.address)
        for index, message in new_messages(data)
        if _is_wrong(message.content, salt)
    ]
    if data.system is not None:
        wrong += _of_one("system", data.system, salt)
    if data.tools is not None:
        wrong += _of_one("tools", data.tools, salt)
    return wrong


def _is_wrong(content: Content, salt: str | None) -> bool:
    text = content.text
    if text is None:
        return False
    address = content.address
    if address[0] == "s":
        if salt is None:
            return False
        # As `matches` does, without its detours: nearly every text that an agent says or reads passes here.
        hashing = keyed_hash(salt).copy()
        hashing.update(text.encode())
        return address[2:] != hashing.hexdigest()
    # The same few come with every session: comparing a text costs a tenth of hashing it.
    if _RIGHT.get(address) == text:
        return False
    if not matches(address, text, None):
        return True
    if len(text) <= MAX_LENGTH:
        if len(_RIGHT) >= MAX_SHARED:
            _RIGHT.clear()
        _RIGHT[address] = text
    return False
