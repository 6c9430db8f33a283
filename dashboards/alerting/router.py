"""The router: hears findings and people, keeps what the book makes of them, and has messages sent.

One pass: take what came, decide, keep the decision, acknowledge, send. Killed anywhere, what was not kept is heard
again, and what was kept goes on from there.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Protocol

from pydantic import ValidationError

from watchkeeper.dashboards.alerting.alert import Alert, Notice, Told
from watchkeeper.dashboards.alerting.book import Book
from watchkeeper.dashboards.alerting.config import AlertsConfig
from watchkeeper.dashboards.alerting.delivery import Delivery, Sent
from watchkeeper.dashboards.alerting.ledger import Ledger
from watchkeeper.dashboards.alerting.listening import Listener
from watchkeeper.dashboards.alerting.message import compose
from watchkeeper.dashboards.alerting.outcome import settle, tell_elsewhere
from watchkeeper.dashboards.alerting.pipeline import PipelineWatch
from watchkeeper.dashboards.alerting.ports import Findings, People, PipelineLook
from watchkeeper.dashboards.alerting.text import headline, plain
from watchkeeper.dashboards.alerting.totals import Totals
from watchkeeper.schemas.alerts import AlertNoticeRow, NoticeState
from watchkeeper.schemas.findings import FINDING_ADAPTER, Finding
from watchkeeper.schemas.model import from_us, to_us

LOOK_US: Final = 10_000_000
"""From one look at the pipeline to the next."""

_LOG = logging.getLogger("watchkeeper.alerts")


class Clock(Protocol):
    """The time, so that tests need not wait for it."""

    def now(self) -> datetime:
        """Now, in UTC."""


class SystemClock:
    """The real one."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class World:
    """What the router works with."""

    ledger: Ledger
    findings: Findings
    people: People
    pipeline: PipelineLook
    delivery: Delivery
    clock: Clock
    totals: Totals


class Router:
    """See the module.

    Args:
        config: what is told to whom.
        world: what it works with.

    Raises:
        StoreUnavailableError: the ledger cannot be read.
    """

    def __init__(self, config: AlertsConfig, world: World) -> None:
        self._config, self._world = config, world
        self._book = Book(config)
        now_us = self._now_us()
        longest = max(config.storm.seconds, 2 * config.timing.cool_down_seconds, 3600.0)
        self._book.load(*world.ledger.resume(now_us - round(longest * 1_000_000)))
        self._listener = Listener(world.people, world.ledger, self._book)
        self._watch = PipelineWatch(config.pipeline, tuple(config.channels))
        self._look_at_us = 0
        self._unsure = {
            one.notice_id for alert in self._book.alerts.values() for one in alert.notices if one.state == "sending"
        }

    def run_pass(self, wait_seconds: float = 0.2) -> bool:
        """One pass; says whether the pipeline is well.

        Args:
            wait_seconds: for findings, where nothing else is to be done.

        Raises:
            TransientError: the store or the broker is away: make another router when they are back.
        """
        world = self._world
        changed: dict[str, Alert] = {}
        self._collect(changed)
        records = world.findings.take(0.0 if changed else wait_seconds)
        now_us = self._now_us()
        changed.update(self._listener.listen(now_us))
        self._hear(records, changed, now_us)
        self._look(changed, now_us)
        changed.update({alert.alert_id: alert for alert in self._book.tick(now_us)})
        world.ledger.put_alerts(changed.values(), now_us)
        if records:
            world.findings.acknowledge()
        self._dispatch(self._now_us())
        self._count(now_us)
        return not world.totals.trouble

    def finish(self, seconds: float) -> None:
        """Waits for what is under way, so long at most, and keeps what came of it."""
        self._world.delivery.drain(seconds)
        changed: dict[str, Alert] = {}
        self._collect(changed)
        self._world.ledger.put_alerts(changed.values(), self._now_us())

    def _hear(self, records: Sequence[bytes], changed: dict[str, Alert], now_us: int) -> None:
        findings = [finding for finding in map(self._parsed, records) if finding is not None]
        if not findings:
            return
        ledger = self._world.ledger
        known = ledger.known(((one.tenant_id, one.finding_id) for one in findings), self._book.alerts)
        said = self._listener.said_before([one for one in findings if (one.tenant_id, one.finding_id) not in known])
        kept = {}
        for finding in findings:
            key = (finding.tenant_id, finding.finding_id)
            result = self._book.hear(finding, known.get(key), now_us)
            if result is None:
                continue
            if key not in known:
                self._world.totals.findings[result.place] += 1
                if key in said:
                    one = said[key]
                    result = self._book.judge(result, one.verdict, one.given_by, one.reason, now_us) or result
            known[key] = result
            kept[key] = (finding, result)
            if result.alert_id in self._book.alerts:
                changed[result.alert_id] = self._book.alerts[result.alert_id]
        ledger.put_findings(list(kept.values()), now_us)

    def _parsed(self, record: bytes) -> Finding | None:
        try:
            return FINDING_ADAPTER.validate_json(record)
        except ValidationError as error:
            self._world.totals.unreadable += 1
            _LOG.warning("a record of agent.findings is no finding: %d mistakes", error.error_count())
            return None

    def _look(self, changed: dict[str, Alert], now_us: int) -> None:
        config = self._config.pipeline
        if not config.enabled:
            # What broke off an earlier router's pass is over, since this one makes passes.
            self._world.totals.trouble = ""
        if not config.enabled or now_us < self._look_at_us:
            return
        self._look_at_us = now_us + LOOK_US
        trouble = self._world.pipeline.trouble(config.stale_seconds, config.max_lag)
        self._world.totals.trouble = trouble
        alert = self._watch.hear(self._book, trouble, now_us)
        if alert is not None:
            changed[alert.alert_id] = alert

    def _collect(self, changed: dict[str, Alert]) -> None:
        """Takes in what channels answered."""
        now_us = self._now_us()
        found = {one.notice_id: (alert, one) for alert in self._book.alerts.values() for one in alert.notices}
        for sent in self._world.delivery.answers():
            pair = found.get(sent.message.notice_id)
            self._unsure.discard(sent.message.notice_id)
            if pair is not None:
                self._settle(*pair, sent, now_us)
                changed[pair[0].alert_id] = pair[0]
                # Kept before it is forgotten: should the store be away now, the answer is still here.
                self._world.ledger.put_alerts([pair[0]], now_us)
            self._world.delivery.forget(sent.message.notice_id)

    def _settle(self, alert: Alert, one: Notice, sent: Sent, now_us: int) -> None:
        limit = self._config.channels[one.channel].attempts if one.channel in self._config.channels else 1
        state = settle(alert, one, sent.answer, limit, now_us)
        outcome = state if state != "pending" else "failed"
        self._world.totals.notices[one.channel, one.kind, outcome] += 1
        if state == "dead":
            _LOG.error("channel %s did not take a message: %s", one.channel, sent.answer.text)
            fallback = self._config.fallback or tuple(self._config.channels)
            tell_elsewhere(alert, one, sent.answer, fallback, now_us)
        self._world.ledger.put_notices([_notice_row(one, alert, sent, state, now_us)])

    def _dispatch(self, now_us: int) -> None:
        """Hands the oldest notice of each idle channel to it; that it is being sent is kept first."""
        delivery, ready = self._world.delivery, []
        taken: set[str] = set()
        waiting = [(one, alert) for alert in self._book.alerts.values() for one in alert.notices]
        for one, alert in sorted(waiting, key=lambda pair: (pair[0].made_us, pair[0].notice_id)):
            if one.channel not in delivery.names:
                self._drop(alert, one, now_us)
            elif one.channel in taken or one.next_us > now_us or delivery.has(one.notice_id):
                continue
            elif _is_first(alert, one) and delivery.idle(one.channel):
                taken.add(one.channel)
                ready.append((alert, one))
        messages = []
        for alert, one in ready:
            repeated = one.notice_id in self._unsure
            message = compose(alert, one, self._world.ledger, self._config, repeated=repeated)
            messages.append((one.channel, replace(message, attempt=one.attempts + 1)))
        for _, one in ready:
            one.state, one.attempts = "sending", one.attempts + 1
        self._world.ledger.put_alerts({alert.alert_id: alert for alert, _ in ready}.values(), now_us)
        for channel, message in messages:
            self._unsure.discard(message.notice_id)
            delivery.submit(channel, message)

    def _drop(self, alert: Alert, one: Notice, now_us: int) -> None:
        """The channel is no longer in the file: nobody can be told by it, and others are."""
        alert.notices.remove(one)
        alert.channels.pop(one.channel, None)
        for name in self._config.fallback or tuple(self._config.channels):
            if name not in alert.channels and alert.is_active:
                _LOG.warning("channel %s is no longer there: alert %s goes to %s", one.channel, alert.alert_id, name)
                alert.channels[name] = Told()
        self._world.ledger.put_alerts([alert], now_us)

    def _count(self, now_us: int) -> None:
        totals = self._world.totals
        notices = [one for alert in self._book.alerts.values() for one in alert.notices]
        totals.passes += 1
        totals.open_alerts = sum(alert.is_active for alert in self._book.alerts.values())
        totals.waiting = len(notices)
        totals.oldest_waiting_seconds = max(((now_us - one.made_us) / 1e6 for one in notices), default=0.0)

    def _now_us(self) -> int:
        return to_us(self._world.clock.now())


def _is_first(alert: Alert, one: Notice) -> bool:
    """Messages of one alert reach a channel in their order."""
    return next(other for other in alert.notices if other.channel == one.channel) is one


def _notice_row(one: Notice, alert: Alert, sent: Sent, state: NoticeState, now_us: int) -> AlertNoticeRow:
    return AlertNoticeRow(
        alert_id=alert.alert_id,
        notice_id=one.notice_id,
        channel=one.channel,
        kind=one.kind,
        state=state,
        severity=one.severity,
        after=one.after,
        upto=one.upto,
        attempts=one.attempts,
        answer=sent.answer.text,
        title=headline(sent.message),
        text=plain(sent.message),
        made_at=from_us(one.made_us),
        tried_at=from_us(now_us),
        version=now_us,
    )
