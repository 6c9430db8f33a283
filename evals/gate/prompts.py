"""A case as chat messages, in the form that OpenAI-compatible clients take. References and labels stay out of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from watchkeeper.evals.interaction import ToolUse, Turn
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.json_text import dump_json


def chat_messages(case: Case) -> list[dict[str, Any]]:
    """What the candidate is shown: role and content, calls of tools with their results after them."""
    return [message for turn in case.messages for message in _messages(turn)]


def documents_message(case: Case) -> dict[str, Any] | None:
    """The case's documents as one system message, for endpoints that have no other place for them."""
    if not case.documents:
        return None
    texts = "\n\n".join(f"[{name}]\n{text}" for name, text in case.documents.items())
    return {"role": "system", "content": f"Documents on which the answer may rest:\n\n{texts}"}


def _messages(turn: Turn) -> Iterator[dict[str, Any]]:
    if not turn.tools:
        yield {"role": turn.speaker, "content": turn.text}
        return
    yield {"role": "assistant", "content": turn.text, "tool_calls": [_call(use) for use in turn.tools]}
    for use in turn.tools:
        if use.result is not None:
            yield {"role": "tool", "tool_call_id": use.call_id, "content": use.result}


def _call(use: ToolUse) -> dict[str, Any]:
    arguments = dump_json(use.arguments or {}).decode()
    return {"id": use.call_id, "type": "function", "function": {"name": use.name, "arguments": arguments}}
