"""Agents that spend more than they used to, whatever their budgets: a session, an hour, or day after day.

What it sees. What an agent's sessions spent (`told_spend`), and its own past (`spend_past`).

Method. Three questions, none of which is asked before there is enough of a past:

- `spend_outlier` (medium): a session has spent more than `OUTLIER` times what 99 of 100 of the agent's sessions stay
  within: dollars where the others spend cents. It is told while it runs, and again whenever it has doubled. The past
  are all sessions of the last two to four weeks, `MIN_SESSIONS` at least, over a day at least.
- `spend_above_history`, `hour`: all sessions of an hour spend three times what they did in nine of ten such hours of
  the days before, and more than `DEAR_SESSIONS` dear ones (one in a hundred) beside. Medium where sessions became
  dearer, low where there are only more of them.
- `spend_above_history`, `days` (medium): on each of the last three whole days it spent half as much again as on the
  same weekdays before, and a session cost a quarter more, and more than chance makes of costs as unequal as the
  agent's are: what nobody notices on any one day.

Of hours and days each is one finding for an episode, taken back when it is over. What an hour and a session may reach
is worked out with the first signal of an hour.

Parameters: `OUTLIER` 10 and `MIN_OUTLIER_USD` 0.50: of costs as unequal as agents' are (lognormal, sigma 1.5) one
session in 20,000 is beyond it by chance. `MIN_SESSIONS` 100. Those of hours and days: `spend_past`. `MIN_IN_HOUR` 3
sessions: what one session spends is for its cap and for the first question. `DEAR_SESSIONS` 3. `DEARER` 1.5 of an hour,
1.25 of days, and of days `SURE_ERRORS` 3 standard errors besides: where few sessions of unequal costs became more, a
quarter is chance.

What it gets wrong. A rare kind of session that has always been dear, fewer than one in a hundred, is told each time. A
job that runs once a month is no hour's habit. What has been going on for two weeks is the past: it was told until then.
More traffic at the same cost is told by the hour alone, low. A new agent is not judged for a week (hours), or three
(days): budgets are for that. Requests without a known price cost nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, TypedDict

from watchkeeper.schemas.evidence import SpendAboveHistory, SpendOutlier
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.signals import Signal, Spent
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.episodes import Episode, Episodes, is_repeat, move
from watchkeeper.stream_processors.detection.quantile_sketch import Sketch, merge, quantile, relative_deviation
from watchkeeper.stream_processors.detection.quantile_sketch import add as add_to_sketch
from watchkeeper.stream_processors.detection.spend_past import DAY, HOUR, Past, past_of_day, past_of_hour, spent_in
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule
from watchkeeper.stream_processors.detection.windows import Buckets, add

OUTLIER: Final = 10.0
MIN_OUTLIER_USD: Final = 0.5
MIN_SESSIONS: Final = 100
GENERATION_US: Final = 14 * 86_400_000_000
DAY_US: Final = 86_400_000_000
MIN_IN_HOUR: Final = 3
DEAR_SESSIONS: Final = 3
DEARER_HOUR: Final = 1.5
DEARER_DAYS: Final = 1.25
SURE_ERRORS: Final = 3.0
CHRONIC_DAYS: Final = 3
LATE_HOURS: Final = 2
"""What is older than that came after a clock that was ahead, not late."""
MAX_OUTLIERS: Final = 16
"""Outliers remembered while they run."""
MAX_EXAMPLES: Final = 5


class Generation(TypedDict):
    """What sessions cost that were over in two weeks."""

    from_us: int
    costs: Sketch


@dataclass(slots=True)
class SpendHistoryState:
    """One agent.

    Attributes:
        hours: see `spend_past`, as for days.
        sessions: the generations of its past sessions, the younger last.
        hour: the one for which the next two were worked out.
        hour_limit: what an hour may reach in US dollars, 0 while it is not known; `session_limit`: what a session may.
        outliers: `[US dollars at which to tell it again, revision]`, by session.
        episodes: of hours and days.
        judged_day: the day on which the days before it were judged.
        seen: see `is_repeat`.
    """

    hours: Buckets = field(default_factory=dict)
    days: Buckets = field(default_factory=dict)
    sessions: list[Generation] = field(default_factory=list)
    hour: int = 0
    hour_limit: float = 0.0
    session_limit: float = 0.0
    outliers: dict[str, list[float]] = field(default_factory=dict)
    episodes: Episodes = field(default_factory=dict)
    judged_day: int = 0
    examples: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


class SpendHistory(SubjectRule[SpendHistoryState]):
    """See the module."""

    rule_id = "spend_history"
    failure_mode = "cost_runaway"
    listens = frozenset({"spent"})
    state_type = SpendHistoryState

    def fold(self, state: SpendHistoryState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, Spent) or not signal.subject.startswith("agent:") or is_repeat(state.seen, signal):
            return ()
        at_us = to_us(signal.occurred_at)
        counts = [round(signal.usd, 6), int(signal.is_first)]
        hour = HOUR.bucket(at_us)
        if not state.hour - LATE_HOURS <= hour <= state.hour:
            _work_out(state, hour, at_us)
        add(state.hours, HOUR, at_us, counts)
        add(state.days, DAY, at_us, counts)
        state.examples = [*(one for one in state.examples if one != signal.session_id), signal.session_id]
        state.examples = state.examples[-MAX_EXAMPLES:]
        said = [*_judge_session(state, signal), *_judge_hour(state, hour), *_judge_days(state, at_us)]
        if signal.is_over:
            _age(state, signal.session_usd, at_us)
        return said


def _age(state: SpendHistoryState, usd: float, at_us: int) -> None:
    if not state.sessions or at_us >= state.sessions[-1]["from_us"] + GENERATION_US:
        state.sessions = [*state.sessions, Generation(from_us=at_us, costs={})][-2:]
    add_to_sketch(state.sessions[-1]["costs"], usd)


def _work_out(state: SpendHistoryState, hour: int, at_us: int) -> None:
    past = past_of_hour(state.hours, hour)
    costs = _costs(state)
    high = quantile(costs, 0.99)
    is_known = sum(costs.values()) >= MIN_SESSIONS and state.sessions[0]["from_us"] <= at_us - DAY_US
    state.hour, state.hour_limit, state.session_limit = hour, 0.0, 0.0
    if high is not None and is_known:
        state.session_limit = max(MIN_OUTLIER_USD, OUTLIER * high)
        state.hour_limit = 0.0 if past is None else past.limit + DEAR_SESSIONS * high


def _costs(state: SpendHistoryState) -> Sketch:
    costs: Sketch = {}
    for generation in state.sessions:
        merge(costs, generation["costs"])
    return costs


def _judge_session(state: SpendHistoryState, signal: Spent) -> list[Found]:
    usd, limit = signal.session_usd, state.session_limit
    if not limit or usd <= limit:
        return []
    again, revision = state.outliers.get(signal.session_id, (limit, -1.0))
    if usd < again:
        return []
    state.outliers.pop(signal.session_id, None)
    state.outliers[signal.session_id] = [2 * usd, revision + 1]
    for forgotten in list(state.outliers)[:-MAX_OUTLIERS]:
        del state.outliers[forgotten]
    costs = _costs(state)
    usual, high = quantile(costs, 0.5) or 0.0, quantile(costs, 0.99) or 0.0
    evidence = SpendOutlier(
        usd=usd,
        usual_usd=usual,
        high_usd=high,
        limit_usd=limit,
        sessions=sum(costs.values()),
        history_from=from_us(state.sessions[0]["from_us"]),
        is_over=signal.is_over,
    )
    return [
        Found(
            about=("outlier", signal.session_id),
            severity="medium",
            summary=(
                f"The session has spent ${usd:,.2f}; of {evidence.sessions} sessions before it half spent "
                f"${usual:,.4f} at most, 99 of 100 ${high:,.4f}."
            ),
            evidence=evidence,
            revision=int(revision) + 1,
            session_id=signal.session_id,
        )
    ]


def _judge_hour(state: SpendHistoryState, hour: int) -> list[Found]:
    # What comes late counts, and judges no hour that was judged.
    if not state.hour_limit or hour != state.hour:
        return []
    usd, sessions = spent_in(state.hours, hour)
    burning = usd > state.hour_limit and sessions >= MIN_IN_HOUR
    is_open = _is_open(state, "hour")
    if burning == is_open:
        return []
    if is_open:
        # An hour that has just begun says nothing yet: the one before speaks for it.
        last = past_of_hour(state.hours, hour - 1)
        burning = last is not None and spent_in(state.hours, hour - 1)[0] > last.limit
    past = past_of_hour(state.hours, hour)
    episode = move(state.episodes, "hour", hour, burning=burning)
    if episode is None or past is None:
        return []
    return [_above(state, "hour", episode, past, range(hour, hour + 1))]


def _judge_days(state: SpendHistoryState, at_us: int) -> list[Found]:
    today = DAY.bucket(at_us)
    if state.judged_day - 1 <= today <= state.judged_day:
        return []
    state.judged_day = today
    days = range(today - CHRONIC_DAYS, today)
    pasts = [past_of_day(state.days, day) for day in days]
    known = [past for past in pasts if past is not None]
    if len(known) < CHRONIC_DAYS:
        return []
    usd, sessions = _sums(state.days, days)
    joined = Past(
        source=known[0].source,
        usual=sum(past.usual for past in known),
        limit=sum(past.limit for past in known),
        values=sum(past.values for past in known),
        usd=sum(past.usd for past in known),
        sessions=sum(past.sessions for past in known),
    )
    above = [spent_in(state.days, day)[0] > past.limit for day, past in zip(days, known, strict=True)]
    burning = all(above) and _is_dearer(usd, sessions, joined, _sure_times(state, sessions, joined.sessions))
    if _is_open(state, "days"):
        burning = above[-1]
    episode = move(state.episodes, "days", today, burning=burning)
    if episode is None:
        return []
    return [_above(state, "days", episode, joined, days)]


def _is_open(state: SpendHistoryState, about: str) -> bool:
    return bool(state.episodes.get(about, (0, 0, 0))[2])


def _sums(buckets: Buckets, when: range) -> tuple[float, int]:
    spent = [spent_in(buckets, bucket) for bucket in when]
    return sum(usd for usd, _ in spent), sum(sessions for _, sessions in spent)


def _is_dearer(usd: float, sessions: int, past: Past, times: float) -> bool:
    before = past.usd_per_session
    return before is None or sessions == 0 or usd / sessions >= times * before


def _sure_times(state: SpendHistoryState, sessions: int, before: int) -> float:
    """How many times as dear so many sessions must be as so many before, for it to be no chance."""
    few = 1 / max(1, sessions) + 1 / max(1, before)
    return max(DEARER_DAYS, 1 + SURE_ERRORS * relative_deviation(_costs(state)) * math.sqrt(few))


def _above(
    state: SpendHistoryState,
    what: Literal["hour", "days"],
    episode: Episode,
    past: Past,
    when: range,
) -> Found:
    span, spent = (HOUR, state.hours) if what == "hour" else (DAY, state.days)
    usd, sessions = _sums(spent, when)
    is_mild = what == "hour" and not _is_dearer(usd, sessions, past, DEARER_HOUR)
    severity: Severity = "low" if is_mild else "medium"
    within = "within an hour" if what == "hour" else f"in the last {CHRONIC_DAYS} days"
    told = f"${usd:,.2f} were spent {within}, in {sessions} sessions"
    return Found(
        about=("above", what, episode.since),
        severity=severity,
        summary=f"{told}: over." if episode.resolved else f"{told}; by {past.source} ${past.usual:,.2f} are usual.",
        evidence=SpendAboveHistory(
            what=what,
            source=past.source,
            usd=usd,
            usual_usd=past.usual,
            limit_usd=past.limit,
            values=past.values,
            sessions=sessions,
            usd_per_session=usd / sessions if sessions else None,
            usual_usd_per_session=past.usd_per_session,
            window_from=from_us(span.start_us(when.start)),
            window_to=from_us(span.start_us(when.stop)),
            examples=state.examples,
        ),
        first_us=span.start_us(when.start),
        revision=episode.revision,
        status="resolved" if episode.resolved else "open",
    )
