"""The alert rules for Grafana.

They are few on purpose: what nobody else can tell (the pipeline itself is silent, cannot keep up, or pages nobody), and
what must not wait until somebody looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from watchkeeper.dashboards.grafana.alert_rules import OF_LABEL, Rule

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def _quoted(label: str) -> str:
    """A label as one word of a shell: names of agents are theirs, and commands are there to be copied."""
    inside = "reReplaceAll \"'\" `'\\''`"
    return f"'{{{{ {inside} $labels.{label} }}}}'"


_OF: Final = f"--tenant {_quoted('tenant')} --agent {_quoted('agent')}"

RULES: Final[Sequence[Rule]] = (
    Rule(
        uid="watchkeeper-silent",
        title="The pipeline is silent",
        summary="No worker has said anything for over two minutes: agents are not watched.",
        description="Workers write their figures every 15 seconds. Either none runs, or none reaches ClickHouse, or "
        "Grafana does not reach it. Agents go on; what they do waits in Kafka until a worker is back.",
        statement="silent",
        limit=120,
        looks_back_seconds=_HOUR,
        severity="critical",
        runbook="stalled-worker.md",
        command="watchkeeper status",
        nothing="Alerting",
        failing="Alerting",
    ),
    Rule(
        uid="watchkeeper-lag",
        title="Workers cannot keep up",
        summary='{{ printf "%.0f" $values.A.Value }} records of {{ $labels.topic }} wait to be judged.',
        description="More than 10,000 records have waited for five minutes. Findings come late, and so do the stops "
        "that follow from them. More workers share the work, up to the number of partitions.",
        statement="lag",
        limit=10_000,
        looks_back_seconds=5 * _MINUTE,
        lasts="5m",
        severity="high",
        runbook="stalled-worker.md",
        command="watchkeeper status",
    ),
    Rule(
        uid="watchkeeper-dead-letters",
        title="Events cannot be read",
        summary='{{ printf "%.0f" $values.A.Value }} lines or records were set aside within the hour: '
        "{{ $labels.reason }}.",
        description="What cannot be read is kept, byte for byte, and was not judged. It can be sent again once its "
        "cause is mended.",
        statement="dead_letters",
        limit=0,
        looks_back_seconds=_HOUR,
        severity="medium",
        runbook="dead-letters.md",
        command=f"watchkeeper dead-letters list --reason {_quoted('reason')}",
    ),
    Rule(
        uid="watchkeeper-lost-events",
        title="Producers lost events",
        summary='{{ printf "%.0f" $values.A.Value }} events were lost before they were sent: {{ $labels.reason }}.',
        description="Agents' own processes say so, with the reason. The records of their sessions have gaps, which "
        "cannot be filled.",
        statement="lost_events",
        limit=0,
        looks_back_seconds=15 * _MINUTE,
        severity="high",
        runbook="lost-events.md",
        command="watchkeeper findings --mode audit_gap --since 1h",
    ),
    Rule(
        uid="watchkeeper-undelivered",
        title="Alerts do not reach people",
        summary='{{ printf "%.0f" $values.A.Value }} messages to {{ $labels.channel }} were given up within the hour.',
        description="The channel did not take them, however often they were tried. The fallback channels were told "
        "instead, if they take messages; whoever should have been paged may not know.",
        statement="undelivered",
        limit=0,
        looks_back_seconds=_HOUR,
        severity="high",
        runbook="undelivered-alerts.md",
        command="watchkeeper alerts list --since 1d",
    ),
    Rule(
        uid="watchkeeper-disk",
        title="ClickHouse's disk is nearly full",
        summary="{{ humanizePercentage $values.A.Value }} of the disk is free.",
        description="Less than a tenth of the store's disks is free. Without room ClickHouse refuses rows, workers "
        "wait, and agents are not watched.",
        statement="disk",
        limit=0.1,
        beyond="lt",
        looks_back_seconds=_HOUR,
        lasts="5m",
        severity="high",
        runbook="store-away.md",
        command="watchkeeper status",
    ),
    Rule(
        uid="watchkeeper-grave-findings",
        title="Grave findings",
        summary='{{ printf "%.0f" $values.A.Value }} open findings of {{ $labels.mode }} at {{ $labels.agent }} '
        "({{ $labels.tenant }}), of severity high or critical.",
        description="Found within the last quarter of an hour and not resolved. Imported recordings and rules that "
        "are on trial do not count.",
        statement="grave",
        limit=0,
        looks_back_seconds=15 * _MINUTE,
        severity="high",
        runbook=OF_LABEL,
        command=f"watchkeeper findings {_OF} --mode {_quoted('mode')} --severity high --since 1h",
    ),
    Rule(
        uid="watchkeeper-drift",
        title="Quality, inputs or versions drift",
        summary="{{ $labels.agent }} ({{ $labels.tenant }}) drifts: {{ $labels.mode }}.",
        description="A drift alarm of the last seven days that is still open. It resolves when the statistic has come "
        "back, or when a person accepts the new level.",
        statement="drift",
        limit=0,
        looks_back_seconds=7 * _DAY,
        severity="high",
        runbook=OF_LABEL,
        command=f"watchkeeper findings {_OF} --mode {_quoted('mode')} --since 7d",
    ),
    Rule(
        uid="watchkeeper-budget",
        title="A budget is spent",
        summary="{{ $labels.agent }} ({{ $labels.tenant }}) has spent more than its policy's budget.",
        description="Of an hour or a day, as the policy says, for an agent, a tenant or a user. What the policy makes "
        "of it (tell, slow down, stop) has been done.",
        statement="budget",
        limit=0,
        looks_back_seconds=_DAY,
        severity="high",
        runbook="cost_runaway.md",
        command=f"watchkeeper findings {_OF} --mode cost_runaway --since 1d",
    ),
    Rule(
        uid="watchkeeper-caps",
        title="Too many sessions hit a cap",
        summary="More sessions of {{ $labels.agent }} ({{ $labels.tenant }}) hit a cap than its policy allows "
        "(5 % where it says nothing).",
        description="One session that hits a cap is stopped and told of by itself. Many of them mean that the agent, "
        "its prompt or its tools changed for the worse.",
        statement="caps",
        limit=0,
        looks_back_seconds=7 * _DAY,
        severity="high",
        runbook="cost_runaway.md",
        command=f"watchkeeper findings {_OF} --mode cost_runaway --since 1d",
    ),
)
