"""One stream of scores of an agent: first its baseline is gathered, then it is held against it. Plain JSON values.

What rules fold is in `drift`, pure statistics; here is what a stream remembers between signals, bounded.

A baseline is finished when it has as many scores as the policy asks for and they span as many days. Where an agent is
so busy that the scores come in sooner, every second one is let go of, again and again, until the days have passed: a
choice by number, which no score can influence. From then on only one score in so many (`stride`) is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypedDict

from watchkeeper.schemas.policy_quality import QualityRules
from watchkeeper.stream_processors.detection.drift.baseline import ERROR, Baseline, block_for, estimate_baseline
from watchkeeper.stream_processors.detection.drift.ranks import cuts_of, rank_of
from watchkeeper.stream_processors.detection.drift.scored import Direction, DriftError, Scored
from watchkeeper.stream_processors.detection.drift.watch import Watch, fold_score, new_watch
from watchkeeper.stream_processors.detection.packed_scores import HOUR_US, OTHER, Packed, Scores, halved, pack

DAY_US: Final = 24 * HOUR_US
CUT_NUMBERS: Final = 128
"""Numbers without an upper end (cost, time) by whose quantiles the others are ranked."""
MAX_POOR: Final = 8
FOLLOW: Final = 200
"""Scores after an alarm, by which it is said again, more exactly, or taken back."""
RECENT: Final = 100
"""So many of them, the latest, say whether it has recovered."""
_POOR: Final = 0.2
"""A score so much worse than the baseline's mean is an example."""
_LONGEST_BLOCK: Final = 50
_OTHER_NAME: Final = "(other)"


class Stream(TypedDict):
    """One stream.

    Attributes:
        direction: which way is worse; `ranked`: whether numbers are ranked first.
        numbers: those by which the others will be ranked, as long as they are gathered.
        cuts: their quantiles.
        packed: the scores of the baseline, as long as it is gathered.
        combos: their segments, by place.
        since_us: when the first of them was, epoch microseconds.
        until_us: the latest.
        stride: one score in so many is looked at; `skipped`: how many were not, since the last that was.
        baseline: None as long as it is gathered.
        least: the smallest inclusion in it or since: weights are relative to it.
        watch: None as long as there is no baseline, and after an alarm.
        made_with: promise, tolerance and direction of the watch.
        poor: `[session, epoch microseconds]` of the latest that went badly.
        told: whether the alarm was told and nothing has armed the stream again.
        told_us: when it was told.
        follow: so many more scores are looked at after an alarm, to say more exactly what has changed.
        followed: `[sum of weights, sum of weighted values]` of the latest `RECENT` of those.
        generation: counts baselines and alarms; part of findings' ids.
        refused: why the stream cannot be watched; told once.
    """

    direction: Direction
    ranked: bool
    numbers: list[float]
    cuts: list[float]
    packed: str
    combos: list[list[str]]
    since_us: int
    until_us: int
    stride: int
    skipped: int
    baseline: Baseline | None
    least: float
    watch: Watch | None
    made_with: list[float | str]
    poor: list[tuple[str, int]]
    told: bool
    told_us: int
    follow: int
    followed: list[float]
    generation: int
    refused: str


class Heard(TypedDict):
    """What streams are shown of a session; `segments` by dimension."""

    session_id: str
    at_us: int
    inclusion: float
    segments: Mapping[str, str]


class Terms(NamedTuple):
    """How a stream is watched.

    Attributes:
        tolerance: a change by less than this is none.
        members: how many streams share one promise.
        least_block: so many scores, at least, count as one.
    """

    tolerance: float
    members: int
    least_block: int = 1


def new_stream(direction: Direction, *, ranked: bool = False, generation: int = 0) -> Stream:
    """A stream that has heard nothing yet."""
    return Stream(
        direction=direction,
        ranked=ranked,
        numbers=[],
        cuts=[],
        packed="",
        combos=[],
        since_us=0,
        until_us=0,
        stride=1,
        skipped=0,
        baseline=None,
        least=1.0,
        watch=None,
        made_with=[],
        poor=[],
        told=False,
        told_us=0,
        follow=0,
        followed=[0.0, 0.0],
        generation=generation,
        refused="",
    )


def hear(stream: Stream, number: float, heard: Heard, rules: QualityRules, terms: Terms) -> None:
    """Takes a session's number in, in place."""
    if stream["refused"] or (stream["told"] and not stream["follow"]):
        return
    value = _value(stream, number)
    if value is None:
        return
    stream["skipped"] += 1
    if stream["skipped"] < stream["stride"]:
        return
    stream["skipped"] = 0
    baseline = stream["baseline"]
    if baseline is None:
        _gather(stream, heard, value, rules)
        if _is_enough(stream, rules):
            _finish(stream, rules, terms)
        return
    watch = _watch(stream, baseline, rules, terms.tolerance)
    if watch is None:
        return
    _remember(stream, heard, value, baseline["mean"])
    # Rates may be lower than in the baseline. Were weights cut off at 1, those that are drawn more often, which are the
    # bad ones, would count for more than they are.
    stream["least"] = min(stream["least"], heard["inclusion"])
    weight = stream["least"] / heard["inclusion"]
    fold_score(watch, Scored(value, heard["at_us"], weight, phase_of(heard["at_us"]), heard["segments"]))
    if stream["told"]:
        stream["follow"] -= 1
        if stream["follow"] < RECENT:
            before = stream["followed"]
            stream["followed"] = [before[0] + weight, before[1] + weight * value]


def phase_of(at_us: int) -> str:
    """Which of the rules of a week holds."""
    return "weekend" if datetime.fromtimestamp(at_us / 1e6, UTC).weekday() >= 5 else "weekday"


def tell(stream: Stream, at_us: int) -> None:
    """Takes note that the alarm was told: some scores more are looked at, then none until the stream is armed."""
    stream["told"], stream["told_us"] = True, at_us
    stream["follow"], stream["followed"] = FOLLOW, [0.0, 0.0]


def has_followed(stream: Stream) -> bool:
    """Whether there is more to say of an alarm now; `let_go` must follow."""
    return stream["told"] and not stream["follow"] and stream["watch"] is not None


def has_recovered(stream: Stream) -> bool:
    """Whether the latest that came after the alarm is as the baseline was."""
    watch, (weight, total) = stream["watch"], stream["followed"]
    if watch is None or not weight:
        return False
    mean = total / weight
    return (mean if watch["direction"] == "fall" else 1 - mean) >= watch["limit"]


def let_go(stream: Stream) -> None:
    """Forgets the evidence of an alarm of which all was said."""
    stream["watch"], stream["made_with"] = None, []


def rearm(stream: Stream) -> None:
    """Holds what follows against the same baseline, anew: a release was made after the alarm."""
    if stream["refused"]:
        return
    let_go(stream)
    stream["told"], stream["follow"] = False, 0
    stream["generation"] += 1
    stream["poor"] = []


def begin_anew(stream: Stream) -> Stream:
    """The stream with a baseline to be gathered: somebody has accepted what there is as usual."""
    return new_stream(stream["direction"], ranked=stream["ranked"], generation=stream["generation"] + 1)


def _value(stream: Stream, number: float) -> float | None:
    """The number as a score; None while those by which it would be ranked are gathered."""
    if not stream["ranked"]:
        return min(max(number, 0.0), 1.0)
    if stream["cuts"]:
        return rank_of(number, stream["cuts"])
    stream["numbers"].append(number)
    if len(stream["numbers"]) >= CUT_NUMBERS:
        stream["cuts"] = cuts_of(stream["numbers"])
        stream["numbers"] = []
    return None


def _gather(stream: Stream, heard: Heard, value: float, rules: QualityRules) -> None:
    at_us = heard["at_us"]
    if not stream["packed"]:
        stream["since_us"] = stream["until_us"] = at_us
    stream["until_us"] = max(stream["until_us"], at_us)
    combo = [heard["segments"].get(name, "") for name in _DIMENSIONS]
    if combo not in stream["combos"] and len(stream["combos"]) < OTHER:
        stream["combos"].append(combo)
    place = stream["combos"].index(combo) if combo in stream["combos"] else OTHER
    hour = (at_us - stream["since_us"]) // HOUR_US
    stream["packed"] += pack(Packed(value, hour, heard["inclusion"], place))
    if len(Scores(stream["packed"])) >= 2 * rules.baseline and not _is_enough(stream, rules):
        stream["packed"] = halved(stream["packed"])
        stream["stride"] *= 2


_DIMENSIONS: Final = ("intent", "agent_version", "model", "prompt_version")


def _is_enough(stream: Stream, rules: QualityRules) -> bool:
    days = (stream["until_us"] - stream["since_us"]) / DAY_US
    return len(Scores(stream["packed"])) >= rules.baseline and days >= rules.baseline_days


def _finish(stream: Stream, rules: QualityRules, terms: Terms) -> None:
    """Makes the baseline, and lets go of its scores."""
    gathered = list(Scores(stream["packed"]))
    stream["least"] = min(one.inclusion for one in gathered)
    scores = [_scored(stream, one) for one in gathered]
    shown = max(block_for([one.value for one in scores]), terms.least_block)
    length = rules.block or max(1, min(shown, _LONGEST_BLOCK, rules.promise // 10, rules.baseline // 20))
    try:
        baseline = estimate_baseline(scores, error=ERROR / max(1, terms.members), block=length)
    except DriftError as error:
        stream["refused"] = str(error)
        return
    stream["baseline"] = baseline
    stream["packed"], stream["combos"] = "", []
    _watch(stream, baseline, rules, terms.tolerance)


def _scored(stream: Stream, one: Packed) -> Scored:
    at_us = stream["since_us"] + one.hour * HOUR_US
    listed = stream["combos"][one.place] if one.place < len(stream["combos"]) else [_OTHER_NAME] * len(_DIMENSIONS)
    segments = {dimension: name for dimension, name in zip(_DIMENSIONS, listed, strict=True) if name}
    return Scored(one.value, at_us, min(1.0, stream["least"] / one.inclusion), phase_of(at_us), segments)


def _watch(stream: Stream, baseline: Baseline, rules: QualityRules, tolerance: float) -> Watch | None:
    """The watch; made anew where the policy asks for another."""
    asked: list[float | str] = [rules.promise, tolerance, stream["direction"]]
    if stream["watch"] is None or stream["made_with"] != asked:
        stream["made_with"] = asked
        try:
            stream["watch"] = new_watch(
                baseline, promise=rules.promise, direction=stream["direction"], tolerance=tolerance
            )
        except DriftError as error:
            stream["watch"], stream["refused"] = None, str(error)
    return stream["watch"]


def _remember(stream: Stream, heard: Heard, value: float, mean: float) -> None:
    worse = mean - value if stream["direction"] == "fall" else value - mean
    if worse > _POOR:
        stream["poor"] = [*stream["poor"], (heard["session_id"], heard["at_us"])][-MAX_POOR:]


def poor_since(stream: Stream, since_us: int) -> Sequence[str]:
    """The latest sessions since then that went badly, the latest last."""
    return [session for session, at_us in stream["poor"] if at_us >= since_us]
