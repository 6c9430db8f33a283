"""Agents that use up what their objectives allow to go wrong before its time.

What it sees. How sessions kept the objectives of their agent's policy (`told_objectives`): latency and failures of
sessions and of their steps, calls that a guard refused, retries, answers that decline, outcomes.

Method. Two questions:

- `budget_burn`, by several windows at once (`burn_rates`): high for the fast pair, medium for the others. What is
  counted of steps proves something only when it went wrong in `MIN_SESSIONS` sessions or more. Beside it stands how
  much of the error budget of `window_days` is gone.
- `retry_cascade` (high): while an objective burns, at least half of the steps of the last ten to twenty minutes, and
  `MIN_RETRIES` of them, came right after the same step had failed, at two steps or more and in `MIN_SESSIONS` sessions:
  the retries are a load of their own. It advises `slow_down` to the agent, unless the policy's mode is `observe`.

Each is one finding for an episode (a burn: for each objective and pair of windows), taken back when it is over.

Parameters: `objectives` of the policy, of the latest session. `MIN_SESSIONS` 3: one session that was given too much is
no trend. `MIN_RETRIES` 10: fewer are what retries are for.

What it gets wrong. A window moves only with signals: the end of an episode is told with the next session. An agent with
few sessions is told of late or not at all: five bad events are the least. An objective that is changed begins anew.
Whether a slow model, a slow tool or the question is to blame it cannot say; objectives by step can. Steps and retries
are of the sessions that told just then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypedDict

from watchkeeper.schemas.control import Target
from watchkeeper.schemas.evidence import BudgetBurn, RetryCascade
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.policy import Objective
from watchkeeper.schemas.signals import ObjectiveCount, ObjectivesCounted, Signal
from watchkeeper.stream_processors.detection import burn_rates
from watchkeeper.stream_processors.detection.burn_rates import Burn, Change
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.episodes import Episodes, is_repeat, move
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule
from watchkeeper.stream_processors.detection.windows import Buckets, Span, add, total

MIN_SESSIONS: Final = 3
MIN_RETRIES: Final = 10
MIN_STEPS: Final = 2
MAX_OBJECTIVES: Final = 12
"""Remembered: of more, those that were heard of last. Each takes some 3 KiB at most."""
MAX_SEEN: Final = 6
DAY: Final = Span(86_400, 90)
PART: Final = Span(600, 4)
RECENT: Final = 2
"""Parts of ten minutes, the one at hand included."""
MARGIN: Final = 0.8
"""A cascade is over when its share of retries has fallen below this part of a half."""


Seen = list[str | int]
"""A session or a step, and when it was heard of last, in microseconds."""


class Tracked(TypedDict):
    """One objective's past.

    Attributes:
        days: `[events, bad]` by day.
        rate: of the objective; `of`: what it is counted of.
        sessions: the latest in which something was bad.
    """

    rate: str
    of: str

    burn: Burn
    days: Buckets
    sessions: list[Seen]


@dataclass(slots=True)
class ObjectiveBurnState:
    """One agent.

    Attributes:
        tracked: by objective, the one heard of last at the end.
        parts: `[steps, retries]` by ten minutes.
        retried: steps that were retried, the latest last; `retriers`: sessions in which some were.
        episodes: what `retry_cascade` told.
        cause: rate and place of the objective that burned when it began.
        seen: see `is_repeat`.
    """

    tracked: dict[str, Tracked] = field(default_factory=dict)
    parts: Buckets = field(default_factory=dict)
    retried: list[Seen] = field(default_factory=list)
    retriers: list[Seen] = field(default_factory=list)
    episodes: Episodes = field(default_factory=dict)
    cause: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


class ObjectiveBurn(SubjectRule[ObjectiveBurnState]):
    """See the module."""

    rule_id = "objective_burn"
    failure_mode = "latency_budget"
    listens = frozenset({"objectives_counted"})
    state_type = ObjectiveBurnState

    def fold(self, state: ObjectiveBurnState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, ObjectivesCounted) or is_repeat(state.seen, signal):
            return ()
        at_us = to_us(signal.occurred_at)
        add(state.parts, PART, at_us, [signal.steps, signal.retries])
        for step in signal.retried:
            state.retried = _with(state.retried, step, at_us)
            state.retriers = _with(state.retriers, signal.session_id, at_us)
        said = [found for count in signal.rates for found in _take(state, signal, count, at_us)]
        return [*said, *_cascade(state, signal, at_us)]


def _with(known: list[Seen], name: str, at_us: int) -> list[Seen]:
    seen: Seen = [name, at_us]
    return [*(one for one in known if one[0] != name), seen][-MAX_SEEN:]


def _since(known: list[Seen], from_us: int) -> list[str]:
    return [str(name) for name, at_us in known if int(at_us) >= from_us]


def _take(state: ObjectiveBurnState, signal: ObjectivesCounted, count: ObjectiveCount, at_us: int) -> list[Found]:
    objective = count.objective
    name = _name(objective)
    tracked = state.tracked.pop(name, None) or Tracked(
        rate=objective.rate, of=_of(objective), burn=burn_rates.new_burn(), days={}, sessions=[]
    )
    state.tracked[name] = tracked
    if len(state.tracked) > MAX_OBJECTIVES:
        del state.tracked[next(iter(state.tracked))]
    add(tracked["days"], DAY, at_us, [count.events, count.bad])
    if count.bad:
        tracked["sessions"] = _with(tracked["sessions"], signal.session_id, at_us)
    changes = burn_rates.take(
        tracked["burn"],
        at_us,
        count.events,
        count.bad,
        objective.target,
        spread_us=_spread_us(tracked, objective),
    )
    return [_found(state, count, change, at_us) for change in changes]


def _name(objective: Objective) -> str:
    good = f"{objective.good_from:g}/{','.join(objective.good_labels)}" if objective.is_outcome else ""
    return f"{objective.rate}/{objective.step or ''}/{objective.threshold_ms or ''}/{objective.target}/{good}"


def _spread_us(tracked: Tracked, objective: Objective) -> int | None:
    if objective.is_outcome or (objective.step is None and objective.rate in {"latency", "errors"}):
        return None
    sessions = tracked["sessions"]
    return int(sessions[-MIN_SESSIONS][1]) if len(sessions) >= MIN_SESSIONS else 0


def _of(objective: Objective) -> str:
    if objective.is_outcome:
        return "outcome"
    if objective.rate == "abstentions":
        return "answer"
    return objective.step or ("session" if objective.rate in {"latency", "errors"} else "step")


_WENT_WRONG: Final[dict[str, str]] = {
    "errors": "failed",
    "guard_blocks": "were refused by a guard",
    "retries": "came right after the same had failed",
    "abstentions": "declined to answer",
}


def _told(objective: Objective, change: Change) -> str:
    of = _of(objective)
    what = {"session": "sessions", "step": "steps", "answer": "answers", "response": "requests to models"}.get(of)
    what = what or {"outcome": f"outcomes {objective.rate}", "retrieval": "retrievals"}.get(of, f"calls of {of}")
    wrong = _WENT_WRONG.get(objective.rate, "were not good")
    if objective.threshold_ms is not None:
        wrong = f"took longer than {objective.threshold_ms:g} ms"
    hours = change.pair.long * change.pair.span.seconds // 3600
    tail = "the objective is kept again" if change.resolved else f"the objective allows {1 - objective.target:.2%}"
    return f"{change.long_bad} of {change.long_events} {what} within {hours} h {wrong}: {tail}"


def _found(state: ObjectiveBurnState, count: ObjectiveCount, change: Change, at_us: int) -> Found:
    objective, fallback = count.objective, count.fallback
    pair, is_fast = change.pair, change.pair.name == "fast"
    tracked = state.tracked[_name(objective)]
    return Found(
        about=("burn", _name(objective), pair.name, change.since_us),
        severity="high" if is_fast else "medium",
        summary=f"{_told(objective, change)}.{f' Without it: {fallback}' if fallback and not change.resolved else ''}",
        evidence=BudgetBurn(
            rate=objective.rate,
            of=_of(objective),
            target=objective.target,
            threshold_ms=objective.threshold_ms,
            window_days=objective.window_days,
            **change.windows(objective.target),
            budget_used=_budget_used(tracked, objective, at_us),
            fallback=fallback,
            examples=[str(session) for session, _ in tracked["sessions"]],
        ),
        first_us=change.since_us,
        revision=change.revision,
        status="resolved" if change.resolved else "open",
    )


def _budget_used(tracked: Tracked, objective: Objective, at_us: int) -> float | None:
    """Bad events over those that the objective allows in its window; None where it allows none."""
    events, bad = total(tracked["days"], DAY, at_us, min(objective.window_days, DAY.buckets), 2)
    allowed = events * (1 - objective.target)
    return bad / allowed if allowed > 0 else None


def _cascade(state: ObjectiveBurnState, signal: ObjectivesCounted, at_us: int) -> list[Found]:
    known = state.episodes.get("cascade")
    if not signal.retries and (known is None or not known[2]):
        return []
    steps, retries = (int(count) for count in total(state.parts, PART, at_us, RECENT, 2))
    from_us = PART.start_us(PART.bucket(at_us) - RECENT + 1)
    retried, retriers = _since(state.retried, from_us), _since(state.retriers, from_us)
    burning: bool | None = None if 2 * retries >= MARGIN * steps else False
    hot = next((one for one in state.tracked.values() if one["burn"]["open"]), None)
    if hot is not None and retries >= max(MIN_RETRIES, steps / 2):
        burning = True if len(retried) >= MIN_STEPS and len(retriers) >= MIN_SESSIONS else burning
    episode = move(state.episodes, "cascade", PART.bucket(at_us), burning=burning)
    if episode is None:
        return []
    if not episode.resolved and hot is not None:
        state.cause = [hot["rate"], hot["of"]]
    advise = signal.advise and not episode.resolved
    tail = ": over" if episode.resolved else f", at {len(retried)} different steps or more"
    return [
        Found(
            about=("cascade", episode.since),
            severity="high",
            summary=f"{retries} of the {steps} latest steps repeat one that had just failed{tail}.",
            evidence=RetryCascade(
                rate=state.cause[0],
                of=state.cause[1],
                seconds=RECENT * PART.seconds,
                steps=steps,
                retries=retries,
                retried=retried,
                sessions=len(retriers),
                examples=retriers,
            ),
            first_us=PART.start_us(episode.since),
            revision=episode.revision,
            status="resolved" if episode.resolved else "open",
            action="slow_down" if advise else None,
            target=Target(kind="agent", id=signal.agent_id) if advise else None,
        )
    ]
