"""The course of a grader's stream, by showing its stored scores to the worker's own rule once more.

The worker keeps where each stream is, not how it came there. The rule is pure: the same scores lead to the same place.
What differs is that the worker also hears sessions that nobody graded, whose versions arm a stream again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from watchkeeper.cli.store import Row
from watchkeeper.dashboards.console.drift_source import Alarm, Block, Course, Step, WatchedStream
from watchkeeper.schemas.evidence import DriftedScores
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.signals import Scored, quality_subject
from watchkeeper.stream_processors.detection.drift.watch import evidence
from watchkeeper.stream_processors.detection.subject_rules.quality_drift import QualityDrift, QualityDriftState
from watchkeeper.stream_processors.detection.watched_stream import Stream

MOST_STEPS: Final = 400
MOST_BLOCKS: Final = 60
LEAST_BLOCK: Final = 5
_NEARLY: Final = 1e-6


def replayed(rows: Sequence[Row], stream: WatchedStream, live: QualityDriftState) -> Course:
    """The course of one stream.

    Args:
        rows: all live scores of its agent and origin, in the order in which they were graded.
        stream: which one.
        live: what the worker keeps of the agent: the policy's rules, and what was accepted as usual.
    """
    rule, key = QualityDrift(), f"graders/{stream.name}"
    state = QualityDriftState(rules=live.rules, rules_us=live.rules_us, accepted_us=live.accepted_us)
    steps: list[Step] = []
    alarms: list[Alarm] = []
    number, limit = 0, None
    for place, row in enumerate(rows):
        signal = _signal(row, stream, place)
        found = rule.fold(state, signal)
        number += row["grader"] == stream.name
        for one in found:
            if isinstance(one.evidence, DriftedScores) and one.evidence.stream == stream.name:
                revised, resolved = one.revision > 0, one.status == "resolved"
                alarms.append(Alarm(signal.occurred_at, number, one.evidence, revised, resolved))
        now = state.streams.get(key)
        if row["grader"] == stream.name and now is not None and now["watch"] is not None:
            share = evidence(now["watch"]) / max(1, _members(state))
            steps.append(Step(signal.occurred_at, number, share))
            limit = limit_of(now["watch"]["limit"], now)
    ended = state.streams.get(key)
    baseline = ended["baseline"] if ended is not None else None
    return Course(
        steps=thinned(steps),
        blocks=blocks_of([row for row in rows if row["grader"] == stream.name and row["value"] is not None]),
        alarms=tuple(alarms),
        before=baseline["mean"] if baseline is not None else None,
        limit=limit,
        baseline_to=from_us(baseline["until_us"]) if baseline is not None else None,
        differs=_differs(ended, live.streams.get(key)),
    )


def limit_of(limit: float, stream: Stream) -> float:
    """The limit of a watch as a mean of the stream: watches turn scores so that a fall is worse."""
    return limit if stream["direction"] == "fall" else 1 - limit


def thinned(steps: Sequence[Step], most: int = MOST_STEPS) -> tuple[Step, ...]:
    """At most so many: of each stretch the highest, and the last of all."""
    if len(steps) <= most:
        return tuple(steps)
    wide = -(-len(steps) // (most - 1))
    kept = [max(steps[start : start + wide], key=lambda step: step.share) for start in range(0, len(steps), wide)]
    return (*kept, steps[-1]) if kept[-1] is not steps[-1] else tuple(kept)


def blocks_of(rows: Sequence[Row], most: int = MOST_BLOCKS) -> tuple[Block, ...]:
    """Means of neighbours, as many to a block as make at most `most` blocks; each score weighs 1 / inclusion."""
    ordered = sorted(rows, key=_ended)
    size = max(LEAST_BLOCK, -(-len(ordered) // most))
    return tuple(_block(ordered[start : start + size]) for start in range(0, len(ordered), size))


def _ended(row: Row) -> datetime:
    moment: datetime = row["occurred_at"]
    return moment


def _block(rows: Sequence[Row]) -> Block:
    weight = sum(1 / row["inclusion"] for row in rows)
    mean = sum(row["value"] / row["inclusion"] for row in rows) / weight
    return Block(rows[0]["occurred_at"], rows[-1]["occurred_at"], len(rows), mean)


def _signal(row: Row, stream: WatchedStream, place: int) -> Scored:
    return Scored(
        signal_id=row["score_id"],
        subject=quality_subject(stream.tenant_id, stream.origin, stream.agent_id),
        tenant_id=stream.tenant_id,
        origin=stream.origin,
        agent_id=stream.agent_id,
        source_partition=0,
        source_offset=place,
        ordinal=0,
        source="live",
        **row,
    )


def _members(state: QualityDriftState) -> int:
    return sum(name.startswith("graders/") for name in state.streams)


def _differs(now: Stream | None, then: Stream | None) -> bool:
    """Whether what speaks for a change is another figure than the worker's."""
    return any(abs(left - right) > _NEARLY for left, right in _pairs(_shares(now), _shares(then)))


def _shares(stream: Stream | None) -> list[float]:
    watch = stream["watch"] if stream is not None else None
    return [] if watch is None else [float(watch["scores"]), evidence(watch)]


def _pairs(left: Iterable[float], right: Iterable[float]) -> Iterable[tuple[float, float]]:
    first, second = list(left), list(right)
    return zip(first, second, strict=True) if len(first) == len(second) else [(0.0, 1.0)]
