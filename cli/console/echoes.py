"""Which messages of a prompt only repeat what the story has told: the model's own calls and what tools answered.

Frameworks hand a model its own words back with each request. Whoever reads a story wants them once. Nothing is taken
for told that is not the same, and texts that are not what their hash says are never left aside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from watchkeeper.cli.record.model import PromptNote, Record
from watchkeeper.schemas import events
from watchkeeper.schemas.prompts import RebuiltText
from watchkeeper.schemas.stored_events import StoredEvent

_KEYS: Final = frozenset({"role", "content", "tool_calls", "tool_call_id", "name"})
MAX_PARSED: Final = 200_000
"""Characters; longer texts are compared as they are."""


class Echoes:
    """Remembers what was told, as the story goes on."""

    def __init__(self) -> None:
        self._said: set[str] = set()
        self._calls: set[tuple[str, str]] = set()

    def hear(self, record: Record, stored: StoredEvent) -> None:
        """Takes in what an event tells."""
        match stored.event:
            case events.ToolCall(data=data):
                arguments = data.arguments
                if data.arguments_content is not None:
                    arguments = record.texts.of(data.arguments_content, stored.writer_id).text
                self._calls.add((data.tool_name, _same_form(arguments)))
            case events.ToolResult(data=data) if data.result is not None:
                self._said.add(_same_form(record.texts.of(data.result, stored.writer_id).text))
            case events.Response(data=data) if data.text is not None:
                self._said.add(_same_form(record.texts.of(data.text, stored.writer_id).text))
            case _:
                return

    def split(self, note: PromptNote) -> tuple[list[tuple[str, RebuiltText]], list[tuple[str, RebuiltText]]]:
        """The new messages of a prompt: those that say something new, and those that were told."""
        new: list[tuple[str, RebuiltText]] = []
        told: list[tuple[str, RebuiltText]] = []
        for role, text in note.prompt.messages[note.repeated :]:
            (told if self._is_told(text) else new).append((role, text))
        return new, told

    def _is_told(self, text: RebuiltText) -> bool:
        if text.verdict != "verified" or text.media_type != "application/json":
            return False
        message = _parsed(text.text)
        if not isinstance(message, dict) or not set(message) <= _KEYS or message.get("role") in {"system", "developer"}:
            return False
        calls = message.get("tool_calls") or []
        content = message.get("content")
        if content in (None, "", []):
            return bool(calls) and self._are_calls(calls)
        return self._is_content(content) and self._are_calls(calls)

    def _is_content(self, content: Any) -> bool:
        if _same_form(content) in self._said:
            return True
        return isinstance(content, list) and all(isinstance(part, dict) and self._is_part(part) for part in content)

    def _is_part(self, part: Mapping[str, Any]) -> bool:
        """A part of a content that is a list, as Anthropic's and OpenAI's interfaces have them."""
        match part.get("type"):
            case "text":
                return set(part) <= {"type", "text"} and _same_form(part.get("text")) in self._said
            case "tool_use":
                named = isinstance(part.get("name"), str)
                return (
                    named
                    and set(part) <= {"type", "id", "name", "input"}
                    and ((part["name"], _same_form(part.get("input"))) in self._calls)
                )
            case "tool_result":
                known = set(part) <= {"type", "tool_use_id", "content", "is_error"}
                return known and "content" in part and self._is_content(part["content"])
            case _:
                return False

    def _are_calls(self, calls: Any) -> bool:
        if not isinstance(calls, list):
            return False
        functions = [call.get("function") if isinstance(call, dict) else None for call in calls]
        return all(
            isinstance(one, dict)
            and isinstance(one.get("name"), str)
            and (one["name"], _same_form(one.get("arguments"))) in self._calls
            for one in functions
        )


def _same_form(value: Any) -> str:
    """A text or JSON value in one form, however it was spaced and its keys were ordered."""
    parsed = _parsed(value) if isinstance(value, str) else value
    return json.dumps(parsed, sort_keys=True, ensure_ascii=False)


def _parsed(text: str | None) -> Any:
    """The value of a text that is JSON; the text itself where it is none."""
    if text is None or len(text) > MAX_PARSED:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
