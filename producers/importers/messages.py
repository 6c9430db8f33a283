"""Reads one message, in the neutral form or as OpenAI's chat interface writes it.

The two differ in how calls are spelled and in what is recorded beside them; both spellings are read everywhere,
since recordings mix them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from watchkeeper.producers.importers import fields
from watchkeeper.producers.importers.model import NOT_RECORDED, RecordedCall, RecordedMessage, UnreadableError

MEASURES: Final = frozenset(
    {
        "timestamp",
        "created_at",
        "duration_s",
        "tokens",
        "usage",
        "input_tokens",
        "output_tokens",
        "cached_input_tokens",
        "cost",
        "cost_usd",
        "error",
        "is_error",
        "status",
        "finish_reason",
    }
)
"""Keys that the recorder wrote about a message: the model was not shown them."""

_ROLES: Final = {"function": "tool", "developer": "system", "model": "assistant", "human": "user"}
_TOKEN_KEYS: Final = ("input_tokens", "output_tokens", "cached_input_tokens")
_REASONING_PARTS: Final = frozenset({"thinking", "reasoning"})
_FAILED: Final = frozenset({"error", "failed", "failure", "exception", "timeout"})


def read_messages(given: Any) -> list[RecordedMessage]:
    """All messages of a session.

    Raises:
        UnreadableError: the list, or one of its messages, has another shape; the message names the place.
    """
    if not isinstance(given, list):
        raise UnreadableError(f"messages is {kind_of(given)}: write a list of messages")
    return [read_message(message, f"messages[{index}]") for index, message in enumerate(given)]


def read_message(given: Any, where: str) -> RecordedMessage:
    """One message; `where` names it in errors.

    Raises:
        UnreadableError: it is no object, has no role, or its calls cannot be read.
    """
    if not isinstance(given, dict):
        raise UnreadableError(f"{where} is {kind_of(given)}: write an object with role and content")
    role = given.get("role")
    if not isinstance(role, str) or not role:
        raise UnreadableError(f"{where}.role is {kind_of(role)}: write system, user, assistant or tool")
    message = RecordedMessage(
        role=_ROLES.get(role, role),
        shown={key: value for key, value in given.items() if key not in MEASURES},
        text=_text(given),
        call_id=fields.text(given.get("tool_call_id")),
        tool_name=fields.text(given.get("name")) if _ROLES.get(role, role) == "tool" else "",
        reasoning=_reasoning(given),
        refused=True if given.get("refusal") else None,
        cut=bool(given.get("truncated")),
    )
    if message.is_assistant:
        message.calls = _calls(given, where)
        message.cut |= any(_is_cut(call) for call in _listed(given.get("tool_calls")))
    _measure(message, given)
    return message


def _measure(message: RecordedMessage, given: Mapping[str, Any]) -> None:
    """What the recorder wrote about the message."""
    message.at_us = fields.time_us(fields.first(dict(given), "timestamp", "created_at"))
    message.duration_us = fields.microseconds(given.get("duration_s"))
    cost = fields.number(fields.first(dict(given), "cost_usd", "cost"))
    message.cost_usd = cost if cost is not None and cost >= 0 else None
    message.usage = _usage(given)
    message.finish_reason = fields.text(given.get("finish_reason"))
    error = given.get("error")
    status = fields.text(given.get("status"))
    message.error = error if isinstance(error, str) else fields.json_text(error) if _is_said(error) else ""
    message.failed = bool(_is_said(error) or given.get("is_error") is True or status.lower() in _FAILED)


def _is_said(error: Any) -> bool:
    return error not in (None, False, "", {}, [])


def _usage(given: Mapping[str, Any]) -> dict[str, Any]:
    """Token counts: an object of counts, or the counts beside the message's other keys."""
    for key in ("usage", "tokens"):
        counts = given.get(key)
        if isinstance(counts, dict):
            return counts
    found = {key: given[key] for key in _TOKEN_KEYS if fields.number(given.get(key)) is not None}
    if "cached_input_tokens" in found:
        found["cache_read_input_tokens"] = found.pop("cached_input_tokens")
    tokens = fields.number(given.get("tokens"))
    if not found and tokens is not None:
        # A single number beside a message counts that message: what the model wrote.
        found["output_tokens"] = tokens
    return found


def _text(given: Mapping[str, Any]) -> str | None:
    """The text of a content: itself, the texts of its parts, or its JSON. A refusal is text as well."""
    content = given.get("content")
    if content is None:
        refusal = given.get("refusal")
        return refusal if isinstance(refusal, str) and refusal else None
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return fields.json_text(content)
    parts = [_part(part) for part in content]
    return "\n".join(part for part in parts if part is not None)


def _part(part: Any) -> str | None:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return fields.json_text(part)
    if part.get("type") in _REASONING_PARTS:
        return None
    text = fields.first(part, "text", "refusal")
    return text if isinstance(text, str) else f"[{fields.text(part.get('type')) or 'part'}]"


def _reasoning(given: Mapping[str, Any]) -> list[str]:
    found = [given.get(key) for key in ("reasoning", "reasoning_content", "thinking")]
    content = given.get("content")
    found.extend(
        fields.first(part, "thinking", "reasoning", "text")
        for part in _listed(content)
        if isinstance(part, dict) and part.get("type") in _REASONING_PARTS
    )
    return [text for text in found if isinstance(text, str) and text]


def _calls(given: Mapping[str, Any], where: str) -> list[RecordedCall]:
    listed = given.get("tool_calls")
    if listed is not None and not isinstance(listed, list):
        raise UnreadableError(f"{where}.tool_calls is {kind_of(listed)}: write a list of calls")
    calls = [_call(call, f"{where}.tool_calls[{index}]") for index, call in enumerate(listed or ())]
    if given.get("function_call") is not None:
        calls.append(_call({"function": given["function_call"]}, f"{where}.function_call"))
    return calls


def _call(given: Any, where: str) -> RecordedCall:
    """`{id, name, arguments}`, or `{id, function: {name, arguments}}`."""
    if not isinstance(given, dict):
        raise UnreadableError(f"{where} is {kind_of(given)}: write an object with id, name and arguments")
    function = given.get("function", given)
    if not isinstance(function, dict):
        raise UnreadableError(f"{where}.function is {kind_of(function)}: write an object with name and arguments")
    arguments = function.get("arguments")
    # Arguments that were cut are not what the model wrote: judging them would accuse it of what it did not do.
    known = arguments is not None and not _is_cut(given)
    return RecordedCall(
        call_id=fields.text(given.get("id")),
        name=fields.text(function.get("name")),
        arguments=arguments if known else NOT_RECORDED,
    )


def _is_cut(call: Any) -> bool:
    return isinstance(call, dict) and bool(call.get("arguments_truncated"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def kind_of(value: Any) -> str:
    """What a JSON value is, for a message to a person."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "a truth value",
        int: "a number",
        float: "a number",
    }
    return "missing" if value is None else names.get(type(value), type(value).__name__)
