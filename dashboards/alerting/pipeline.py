"""The router's own word on the pipeline: told when it is in trouble for long, and when it is well again."""

from __future__ import annotations

from watchkeeper.dashboards.alerting.alert import Alert, Pace, Told
from watchkeeper.dashboards.alerting.book import Book
from watchkeeper.dashboards.alerting.config import Pipeline
from watchkeeper.dashboards.alerting.due import resolve_pipeline
from watchkeeper.schemas.ids import derived_id

KEY = "pipeline"
TITLE = "the pipeline is in trouble: agents may be failing unseen"


class PipelineWatch:
    """See the module.

    Args:
        config: from when it is told, and to whom.
        channels: all there are.
    """

    def __init__(self, config: Pipeline, channels: tuple[str, ...]) -> None:
        self._config = config
        self._channels = config.channels or channels
        self._since_us = 0

    def hear(self, book: Book, trouble: str, now_us: int) -> Alert | None:
        """Takes in how the pipeline is; the alert that changed, if one did."""
        alert = book.by_key(KEY)
        standing = alert is not None and alert.is_active
        if not trouble:
            self._since_us = 0
            if alert is not None and standing:
                resolve_pipeline(alert, now_us)
                return alert
            return None
        self._since_us = self._since_us or now_us
        if standing or now_us < self._since_us + round(self._config.after_seconds * 1_000_000):
            return None
        return book.open(new_alert(self._channels, trouble, self._since_us, now_us))


def new_alert(channels: tuple[str, ...], trouble: str, since_us: int, now_us: int) -> Alert:
    """The alert that says so."""
    return Alert(
        alert_id=derived_id("alert", KEY, since_us),
        tenant_id="",
        key=KEY,
        sort="pipeline",
        severity="critical",
        mode="",
        agent_id="",
        lead="",
        title=f"{TITLE}: {trouble}",
        since_us=since_us,
        opened_us=now_us,
        updated_us=now_us,
        pace=Pace(gather_us=0, cool_us=0),
        channels={name: Told() for name in channels},
    )
