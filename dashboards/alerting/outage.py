"""The store or the broker is away for long: told past the ledger, which cannot be written now.

This is the one message that a router which is ended and started again during an outage may send twice. Its id is made
of the hour in which the outage began, so that receivers that compare ids, and PagerDuty, take it once. A channel that
does not take it is tried again, as with other messages.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from watchkeeper.dashboards.alerting.config import AlertsConfig
from watchkeeper.dashboards.alerting.delivery import Delivery, Sent
from watchkeeper.dashboards.alerting.message import Message
from watchkeeper.dashboards.alerting.outcome import FIRST_WAIT_US, HOPELESS, LONGEST_WAIT_US
from watchkeeper.dashboards.alerting.pipeline import TITLE
from watchkeeper.dashboards.alerting.ports import Answer
from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.model import format_utc

_LOG = logging.getLogger("watchkeeper.alerts")
_FIRST: Final = FIRST_WAIT_US / 1e6
_LONGEST: Final = LONGEST_WAIT_US / 1e6


@dataclass(slots=True)
class _Way:
    """One message until a channel takes it.

    Attributes:
        answer: what the channel said; None while it was not asked, or is being asked.
        again_at: when it is tried again; None while it is being tried.
    """

    channel: str
    message: Message
    answer: Answer | None = None
    again_at: float | None = None


class Outage:
    """See the module. Moments are seconds that never go back.

    Args:
        config: from when it is told, and to whom.
        delivery: the channels.
    """

    def __init__(self, config: AlertsConfig, delivery: Delivery) -> None:
        self._config, self._delivery = config, delivery
        self._since: float | None = None
        self._began = datetime.now(UTC)
        self._told: tuple[str, ...] = ()
        self._hours: dict[str, int] = {}
        self._ways: dict[str, _Way] = {}

    @property
    def lasting(self) -> bool:
        """Whether the store or the broker was away when it was last looked."""
        return self._since is not None

    def lasts(self, trouble: str, now: float) -> None:
        """The store or the broker is away at this moment."""
        if self._since is None:
            self._since, self._began = now, datetime.now(UTC)
        pipeline = self._config.pipeline
        if pipeline.enabled and not self._told and now - self._since >= pipeline.after_seconds:
            self._told = pipeline.channels or tuple(self._config.channels)
            hour = f"{self._began:%Y-%m-%dT%H}"
            self._hours[hour] = self._hours.get(hour, 0) + 1
            self._send("page", f"{TITLE}: {trouble}", "the router itself cannot go on, and keeps no record of this")
        self._try_again(now)

    def over(self, now: float) -> None:
        """Both answer at this moment."""
        if self._since is not None:
            if self._told:
                # A page that arrives after the news that it is over would page for nothing.
                self._ways = {key: way for key, way in self._ways.items() if way.message.is_over}
                self._send("resolved", TITLE, f"the store and the broker are back after {now - self._since:.0f} s")
            self._since, self._told = None, ()
        self._try_again(now)

    def _try_again(self, now: float) -> None:
        for key, way in list(self._ways.items()):
            if way.answer is not None:
                self._settle(key, way, way.answer, now)
            elif way.again_at is not None and now >= way.again_at:
                way.again_at, way.message = None, replace(way.message, attempt=way.message.attempt + 1)
                self._submit(way)

    def _settle(self, key: str, way: _Way, answer: Answer, now: float) -> None:
        most = self._config.channels[way.channel].attempts
        attempt = way.message.attempt
        if answer.ok or attempt >= (min(most, HOPELESS) if answer.permanent else most):
            del self._ways[key]
            if not answer.ok:
                _LOG.error("channel %s was not told of the outage: %s", way.channel, answer.text)
            return
        way.answer, way.again_at = None, now + max(min(_FIRST * 2 ** (attempt - 1), _LONGEST), answer.retry_seconds)

    def _submit(self, way: _Way) -> None:
        def answered(sent: Sent) -> None:
            way.answer = sent.answer

        self._delivery.submit(way.channel, way.message, answered)

    def _send(self, kind: str, title: str, why: str) -> None:
        hour = f"{self._began:%Y-%m-%dT%H}"
        # Another outage in the same hour is another alert.
        number = self._hours[hour]
        alert_id = derived_id("outage", hour if number == 1 else f"{hour}/{number}")
        for channel in self._told:
            message = Message(
                notice_id=derived_id("notice", alert_id, channel, kind),
                alert_id=alert_id,
                kind=kind,
                sort="pipeline",
                severity="critical",
                status="resolved" if kind == "resolved" else "open",
                tenant_id="",
                agent_id="",
                failure_mode="",
                title=title,
                why=why,
                since=format_utc(self._began),
                made_at=format_utc(datetime.now(UTC)),
                findings=0,
                standing=0,
                new=0,
                runbook=f"{self._config.runbooks}docs/runbooks/store-away.md",
                commands=[("what is wrong with the pipeline", "watchkeeper status")],
            )
            way = self._ways[message.notice_id] = _Way(channel, message)
            self._submit(way)
