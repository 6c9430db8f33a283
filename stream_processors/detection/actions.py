"""Calls that change something: what makes two of them the same deed, and whether one of them took effect.

**The same deed**: the same tool with the same arguments as JSON values, the idempotency key left out, for the same
customer (or user, where no customer is told) in the same environment.

**Took effect**, by its result:

- `ok` unless its text tells of a failure: runtimes hand errors to the model as plain answers;
- a timeout may have;
- an error has not, unless it tells that the answer was lost on its way: after that nobody knows;
- what was refused or cancelled has not.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal, TypeAlias

from pydantic_core import SchemaValidator, core_schema

from watchkeeper.schemas.events import ToolCall, ToolResultData
from watchkeeper.schemas.policy import ToolPolicy
from watchkeeper.stream_processors.detection.calls import arguments_of
from watchkeeper.stream_processors.detection.detector import Context
from watchkeeper.stream_processors.detection.fingerprints import digest
from watchkeeper.stream_processors.detection.latest import Latest

Outcome: TypeAlias = Literal["running", "ok", "unsure", "failed"]

MAX_READ = 400
"""Characters of an answer that are searched for a failure."""

MAX_LEAVES = 6
"""Values of a call by which a look at the same thing is recognised."""

_LOST = re.compile(
    r"(?<!connect )(?<!connect)(?<!connection )(?<!lock wait )time[d]?[ _-]?out|deadline[ _]?exceeded"
    r"|connection[ _]?(?:was )?(?:reset|closed|aborted|lost)|(?:server|remote)[ _]?disconnected|broken[ _]?pipe"
    r"|incomplete[ _]?read|unexpected (?:eof|end of)|gateway[ _]?time|bad[ _]?gateway|no response"
    r"|\b(?:http|status|code|error)\D{0,12}50[024]\b",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"^[\s*#>\[(]{0,3}(?:error|failed|failure|exception|traceback|invalid|cannot|could not|unable|denied|refused)\b"
    r"|\"errors?\"\s*:(?!\s*(?:null|\"\"|\[\]|false|\{\}))|\"(?:success|ok)\"\s*:\s*false"
    r"|\"(?:status|state|result)\"\s*:\s*\"(?:error|failed|failure|rejected|declined|denied)\"",
    re.IGNORECASE,
)
_MAY_HAVE_FAILED = SchemaValidator(
    core_schema.str_schema(
        strict=True,
        pattern=(
            r"(?is)^.{0,3}(?:error|fail|exception|traceback|invalid|cannot|could not|unable|denied|refused)"
            r'|"errors?"\s*:|"(?:success|ok)"\s*:\s*false'
            r'|"(?:status|state|result)"\s*:\s*"(?:error|failed|failure|rejected|declined|denied)'
        ),
    )
)
"""Matches wherever `_FAILED` does, and in linear time: most answers tell of no failure."""


def changes(tool: ToolPolicy | None) -> bool:
    """Whether the policy says that the tool changes something."""
    return tool is not None and tool.effect != "read"


def key_of(event: ToolCall, tool: ToolPolicy, arguments: Any) -> str:
    """A digest of the call's idempotency key; "" where it has none."""
    key: Any = event.data.idempotency_key
    if not key and tool.idempotency_key is not None and isinstance(arguments, dict):
        key = arguments.get(tool.idempotency_key)
    return "" if key is None or key == "" else digest(str(key))


def name_of(event: ToolCall, tool: ToolPolicy, context: Context) -> tuple[str, Any] | None:
    """The deed's name and its arguments without the key; None where the arguments are not known."""
    arguments, unknown = arguments_of(event.data)
    if unknown is not None:
        return None
    if tool.idempotency_key is not None and isinstance(arguments, dict):
        arguments = {name: value for name, value in arguments.items() if name != tool.idempotency_key}
    session = context.session
    whose = event.customer_id or session.customer_id or event.user_id or session.user_id
    told = ("action", event.environment, event.data.tool_name, whose, arguments)
    try:
        return context.keys.name(session.tenant_id, *told), arguments
    except TypeError:
        # Integers of more than 64 bits, which JSON allows and orjson does not write.
        return context.keys.name(session.tenant_id, *told[:-1], repr(arguments)), arguments


def _outcome_of(data: ToolResultData) -> Outcome:
    if data.status in {"rejected", "cancelled"}:
        return "failed"
    if data.status == "timeout":
        return "unsure"
    text = data.result.text if data.result is not None and data.result.text is not None else ""
    told = f"{data.error_type} {text[:MAX_READ]}"
    if data.status == "error":
        return "unsure" if _LOST.search(told) else "failed"
    if not (_MAY_HAVE_FAILED.isinstance_python(text) and _FAILED.search(text[:MAX_READ])):
        return "ok"
    return "unsure" if _LOST.search(told) else "failed"


outcome_of: Final = Latest(_outcome_of)
"""Whether the call took effect, as far as its result tells; see the module."""


def leaves_of(arguments: Any) -> list[str]:
    """Digests of the values that name something: texts of three characters or more, numbers from 1,000 on."""
    found: list[str] = []
    open_values = [arguments]
    while open_values and len(found) < MAX_LEAVES:
        value = open_values.pop(0)
        if isinstance(value, dict):
            open_values += value.values()
        elif isinstance(value, list):
            open_values += value[:MAX_LEAVES]
        elif (isinstance(value, str) and len(value) >= 3) or (type(value) is int and value >= 1000):
            found.append(digest(str(value))[:8])
    return found
