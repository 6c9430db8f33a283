"""What the pages of drift show, and who answers it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.evidence import DriftedScores

StreamState: TypeAlias = Literal["gathering", "watching", "drifted", "refused"]
"""`gathering`: its baseline is not complete. `watching`: held against it. `drifted`: a change was told, and nothing has
armed the stream again. `refused`: it cannot be watched."""


@dataclass(frozen=True, slots=True)
class Level:
    """Where a stream stands against its baseline.

    Attributes:
        before: the baseline's mean, of `baseline_scores` from `baseline_from` to `baseline_to`.
        limit: what its mean is held against: the baseline's own error is taken off.
        after: the mean since the moment for which most speaks; `low` to `high` holds it at all times at once, 95 %.
        since: that moment.
        scores: how many came since the baseline.
        share: what speaks for a change, as a share of what alarms where no other stream does: 1 and more alarms.
    """

    before: float
    limit: float
    after: float
    low: float
    high: float
    since: datetime
    scores: int
    share: float
    baseline_scores: int
    baseline_from: datetime
    baseline_to: datetime


@dataclass(frozen=True, slots=True)
class WatchedStream:
    """One stream of numbers of an agent, as the worker holds it now.

    Attributes:
        family: `graders`: what graders said of sampled sessions; `online`: what every session tells.
        name: the grader, `name@version`, or the measure.
        direction: which way is worse.
        is_ranked: whether numbers are ranks: 0.5 is as before, since cost and time have no upper end.
        gathered: scores of the baseline so far, of `wanted`; `days` that they span, of `wanted_days`.
        level: None without a baseline, or where nothing is held against it now.
        told_at: when the last change was told; None where none is open.
        refused: why it cannot be watched; empty where it can.
        promise: at most one false alarm in so many scores, over all streams of the family together.
        members: how many these are.
        stored_at: when the worker wrote it down.
    """

    tenant_id: str
    agent_id: str
    origin: Origin
    family: Literal["graders", "online"]
    name: str
    direction: Literal["fall", "rise"]
    is_ranked: bool
    state: StreamState
    gathered: int
    wanted: int
    days: float
    wanted_days: int
    level: Level | None
    told_at: datetime | None
    refused: str
    promise: int
    members: int
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """The statistic after some scores: `share` as in `Level`."""

    at: datetime
    number: int
    share: float


@dataclass(frozen=True, slots=True)
class Block:
    """The mean of scores that follow each other; each weighs by how seldom its like is drawn."""

    first_at: datetime
    last_at: datetime
    scores: int
    mean: float


@dataclass(frozen=True, slots=True)
class Alarm:
    """A change that was told after so many scores; `is_revised` where it is told again, more exactly."""

    at: datetime
    number: int
    told: DriftedScores
    is_revised: bool
    is_resolved: bool


@dataclass(frozen=True, slots=True)
class Course:
    """How a stream came to where it is: its stored scores, shown to the worker's own rule once more.

    Attributes:
        steps: of the statistic, thinned, the highest of each stretch kept; empty while the baseline is gathered.
        blocks: of all scores, baseline included.
        alarms: in the order in which they are told.
        before: the baseline's mean; None while it is gathered. `limit`: what the mean is held against.
        baseline_to: when the baseline's last session ended.
        differs: whether it ends elsewhere than the worker did: it also hears sessions that nobody graded.
        too_many: more scores than a page replays; nothing else is set then.
    """

    steps: tuple[Step, ...] = ()
    blocks: tuple[Block, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    before: float | None = None
    limit: float | None = None
    baseline_to: datetime | None = None
    differs: bool = False
    too_many: bool = False


class Drift(Protocol):
    """Answers what pages ask of drift. Raises what its store raises."""

    def streams(self, tenant: str, agent: str = "") -> list[WatchedStream]:
        """The streams of every agent, or of one; empty names mean all."""

    def course(self, stream: WatchedStream) -> Course:
        """How a grader's stream came to where it is. Of `online` streams no numbers are kept: nothing is set."""
