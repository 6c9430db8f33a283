"""Tells stage 2 how a session's tools fared.

What it sees. Results of tools: failed (`error`, `timeout`) or not, how long they took by the runtime's own clock, and
whether the call followed a failed one of the same tool: a retry. What a guard rejected, or somebody cancelled, says
nothing about a tool.

Method. Counts by tool, durations as a sketch (`quantile_sketch`). They are told at the session's end, at the first
failure, after `MAX_PENDING` results or `MAX_TOOLS` tools, and when the session has been silent for
`thresholds.close_timeout_seconds`. After a failure the tool's calls are told one by one until one succeeds: an outage
is known while it lasts.

Parameters: `tools[name].objectives` of the policy; `MAX_PENDING` 24 (sessions have 5 to 25 calls: most tell once).

What it gets wrong. A call that never comes back counts nowhere here (`audit_gap` has it). What an agent got wrong
itself, arguments that the tool refuses, counts as the tool's failure. What comes late is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypedDict

from watchkeeper.schemas.event_data import ToolResultData
from watchkeeper.schemas.events import Event, ToolResult
from watchkeeper.schemas.policy import Objective
from watchkeeper.schemas.signals import ObjectiveCount, ToolUsed, subject_of
from watchkeeper.stream_processors.detection.detector import Context, Detector, Said, Told
from watchkeeper.stream_processors.detection.quantile_sketch import Sketch, add
from watchkeeper.stream_processors.detection.session_rules.closing import close_limit_us

MAX_PENDING = 24
MAX_TOOLS = 6
MAX_FAILING = 8
FAILED: Final = frozenset({"error", "timeout"})
JUDGED: Final = FAILED | {"ok"}


class Use(TypedDict):
    """What is still to be told of a tool.

    Attributes:
        durations: in milliseconds.
        rates: `[events, bad]` of each objective of the policy.
    """

    calls: int
    errors: int
    retries: int
    durations: Sketch
    rates: list[list[int]]


@dataclass(slots=True)
class ToldToolUseState:
    """What is kept between events.

    Attributes:
        pending: by tool.
        results: how many results stand there.
        failing: tools whose latest result was a failure.
        told: how often something was told.
    """

    pending: dict[str, Use] = field(default_factory=dict)
    results: int = 0
    failing: list[str] = field(default_factory=list)
    told: int = 0


class ToldToolUse(Detector[ToldToolUseState]):
    """See the module."""

    rule_id = "told_tool_use"
    failure_mode = "tool_degradation"
    listens = frozenset({"tool_result", "session_ended"})
    state_type = ToldToolUseState

    def step(self, state: ToldToolUseState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is not ToolResult:
            return _tell(state, context) if state.results else ()
        data = event.data
        if data.status not in JUDGED:
            return ()
        is_urgent = data.status in FAILED or data.tool_name in state.failing
        _count(state, data, _objectives(context, data.tool_name))
        is_full = state.results >= MAX_PENDING or len(state.pending) >= MAX_TOOLS
        return _tell(state, context) if is_urgent or is_full else ()

    def soonest_us(self, context: Context) -> int | None:
        """See `Detector.soonest_us`."""
        return close_limit_us(context)

    def due_us(self, state: ToldToolUseState, context: Context) -> int | None:
        """See `Detector.due_us`."""
        return context.session.last_us + close_limit_us(context) if state.results else None

    def tick(self, state: ToldToolUseState, now_us: int, context: Context) -> Iterable[Said]:
        """See `Detector.tick`."""
        if not state.results or now_us < context.session.last_us + close_limit_us(context):
            return ()
        return _tell(state, context)


def _objectives(context: Context, tool: str) -> Sequence[Objective]:
    rules = context.policy.tools.get(tool)
    return rules.objectives if rules is not None else ()


def _fallback(context: Context, tool: str) -> str:
    rules = context.policy.tools.get(tool)
    return rules.fallback if rules is not None else ""


def _count(state: ToldToolUseState, data: ToolResultData, objectives: Sequence[Objective]) -> None:
    name, failed = data.tool_name, data.status in FAILED
    use = state.pending.get(name)
    if use is None:
        rates = [[0, 0] for _ in objectives]
        use = state.pending[name] = {"calls": 0, "errors": 0, "retries": 0, "durations": {}, "rates": rates}
    use["calls"] += 1
    use["errors"] += failed
    state.results += 1
    if name in state.failing:
        use["retries"] += 1
        if not failed:
            state.failing.remove(name)
    elif failed:
        state.failing.append(name)
        del state.failing[:-MAX_FAILING]
    duration_ms = None if data.duration_us is None else data.duration_us / 1000
    if duration_ms is not None:
        add(use["durations"], duration_ms)
    if not objectives:
        return
    # Shorter only where another policy came in force since.
    for rate, objective in zip(use["rates"], objectives, strict=False):
        if objective.rate == "errors":
            rate[0] += 1
            rate[1] += failed
        elif duration_ms is not None and objective.threshold_ms is not None:
            rate[0] += 1
            rate[1] += duration_ms > objective.threshold_ms


def _tell(state: ToldToolUseState, context: Context) -> list[Said]:
    session = context.session
    advise = context.policy.mode != "observe" and not context.stands_in
    state.told += 1
    said: list[Said] = []
    for name, use in state.pending.items():
        rates = [
            ObjectiveCount(objective=objective, events=events, bad=bad)
            for objective, (events, bad) in zip(_objectives(context, name), use["rates"], strict=False)
        ]
        said.append(
            Told(
                about=(name, state.told),
                subject=subject_of("tool", session.tenant_id, session.origin, f"{session.agent_id}/{name}"),
                kind=ToolUsed,
                values={
                    "tool_name": name,
                    "calls": use["calls"],
                    "errors": use["errors"],
                    "retries": use["retries"],
                    "durations": use["durations"],
                    "rates": rates,
                    "advise": advise,
                    "fallback": _fallback(context, name),
                },
            )
        )
    state.pending, state.results = {}, 0
    return said
