"""The scheduler's ledger: what was decided of each ended session, what each run of a suite has done, what comes next.

Scores themselves are in `scores`. Field names are column names, as in `rows`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.model import Model, Moment
from watchkeeper.schemas.rows import Big, Small

SampleState: TypeAlias = Literal["passed_over", "cut", "drawn", "scored", "unreadable"]
"""`passed_over`: not drawn. `cut`: drawn, and the day's budget had no room. `drawn`: to be graded. `scored`: its scores
were delivered. `unreadable`: it could not be graded, though it was tried again; `note` says why."""

Trigger: TypeAlias = Literal["first", "schedule", "new_version"]
"""Why a suite runs: it never did; its time has come; a version was seen for the first time."""

RunState: TypeAlias = Literal["running", "done", "fell", "undecided", "failed"]
"""`done`: no worse than the last good run, or the first one. `fell`: significantly worse. `undecided`: neither can be
said. `failed`: nothing can be said of it at all. `note` says why."""

VersionKind: TypeAlias = Literal["agent", "model", "prompt"]

Share = Annotated[float, Field(ge=0, le=1)]
Usd = Annotated[float, Field(ge=0)]


class SampleRow(Model):
    """What was decided of one ended session, and what became of it. Every ended session has one.

    Attributes:
        stratum: `uniform`, or the risk for which it is drawn more often.
        place: the session's number from 0 to 1; it was drawn where this is below the rate of its stratum.
        inclusion: with which probability it was to be graded, the budget's cut included; 0 where the cut left none.
        kept: the cut alone: the share of those drawn together for which the day's budget had room.
        graded_at: when it was graded last; None before.
        attempts: how often grading was tried.
        scores: how many were delivered.
        cost_usd: what grading cost; None where nothing was paid.
        version: grows with every change; the highest counts.
    """

    tenant_id: str
    session_id: str
    agent_id: str
    agent_version: str
    intent: str
    origin: Origin
    ended_at: Moment
    decided_at: Moment
    graded_at: Moment | None = None
    stratum: str
    place: Share
    inclusion: Share
    kept: Share = 1.0
    state: SampleState
    attempts: Small = 0
    scores: Small = 0
    cost_usd: Usd | None = None
    note: str = ""
    version: Big = 1


class SuiteRunRow(Model):
    """One run of a suite against a registered target.

    Attributes:
        job: the entry of the configuration.
        suite: `name@version`.
        target: `name@version`.
        graders: all who grade it, each `name@version`.
        what: of `new_version`, which: `model gpt-5-mini`.
        due_at: for when it was planned; part of the run's id.
        missed: due times before it that nothing ran for, since the scheduler was down.
        failures: cases that the target did not answer.
        mean: of the cases' values; None where none has one.
        compared: the run with which it was compared, the last good one; empty where there was none.
    """

    run_id: str
    job: str
    suite: str
    target: str
    graders: str = ""
    tenant_id: str
    agent_id: str
    trigger: Trigger
    what: str = ""
    due_at: Moment
    missed: Small = 0
    started_at: Moment
    ended_at: Moment | None = None
    state: RunState = "running"
    done: Small = 0
    total: Small = 0
    failures: Small = 0
    mean: Share | None = None
    compared: str = ""
    note: str = ""
    version: Big = 1


class SuiteCaseRow(Model):
    """One case of a run that is done: its scores were delivered.

    Attributes:
        session_id: what its scores call the session.
        value: the mean of its graders' values; None where none has one.
        failed: the target did not answer it, though it was asked again.
    """

    run_id: str
    case_id: str
    session_id: str
    value: Share | None = None
    failed: bool = False
    scores: Small = 0
    cost_usd: Usd | None = None
    note: str = ""
    finished_at: Moment


class JobRow(Model):
    """What a job of the scheduler does now, and when it runs next.

    Attributes:
        job: `live`, or `suite:` and the entry's name.
        done: of what it does now, or did last.
        next_at: None where nothing is planned.
        watermark: of `live`: sessions stored before it have been decided.
        scheduler: host and process.
    """

    job: str
    state: Literal["idle", "running", "waiting", "failed"]
    done: Small = 0
    total: Small = 0
    next_at: Moment | None = None
    watermark: Moment | None = None
    note: str = ""
    scheduler: str = ""
    updated_at: Moment


class VersionRow(Model):
    """A version of an agent, its model or its prompt, when it was first seen."""

    tenant_id: str
    agent_id: str
    kind: VersionKind
    value: str
    first_seen_at: Moment
