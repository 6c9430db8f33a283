"""How the pipeline is, for the alert router: by the rows that workers write of themselves."""

from __future__ import annotations

from watchkeeper.cli.commands import status_figures
from watchkeeper.cli.store import ReadStore

_WINDOW_SECONDS = 120


class PipelineRows:
    """See `watchkeeper.dashboards.alerting.ports.PipelineLook`.

    Args:
        store: ClickHouse.
    """

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def trouble(self, stale_seconds: float, max_lag: int) -> str:
        """See the port."""
        window = round(max(_WINDOW_SECONDS, 2 * stale_seconds))
        found = status_figures.from_store(self._store, window)
        told = status_figures.alive(found, stale_seconds)
        if not told:
            ago = f"for {window} s or longer" if not found else f"for over {stale_seconds:.0f} s"
            return f"no worker has told anything {ago}"
        for one in status_figures.named(told, "watchkeeper_waiting"):
            if one.last:
                return f"worker {one.worker} waits: its {one.labels.get('side', 'store or broker')} is away"
        if not any(one.last for one in status_figures.named(told, "watchkeeper_ready")):
            return "no worker is ready: none has partitions of every topic"
        lags: dict[str, float] = {}
        for one in status_figures.named(told, "watchkeeper_lag_records"):
            lags[one.labels["topic"]] = lags.get(one.labels["topic"], 0.0) + one.last
        behind = {topic: lag for topic, lag in lags.items() if lag > max_lag}
        if behind:
            topic = max(behind, key=lambda name: behind[name])
            return f"{behind[topic]:,.0f} records of {topic} wait to be judged, more than {max_lag:,}"
        return ""
