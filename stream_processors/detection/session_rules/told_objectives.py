"""Tells stage 2 how a session kept what its agent promises.

What it sees. For each of the policy's `objectives` the events that it is about, and which of them were bad
(`objective_events`): requests to models, retrievals, calls, answers, the session itself, outcomes told later. And how
many requests and calls came right after the same step had failed: retries.

Method. Counts by objective. They are told at the session's end, at the first bad event, after `MAX_BAD` more bad ones
or `MAX_PENDING` of any kind, and when the session has been silent for `thresholds.close_timeout_seconds`. A session
that takes longer than an objective allows is told when that time has passed, whether it has ended or hangs. What comes
after the end (outcomes) is told at once.

Parameters: `objectives` of the policy; without any, nothing is told. `MAX_BAD` 4, `MAX_PENDING` 32: most sessions tell
once.

What it gets wrong. Time spent waiting for a person counts as the session's. A step whose duration the runtime does not
tell is late for nobody, and one that never ends is not seen here (`audit_gap` has it). A retry under another tool's
name is none. A session that is resumed after it counted counts no second time. What comes late is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from watchkeeper.schemas.events import Event, EventType, Response, SessionEnded, ToolResult
from watchkeeper.schemas.policy import Objective
from watchkeeper.schemas.signals import ObjectiveCount, ObjectivesCounted, agent_subject
from watchkeeper.stream_processors.detection.detector import Context, Detector, Said, Told
from watchkeeper.stream_processors.detection.objective_events import RESPONSE, failed, is_bad, limit_us
from watchkeeper.stream_processors.detection.session_rules.closing import close_limit_us

MAX_PENDING = 32
MAX_BAD = 4
MAX_FAILING = 8


@dataclass(slots=True)
class ToldObjectivesState:
    """What is kept between events.

    Attributes:
        counts: `[events, bad]` that are still to be told, by objective.
        bad: bad events among them.
        has_told_bad: whether a bad one was told before.
        judged: the objectives that the session itself counted for, as bits.
        failing: steps whose latest event was a failure.
        steps: and the next two: still to be told.
        told: how often something was told.
    """

    counts: list[list[int]] = field(default_factory=list)
    bad: int = 0
    has_told_bad: bool = False
    judged: int = 0
    failing: list[str] = field(default_factory=list)
    steps: int = 0
    retries: int = 0
    retried: list[str] = field(default_factory=list)
    told: int = 0


class ToldObjectives(Detector[ToldObjectivesState]):
    """See the module."""

    rule_id = "told_objectives"
    failure_mode = "latency_budget"
    listens = frozenset({"tool_result", "response", "retrieval", "outcome", "session_ended"})
    state_type = ToldObjectivesState

    def concerns(self, context: Context) -> frozenset[EventType]:
        """See `Detector.concerns`: nothing where nothing is promised."""
        return self.listens if context.policy.objectives else frozenset()

    def step(self, state: ToldObjectivesState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        objectives = context.policy.objectives
        if not objectives:
            return ()
        retried = _retried(state, event)
        for place, objective in enumerate(objectives):
            bad = is_bad(objective, event, retried=retried)
            if bad is not None:
                _count(state, objectives, place, bad=bad)
        if event.type != "outcome":
            _judge_session(state, event, context)
        is_over = not context.session.is_open
        urgent = state.bad > (MAX_BAD if state.has_told_bad else 0)
        if is_over or urgent or sum(events for events, _ in state.counts) >= MAX_PENDING:
            return _tell(state, context)
        return ()

    def soonest_us(self, context: Context) -> int | None:
        """See `Detector.soonest_us`: a session's time runs from its start, whatever comes."""
        return close_limit_us(context) if context.policy.objectives else None

    def due_us(self, state: ToldObjectivesState, context: Context) -> int | None:
        """See `Detector.due_us`."""
        dues = [due_us for _, due_us in _ahead(state, context)]
        if _is_pending(state):
            dues.append(context.session.last_us + close_limit_us(context))
        return min(dues, default=None)

    def tick(self, state: ToldObjectivesState, now_us: int, context: Context) -> Iterable[Said]:
        """See `Detector.tick`."""
        passed = [place for place, due_us in _ahead(state, context) if due_us <= now_us]
        for place in passed:
            state.judged |= 1 << place
            _count(state, context.policy.objectives, place, bad=True)
        is_silent = now_us >= context.session.last_us + close_limit_us(context)
        return _tell(state, context) if passed or is_silent else ()


def _ahead(state: ToldObjectivesState, context: Context) -> list[tuple[int, int]]:
    """The objectives for which the session may still turn out too long, and when it will."""
    if not context.session.is_open:
        return []
    limits = ((place, limit_us(objective)) for place, objective in enumerate(context.policy.objectives))
    # Just in time is in time.
    started_us = context.session.started_us + 1
    return [
        (place, started_us + limit) for place, limit in limits if limit is not None and not state.judged >> place & 1
    ]


def _retried(state: ToldObjectivesState, event: Event) -> bool:
    """Whether the event ends a step right after the same had failed; keeps account of it."""
    if type(event) is ToolResult:
        step = event.data.tool_name
    elif type(event) is Response:
        step = RESPONSE
    else:
        return False
    has_failed = failed(event)
    if has_failed is None:
        return False
    state.steps += 1
    is_retry = step in state.failing
    if is_retry:
        state.retries += 1
        if step not in state.retried:
            state.retried = [*state.retried, step][-MAX_FAILING:]
        if not has_failed:
            state.failing.remove(step)
    elif has_failed:
        state.failing = [*state.failing, step][-MAX_FAILING:]
    return is_retry


def _judge_session(state: ToldObjectivesState, event: Event, context: Context) -> None:
    """Counts the session itself: for its time as soon as that is over, for the rest at its end."""
    objectives, session = context.policy.objectives, context.session
    is_end = type(event) is SessionEnded
    if not is_end and not session.is_open:
        return
    for place, objective in enumerate(objectives):
        if objective.step is not None or state.judged >> place & 1:
            continue
        limit = limit_us(objective)
        bad: bool | None = None
        if limit is not None and (is_end or context.at_us > session.started_us + limit):
            bad = context.at_us > session.started_us + limit
        elif objective.rate == "errors" and type(event) is SessionEnded and event.data.status != "stopped":
            bad = event.data.status == "failed"
        if bad is not None:
            state.judged |= 1 << place
            _count(state, objectives, place, bad=bad)


def _count(state: ToldObjectivesState, objectives: list[Objective], place: int, *, bad: bool) -> None:
    # Of another length only where another policy came in force since: what was counted by the earlier one is let go.
    if len(state.counts) != len(objectives):
        state.counts = [[0, 0] for _ in objectives]
    state.counts[place][0] += 1
    state.counts[place][1] += bad
    state.bad += bad


def _fallback(context: Context, objective: Objective) -> str:
    """What the policy says to do without the tool that an objective is about."""
    tool = context.policy.tools.get(objective.step or "")
    return "" if tool is None else tool.fallback


def _is_pending(state: ToldObjectivesState) -> bool:
    return any(events for events, _ in state.counts)


def _tell(state: ToldObjectivesState, context: Context) -> list[Said]:
    if not _is_pending(state):
        return []
    session = context.session
    rates = [
        ObjectiveCount(objective=objective, events=events, bad=bad, fallback=_fallback(context, objective))
        for objective, (events, bad) in zip(context.policy.objectives, state.counts, strict=False)
        if events
    ]
    state.told += 1
    values = {
        "rates": rates,
        "steps": state.steps,
        "retries": state.retries,
        "retried": state.retried,
        "advise": context.policy.mode != "observe" and not context.stands_in,
    }
    state.has_told_bad = state.has_told_bad or state.bad > 0
    state.counts, state.bad = [], 0
    state.steps, state.retries, state.retried = 0, 0, []
    subject = agent_subject(session.tenant_id, session.origin, session.agent_id)
    return [Told(about=(state.told,), subject=subject, kind=ObjectivesCounted, values=values)]
