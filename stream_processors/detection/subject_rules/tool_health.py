"""Tools that slow, fail or are called again and again.

What it sees. How the calls of one agent's tool went, told by its sessions (`told_tool_use`).

Method. Three questions:

- `budget_burn` (high for the fast pair of windows, medium for the others): an objective of the tool's policy, `errors`
  or `latency`, is missed at a rate that uses its error budget up too early (`burn_rates`). A fast burn of `errors`
  advises `circuit_open` to the agent.
- `tool_worse` (medium), for what has no objective: in the last hour the tool failed more than `WORSE` times as often
  as in its own past, or its median call took `WORSE` times as long as 19 of 20 calls did (`tool_history`). The shares
  are compared by bounds on both (`proportions`): the least that the present can be against the most that the past was.
- `retry_storm` (high): within ten to twenty minutes at least `MIN_RETRIES` calls, half of all, were retries right after
  a failed call, in at least `MIN_SESSIONS` sessions: they keep a tool down that is down. It advises `circuit_open`.

Where the policy says what to do without the tool (`tools[name].fallback`), findings and commands name it.

Each is one finding for an episode, taken back when it is over. A tool without objectives is told of by its past or not
at all; advice is given only where the policy's mode is not `observe`.

Parameters: `tools[name].objectives` of the policy. `WORSE` 3, at least `MIN_SHARE` 0.2 of failed calls or `MIN_MS`
1000, `MIN_CALLS` 20 in the hour and `MIN_PAST` 100 over at least `MIN_PAST_US` a day before, `MIN_SESSIONS` 3. `ALPHA`
1e-6 for the present and 1e-3 for the past: three times and a fifth of all calls are a change that somebody would want
to know of, and chance alone brings it in one hour of a million.

What it gets wrong. An outage on the first day of a tool without an objective is not seen. Calls of one session are not
independent: a session that hammers a failing tool counts as often as it calls, which is why several sessions must be
concerned. A tool that is given more to do looks slower. A window moves only with signals: the end of an episode is told
at the next call. An argument that the tool refuses is the agent's mistake and counts against the tool. A latency
objective of calls whose duration nobody told counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from watchkeeper.schemas.control import Target
from watchkeeper.schemas.evidence import BudgetBurn, RetryStorm, ToolWorse
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.policy import Objective
from watchkeeper.schemas.signals import ObjectiveCount, Signal, ToolUsed
from watchkeeper.stream_processors.detection import burn_rates, tool_history
from watchkeeper.stream_processors.detection.burn_rates import Burn, Change
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.episodes import Episode, Episodes, is_repeat, move
from watchkeeper.stream_processors.detection.proportions import lower_bound, upper_bound
from watchkeeper.stream_processors.detection.quantile_sketch import bucket_of, quantile
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule
from watchkeeper.stream_processors.detection.tool_history import PART, History, Use, before, now

WORSE: Final = 3.0
MIN_SHARE: Final = 0.2
MIN_MS: Final = 1000.0
MIN_CALLS: Final = 20
MIN_PAST: Final = 100
MIN_PAST_US: Final = 86_400_000_000
MIN_SESSIONS: Final = 3
MIN_RETRIES: Final = 20
ALPHA: Final = 1e-6
ALPHA_PAST: Final = 1e-3
MARGIN: Final = 0.8
"""An episode ends when what is compared has fallen below this part of its limit."""
STORM_PARTS: Final = 2
_SLOW: Final = int(bucket_of(MARGIN * MIN_MS))
MAX_OBJECTIVES = 4
"""Remembered: of more, a policy's latest. Each takes some 2 KiB."""
MAX_EXAMPLES = 5


@dataclass(slots=True)
class ToolHealthState:
    """One agent's tool.

    Attributes:
        burns: by objective.
        episodes: what `tool_worse` and `retry_storm` told.
        seen: see `is_repeat`.
    """

    burns: dict[str, Burn] = field(default_factory=dict)
    history: History = field(default_factory=tool_history.new_history)
    episodes: Episodes = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)


class ToolHealth(SubjectRule[ToolHealthState]):
    """See the module."""

    rule_id = "tool_health"
    failure_mode = "tool_degradation"
    listens = frozenset({"tool_used"})
    state_type = ToolHealthState

    def fold(self, state: ToolHealthState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, ToolUsed) or is_repeat(state.seen, signal):
            return ()
        at_us = to_us(signal.occurred_at)
        tool_history.take(state.history, signal, at_us)
        said = [found for count in signal.rates for found in _burn(state, signal, count, at_us)]
        declared = {count.objective.rate for count in signal.rates}
        if "errors" not in declared:
            said += _more_errors(state, signal, at_us)
        if "latency" not in declared:
            said += _slower(state, signal, at_us)
        return [*said, *_storm(state, signal, at_us)]


def _burn(state: ToolHealthState, signal: ToolUsed, count: ObjectiveCount, at_us: int) -> list[Found]:
    objective = count.objective
    key = f"{objective.rate}/{objective.threshold_ms}/{objective.target}"
    burn = state.burns.setdefault(key, burn_rates.new_burn())
    if len(state.burns) > MAX_OBJECTIVES:
        del state.burns[next(iter(state.burns))]
    changes = burn_rates.take(burn, at_us, count.events, count.bad, objective.target)
    return [_burning(signal, objective, key, change, now(state.history, at_us)) for change in changes]


def _burning(signal: ToolUsed, objective: Objective, key: str, change: Change, hour: Use) -> Found:
    pair, is_fast = change.pair, change.pair.name == "fast"
    what = "failed" if objective.rate == "errors" else f"took longer than {objective.threshold_ms:g} ms"
    tail = "it keeps its objective again" if change.resolved else f"its objective allows {1 - objective.target:.2%}"
    advise = signal.advise and is_fast and objective.rate == "errors" and not change.resolved
    return Found(
        about=("burn", key, pair.name, change.since_us),
        severity="high" if is_fast else "medium",
        summary=(
            f"{change.long_bad} of {change.long_events} calls of {signal.tool_name} within "
            f"{pair.long * pair.span.seconds // 3600} h {what}: {tail}."
            f"{_meanwhile(signal.fallback, resolved=change.resolved)}"
        ),
        evidence=_burn_of(signal, objective, change, hour),
        first_us=change.since_us,
        revision=change.revision,
        status="resolved" if change.resolved else "open",
        action="circuit_open" if advise else None,
        target=Target(kind="agent", id=signal.agent_id) if advise else None,
        tool_name=signal.tool_name if advise else "",
        fallback=signal.fallback if advise else "",
    )


def _burn_of(signal: ToolUsed, objective: Objective, change: Change, hour: Use) -> BudgetBurn:
    return BudgetBurn(
        rate=objective.rate,
        of=signal.tool_name,
        target=objective.target,
        threshold_ms=objective.threshold_ms,
        window_days=objective.window_days,
        **change.windows(objective.target),
        duration_p50_ms=quantile(hour["durations"], 0.5),
        duration_p95_ms=quantile(hour["durations"], 0.95),
        retries=hour["retries"],
        fallback=signal.fallback,
        examples=hour["sessions"][-MAX_EXAMPLES:],
    )


def _meanwhile(fallback: str, *, resolved: bool = False) -> str:
    """What to do without the tool, as the end of a summary."""
    return "" if resolved or not fallback else f" Without it: {fallback}"


def _is_open(state: ToolHealthState, about: str) -> bool:
    return bool(state.episodes.get(about, (0, 0, 0))[2])


def _is_known(past: Use, at_us: int) -> bool:
    return past["calls"] >= MIN_PAST and past["from_us"] <= at_us - MIN_PAST_US


def _more_errors(state: ToolHealthState, signal: ToolUsed, at_us: int) -> list[Found]:
    if not signal.errors and not _is_open(state, "errors"):
        return []
    hour, past = now(state.history, at_us), before(state.history, at_us)
    if not _is_known(past, at_us):
        return []
    limit = max(MIN_SHARE, WORSE * upper_bound(past["errors"], past["calls"], ALPHA_PAST))
    share, used_to = hour["errors"] / hour["calls"], past["errors"] / past["calls"]
    burning = None if share > MARGIN * limit else False
    if hour["calls"] >= MIN_CALLS and len(hour["sessions"]) >= MIN_SESSIONS:
        burning = True if lower_bound(hour["errors"], hour["calls"], ALPHA) > limit else burning
    episode = move(state.episodes, "errors", PART.bucket(at_us), burning=burning)
    if episode is None:
        return []
    told = f"{share:.0%} of the calls of {signal.tool_name} failed within an hour; {used_to:.1%} did"
    return [_worse(signal, "errors", episode, (hour, past), (share, used_to), told=told)]


def _slower(state: ToolHealthState, signal: ToolUsed, at_us: int) -> list[Found]:
    is_slow = any(int(bucket) >= _SLOW for bucket in signal.durations)
    if not is_slow and not _is_open(state, "latency"):
        return []
    hour, past = now(state.history, at_us), before(state.history, at_us)
    median, used_to = quantile(hour["durations"], 0.5), quantile(past["durations"], 0.95)
    if median is None or used_to is None or not _is_known(past, at_us):
        return []
    limit = max(MIN_MS, WORSE * used_to)
    burning = None if median > MARGIN * limit else False
    if sum(hour["durations"].values()) >= MIN_CALLS and len(hour["sessions"]) >= MIN_SESSIONS:
        burning = True if median > limit else burning
    episode = move(state.episodes, "latency", PART.bucket(at_us), burning=burning)
    if episode is None:
        return []
    told = (
        f"The median call of {signal.tool_name} took {median:,.0f} ms within an hour; "
        f"95 % took {used_to:,.0f} ms at most"
    )
    return [_worse(signal, "latency", episode, (hour, past), (median, used_to), told=told)]


def _worse(
    signal: ToolUsed,
    what: Literal["errors", "latency"],
    episode: Episode,
    uses: tuple[Use, Use],
    compared: tuple[float, float],
    *,
    told: str,
) -> Found:
    hour, past = uses
    return Found(
        about=("worse", what, episode.since),
        severity="medium",
        summary=f"{told} before: over." if episode.resolved else f"{told} before.{_meanwhile(signal.fallback)}",
        evidence=ToolWorse(
            tool_name=signal.tool_name,
            what=what,
            now=compared[0],
            before=compared[1],
            calls=hour["calls"],
            calls_before=past["calls"],
            before_from=from_us(past["from_us"]),
            sessions=len(hour["sessions"]),
            fallback=signal.fallback,
            examples=hour["sessions"][-MAX_EXAMPLES:],
        ),
        first_us=PART.start_us(episode.since),
        revision=episode.revision,
        status="resolved" if episode.resolved else "open",
    )


def _storm(state: ToolHealthState, signal: ToolUsed, at_us: int) -> list[Found]:
    if not signal.retries and not _is_open(state, "storm"):
        return []
    use = now(state.history, at_us, STORM_PARTS)
    calls, retries, sessions = use["calls"], use["retries"], use["sessions"]
    burning = None if 2 * retries >= MARGIN * calls else False
    if retries >= MIN_RETRIES and 2 * retries >= calls and len(sessions) >= MIN_SESSIONS:
        burning = True
    episode = move(state.episodes, "storm", PART.bucket(at_us), burning=burning)
    if episode is None:
        return []
    advise = signal.advise and not episode.resolved
    tail = ": over" if episode.resolved else f", in {len(sessions)} sessions or more"
    return [
        Found(
            about=("storm", episode.since),
            severity="high",
            summary=(
                f"{retries} of {calls} calls of {signal.tool_name} repeat one that had just failed{tail}."
                f"{_meanwhile(signal.fallback, resolved=episode.resolved)}"
            ),
            evidence=RetryStorm(
                tool_name=signal.tool_name,
                seconds=STORM_PARTS * PART.seconds,
                calls=calls,
                errors=use["errors"],
                retries=retries,
                sessions=len(sessions),
                fallback=signal.fallback,
                examples=sessions[-MAX_EXAMPLES:],
            ),
            first_us=PART.start_us(episode.since),
            revision=episode.revision,
            status="resolved" if episode.resolved else "open",
            action="circuit_open" if advise else None,
            target=Target(kind="agent", id=signal.agent_id) if advise else None,
            tool_name=signal.tool_name if advise else "",
            fallback=signal.fallback if advise else "",
        )
    ]
