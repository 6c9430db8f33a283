"""From a drift alarm to a delivered webhook, on a broker, a store and a worker of its own."""

from __future__ import annotations

from alert_latency import Latency, drift_alarm_to_webhook
from harness import Figure, of_runs
from rich.console import Console
from rich.progress import track

from watchkeeper.cli.stack.testing import running_broker, running_clickhouse, running_worker
from watchkeeper.schemas.topics import TOPICS
from watchkeeper.stream_processors.migrate import migrate


def alarms(repeats: int, console: Console) -> list[Figure]:
    """Makes the quality of that many agents fall, one after the other; none where `repeats` is 0.

    Returns:
        Medians: of alarm to webhook, and of what the scores took from their publication on.

    Raises:
        AssertionError: a webhook did not come in time.
        StackError: a part could not be started.
    """
    if not repeats:
        return []
    with running_broker(TOPICS) as bootstrap, running_clickhouse() as dsn:
        migrate(dsn)
        with running_worker(bootstrap, dsn):
            turns = track(range(repeats), "drift alarms", console=console, transient=True)
            found = [drift_alarm_to_webhook(bootstrap, dsn) for _ in turns]
    return figures_of(found)


def figures_of(found: list[Latency]) -> list[Figure]:
    """The figures of some alarms."""
    return [
        of_runs("drift_alarm_to_webhook_seconds", "s", [one.alarm_to_webhook for one in found]),
        of_runs("drift_scores_to_webhook_seconds", "s", [one.scores_to_webhook for one in found]),
    ]
