"""Reads a recorded session out of one line: the neutral form, and OpenAI's chat messages.

The neutral form is
`{session_id, source, agent, model, tools: [{name, description, parameters}], messages: [{role, content, tool_calls:
[{id, name, arguments}], tool_call_id, name, timestamp?, tokens?, cost?, error?}], labels}`; OpenAI's, as in files
for fine-tuning, is `{messages, tools}` or the older `{messages, functions}`.
"""

from __future__ import annotations

from typing import Any

from watchkeeper.producers.importers import fields
from watchkeeper.producers.importers.messages import kind_of, read_messages
from watchkeeper.producers.importers.model import RecordedSession, UnreadableError

_CHAT_KEYS = frozenset(
    {
        "messages",
        "tools",
        "functions",
        "parallel_tool_calls",
        "model",
        "id",
        "conversation_id",
        "user",
        "metadata",
    }
)
_CHAT_LABELS = "metadata"


def read_neutral(given: dict[str, Any], fingerprint: str) -> RecordedSession:
    """A session in the neutral form.

    Args:
        given: the line as JSON.
        fingerprint: SHA-256 of the line, in hexadecimal.

    Raises:
        UnreadableError: something in it has another shape; the message names the place.
    """
    return RecordedSession(
        fingerprint=fingerprint,
        session_id=_session_id(given.get("session_id"), fingerprint),
        form="neutral",
        agent=fields.text(given.get("agent")),
        model=fields.text(given.get("model")),
        tools=_tools(given.get("tools"), "tools"),
        messages=read_messages(given.get("messages")),
        labels=_labels(given.get("labels")),
        source=fields.text(given.get("source")),
    )


def read_chat(given: dict[str, Any], fingerprint: str) -> RecordedSession:
    """A conversation as OpenAI's chat interface writes it. Keys that it does not know are kept as labels.

    Raises:
        UnreadableError: something in it has another shape; the message names the place.
    """
    tools = _tools(given.get("tools"), "tools")
    functions = _tools(given.get("functions"), "functions")
    return RecordedSession(
        fingerprint=fingerprint,
        session_id=_session_id(fields.first(given, "id", "conversation_id"), fingerprint),
        form="chat",
        model=fields.text(given.get("model")),
        tools=tools if functions is None else [*(tools or ()), *functions],
        messages=read_messages(given.get("messages")),
        labels={**_labels(given.get(_CHAT_LABELS)), **{k: v for k, v in given.items() if k not in _CHAT_KEYS}},
    )


def _session_id(given: Any, fingerprint: str) -> str:
    return fields.text(given) or f"recorded-{fingerprint[:32]}"


def _tools(given: Any, name: str) -> list[Any] | None:
    if given is not None and not isinstance(given, list):
        raise UnreadableError(f"{name} is {kind_of(given)}: write a list of {{name, description, parameters}}")
    return given


def _labels(given: Any) -> dict[str, Any]:
    """Labels by name; a list of names is a list of labels that hold."""
    if given is None:
        return {}
    if isinstance(given, dict):
        return given
    listed = given if isinstance(given, list) else [given]
    return {name: True for name in map(fields.text, listed) if name}
