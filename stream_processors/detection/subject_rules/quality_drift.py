"""Agents whose sessions are no longer as good as they were, told with a stated rate of false alarms.

What it sees. What graders said of sampled sessions (`scored`, of `agent.scores`), one stream for each grader; and of
every session that ended what can be counted without a grader (`session_fared`): abstentions, failed tool calls,
retries, cost, latency, feedback, hand-overs to people, one stream each. A stream whose mean is worse than its
baseline's is `drifted_scores` (high of a grader, medium else): since when, by how much, in which intents, versions,
models and prompts, and which of these were first seen shortly before.

Method. The first `quality.baseline` scores of a stream, over `quality.baseline_days` at least, are its baseline
(`watched_stream`). What follows is held against the baseline's limit by a Shiryaev-Roberts e-detector (`drift`): on
average at most one false alarm in `quality.promise` scores, whatever scores are distributed like and whenever one
looks, over all graders together by e-BH, and likewise over all other streams together. Scores that follow each other
count by blocks; weekdays and weekends have limits of their own where they differ. Cost and latency are ranked. Sessions
that were drawn more often weigh less. Where the mean changed only because other intents came, nothing is told here:
`input_drift` tells that.

A finding is told once. The stream is armed again, against the same baseline, by the next version of agent, prompt or
model that was never seen before; and anew by `quality.baseline_since`, by which a person accepts what there is now.

Parameters: `quality` of the policy, of the session that ended last. `MAX_STREAMS` 12: of graders and their versions
those heard last.

What it gets wrong. The baseline is taken for good: an agent that was bad from its first day is no finding. A change
while the baseline is gathered is part of it. What gets better is not told, and a fall back to the baseline is none. A
new version of a grader begins anew. A suite's single cases are not watched here: a run that fell is told as the
scheduler compares it with the last good one (`fell_suite`, high).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from watchkeeper.schemas.evidence import DriftedScores, Unjudged
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.policy_quality import Direction, GraderRule, Measure, QualityRules
from watchkeeper.schemas.scores import INPUTS_GRADER
from watchkeeper.schemas.signals import Scored, SessionFared, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.drift.family import alarms_of
from watchkeeper.stream_processors.detection.drift.watch import evidence, restart
from watchkeeper.stream_processors.detection.drift_evidence import Drifted, Family, evidence_of, is_mix
from watchkeeper.stream_processors.detection.releases_seen import Seen, see
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule
from watchkeeper.stream_processors.detection.suite_falls import suite_falls
from watchkeeper.stream_processors.detection.watched_stream import (
    RECENT,
    Heard,
    Stream,
    Terms,
    begin_anew,
    has_followed,
    has_recovered,
    hear,
    let_go,
    new_stream,
    rearm,
    tell,
)

MAX_STREAMS: Final = 12
MAX_INTENTS: Final = 12
ONLINE_BLOCK: Final = 10
"""Of what every session tells so many count as one: there are many, and each costs."""
_OTHER: Final = "(other)"
_RANKED: Final[frozenset[Measure]] = frozenset({"cost", "latency"})
_FALLS: Final[frozenset[Measure]] = frozenset({"feedback"})


@dataclass(slots=True)
class QualityDriftState:
    """One agent.

    Attributes:
        rules: its policy's, as JSON, empty for the default; `rules_us` of which moment, epoch microseconds.
        accepted_us: the latest `baseline_since` that was followed.
        streams: by family and name: `graders/exact@1`.
        seen: versions, see `releases_seen`.
        intents: those that are told apart.
        counts: how many numbers were taken in, by stream: a signal that is lost or counted twice shows here.
    """

    rules: str = ""
    rules_us: int = 0
    accepted_us: int = 0
    streams: dict[str, Stream] = field(default_factory=dict)
    seen: Seen = field(default_factory=dict)
    intents: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


class QualityDrift(SubjectRule[QualityDriftState]):
    """See the module."""

    rule_id = "quality_drift"
    failure_mode = "quality_drift"
    listens = frozenset({"scored", "session_fared"})
    state_type = QualityDriftState

    def fold(self, state: QualityDriftState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if isinstance(signal, SessionFared):
            return _fared(state, signal)
        if isinstance(signal, Scored) and signal.source == "suite":
            return suite_falls(signal)
        if isinstance(signal, Scored) and signal.source == "live" and signal.grader.partition("@")[0] != INPUTS_GRADER:
            return _scored(state, signal)
        return ()


def _fared(state: QualityDriftState, signal: SessionFared) -> Iterable[Found]:
    rules = _follow(state, signal)
    at_us = to_us(signal.occurred_at)
    _versions(state, signal, at_us)
    if at_us < state.accepted_us:
        return ()
    terms = Terms(rules.min_effect, len(rules.online), ONLINE_BLOCK)
    heard = _heard(state, signal, 1.0)
    for measure, number in signal.measures.items():
        if measure in rules.online:
            direction: Direction = "fall" if measure in _FALLS else "rise"
            stream = _stream(state, "online", measure, direction, ranked=measure in _RANKED)
            hear(stream, number, heard, rules, terms)
    return _judge(state, "online", rules, signal, terms.members)


def _scored(state: QualityDriftState, signal: Scored) -> Iterable[Found]:
    rules = rules_of(state.rules)
    rule = rules.graders.get(signal.grader.partition("@")[0], GraderRule())
    at_us = to_us(signal.occurred_at)
    _versions(state, signal, at_us)
    if signal.value is None or not rule.watch or at_us < state.accepted_us:
        return ()
    stream = _stream(state, "graders", signal.grader, rule.direction, ranked=False)
    members = sum(name.startswith("graders/") for name in state.streams)
    terms = Terms(rules.min_effect if rule.min_effect is None else rule.min_effect, members)
    hear(stream, signal.value, _heard(state, signal, signal.inclusion), rules, terms)
    return _judge(state, "graders", rules, signal, members)


def _follow(state: QualityDriftState, signal: SessionFared) -> QualityRules:
    """The rules in force; a baseline that was accepted since begins anew everywhere."""
    at_us = to_us(signal.occurred_at)
    if at_us >= state.rules_us:
        state.rules, state.rules_us = signal.rules.model_dump_json(exclude_defaults=True), at_us
    rules = rules_of(state.rules)
    since = rules.baseline_since
    if since is not None and to_us(since) > state.accepted_us:
        state.accepted_us = to_us(since)
        state.streams = {name: begin_anew(stream) for name, stream in state.streams.items()}
    return rules


@lru_cache(maxsize=256)
def rules_of(text: str) -> QualityRules:
    """The rules that were kept as text."""
    return QualityRules.model_validate_json(text) if text else QualityRules()


def _versions(state: QualityDriftState, signal: Scored | SessionFared, at_us: int) -> None:
    """Takes note of what a session ran with: a release arms what was told before it."""
    named = {name: getattr(signal, name) for name in ("agent_version", "model", "prompt_version")}
    if see(state.seen, named, at_us):
        for stream in state.streams.values():
            if stream["told"] and at_us > stream["told_us"]:
                rearm(stream)


def _stream(state: QualityDriftState, family: Family, name: str, direction: Direction, *, ranked: bool) -> Stream:
    """The stream of this name, heard last of all."""
    key = f"{family}/{name}"
    state.counts[key] = state.counts.get(key, 0) + 1
    stream = state.streams.pop(key, None)
    if stream is None or stream["direction"] != direction:
        stream = new_stream(direction, ranked=ranked, generation=0 if stream is None else stream["generation"] + 1)
    state.streams[key] = stream
    graders = [one for one in state.streams if one.startswith("graders/")] if family == "graders" else []
    if len(graders) > MAX_STREAMS:
        del state.streams[graders[0]], state.counts[graders[0]]
    return stream


def _heard(state: QualityDriftState, signal: Scored | SessionFared, inclusion: float) -> Heard:
    intent = signal.intent
    if intent and intent not in state.intents:
        if len(state.intents) < MAX_INTENTS:
            state.intents = [*state.intents, intent]
        else:
            intent = _OTHER
    named = {
        "intent": intent,
        "agent_version": signal.agent_version,
        "model": signal.model,
        "prompt_version": signal.prompt_version,
    }
    return Heard(
        session_id=signal.session_id,
        at_us=to_us(signal.occurred_at),
        inclusion=inclusion,
        segments={dimension: name for dimension, name in named.items() if name},
    )


def _judge(
    state: QualityDriftState, family: Family, rules: QualityRules, signal: Signal, members: int
) -> Iterable[Found]:
    """Tells the streams of a family that alarm together."""
    held: dict[str, Drifted] = {}
    for key, stream in state.streams.items():
        name = key.removeprefix(f"{family}/")
        watch, baseline = stream["watch"], stream["baseline"]
        if name != key and watch is not None and baseline is not None:
            held[name] = Drifted(name, family, members, rules.promise, stream, watch, baseline)
    found = [_refused(name, state, family) for name in _newly_refused(state, family)]
    armed = {name: evidence(one.watch) for name, one in held.items() if not one.stream["told"]}
    found += [_said_again(one, state, signal) for one in held.values() if has_followed(one.stream)]
    for name in alarms_of(armed, members):
        drifted = held[name]
        if is_mix(drifted):
            restart(drifted.watch)
            continue
        found.append(_found(drifted, state, signal))
        tell(drifted.stream, to_us(signal.occurred_at))
    return found


def _said_again(drifted: Drifted, state: QualityDriftState, signal: Signal) -> Found:
    """What is known after some scores more: it has recovered, or is told more exactly."""
    stream = drifted.stream
    found = _found(drifted, state, signal)
    found.revision = 1
    if has_recovered(stream):
        found.status = "resolved"
        found.summary = f"{found.summary.removesuffix('.')}; the latest {RECENT} scores are as good as before."
        rearm(stream)
    else:
        let_go(stream)
    return found


def _newly_refused(state: QualityDriftState, family: Family) -> list[str]:
    return [
        key.removeprefix(f"{family}/")
        for key, stream in state.streams.items()
        if key.startswith(f"{family}/") and stream["refused"] and not stream["told"]
    ]


def _refused(name: str, state: QualityDriftState, family: Family) -> Found:
    stream = state.streams[f"{family}/{name}"]
    stream["told"] = True
    return Found(
        about=("unjudged", family, name, stream["generation"]),
        severity="low",
        summary=f"{name} cannot be watched: {stream['refused']}",
        evidence=Unjudged(detector=QualityDrift.rule_id, reason=stream["refused"], detail={"stream": name}),
    )


def _found(drifted: Drifted, state: QualityDriftState, signal: Signal) -> Found:
    at_us = to_us(signal.occurred_at)
    told = evidence_of(drifted, state.seen, at_us)
    return Found(
        about=("drift", drifted.family, drifted.name, drifted.stream["generation"]),
        severity="high" if drifted.family == "graders" else "medium",
        summary=_summary(told),
        evidence=told,
        first_us=min(to_us(told.since), at_us),
    )


def _summary(told: DriftedScores) -> str:
    what = f"What {told.stream} says of sessions" if told.family == "graders" else f"The mean of {told.stream}"
    moved = {"fall": "has fallen", "rise": "has risen"}[told.direction]
    rank = " (of ranks, 50.0% is usual)" if told.unit == "rank" else ""
    line = f"{what} {moved} from {told.before:.1%} to {told.after:.1%}{rank} since about {told.since:%Y-%m-%d}"
    intents = [one.name for one in told.segments if one.dimension == "intent"]
    if intents:
        line += f", in {_listed(intents)}"
    if told.versions:
        line += f"; new before it: {_listed([f'{one.dimension} {one.name}' for one in told.versions])}"
    return f"{line}."


def _listed(names: list[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
