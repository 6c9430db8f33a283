"""Evidence of `quality_drift`: what is scored of an agent is no longer what it was."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model, Moment

Dimension: TypeAlias = Literal["intent", "agent_version", "model", "prompt_version"]
Share = Annotated[float, Field(ge=0, le=1)]


class MovedSegment(Model):
    """A part of the sessions, and what it has to do with the change.

    Attributes:
        share_before: its share of the sessions in the baseline; `share_after` since the change.
        before: its mean in the baseline, or that of all where it was not there; `after` since the change.
        low: where `after - before` lies, up to `high`, for all segments of its dimension together, 95 %.
        within: what its own change adds to the change of all; `mix` what its changed share adds.
        is_new: whether the baseline did not have it.
    """

    dimension: Dimension
    name: str
    share_before: Share
    share_after: Share
    before: Share
    after: Share
    low: float
    high: float
    within: float
    mix: float
    is_new: bool


class NewVersion(Model):
    """A version that was first seen shortly before the change, or since.

    Attributes:
        share: of the sessions since the change.
    """

    dimension: Literal["agent_version", "model", "prompt_version"]
    name: str
    first_seen: Moment
    share: Share


class FellSuite(Model):
    """A run of a frozen suite is significantly worse than the last good one.

    Attributes:
        suite: the suite, `name@version`.
        target: what answered it, `name@version`.
        run: the run's id, in `scores` and `eval_runs`.
        reason: by how much, over how many cases.
        compared_by: the comparison, `name@version`.
    """

    kind: Literal["fell_suite"] = "fell_suite"
    suite: str
    target: str
    run: str
    reason: str
    compared_by: str


class DriftedScores(Model):
    """The mean of a stream of scores has changed for the worse.

    Attributes:
        stream: the grader, `name@version`, or the measure.
        family: `graders`: what graders said of sampled sessions; `online`: what every session tells.
        unit: what the means are: of `score` 0 to 1; of `rank` the share of the baseline's numbers below (0.5 is as
            before), since costs and times have no upper end.
        direction: which way is worse.
        since: when the change is likeliest to have begun.
        before: the mean of the baseline.
        after: the mean since then; `after_low` to `after_high` holds it at all times at once, 95 %.
        change: their difference, with such limits.
        sessions: how many scores there were since the change.
        baseline_scores: how many the baseline is made of, from `baseline_from` to `baseline_to`.
        promise: at most one false alarm in so many scores of a stream, over all `streams` of the family together.
        block: how many scores that follow each other count as one.
        evidence: what speaks for a change: 1 is as much as the promise asks of a stream alone.
        segments: those whose own mean moved, or whose share did, by what they add to the change.
        versions: those that came shortly before the change.
        examples: sessions since the change that went badly.
    """

    kind: Literal["drifted_scores"] = "drifted_scores"
    stream: str
    family: Literal["graders", "online"]
    unit: Literal["score", "rank"]
    direction: Literal["fall", "rise"]
    since: Moment
    before: Share
    after: Share
    after_low: float
    after_high: float
    change: float
    change_low: float
    change_high: float
    sessions: Count
    baseline_scores: Count
    baseline_from: Moment
    baseline_to: Moment
    promise: Count
    streams: Count
    block: Count
    evidence: float
    segments: list[MovedSegment] = []
    versions: list[NewVersion] = []
    examples: list[str] = []
