"""Versions of agents, models and prompts: which there are, and which were not there before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from watchkeeper.evals.scheduling import statements
from watchkeeper.evals.scheduling.ledger import Ledger
from watchkeeper.evals.scheduling.live import OVERLAP
from watchkeeper.evals.scheduling.ports import Clock, Store
from watchkeeper.evals.scheduling.totals import Totals
from watchkeeper.schemas.evaluations import JobRow, VersionRow
from watchkeeper.schemas.model import to_us

VERSIONS_JOB: Final = "versions"
_EVERY: Final = timedelta(seconds=30)
_LATE: Final = timedelta(days=2)
"""Events that are stored later than this after they happened bring no version to light."""


class VersionWatch:
    """Looks for versions that were not seen before, and remembers when they were.

    Args:
        store: ClickHouse.
        ledger: where they are remembered.
        clock: the time.
        look_back: how far the first look goes back.
        name: the scheduler's.
    """

    def __init__(self, store: Store, ledger: Ledger, clock: Clock, *, look_back: timedelta, name: str) -> None:
        self._store, self._ledger, self._clock = store, ledger, clock
        self._look_back, self._name = look_back, name
        self._due: datetime | None = None

    def step(self, stop: Callable[[], bool], totals: Totals) -> datetime | None:
        """See `scheduler.Job`."""
        del stop
        now = self._clock.now()
        if self._due is None or now >= self._due:
            totals.versions += self._look(now)
            self._due = now + _EVERY
        return self._due

    def _look(self, now: datetime) -> int:
        job = self._ledger.jobs().get(VERSIONS_JOB)
        since = job.watermark - OVERLAP if job and job.watermark else now - self._look_back
        known = {(row.tenant_id, row.agent_id, row.kind, row.value) for row in self._ledger.versions()}
        found = self._store.rows(statements.VERSIONS, since=to_us(since), began=to_us(since - _LATE))
        seen = {(row["tenant_id"], row["agent_id"], row["kind"], row["value"]) for row in found} - known
        self._ledger.put(
            "eval_versions",
            [
                VersionRow(tenant_id=tenant, agent_id=agent, kind=kind, value=value, first_seen_at=now)
                for tenant, agent, kind, value in sorted(seen)
            ],
        )
        told = {"job": VERSIONS_JOB, "state": "idle", "done": len(seen), "total": len(seen), "watermark": now}
        at = {"next_at": now + _EVERY, "scheduler": self._name, "updated_at": now}
        self._ledger.put_job(JobRow.model_validate({**told, **at}))
        return len(seen)
