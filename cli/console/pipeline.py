"""Whether Watchkeeper itself is well, for the console: by the same rows and bounds as the alert router's."""

from __future__ import annotations

from typing import Final

from watchkeeper.cli.alerts.pipeline import PipelineRows
from watchkeeper.cli.store import ReadStore

_STALE_SECONDS: Final = 60.0
_MAX_LAG: Final = 10_000


class StoredPipeline:
    """See `watchkeeper.dashboards.console.sources.Pipeline`."""

    def __init__(self, store: ReadStore) -> None:
        self._rows = PipelineRows(store)

    def trouble(self) -> str:
        """Why events are not judged as they come; empty where they are."""
        return self._rows.trouble(_STALE_SECONDS, _MAX_LAG)
