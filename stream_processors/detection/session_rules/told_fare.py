"""Tells stage 2 how a session fared: what drift watches of every session, without a grader.

What it sees. When a session ends, what it was about (intent, version, model, prompt's version, the tools that it
called) and what can be counted without reading it: whether its last answer abstains, the shares of its tool calls that
failed and of its steps that repeat a failed one, its cost, how long models and tools worked for it, whether it was
handed to a person, how much of what runtimes tell is missing, and the arguments that are no JSON. A user's feedback
from 0 to 1 is told with it, or by itself when it comes later. `quality_drift` and `input_drift` fold it.

Method. Counting. A session is handed to a person where it calls a tool that is named so, or an outcome is labelled so.

Parameters: `quality.online` and `quality.inputs` of the policy: without either only the policy is told.

What it gets wrong. A session that falls silent without an end is told nothing of. One that is resumed is told once, as
it was at its first end. A runtime that tells no durations has no latency, one whose models have no price no cost. Where
a hand-over has another name it is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from watchkeeper.schemas.events import Event, Outcome, Prompt, Response, SessionStarted, ToolCall, ToolResult
from watchkeeper.schemas.policy_quality import Measure
from watchkeeper.schemas.signals import SessionFared, quality_subject
from watchkeeper.stream_processors.detection.abstention import declines
from watchkeeper.stream_processors.detection.detector import Context, Detector, Said, Told
from watchkeeper.stream_processors.detection.objective_events import RESPONSE, failed

MAX_TOOLS: Final = 8
MAX_FAILING: Final = 4

_TO_A_PERSON: Final = re.compile(
    r"escalat|hand_?-?(?:off|over)|(?:to|with)_?-?(?:a_)?(?:human|person|supervisor)|human_?-?agent|live_?-?agent",
    re.IGNORECASE,
)


@dataclass(slots=True)
class ToldFareState:
    """What was counted.

    Attributes:
        prompt: the version of its template, as first told.
        tools: called, each once.
        n: see `_CALLS` and so on.
        failing: steps whose latest attempt failed.
        said: letters of what was seen: `a` the last answer abstains, `b` it does not, `p` it was handed to a person,
            `u` a response told what it used, `t` the end was told, `f` a feedback was.
    """

    prompt: str = ""
    tools: list[str] = field(default_factory=list)
    n: list[int] = field(default_factory=lambda: [0] * 8)
    failing: list[str] = field(default_factory=list)
    said: str = ""


_CALLS, _MALFORMED, _RAN, _ERRORS, _STEPS, _RETRIES, _WORK_US, _FEEDBACK = range(8)
"""Tool calls, those whose arguments were no JSON, those that ran, of which failed; requests and calls that ended, and
those right after the same step had failed; how long models and tools worked; a feedback that waits, in millionths and
one more, 0 without."""


class ToldFares(Detector[ToldFareState]):
    """See the module."""

    rule_id = "told_fare"
    failure_mode = "quality_drift"
    listens = frozenset(
        {"session_started", "prompt", "response", "tool_call", "tool_result", "outcome", "session_ended"}
    )
    state_type = ToldFareState

    def step(self, state: ToldFareState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is ToolCall:
            _call(state, event)
        elif type(event) is ToolResult:
            _result(state, event)
        elif type(event) is Response:
            _response(state, event)
        elif type(event) is SessionStarted or type(event) is Prompt:
            state.prompt = state.prompt or event.data.prompt_version
        elif type(event) is Outcome:
            return _outcome(state, event, context)
        elif event.type == "session_ended" and "t" not in state.said:
            state.said += "t"
            return [_told(state, context, ended=True)]
        return ()


def _call(state: ToldFareState, event: ToolCall) -> None:
    data = event.data
    state.n[_CALLS] += 1
    # Arguments that could be read are no text.
    state.n[_MALFORMED] += isinstance(data.arguments, str)
    if data.tool_name not in state.tools and len(state.tools) < MAX_TOOLS:
        state.tools = [*state.tools, data.tool_name]
    _mind_person(state, data.tool_name)


def _result(state: ToldFareState, event: ToolResult) -> None:
    has_failed = failed(event)
    if has_failed is not None:
        state.n[_RAN] += 1
        state.n[_ERRORS] += has_failed
        _step(state, event.data.tool_name, has_failed=has_failed)
    state.n[_WORK_US] += event.data.duration_us or 0


def _response(state: ToldFareState, event: Response) -> None:
    data = event.data
    _step(state, RESPONSE, has_failed=bool(data.error_type))
    state.n[_WORK_US] += data.duration_us or 0
    if data.usage is not None and "u" not in state.said:
        state.said += "u"
    if data.answer:
        text = data.text.text if data.text is not None else None
        abstained = data.abstained if data.abstained is not None else (declines(text) if text else None)
        state.said = state.said.replace("a", "").replace("b", "")
        if abstained is not None:
            state.said += "a" if abstained else "b"


def _mind_person(state: ToldFareState, name: str) -> None:
    if "p" not in state.said and _goes_to_a_person(name):
        state.said += "p"


@lru_cache(maxsize=1024)
def _goes_to_a_person(name: str) -> bool:
    """The same few tools are called again and again."""
    return _TO_A_PERSON.search(name) is not None


def _step(state: ToldFareState, name: str, *, has_failed: bool) -> None:
    state.n[_STEPS] += 1
    if name in state.failing:
        state.n[_RETRIES] += 1
        if not has_failed:
            state.failing.remove(name)
    elif has_failed:
        state.failing = [*state.failing, name][-MAX_FAILING:]


def _outcome(state: ToldFareState, event: Outcome, context: Context) -> list[Said]:
    data = event.data
    _mind_person(state, data.label)
    if data.kind != "feedback" or data.value is None or not 0 <= data.value <= 1:
        return []
    if "t" not in state.said:
        state.n[_FEEDBACK] = 1 + round(data.value * 1_000_000)
        return []
    if "f" in state.said:
        return []
    state.n[_FEEDBACK] = 1 + round(data.value * 1_000_000)
    return [_told(state, context, ended=False)]


def _told(state: ToldFareState, context: Context, *, ended: bool) -> Told:
    session, rules = context.session, context.policy.quality
    measures = _measures(state, context) if ended else {}
    if state.n[_FEEDBACK]:
        measures["feedback"], state.n[_FEEDBACK] = (state.n[_FEEDBACK] - 1) / 1_000_000, 0
        state.said += "f"
    values = {
        "ended": ended,
        "measures": {name: value for name, value in measures.items() if name in rules.online},
        "intent": session.intent,
        "agent_version": session.agent_version,
        "model": session.model,
        "prompt_version": state.prompt,
        "environment": session.environment,
        "tools": state.tools if ended and "tools" in rules.inputs else [],
        "problems": _problems(state, context) if ended and "data" in rules.inputs else [],
        "rules": rules,
    }
    subject = quality_subject(session.tenant_id, session.origin, session.agent_id)
    return Told(about=("ended" if ended else "feedback",), subject=subject, kind=SessionFared, values=values)


def _measures(state: ToldFareState, context: Context) -> dict[Measure, float]:
    totals = context.session.totals
    found: dict[Measure, float] = {"escalations": float("p" in state.said)}
    if "a" in state.said or "b" in state.said:
        found["abstentions"] = float("a" in state.said)
    if state.n[_RAN]:
        found["tool_errors"] = state.n[_ERRORS] / state.n[_RAN]
    if state.n[_STEPS]:
        found["retries"] = state.n[_RETRIES] / state.n[_STEPS]
    if totals.priced_requests and not totals.unpriced_requests:
        found["cost"] = totals.cost_usd
    if state.n[_WORK_US]:
        found["latency"] = state.n[_WORK_US] / 1e6
    return found


def _problems(state: ToldFareState, context: Context) -> list[str]:
    """What is wrong with the record."""
    session = context.session
    told = {
        "intent": session.intent,
        "agent_version": session.agent_version,
        "model": session.model,
        "prompt_version": state.prompt,
        "usage": "u" in state.said or not state.n[_STEPS],
    }
    missing = [f"missing {name}" for name, there in told.items() if not there]
    return [*missing, "malformed arguments"] if state.n[_MALFORMED] else missing
