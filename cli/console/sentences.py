"""What happened in a session as somebody would tell it: a sentence for each event, and what is short about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from watchkeeper.cli import formats
from watchkeeper.cli.pages.events import event_facts, response_facts, took
from watchkeeper.cli.pages.text import json_line
from watchkeeper.cli.store import Row
from watchkeeper.schemas import events
from watchkeeper.schemas.event_data import ApprovalData, DecisionData, ResponseData
from watchkeeper.schemas.stored_events import StoredEvent

ASKS_FOR_TOOLS: Final = frozenset({"tool_calls", "tool_use", "function_call"})
"""What models call it when they stop to have a tool called."""

MAX_TITLE: Final = 60
"""Characters of a value that stands in a title."""

_CUT_OFF: Final = frozenset({"length", "max_tokens"})
_USUAL: Final = ASKS_FOR_TOOLS | {"", "stop", "end_turn"}
_ANSWERS: Final = {
    "ok": "answers",
    "error": "fails",
    "timeout": "does not answer in time",
    "rejected": "is refused",
    "cancelled": "is called off",
}
_ENDS: Final = {"completed": "It is done", "failed": "It fails", "stopped": "It stops, as it was told"}
_TOLD: Final = {
    "terminate": "Told to stop",
    "pause": "Told to wait",
    "resume": "Allowed to go on",
    "slow_down": "Told to slow down",
    "circuit_open": "Told to do without",
}
_REASONING: Final = {"full": "its reasoning is recorded", "summary": "its reasoning is recorded in summary", "none": ""}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One event in words.

    Attributes:
        title: what happened.
        facts: what is short about it; none of them empty.
        ids: by which it is found elsewhere.
    """

    title: str
    facts: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


def sentence_of(stored: StoredEvent, *, again: bool = False) -> Sentence:
    """The sentence of an event.

    Args:
        stored: the event.
        again: of a prompt, whether it says nothing that was not told before.
    """
    title, facts, ids = _told(stored, again=again)
    return Sentence(title, tuple(fact for fact in facts if fact), tuple(one for one in ids if one))


_Words = tuple[str, list[str], list[str]]


def _told(stored: StoredEvent, *, again: bool) -> _Words:  # noqa: PLR0911 - one branch for each type
    match stored.event:
        case events.SessionStarted(data=data):
            prompt = f"prompt {data.prompt_version}" if data.prompt_version else ""
            verb = "goes on" if data.resumed else "begins"
            return f"{stored.event.agent_id} {verb}", [prompt, _REASONING[data.reasoning_exposed], data.sdk], []
        case events.Prompt(data=data):
            return f"The model is asked{' again' if again else ''}", [data.model], [data.request_id]
        case events.Reasoning(data=data):
            return "It thinks", ["in summary" if data.summary else ""], []
        case events.Response(data=data):
            why = "" if data.finish_reason in _USUAL else f"ended by {data.finish_reason}"
            return _response(data), [*response_facts(stored, data), why], [data.request_id]
        case events.ToolCall(data=data):
            key = f"idempotency key {data.idempotency_key}" if data.idempotency_key else ""
            return f"It calls {data.tool_name}", [key], [data.tool_call_id]
        case events.ToolResult(data=data):
            trusted = "a trusted source" if data.trust == "trusted" else ""
            facts = [took(data.duration_us), data.error_type, trusted]
            return f"{data.tool_name} {_ANSWERS[data.status]}", facts, [data.tool_call_id]
        case _:
            return _rarer(stored)


def _rarer(stored: StoredEvent) -> _Words:  # noqa: PLR0911 - one branch for each type
    match stored.event:
        case events.Retrieval(data=data) if data.phase == "started":
            return "It looks for documents", [data.source], [data.retrieval_id]
        case events.Retrieval(data=data):
            found = formats.plural(len(data.documents), "document") if data.documents else "nothing"
            return f"It finds {found}", [data.source, took(data.duration_us)], [data.retrieval_id]
        case events.Decision(data=data):
            return _decision(data), [f"for {data.principal}" if data.principal else "", data.authority], []
        case events.Delegation(data=data):
            return f"It hands work to {data.child_agent_id}", [], [data.child_session_id]
        case events.Approval(data=data):
            return _approval(data), [data.action], [data.tool_call_id]
        case events.Checkpoint(data=data):
            return "It notes where it stands", [], [data.checkpoint_id]
        case events.Outcome(data=data):
            what = "Outcome" if data.kind == "business" else "Feedback"
            value = "" if data.value is None else f"{data.value:g}"
            return f"{what}: {data.name}", [value, data.label, data.source], []
        case events.SessionEnded(data=data):
            return _ENDS[data.status], [data.error_type, data.reason], []
        case _:
            name, *facts = event_facts(stored)
            return name, facts, []


def _response(data: ResponseData) -> str:
    if data.error_type:
        return f"The model fails: {data.error_type}"
    if data.abstained:
        return "It declines to answer"
    if data.answer:
        return "It tells the user"
    if data.finish_reason in _CUT_OFF:
        return "The model is cut off"
    if data.finish_reason in ASKS_FOR_TOOLS:
        return "The model asks for a tool"
    return "The model says" if data.text is not None else "The model says nothing"


def _decision(data: DecisionData) -> str:
    return f"It decides {data.name}" + (f": {json_line(data.outcome)}" if is_plain(data.outcome) else "")


def is_plain(value: Any) -> bool:
    """Whether a JSON value is short enough for a title: no list, no object, no null."""
    return isinstance(value, (bool, int, float, str)) and len(str(value)) <= MAX_TITLE


def _approval(data: ApprovalData) -> str:
    who = data.approver or "Somebody"
    return {
        "requested": "It asks for approval",
        "granted": f"{who} approves",
        "denied": f"{who} refuses",
        "expired": "Nobody approves in time",
    }[data.status]


def command_sentence(row: Row) -> Sentence:
    """A command in words, for one of the sessions that it reached."""
    tool = f" {row['tool_name']}" if row["tool_name"] else ""
    whole = "" if row["target_kind"] == "session" else f"the whole {row['target_kind']} {row['target_id']}"
    title = f"{_TOLD.get(row['action'], row['action'])}{tool}, by {row['issued_by']}"
    return Sentence(title, (whole,) if whole else ())
