"""How long from a drift alarm to a delivered webhook, through the real worker and the real router.

`make panels-bench` calls `drift_alarm_to_webhook` for its `drift_alarm_to_webhook_seconds`: give it a broker with all
topics, a migrated database and a worker that runs on both (`cli.stack.testing`: `running_broker`, `running_clickhouse`,
`running_worker`); the router and the receiver are its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from webhook_receiver import Receiver, receiving

from watchkeeper.cli.score_sending import ScorePublisher
from watchkeeper.cli.stack.child import Child
from watchkeeper.cli.stack.health import ready_problem
from watchkeeper.cli.stack.settings import CLICKHOUSE, HOME, KAFKA
from watchkeeper.cli.store import open_store
from watchkeeper.schemas.scores import Score, score_id_of, subject_of_scores

BASELINE = 700
"""Scores of the usual, over nine days: 500 over seven are the default baseline."""

WORSE = 400
READY_SECONDS = 90.0
PATIENCE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Latency:
    """What was measured, in seconds by the clock of one machine.

    Attributes:
        alarm_to_webhook: from the moment at which the worker raised the alarm (the finding's `detected_at`) to the
            moment at which the receiver had the whole request.
        scores_to_webhook: from the publication of the scores by which quality fell.
    """

    alarm_to_webhook: float
    scores_to_webhook: float


def drift_alarm_to_webhook(bootstrap: str, dsn: str) -> Latency:
    """Makes one agent's quality fall, and waits for the webhook that says so.

    Args:
        bootstrap: Kafka's address; a worker of this broker and this database runs.
        dsn: ClickHouse's address.

    Raises:
        AssertionError: no webhook came in time.
        StackError: the router could not be started.
    """
    tenant = f"drift-{uuid.uuid4().hex[:12]}"
    publisher = ScorePublisher(bootstrap)
    with receiving() as receiver, running_router(bootstrap, dsn, receiver, tenant):
        now = datetime.now(UTC)
        publisher.publish([_score(tenant, number, now) for number in range(BASELINE)])
        began = datetime.now(UTC)
        publisher.publish([_score(tenant, BASELINE + number, now, good=False) for number in range(WORSE)])
        hooks = receiver.wait_for(
            lambda found: any(hook.document["failure_mode"] == "quality_drift" for hook in found), PATIENCE_SECONDS
        )
        hook = next(hook for hook in hooks if hook.document["failure_mode"] == "quality_drift")
    with open_store(dsn) as store:
        (row,) = store.rows(
            "SELECT min(detected_at) AS at FROM alert_findings FINAL WHERE tenant_id = {tenant:String}"
            " AND failure_mode = 'quality_drift'",
            tenant=tenant,
        )
    return Latency(hook.at - row["at"].timestamp(), hook.at - began.timestamp())


@contextmanager
def running_router(
    bootstrap: str, dsn: str, receiver: Receiver, tenant: str, timing: Mapping[str, float] | None = None
) -> Iterator[Child]:
    """A router as a process of its own, ready when the block begins; `timing` as in `alerts.yaml`, by default none."""
    with tempfile.TemporaryDirectory(prefix="watchkeeper-alerts-") as own:
        home = Path(own)
        config = home / "alerts.yaml"
        config.write_bytes(
            orjson.dumps(
                {
                    "channels": {"hook": {"kind": "webhook", "url": receiver.url}},
                    "routes": [{"match": {"tenants": [tenant]}, "channels": ["hook"]}],
                    "pipeline": {"enabled": False},
                    "timing": timing or {},
                }
            )
        )
        command = [sys.executable, "-m", "watchkeeper.cli.main", "alerts", "run", "--group", f"bench-{tenant}"]
        environment = {**os.environ, KAFKA: bootstrap, CLICKHOUSE: dsn, HOME: str(home)}
        child = Child("the alert router", command, home / "alerts.log", environment)
        try:
            child.wait_until(lambda: ready_problem(home / "alerts", child.pid) == "", READY_SECONDS)
            yield child
        finally:
            child.stop(30)


def _score(tenant: str, number: int, now: datetime, *, good: bool = True) -> Score:
    """One of a stream: 19 of 20 pass while all is well, none after."""
    passed = good and number % 20 != 7
    session = f"{tenant}-{number:06}"
    ended = now - timedelta(days=9) * (1 - number / (BASELINE + WORSE))
    return Score(
        score_id=score_id_of(tenant_id=tenant, source="live", session_id=session, grader="tool_use@1"),
        subject=subject_of_scores(tenant, "live", "clerk"),
        tenant_id=tenant,
        origin="live",
        source="live",
        session_id=session,
        agent_id="clerk",
        grader="tool_use@1",
        result_type="pass",
        passed=passed,
        value=float(passed),
        occurred_at=ended,
        graded_at=ended,
    )
