"""Agents whose records hold less than their policy promises.

What it sees. What was expected and what was missing in each session of an agent that ended or fell silent
(`record_completeness` tells it), where its policy has an objective of the rate `completeness`. When the share that was
recorded, over the sessions of the objective's window, is below its target, it is `low_completeness` (medium): one
finding for each episode, with what is missing by part, taken back when the share has recovered. Without such an
objective nothing is said.

Method. Sums by day over a sliding window of `window_days`, by the times at which sessions ended. A session that goes
on and ends again replaces what was told of it before. An episode is armed again when a margin, a fifth of what the
target lets be missing, is gained.

Parameters: `target` and `window_days` of the objective, of the latest session; `min_sessions` 5 and `min_expected` 50
(below it one bad session decides).

What it gets wrong. All that is missing counts alike: a lost event weighs as much as a prompt. A session of a thousand
calls weighs as much as a hundred of ten. Of more than `MAX_REMEMBERED` sessions the first are forgotten: one of them
that goes on counts twice. A session that never says anything is not missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict

from watchkeeper.schemas.evidence import LowCompleteness
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.signals import SessionRecorded, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.fingerprints import digest
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

MAX_REMEMBERED = 512
MAX_EXAMPLES = 5
DAY_US = 86_400_000_000
MARGIN = 0.2


class Told(TypedDict):
    """What was told of a session."""

    day: int
    expected: int
    missing: dict[str, int]


class Day(TypedDict):
    """Sums over the sessions of a day."""

    sessions: int
    expected: int
    missing: dict[str, int]


@dataclass(slots=True)
class CompletenessState:
    """One agent.

    Attributes:
        days: by day since 1970.
        told: by the digest of the session.
        examples: sessions that lack something.
        alarm: `[day, revision]` of the episode that is open.
        ended: the same of the latest that was taken back.
    """

    days: dict[str, Day] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    alarm: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)


class Completeness(SubjectRule[CompletenessState]):
    """See the module."""

    rule_id = "completeness"
    failure_mode = "audit_gap"
    listens = frozenset({"session_recorded"})
    state_type = CompletenessState

    def __init__(self, *, min_sessions: int = 5, min_expected: int = 50) -> None:
        self._min_sessions = min_sessions
        self._min_expected = min_expected

    def fold(self, state: CompletenessState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, SessionRecorded):
            return ()
        head = max([to_us(signal.occurred_at) // DAY_US, *map(int, state.days)])
        oldest = head - signal.window_days
        if not _take(state, signal, oldest):
            return ()
        for day in [day for day in state.days if int(day) <= oldest]:
            del state.days[day]
        return self._judge(state, signal, head)

    def _judge(self, state: CompletenessState, signal: SessionRecorded, head: int) -> Iterable[Found]:
        expected = sum(day["expected"] for day in state.days.values())
        missing = sum(sum(day["missing"].values()) for day in state.days.values())
        sessions = sum(day["sessions"] for day in state.days.values())
        share = (expected - missing) / expected if expected else 1.0
        if state.alarm:
            if share < signal.target + MARGIN * (1 - signal.target):
                return ()
            state.ended = [state.alarm[0], state.alarm[1] + 1]
            state.alarm = []
            return [_found(state, signal, state.ended, head)]
        if share >= signal.target or sessions < self._min_sessions or expected < self._min_expected:
            return ()
        # Twice on one day it is the same episode, gone on.
        again = bool(state.ended) and state.ended[0] == head
        state.alarm = [head, state.ended[1] + 1 if again else 0]
        return [_found(state, signal, state.alarm, head)]


def _take(state: CompletenessState, signal: SessionRecorded, oldest: int) -> bool:
    """Takes in what is told of a session, in place of what was told before; False where it changes nothing."""
    day = to_us(signal.occurred_at) // DAY_US
    session = digest(f"{signal.tenant_id}/{signal.session_id}")
    before = state.told.get(session)
    now = Told(day=day, expected=signal.expected, missing=dict(signal.missing))
    if day <= oldest or (before is not None and (before == now or before["expected"] > now["expected"])):
        return False
    if before is not None:
        _count(state, state.told.pop(session), -1)
    _count(state, now, 1)
    state.told[session] = now
    if len(state.told) > MAX_REMEMBERED:
        del state.told[next(iter(state.told))]
    if signal.missing and signal.session_id not in state.examples:
        state.examples = [*state.examples, signal.session_id][-MAX_EXAMPLES:]
    return True


def _count(state: CompletenessState, told: Told, sign: int) -> None:
    key = str(told["day"])
    if sign < 0 and key not in state.days:
        return
    day = state.days.setdefault(key, Day(sessions=0, expected=0, missing={}))
    day["sessions"] += sign
    day["expected"] += sign * told["expected"]
    for part, count in told["missing"].items():
        day["missing"][part] = day["missing"].get(part, 0) + sign * count


def _found(state: CompletenessState, signal: SessionRecorded, alarm: list[int], head: int) -> Found:
    missing: dict[str, int] = {}
    for day in state.days.values():
        for part, count in day["missing"].items():
            if count:
                missing[part] = missing.get(part, 0) + count
    expected = sum(day["expected"] for day in state.days.values())
    fulfilled = expected - sum(missing.values())
    sessions = sum(day["sessions"] for day in state.days.values())
    first = min(map(int, state.days))
    resolved = not state.alarm
    share = fulfilled / expected
    word = "again at least" if resolved else "less than"
    return Found(
        about=("completeness", alarm[0]),
        severity="medium",
        summary=(
            f"{share:.1%} of what a reviewer needs was recorded in {sessions} sessions: {word} the "
            f"{signal.target:.1%} that the policy promises."
        ),
        evidence=LowCompleteness(
            share=share,
            target=signal.target,
            expected=expected,
            fulfilled=fulfilled,
            sessions=sessions,
            window_from=from_us(first * DAY_US),
            window_to=from_us((head + 1) * DAY_US),
            missing=missing,
            examples=state.examples,
        ),
        revision=alarm[1],
        status="resolved" if resolved else "open",
    )
