"""Messages of prompts and recordings, in whichever form a model client takes: who speaks, what, and which calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from watchkeeper.evals.interaction import Speaker

SPEAKERS: Final[dict[str, Speaker]] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "tool": "tool",
    "function": "tool",
}
_REASONING: Final = frozenset({"thinking", "reasoning"})
_NOT_SAID: Final = frozenset({*_REASONING, "tool_use", "tool_result", "function_call", "function_call_output"})


@dataclass(frozen=True, slots=True)
class CallInMessage:
    """A call as a message of an assistant spells it; `arguments` is None where there is no object to read."""

    call_id: str
    name: str
    arguments: dict[str, Any] | None


def speaker_of(role: str) -> Speaker:
    """Who speaks under a role; one that nobody knows is no voice of the agent's, so it is the user's."""
    return SPEAKERS.get(role.lower(), "user")


def text_of(message: Any) -> str:
    """What a message says: its text, or the texts of its parts. Results and calls of tools are not said."""
    if isinstance(message, str):
        return message
    if not isinstance(message, dict):
        return "" if message is None else _as_json(message)
    content = message.get("content", message.get("parts", message.get("text")))
    if content is None:
        refusal = message.get("refusal")
        return refusal if isinstance(refusal, str) else ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return _as_json(content)
    return "\n".join(text for part in content if (text := _text_of_part(part)))


def _text_of_part(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or part.get("type") in _NOT_SAID:
        return ""
    text = part.get("text", part.get("refusal"))
    return text if isinstance(text, str) else f"[{part.get('type', 'part')}]"


def reasoning_of(message: Any) -> str:
    """What a message shows of its reasoning."""
    if not isinstance(message, dict):
        return ""
    found = [message.get(key) for key in ("reasoning", "reasoning_content", "thinking")]
    content = message.get("content")
    found.extend(
        part.get("thinking", part.get("reasoning", part.get("text")))
        for part in (content if isinstance(content, list) else ())
        if isinstance(part, dict) and part.get("type") in _REASONING
    )
    return "\n".join(text for text in found if isinstance(text, str) and text)


def calls_of(message: Any) -> Iterator[CallInMessage]:
    """The calls that an assistant's message makes, as OpenAI's and Anthropic's interfaces and recordings spell them."""
    if not isinstance(message, dict):
        return
    listed = message.get("tool_calls")
    for call in listed if isinstance(listed, list) else ():
        if isinstance(call, dict):
            inner = call.get("function")
            function: dict[str, Any] = inner if isinstance(inner, dict) else call
            cut = bool(call.get("arguments_truncated"))
            arguments = None if cut else arguments_of(function.get("arguments", function.get("args")))
            yield CallInMessage(_word(call.get("id")), _word(function.get("name")), arguments)
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") == "tool_use":
            yield CallInMessage(_word(part.get("id")), _word(part.get("name")), arguments_of(part.get("input")))


def results_of(message: Any) -> Iterator[tuple[str, str]]:
    """The results of tools that a message holds: id of the call, and text."""
    if not isinstance(message, dict):
        return
    if speaker_of(_word(message.get("role")) or "user") == "tool":
        yield _word(message.get("tool_call_id")), text_of(message)
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") == "tool_result":
            yield _word(part.get("tool_use_id")), text_of({"content": part.get("content")})


def arguments_of(given: Any) -> dict[str, Any] | None:
    """Arguments as an object: themselves, or the JSON of a text; None where that is no object."""
    if isinstance(given, dict):
        return given
    if not isinstance(given, str):
        return None
    try:
        # Not by orjson: it would round whole numbers beyond 64 bits. NaN has no place in a case.
        read = json.loads(given, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _word(given: Any) -> str:
    return given if isinstance(given, str) else ""


def _as_json(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
