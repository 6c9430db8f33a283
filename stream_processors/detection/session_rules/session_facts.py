"""What a session ran with: told to stage 2, which compares it with the sessions before.

What it sees. The session's start, and its first prompt and response: the model that is asked for, the one that answers,
the version of the prompt template, the system prompt, the registered tools and the policy. Each is told once, with the
first call or response after it is known: one signal for most sessions, two at most for nearly all. `version_drift`, in
stage 2, finds what nobody announced. In a session alone nothing is found.

Method. Tools and policies are compared by address; lists of tools whose text is at hand by their content, in any
order. The system prompt is compared as a text with dates, times and identifiers taken out, by a digest. Only what
the session's own agent says counts: helpers within the session have prompts of their own.

Parameters: none.

What it gets wrong. What changes within a session after its first prompt is not seen; nor is a system prompt that
travels in parts, or that was sent before by the same writer. Late events are not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

from watchkeeper.schemas.contents import Content
from watchkeeper.schemas.events import Event, Prompt, Response, SessionStarted
from watchkeeper.schemas.signals import SessionFacts, agent_subject
from watchkeeper.stream_processors.detection.detector import Context, Detector, Said, Told
from watchkeeper.stream_processors.detection.fingerprints import canonical, digest

MAX_SYSTEM = 40_000
"""Characters of a system prompt that are compared."""

_SYSTEM_ROLES = frozenset({"system", "developer"})
_TELLS = frozenset({"response", "tool_call", "session_ended"})
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_NUMBERED = (
    r"\b(?:case|ticket|order|customer|client|user|account|session|request|conversation|reference|ref|id|number|no)\b"
)
_VARIES = re.compile(
    rf"{_NUMBERED}[\s:#.=]{{0,3}}\d+\b|#\s?\d+"
    r"|\b(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?\b"
    rf"|\b(?:{_DAY}\.?\s+(?:of\s+)?)?{_MONTH}\b(?:\s+{_DAY}\b)?"
    r"|\b\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:T[\d:.]+Z?)?|\b\d{1,2}:\d\d(?::[\d.]+)?(?:\s*[ap]\.?m\b\.?)?|\b(?:19|20)\d\d\b"
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(?=\w*\d)[\w-]{8,}\b|\d{5,}|\s+",
    re.IGNORECASE,
)


@dataclass(slots=True)
class SessionFactsState:
    """What is known.

    Attributes:
        model: the model that is asked for.
        known: what was seen, by its first letters.
        pending: `[what, value, shown, version]` of what is not told yet.
        told: signals so far.
    """

    model: str = ""
    known: list[str] = field(default_factory=list)
    pending: list[list[str]] = field(default_factory=list)
    told: int = 0


class SessionFactsRule(Detector[SessionFactsState]):
    """See the module."""

    rule_id = "session_facts"
    failure_mode = "version_drift"
    listens = frozenset({"session_started", "prompt", "response", "tool_call", "session_ended"})
    state_type = SessionFactsState

    def step(self, state: SessionFactsState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if event.agent_id == context.session.agent_id:
            if type(event) is SessionStarted:
                _take_start(state, event)
            elif type(event) is Prompt:
                if "prompt" not in state.known:
                    _take_prompt(state, event)
            elif type(event) is Response and "answer" not in state.known:
                _take_response(state, event)
        if not state.pending or event.type not in _TELLS:
            return ()
        facts = [
            {"what": what, "value": value, "shown": shown, "version": version}
            for what, value, shown, version in state.pending
        ]
        state.pending.clear()
        state.told += 1
        session = context.session
        return [
            Told(
                about=("facts", state.told),
                subject=agent_subject(session.tenant_id, session.origin, session.agent_id),
                kind=SessionFacts,
                values={"agent_version": session.agent_version, "environment": session.environment, "facts": facts},
            )
        ]


def _take_start(state: SessionFactsState, event: SessionStarted) -> None:
    data = event.data
    _take_model(state, data.model)
    _take(state, "prompt_version", data.prompt_version, data.prompt_version)
    if data.tools is not None:
        _take(state, "tools", _of_tools(data.tools), data.tools.address)
    if data.policy is not None:
        address = data.policy.content.address
        _take(state, "policy", address if address.startswith("u-") else "", address, data.policy.version)


def _take_prompt(state: SessionFactsState, event: Prompt) -> None:
    state.known.append("prompt")
    data = event.data
    _take_model(state, data.model)
    _take(state, "prompt_version", data.prompt_version, data.prompt_version)
    if data.tools is not None and "tools" not in state.known:
        _take(state, "tools", _of_tools(data.tools), data.tools.address)
    system = data.system
    if system is None:
        system = next((message.content for message in data.messages[:1] if message.role in _SYSTEM_ROLES), None)
    if system is not None and system.text is not None:
        _take(state, "system", _of_text(system.text), system.address)


def _take_response(state: SessionFactsState, event: Response) -> None:
    answered = event.data.model
    if not answered:
        return
    state.known.append("answer")
    if not state.model:
        _take_model(state, answered)
    elif answered != state.model:
        _take(state, "model_version", f"{state.model}={answered}", answered)


def _take_model(state: SessionFactsState, name: str) -> None:
    if name and not state.model:
        state.model = name
        _take(state, "model", name, name)


def _take(state: SessionFactsState, what: str, value: str, shown: str, version: str = "") -> None:
    if value and what not in state.known:
        state.known.append(what)
        state.pending.append([what, value, shown, version])


def _of_tools(content: Content) -> str:
    """What makes two lists of tools the same; "" where that cannot be told."""
    if content.text is not None:
        return _of_list(content.text)
    return content.address if content.address.startswith("u-") else ""


@lru_cache(maxsize=256)
def _of_list(text: str) -> str:
    try:
        listed = orjson.loads(text)
    except orjson.JSONDecodeError:
        return digest(text)
    entries = [canonical(entry) for entry in listed] if isinstance(listed, list) else [canonical(listed)]
    return digest(b"\n".join(sorted(entries)))


@lru_cache(maxsize=256)
def _of_text(text: str) -> str:
    return digest(_VARIES.sub(" ", text[:MAX_SYSTEM]))
