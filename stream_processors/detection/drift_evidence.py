"""What is told of a stream whose mean has changed: since when, by how much, where, and what came before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from watchkeeper.schemas.evidence import DriftedScores, MovedSegment, NewVersion
from watchkeeper.schemas.model import from_us
from watchkeeper.stream_processors.detection.drift.baseline import Baseline
from watchkeeper.stream_processors.detection.drift.effect import Effect, effect_of
from watchkeeper.stream_processors.detection.drift.segments import Contribution, contributions
from watchkeeper.stream_processors.detection.drift.watch import Watch, evidence, since_change
from watchkeeper.stream_processors.detection.releases_seen import Seen, first_between
from watchkeeper.stream_processors.detection.watched_stream import DAY_US, Stream, poor_since

Family: TypeAlias = Literal["graders", "online"]

MAX_SEGMENTS: Final = 12
SLACK_US: Final = 4 * DAY_US
"""A version first seen so long before the likeliest moment of a change may be its cause: the moment is a guess."""
_LEAST_MIX: Final = 0.01
_HALF: Final = 0.5
_LEAST_SHARE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Drifted:
    """A stream that alarms, and what is known of it."""

    name: str
    family: Family
    members: int
    promise: int
    stream: Stream
    watch: Watch
    baseline: Baseline

    @property
    def effect(self) -> Effect:
        """How large the change is."""
        return effect_of(self.watch, self.baseline)

    @property
    def parts(self) -> tuple[Contribution, ...]:
        """What each segment has to do with it."""
        return contributions(since_change(self.watch), self.baseline)


def is_mix(drifted: Drifted) -> bool:
    """Whether the mean changed because other intents came, and not because any of them is served worse.

    Half of the change or more is explained by the shares of intents, and no intent's own mean has moved that way.
    """
    change, parts = drifted.effect.change, [one for one in drifted.parts if one.dimension == "intent"]
    if not parts or change == 0:
        return False
    within = sum(one.within for one in parts)
    moved = any(one.moved and (one.after - one.before) * change > 0 for one in parts)
    return not moved and within / change < _HALF


def evidence_of(drifted: Drifted, seen: Seen, at_us: int) -> DriftedScores:
    """The evidence of a finding."""
    effect, watch, baseline = drifted.effect, drifted.watch, drifted.baseline
    return DriftedScores(
        stream=drifted.name,
        family=drifted.family,
        unit="rank" if drifted.stream["ranked"] else "score",
        direction=watch["direction"],
        since=from_us(effect.since_us),
        before=effect.before,
        after=_share(effect.after),
        after_low=effect.after_low,
        after_high=effect.after_high,
        change=effect.change,
        change_low=effect.change_low,
        change_high=effect.change_high,
        sessions=effect.scores,
        baseline_scores=baseline["scores"],
        baseline_from=from_us(baseline["since_us"]),
        baseline_to=from_us(baseline["until_us"]),
        promise=drifted.promise,
        streams=drifted.members,
        block=watch["block"],
        evidence=evidence(watch),
        segments=[_segment(one) for one in _worth_telling(drifted.parts, effect.change)],
        versions=_versions(drifted, seen, effect.since_us, at_us),
        examples=list(poor_since(drifted.stream, effect.since_us)),
    )


def _worth_telling(parts: tuple[Contribution, ...], change: float) -> list[Contribution]:
    """Those that moved the way of the whole, or of which there are more or fewer now, by what they add.

    Where all sessions before and after are of one segment it tells nothing.
    """
    told = [
        one
        for one in parts
        if one.share_after < 1 or one.is_new
        if (one.moved and (one.after - one.before) * change > 0) or (one.mix * change > 0 and abs(one.mix) > _LEAST_MIX)
    ]
    return told[:MAX_SEGMENTS]


def _segment(one: Contribution) -> MovedSegment:
    return MovedSegment(
        dimension=one.dimension,  # type: ignore[arg-type] # the stream's segments are told by these four alone
        name=one.name,
        share_before=_share(one.share_before),
        share_after=_share(one.share_after),
        before=_share(one.before),
        after=_share(one.after),
        low=one.low,
        high=one.high,
        within=one.within,
        mix=one.mix,
        is_new=one.is_new,
    )


def _versions(drifted: Drifted, seen: Seen, since_us: int, at_us: int) -> list[NewVersion]:
    """What was new shortly before the change or since, as far as sessions since the change ran with it."""
    # What the baseline ran with is not new, however it was heard of.
    after_us = max(since_us - SLACK_US, drifted.baseline["until_us"])
    shares = {(one.dimension, one.name): one.share_after for one in drifted.parts}
    return [
        NewVersion(dimension=what, name=name, first_seen=from_us(first_us), share=_share(shares[what, name]))
        for what, name, first_us in first_between(seen, after_us, at_us)
        if shares.get((what, name), 0.0) >= _LEAST_SHARE
    ]


def _share(number: float) -> float:
    """Sums of fractions miss their bounds by a last digit."""
    return min(max(number, 0.0), 1.0)
