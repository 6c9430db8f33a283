"""Whether a suite is to run, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watchkeeper.evals.scheduling.config import SuiteJob, Target
from watchkeeper.schemas.evaluations import SuiteRunRow, Trigger, VersionRow


@dataclass(frozen=True, slots=True)
class Due:
    """What is due.

    Attributes:
        trigger: None where nothing is.
        due_at: for when it was planned.
        what: of `new_version`, which.
        missed: due times before it that nothing ran for.
        next_at: the next due time by the schedule; None without one.
    """

    trigger: Trigger | None
    due_at: datetime
    what: str = ""
    missed: int = 0
    next_at: datetime | None = None


def due_now(
    job: SuiteJob, target: Target, last: SuiteRunRow | None, versions: Sequence[VersionRow], now: datetime
) -> Due:
    """What is due now.

    Times that passed while nobody looked are made up for by one run, that of the last of them.

    Args:
        job: the entry.
        target: what it runs against.
        last: its latest run.
        versions: every version that was seen.
        now: the time.
    """
    times = job.times
    next_at = times.next_after(now) if times else None
    if last is None:
        return Due("first", now, next_at=next_at)
    if times is not None:
        latest = times.last_until(now)
        if latest > max(last.due_at, last.started_at):
            missed = times.missed(max(last.due_at, last.started_at), latest)
            return Due("schedule", latest, missed=missed, next_at=next_at)
    if job.on_new_version:
        new = sorted(
            (row.first_seen_at, row.kind, row.value)
            for row in versions
            if (row.tenant_id, row.agent_id) == (target.tenant, target.agent) and row.first_seen_at > last.started_at
        )
        if new:
            what = ", ".join(f"{kind} {value}" for _, kind, value in new)
            return Due("new_version", new[-1][0], what=what[:500], next_at=next_at)
    return Due(None, now, next_at=next_at)
