"""Rows of the minutes: what one agent, model and tool did in one minute, and what was found.

The job (`watchkeeper.stream_processors.rollups`) computes them inside ClickHouse from deduplicated rows and replaces a
minute whole; then the hours of their minutes (`activity_hours` and `finding_hours`, with `hour` for `minute`).
A reader takes the latest version of each key (`FINAL`, with bounds on the time) and sums.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.failure_modes import FailureMode, Severity
from watchkeeper.schemas.findings import RuleStage
from watchkeeper.schemas.model import Model, Moment

Total = Annotated[int, Field(ge=0, lt=2**63)]


class ActivityMinute(Model):
    """Events of one minute of `occurred_at`, by agent, and by model or tool where an event has one.

    A session's start has neither model nor tool, a prompt and a response have a model, a call and its result a tool:
    so the groups of a minute add up, and none counts an event twice.

    Attributes:
        minute: its beginning, UTC.
        model: empty for events without one.
        tool_name: empty for events without one.
        events: events of any type.
        sessions_started: `session_started`.
        sessions_completed: `session_ended` with this status; the same for failed and stopped.
        tool_errors: results whose status is `error` or `timeout`.
        response_errors: responses with an `error_type`.
        abstained: responses that say that the agent declined to answer.
        input_tokens: of responses, cached ones included.
        cost_usd: the sum over priced events alone.
        priced: events with a cost.
        unpriced: events with usage and no known price: their cost is missing from `cost_usd`.
        timed: events with a duration.
        computed_at: the version; the latest replaces the others.
    """

    tenant_id: str
    minute: datetime
    origin: Origin
    environment: str
    agent_id: str
    agent_version: str
    model: str
    tool_name: str
    events: Total
    sessions_started: Total
    sessions_completed: Total
    sessions_failed: Total
    sessions_stopped: Total
    tool_calls: Total
    tool_results: Total
    tool_errors: Total
    responses: Total
    response_errors: Total
    abstained: Total
    input_tokens: Total
    cached_input_tokens: Total
    output_tokens: Total
    cost_usd: float
    priced: Total
    unpriced: Total
    timed: Total
    computed_at: Moment


class FindingMinute(Model):
    """Findings by the minute in which the failure began.

    Attributes:
        findings: findings of any status, each counted once whatever its revisions.
        resolved: those whose latest revision is `resolved`.
    """

    tenant_id: str
    minute: datetime
    origin: Origin
    environment: str
    agent_id: str
    agent_version: str
    failure_mode: FailureMode
    severity: Severity
    rule_stage: RuleStage
    findings: Total
    resolved: Total
    computed_at: Moment


class MetricHour(Model):
    """One series of a worker's own figures over an hour.

    Attributes:
        hour: its beginning, UTC.
        readings: rows of `pipeline_metrics` that it is made of; 0 for an hour that has none any more.
        gained: by how much a counter grew since its last reading before the hour; a series begins at 0. For gauges it
            means nothing.
        last: the last value, read at `last_at`.
        lowest: of the hour's values; `highest` likewise.
        computed_at: the version; the latest replaces the others.
    """

    name: str
    hour: datetime
    worker_id: str
    series: str
    labels: dict[str, str]
    readings: Total
    gained: float
    last: float
    last_at: Moment
    lowest: float
    highest: float
    computed_at: Moment


class RollupPass(Model):
    """How far the job has come with one source.

    Attributes:
        source: `events`, `findings` or `pipeline_metrics`.
        stored_until: what was stored before, by the server's clock and less `MARGIN_SECONDS`, is in the minutes.
    """

    source: str
    stored_until: Moment
    finished_at: Moment
