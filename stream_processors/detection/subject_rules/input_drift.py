"""Agents that are asked for other things than before, or of whose sessions less is told.

What it sees. Of every session that ended (`session_fared`) its intent, the tools that it called and what is wrong with
its record; and the scheduler's comparison of the texts of whole windows of sessions (`scored`, of the grader `inputs`).
It finds:

- `shifted_mix` (medium): intents, or tools, have another share than in the baseline, or there are new ones;
- `shifted_data` (medium): something is missing more often, or malformed: intent, versions, model, usage, arguments;
- `shifted_texts` (medium): a classifier can tell the texts of a window from those of the reference.

Method. The first `quality.baseline` sessions, over `quality.baseline_days` at least, are the baseline. The mean part of
each category is then held against its limits by e-detectors (`drift.mix`), all of them under one promise. Weekdays and
weekends are watched apart, so that the week's rhythm is no change; each stream promises as many times more as there are
streams. What was told is learned as usual: the baseline is gathered anew. `quality.baseline_since` has all gathered
anew. What a session lacks that the baseline lacked as often is nothing new.

Parameters: `quality` of the policy, of the session that ended last: `inputs`, `promise`, `baseline`, `baseline_days`,
`min_effect`.

What it gets wrong. While a baseline is gathered nothing is seen. Seasons longer than a week are told as changes. Tools
beyond the first eight of a session are not counted. Categories that are rare, beyond the sixteen most frequent, are
watched together. The texts' verdict is as good as the reference that the scheduler was given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from watchkeeper.schemas.evidence import MovedPart, MovedText, ShiftedData, ShiftedMix, ShiftedTexts
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.policy_quality import Input
from watchkeeper.schemas.scores import INPUTS_GRADER
from watchkeeper.schemas.signals import Scored, SessionFared, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.drift.mix import Moved
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule
from watchkeeper.stream_processors.detection.watched_mix import Mix, Session, empty_mix, take_set
from watchkeeper.stream_processors.detection.watched_stream import phase_of

PHASES: Final = 2


@dataclass(slots=True)
class InputDriftState:
    """One agent.

    Attributes:
        accepted_us: the latest `baseline_since` that was followed, epoch microseconds.
        mixes: by input and phase: `intents/weekday`.
        counts: how many sessions were taken in: a signal that is lost or counted twice shows here.
    """

    accepted_us: int = 0
    mixes: dict[str, Mix] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


class InputDrift(SubjectRule[InputDriftState]):
    """See the module."""

    rule_id = "input_drift"
    failure_mode = "input_drift"
    listens = frozenset({"session_fared", "scored"})
    state_type = InputDriftState

    def fold(self, state: InputDriftState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if isinstance(signal, Scored):
            return _compared(signal)
        if isinstance(signal, SessionFared) and signal.ended:
            return _fared(state, signal)
        return ()


def _compared(signal: Scored) -> Iterable[Found]:
    if signal.grader.partition("@")[0] != INPUTS_GRADER or signal.passed is not False:
        return ()
    terms = [MovedText(term=one.name, after=one.value, note=one.note) for one in signal.criteria]
    named = ", ".join(f"“{one.term}”" for one in terms[:4])
    return [
        Found(
            about=("texts", signal.session_id, signal.grader),
            severity="medium",
            summary=f"People write differently than before in {signal.session_id}{f': {named}' if named else ''}.",
            evidence=ShiftedTexts(
                window=signal.session_id, reason=signal.label, moved=terms, compared_by=signal.grader
            ),
        )
    ]


def _fared(state: InputDriftState, signal: SessionFared) -> Iterable[Found]:
    rules, at_us = signal.rules, to_us(signal.occurred_at)
    since = rules.baseline_since
    if since is not None and to_us(since) > state.accepted_us:
        state.accepted_us = to_us(since)
        state.mixes = {key: empty_mix(mix["generation"] + 1) for key, mix in state.mixes.items()}
    if at_us < state.accepted_us:
        return ()
    state.counts["sessions"] = state.counts.get("sessions", 0) + 1
    told: dict[Input, list[str]] = {
        "intents": [signal.intent or "(none)"],
        "tools": signal.tools or ["(none)"],
        "data": signal.problems,
    }
    watched = [what for what in told if what in rules.inputs]
    promise = rules.promise * PHASES * max(1, len(watched))
    return [found for what in watched for found in _take(state, _Heard(what, told[what], signal, at_us), promise)]


class _Heard(NamedTuple):
    """What is heard of one input at a session's end."""

    what: Input
    categories: list[str]
    signal: SessionFared
    at_us: int

    @property
    def phase(self) -> Literal["weekday", "weekend"]:
        """Which of the two streams it belongs to."""
        return "weekend" if phase_of(self.at_us) == "weekend" else "weekday"


def _take(state: InputDriftState, heard: _Heard, promise: int) -> Iterable[Found]:
    key = f"{heard.what}/{heard.phase}"
    mix, signal = state.mixes.setdefault(key, empty_mix()), heard.signal
    found = take_set(
        mix,
        Session(signal.session_id, heard.at_us, heard.categories),
        signal.rules,
        rises_only=heard.what == "data",
        promise=promise,
    )
    if not found:
        return ()
    state.mixes[key] = empty_mix(mix["generation"] + 1)
    return [_found(heard, mix, found)]


def _found(heard: _Heard, mix: Mix, moved: tuple[Moved, ...]) -> Found:
    what, baseline = heard.what, mix["baseline"]
    shared: dict[str, Any] = {
        "phase": heard.phase,
        "moved": [_part(one) for one in moved],
        "new": mix["new"],
        "baseline_sessions": 0 if baseline is None else baseline["sessions"],
        "baseline_from": from_us(mix["since_us"]),
        "baseline_to": from_us(mix["until_us"]),
        "promise": heard.signal.rules.promise,
        "examples": mix["recent"],
    }
    since_us = min(one.since_us for one in moved)
    return Found(
        about=("mix", what, heard.phase, mix["generation"]),
        severity="medium",
        summary=_summary(what, moved, mix["new"], since_us),
        evidence=ShiftedData(**shared) if what == "data" else ShiftedMix(what=_mix_of(what), **shared),
        first_us=min(since_us, heard.at_us),
    )


def _mix_of(what: Input) -> Literal["intents", "tools"]:
    return "intents" if what == "intents" else "tools"


def _part(one: Moved) -> MovedPart:
    return MovedPart(
        category=one.category,
        direction=one.direction,
        before=_share(one.before),
        after=_share(one.after),
        low=_share(one.low),
        high=_share(one.high),
        since=from_us(one.since_us),
        sessions=one.sessions,
    )


def _share(number: float) -> float:
    """Sums of fractions miss their bounds by a last digit."""
    return min(max(number, 0.0), 1.0)


def _summary(what: Input, moved: tuple[Moved, ...], new: list[str], since_us: int) -> str:
    subject = {"intents": "What sessions are about", "tools": "What tools are used"}.get(what, "How sessions are told")
    listed = ", ".join(f"{one.category} {one.before:.1%} to {one.after:.1%}" for one in moved[:4])
    added = f"; new: {', '.join(new[:4])}" if new and any(one.category == "(new)" for one in moved) else ""
    return f"{subject} has changed since about {from_us(since_us):%Y-%m-%d}: {listed}{added}."
