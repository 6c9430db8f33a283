"""A tool call as rules judge it: from an event, or from a guard that asks before the call is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from watchkeeper.schemas.events import ToolCall, ToolCallData
from watchkeeper.stream_processors.detection.detector import Context

NOT_RECORDED = "arguments were not recorded"
TOO_LONG = "arguments too long to travel with their call are not judged"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call.

    Attributes:
        arguments: as JSON values; a text that is no JSON stands as it is.
        unknown: why the arguments are not known; None where they are.
        agent_id: who calls: in a session of several agents, the one that acts.
    """

    tool_name: str
    call_id: str
    arguments: Any
    agent_id: str
    user_id: str = ""
    customer_id: str = ""
    environment: str = ""
    unknown: str | None = None


def call_of(event: ToolCall, context: Context) -> Call:
    """The call that an event tells."""
    arguments, unknown = arguments_of(event.data)
    session = context.session
    return Call(
        tool_name=event.data.tool_name,
        call_id=event.data.tool_call_id,
        arguments=arguments,
        agent_id=event.agent_id,
        user_id=event.user_id or session.user_id,
        customer_id=event.customer_id or session.customer_id,
        environment=event.environment or session.environment,
        unknown=unknown,
    )


def arguments_of(data: ToolCallData) -> tuple[Any, str | None]:
    """The arguments as JSON values, or why they are not known."""
    arguments: Any = data.arguments
    if data.arguments_content is not None:
        arguments = data.arguments_content.text
        if arguments is None:
            return None, TOO_LONG
    elif arguments is None:
        return None, NOT_RECORDED
    if isinstance(arguments, str):
        try:
            return orjson.loads(arguments or "{}"), None
        except orjson.JSONDecodeError:
            return arguments, None
    return arguments, None
