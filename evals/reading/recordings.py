"""Interactions from recorded sessions in the neutral form: one JSON object a line, with messages and labels.

`{session_id, agent, model, intent?, tools: [{name, …}], messages: [{role, content, tool_calls: [{id, name, arguments}],
tool_call_id, name, timestamp?, error?, tokens?, cost?}], labels}`, as docs/importing.md describes it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final

import orjson

from watchkeeper.evals.interaction import Interaction, ToolUse, Turn
from watchkeeper.evals.reading.assembling import tool_names
from watchkeeper.evals.reading.escalation import is_escalation_tool
from watchkeeper.evals.reading.messages import calls_of, reasoning_of, speaker_of, text_of
from watchkeeper.schemas.errors import WatchkeeperError
from watchkeeper.schemas.model import EARLIEST, LATEST

_TOKENS: Final = ("input_tokens", "output_tokens")
_LONGEST_NAME: Final = 256


class RecordingError(WatchkeeperError):
    """A line that is no recorded session. The message says what it should be."""


def from_recording(line: bytes | str | Mapping[str, Any], *, tenant: str = "default") -> Interaction:
    """A recorded session as an interaction.

    Labels become its outcomes: numbers, truth values and texts as they are, anything else as JSON. Where no message
    has a time, it is told at the beginning of 1970: a recording without times did not happen now.

    One whose texts or arguments were cut before they were recorded is not complete.

    Args:
        line: the JSON, or what it holds.
        tenant: whose it is.

    Raises:
        RecordingError: it is no recorded session.
    """
    document = _document(line)
    messages = document.get("messages")
    if not isinstance(messages, list):
        raise RecordingError("a recorded session has a list of messages: write {session_id, agent, messages: […]}")
    scroll = _Scroll()
    for index, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise RecordingError(f"messages[{index}] is no message: write an object with role and content")
        scroll.take(message)
    labels = document.get("labels")
    tools = tool_names(document.get("tools"))
    called = [call.name for said in scroll.said for call in said.uses]
    handed = any(map(is_escalation_tool, called))
    return Interaction(
        interaction_id=_text(document.get("session_id")) or _derived(document),
        tenant_id=tenant,
        origin="import",
        agent_id=_text(document.get("agent")),
        model=_text(document.get("model")),
        intent=_text(document.get("intent")),
        tools=tools,
        turns=tuple(said.frozen() for said in scroll.said if said.text or said.reasoning or said.uses),
        outcomes={str(name): _label(value) for name, value in labels.items() if value is not None}
        if isinstance(labels, dict)
        else {},
        escalated=handed if handed or any(map(is_escalation_tool, tools)) else None,
        status="completed",
        started_at=min(scroll.times, default=EARLIEST),
        ended_at=max(scroll.times, default=EARLIEST),
        cost_usd=scroll.cost_usd,
        tokens=scroll.tokens,
        complete=not scroll.cut,
    )


@dataclass(slots=True)
class _Use:
    call_id: str
    name: str
    arguments: dict[str, Any] | None
    result: str | None = None
    failed: bool = False
    answered: bool = False


@dataclass(slots=True)
class _Said:
    speaker: Any
    text: str
    reasoning: str
    at: datetime | None
    uses: list[_Use] = field(default_factory=list)

    def frozen(self) -> Turn:
        tools = tuple(
            ToolUse(
                call_id=use.call_id,
                name=use.name[:_LONGEST_NAME] or "(unknown)",
                arguments=use.arguments,
                result=use.result,
                failed=use.failed,
            )
            for use in self.uses
        )
        return Turn(speaker=self.speaker, text=self.text, reasoning=self.reasoning, tools=tools, at=self.at)


class _Scroll:
    """The messages so far."""

    def __init__(self) -> None:
        self.said: list[_Said] = []
        self.times: list[datetime] = []
        self.tokens = 0
        self.cost_usd: float | None = None
        self.cut = False

    def take(self, message: Mapping[str, Any]) -> None:
        at = _moment(message.get("timestamp", message.get("created_at")))
        if at is not None:
            self.times.append(at)
        listed = message.get("tool_calls")
        calls = listed if isinstance(listed, list) else []
        self.cut |= any(bool(one.get("arguments_truncated")) for one in calls if isinstance(one, dict))
        self.cut |= bool(message.get("truncated"))
        speaker = speaker_of(str(message["role"]))
        if speaker == "assistant":
            self._measure(message)
        if speaker == "tool":
            self._result(message, at)
            return
        uses = [_Use(call.call_id, call.name, call.arguments) for call in calls_of(message)]
        text, reasoning = text_of(message), reasoning_of(message)
        before = self.said[-1] if self.said else None
        if uses and not (text or reasoning) and before is not None and before.speaker == speaker == "assistant":
            # Agents that think in one message and act in the next go on with it.
            before.uses.extend(uses)
            return
        self.said.append(_Said(speaker, text, reasoning, at, uses))

    def _measure(self, message: Mapping[str, Any]) -> None:
        given = message.get("tokens", message.get("usage"))
        counts = given if isinstance(given, dict) else message
        self.tokens += sum(_count(counts.get(name)) for name in _TOKENS)
        if not isinstance(given, dict) and not any(name in message for name in _TOKENS):
            self.tokens += _count(given)
        cost = _number(message.get("cost_usd", message.get("cost")))
        if cost is not None:
            self.cost_usd = (self.cost_usd or 0.0) + cost

    def _result(self, message: Mapping[str, Any], at: datetime | None) -> None:
        """A result belongs to the newest message with an open call of its id, or of its name, or to the next one."""
        call_id, name = _text(message.get("tool_call_id")), _text(message.get("name"))
        found: _Use | None = None
        for said in reversed(self.said):
            fitting = (use for use in said.uses if not use.answered)
            found = next((use for use in fitting if _fits(use, call_id, name)), None)
            if found is not None:
                break
        if found is None:
            found = _Use(call_id, name, None)
            self.said.append(_Said("assistant", "", "", at, [found]))
        error = message.get("error")
        text = text_of(message)
        found.result = text if message.get("content") is not None else _text(error) or None
        found.failed = error not in (None, False, "", {}, []) or message.get("is_error") is True
        found.answered = True


def _fits(use: _Use, call_id: str, name: str) -> bool:
    return use.call_id == call_id if call_id else not name or use.name == name


def _document(line: bytes | str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(line, Mapping):
        return line
    try:
        document = json.loads(line, parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"not JSON ({error}): write one session, as a JSON object, on each line") from error
    if not isinstance(document, dict):
        raise RecordingError("a recorded session is a JSON object, and this line is none")
    return document


def _label(value: Any) -> float | bool | str:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return float(value)
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _derived(document: Mapping[str, Any]) -> str:
    raw = orjson.dumps(document, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(raw).hexdigest()[:32]


def _moment(given: Any) -> datetime | None:
    """ISO 8601 (UTC where it names no zone) or seconds since 1970; None where it is neither."""
    try:
        if isinstance(given, str):
            read = datetime.fromisoformat(given)
            moment = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        elif isinstance(given, int | float) and not isinstance(given, bool):
            moment = datetime.fromtimestamp(given, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment if EARLIEST <= moment <= LATEST else None


def _number(given: Any) -> float | None:
    """A count or an amount, also where a recorder wrote it as text."""
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        number = float(given)
    except ValueError:
        return None
    return number if isfinite(number) and number >= 0 else None


def _count(given: Any) -> int:
    return int(_number(given) or 0)


def _text(given: Any) -> str:
    return given if isinstance(given, str) else ""
