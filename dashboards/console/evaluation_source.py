"""What the pages of evaluation show, and who answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.evaluations import JobRow, SuiteCaseRow, SuiteRunRow

Breakdown: TypeAlias = Literal["", "intent", "version", "model", "prompt", "week"]
"""By what sessions are told apart; empty: not at all."""


@dataclass(frozen=True, slots=True)
class Today:
    """What became of the sessions that were decided since midnight, UTC.

    Attributes:
        considered: how many ended and were looked at.
        by_state: how many of them, by `SampleState`.
        scores: how many were delivered.
        usd: what grading cost.
    """

    considered: int = 0
    by_state: Mapping[str, int] = field(default_factory=dict)
    scores: int = 0
    usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Graded:
    """How much of an agent was graded.

    Attributes:
        scores: how many live scores there are; `failures` of them say why nothing could be said.
        last_at: when the latest graded session ended.
    """

    tenant_id: str
    agent_id: str
    origin: Origin
    scores: int
    failures: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean of what one grader said, over all sessions of the period, graded or not.

    Attributes:
        grader: `name@version`.
        part: which sessions, where they are told apart; empty for all.
        measure: `passed`: the share that is good enough; `value`: the mean of values from 0 to 1.
        value: the mean; None where the grader failed on every session. `low` to `high` is its interval.
        level: of the interval, 0.95.
        corrected: whether people's labels corrected it; without, the interval holds if the grader is right.
        alone: what the grader alone says, uncorrected.
        scored: sessions in the mean; `labelled` by people; `failures` in no mean.
        advice: what would make it more honest; empty where nothing would.
    """

    grader: str
    part: str
    measure: Literal["passed", "value"]
    value: float | None
    low: float
    high: float
    level: float
    corrected: bool
    alone: float
    scored: int
    labelled: int
    failures: int
    advice: str


@dataclass(frozen=True, slots=True)
class Draw:
    """A draw of sessions to be labelled, and how far people have come.

    Attributes:
        agent_id: empty for all agents.
        size: how many sessions it puts in order, of `candidates`.
        handled: how many of them somebody labelled or skipped.
    """

    tenant_id: str
    agent_id: str
    draw_id: str
    drawn_by: str
    drawn_at: datetime
    since: datetime
    until: datetime
    candidates: int
    size: int
    handled: int


@dataclass(frozen=True, slots=True)
class Labelled:
    """What people said of an agent's sessions.

    Attributes:
        labels: of sessions, each person's latest; `skipped` of them say nothing.
        sessions: that somebody labelled; `double` of them by two people or more.
        passed: of the sessions that somebody judged, the share that people together passed; None without any.
        people: how many labels each gave.
        last_at: when the latest was given.
    """

    tenant_id: str
    agent_id: str
    labels: int
    skipped: int
    sessions: int
    double: int
    passed: float | None
    people: Mapping[str, int]
    last_at: datetime


class Evaluations(Protocol):
    """Answers what pages ask of evaluation. Raises what its store raises."""

    def jobs(self) -> list[JobRow]:
        """What each job of the scheduler does, by name."""

    def today(self) -> Today:
        """What became of today's sessions."""

    def runs(self, limit: int) -> list[SuiteRunRow]:
        """The latest runs of suites, the newest first."""

    def run(self, run_id: str) -> SuiteRunRow | None:
        """One run; None where there is none of this id."""

    def cases(self, run_id: str) -> list[SuiteCaseRow]:
        """The cases of a run that are done, by id."""

    def graded(self, tenant: str, since: datetime, until: datetime) -> list[Graded]:
        """Whose sessions were graded, of those that ended in a span of time; those with most scores first."""

    def means(self, of: Graded, since: datetime, until: datetime, by: Breakdown) -> list[Mean]:
        """Means with intervals, by grader, the one over all parts before its parts."""

    def labelled(self, tenant: str, since: datetime, until: datetime) -> list[Labelled]:
        """What people said of sessions that ended in a span of time, by agent; the latest first."""

    def draws(self, tenant: str, since: datetime, until: datetime) -> list[Draw]:
        """Draws of sessions to be labelled that had candidates in a span of time, the latest first."""
