"""Whether a session was handed to a person: by an outcome, an approval, a delegation, or a tool that says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from watchkeeper.schemas.events import Approval, Delegation, Event, ToolCall

_OUTCOME: Final = re.compile(r"(?i)^(is_|was_)?(escalat|hand(ed)?[_ -]?(off|over)|human[_ -]?(takeover|transfer))")
_PERSON: Final = r"(human|person|people|staff|supervisor|specialist|representative|support|live[_-]?agent|agents?)"
_TOOL: Final = re.compile(
    rf"(?i)^(escalate\b|escalate[_-]|.*(transfer|escalat|hand[_-]?(off|over)|forward|route|connect).*{_PERSON})"
)
_WHO: Final = re.compile(r"(?i)(^|[_\s-])(human|person|staff|supervisor)([_\s-]|$)")
_NO: Final = frozenset({"", "0", "false", "no", "none"})


def is_escalation_tool(name: str) -> bool:
    """Whether a tool of this name hands a conversation to a person."""
    return _TOOL.match(name) is not None


def escalated(events: Iterable[Event], outcomes: Mapping[str, float | bool | str], tools: Iterable[str]) -> bool | None:
    """Whether it was handed to a person.

    An outcome that says so has the last word. True where a person's approval was asked for, work was delegated to a
    person, or a tool that hands over was called; False where there was such a tool and it was not called; None where
    nothing says so.

    Args:
        events: the session's.
        outcomes: what became of it, by name.
        tools: names of the registered tools.
    """
    for name, value in outcomes.items():
        if _OUTCOME.match(name):
            return value.lower() not in _NO if isinstance(value, str) else bool(value)
    if any(_hands_over(event) for event in events):
        return True
    return False if any(is_escalation_tool(tool) for tool in tools) else None


def _hands_over(event: Event) -> bool:
    match event:
        case Approval():
            return True
        case Delegation():
            return _WHO.search(event.data.child_agent_id) is not None
        case ToolCall():
            return is_escalation_tool(event.data.tool_name)
        case _:
            return False
