"""How much of what a reviewer needs was recorded of a session.

What it sees. For each tool call: its arguments, its result, and the prompt that led to it, with its messages, its
system prompt and the tools' schemas; where the model shows its reasoning, some of it before the call; for each
decision, what it rests on; events that were numbered and never arrived; the session's end. It finds, each once a
session:

- `unprompted_action` (medium): a call of which some of the prompt is missing. Only where the policy promises
  completeness: many runtimes record no prompts, and say so by promising nothing;
- `missing_reasoning` (medium): the session says that the model shows its reasoning (`reasoning_exposed`), a response
  spent tokens on it, and none was recorded before the next call; or, where the policy promises completeness, none in a
  whole session of `MIN_REQUESTS` requests that led to calls. Where the model hides it nothing is missed;
- neither of these while numbered events are missing: `sequence_gap` tells that, and they may hold what is missed;
- `untraced_decision` (low; high under the retention of regulated decisions): no facts, no rules and no reason.

What was expected and what was there is told to stage 2 when the session ends or falls silent, where the policy promises
completeness: `completeness` judges the agent by it.

Method. Counting. A request is a prompt and its response; a response whose prompt was not recorded leaves the calls
after it without one. Calls that follow one response, at once or one by one, belong to its request.

Parameters, from the policy: an objective of the rate `completeness` (`objectives`), `thresholds.close_timeout_seconds`.
`MIN_REQUESTS` 2: a model may answer one request without a thought.

What it gets wrong. Tokens of reasoning are counted by some providers alone; of the others' models nothing is missed
without a promise. A runtime that tells prompts late, or on another writer, looks as if it told none. That a recorded
prompt is the one the model was shown cannot be seen. Calls whose results never come count once the session ends. Late
events count as lost no more, but not as the prompt or result that they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from watchkeeper.schemas.events import Decision, Event, Prompt, Reasoning, Response, ToolCall, ToolResult
from watchkeeper.schemas.evidence import MissingReasoning, UnpromptedAction, UntracedDecision
from watchkeeper.schemas.evidence.completeness import RecordPart
from watchkeeper.schemas.policy import AgentPolicy, Objective
from watchkeeper.schemas.signals import SessionRecorded, agent_subject
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Notice, Said, Told
from watchkeeper.stream_processors.detection.session_rules.closing import close_limit_us

MIN_REQUESTS = 2
_OF_PROMPTS: tuple[RecordPart, ...] = ("prompt", "system", "tools")
_SYSTEM_ROLES = frozenset({"system", "developer"})


@dataclass(slots=True)
class RecordCompletenessState:
    """What was counted.

    Attributes:
        missing: what was expected and not there, by part.
        expected: all that was expected so far.
        shown: what the prompt of the current request holds.
        asked: whether a prompt waits for its response.
        calls: tool calls; `results`: results.
        reasoned: whether reasoning was recorded in the current request; `ever`: in any.
        requests: that led to calls; `counted`: whether the current one is among them.
        owed: tokens of reasoning of a response, of which nothing was recorded yet.
        lost: events that never arrived.
        told: how often stage 2 was told.
        silent: whether it was told since the last event.
        found: kinds of findings that were told.
    """

    missing: dict[str, int] = field(default_factory=dict)
    expected: int = 0
    shown: list[RecordPart] = field(default_factory=list)
    asked: bool = False
    calls: int = 0
    results: int = 0
    reasoned: bool = False
    ever: bool = False
    requests: int = 0
    counted: bool = False
    owed: int = 0
    lost: int = 0
    told: int = 0
    silent: bool = False
    found: list[str] = field(default_factory=list)


class RecordCompleteness(Detector[RecordCompletenessState]):
    """See the module."""

    rule_id = "record_completeness"
    failure_mode = "audit_gap"
    listens = frozenset({"prompt", "reasoning", "response", "tool_call", "tool_result", "decision", "session_ended"})
    state_type = RecordCompletenessState

    def step(self, state: RecordCompletenessState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        state.silent = False
        if type(event) is ToolCall:
            return _call(state, event, context)
        if type(event) is Prompt:
            _begin_request(state, event, context)
        elif type(event) is Reasoning:
            state.reasoned, state.ever, state.owed = True, True, 0
        elif type(event) is ToolResult:
            state.results += 1
        elif type(event) is Response:
            _end_request(state, event)
        elif type(event) is Decision:
            return _decision(state, event, context)
        elif event.type == "session_ended":
            return [*_unreasoned(state, context, at_end=True), *_tell(state, context, ended=True)]
        return ()

    def sequence(
        self,
        state: RecordCompletenessState,
        event: Event,  # noqa: ARG002 - the base class's signature
        notice: Notice,
        context: Context,  # noqa: ARG002 - the base class's signature
    ) -> Iterable[Said]:
        """See `Detector.sequence`: counts what is lost."""
        if notice.kind == "gap":
            state.lost += notice.last - notice.first + 1
        elif notice.kind == "filled":
            state.lost = max(0, state.lost - 1)
        return ()

    def soonest_us(self, context: Context) -> int | None:
        """See `Detector.soonest_us`."""
        return None if _promise(context.policy) is None else close_limit_us(context)

    def due_us(self, state: RecordCompletenessState, context: Context) -> int | None:
        """See `Detector.due_us`."""
        if state.silent or _promise(context.policy) is None:
            return None
        return context.session.last_us + close_limit_us(context)

    def tick(self, state: RecordCompletenessState, now_us: int, context: Context) -> Iterable[Said]:
        """See `Detector.tick`."""
        if state.silent or now_us < context.session.last_us + close_limit_us(context):
            return ()
        state.silent = True
        return _tell(state, context, ended=False)


def _begin_request(state: RecordCompletenessState, event: Prompt, context: Context) -> None:
    data = event.data
    state.asked, state.counted, state.reasoned = True, False, False
    state.shown = ["prompt"] if data.messages or data.system is not None else []
    if data.system is not None or not _SYSTEM_ROLES.isdisjoint([message.role for message in data.messages[:2]]):
        state.shown.append("system")
    if data.tools is not None or context.session.tools_address:
        state.shown.append("tools")


def _end_request(state: RecordCompletenessState, event: Response) -> None:
    if not state.asked:
        state.shown, state.counted = [], False
    state.asked = False
    usage = event.data.usage
    if usage is not None and usage.reasoning_output_tokens and not state.reasoned:
        state.owed = usage.reasoning_output_tokens


def _call(state: RecordCompletenessState, event: ToolCall, context: Context) -> Iterable[Said]:
    state.calls += 1
    if not state.counted:
        state.counted = True
        state.requests += 1
    said: Iterable[Said] = _unreasoned(state, context)
    if _promise(context.policy) is None:
        return said
    return [*said, *_unprompted(state, event, context)]


def _unprompted(state: RecordCompletenessState, event: ToolCall, context: Context) -> Iterable[Said]:
    """Counts what an agent owes that promises completeness; what the call lacks of its prompt is told."""
    data = event.data
    lacks = [part for part in _OF_PROMPTS if part not in state.shown]
    state.expected += len(_OF_PROMPTS) + 2
    _miss(state, *lacks)
    if data.arguments is None and data.arguments_content is None:
        _miss(state, "arguments")
    if context.session.reasoning_exposed != "none":
        state.expected += 1
        if not state.reasoned:
            _miss(state, "reasoning")
    if not lacks or state.lost or not _first(state, "unprompted_action"):
        return ()
    return [
        Found(
            about=("unprompted",),
            severity="medium",
            summary=f"What the model was shown before it called {data.tool_name} was not recorded in full: "
            f"{', '.join(lacks)} missing.",
            evidence=UnpromptedAction(tool_name=data.tool_name, tool_call_id=data.tool_call_id, lacks=lacks),
        )
    ]


def _decision(state: RecordCompletenessState, event: Decision, context: Context) -> Iterable[Said]:
    data = event.data
    state.expected += 1
    if data.facts or data.rules or data.reason is not None:
        return ()
    _miss(state, "decision")
    if not _first(state, "untraced_decision"):
        return ()
    return [
        Found(
            about=("untraced",),
            severity="high" if context.session.retention_class == "regulated" else "low",
            summary=f"The decision {data.name} was recorded without facts, rules or a reason.",
            evidence=UntracedDecision(decision_id=data.decision_id, name=data.name),
        )
    ]


def _unreasoned(state: RecordCompletenessState, context: Context, *, at_end: bool = False) -> Iterable[Said]:
    exposed = context.session.reasoning_exposed
    if exposed not in {"full", "summary"} or state.lost:
        return ()
    promised = _promise(context.policy) is not None
    without = at_end and promised and not state.ever and state.requests >= MIN_REQUESTS
    if not (state.owed or without) or not _first(state, "missing_reasoning"):
        return ()
    return [
        Found(
            about=("reasoning",),
            severity="medium",
            summary=f"The model shows its reasoning ({exposed}), but none was recorded before its calls.",
            evidence=MissingReasoning(
                exposed="full" if exposed == "full" else "summary",
                requests=state.requests,
                reasoning_tokens=state.owed,
            ),
        )
    ]


def _tell(state: RecordCompletenessState, context: Context, *, ended: bool) -> list[Said]:
    """All that was counted so far."""
    promise = _promise(context.policy)
    if promise is None:
        return []
    left = {"result": max(0, state.calls - state.results), "events": state.lost, "end": int(not ended)}
    missing = state.missing | {part: count for part, count in left.items() if count}
    expected = state.expected + state.lost + 1
    state.told += 1
    session = context.session
    return [
        Told(
            about=("record", state.told),
            subject=agent_subject(session.tenant_id, session.origin, session.agent_id),
            kind=SessionRecorded,
            values={
                "expected": expected,
                "missing": missing,
                "target": promise.target,
                "window_days": promise.window_days,
            },
        )
    ]


def _miss(state: RecordCompletenessState, *parts: RecordPart) -> None:
    for part in parts:
        state.missing[part] = state.missing.get(part, 0) + 1


def _first(state: RecordCompletenessState, kind: str) -> bool:
    if kind in state.found:
        return False
    state.found.append(kind)
    return True


def _promise(policy: AgentPolicy) -> Objective | None:
    for one in policy.objectives:
        if one.rate == "completeness":
            return one
    return None
