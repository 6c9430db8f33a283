"""What is to be told of one alert at a moment: the state machine's clockwork. Nothing here looks at a clock."""

from __future__ import annotations

from watchkeeper.dashboards.alerting.alert import Alert, Notice, NoticeKind, Told
from watchkeeper.schemas.ids import derived_id

_MOST_DOUBLINGS = 20


def advance(alert: Alert, now_us: int) -> bool:
    """Makes the notices that are due, and ends an alert whose time has come; says whether anything changed.

    A channel has one notice on its way at most: what comes meanwhile stands in the next one.
    """
    before = (len(alert.notices), alert.status, alert.escalated)
    if alert.is_active and now_us >= alert.hold_until_us:
        if alert.sort != "pipeline" and alert.findings and not alert.open_findings:
            _resolve(alert, now_us)
        else:
            _tell(alert, now_us)
            _escalate(alert, now_us)
            _close(alert, now_us)
    return (len(alert.notices), alert.status, alert.escalated) != before


def _tell(alert: Alert, now_us: int) -> None:
    for name, told in alert.channels.items():
        if _waits(alert, name):
            continue
        if not told.paged_us:
            if alert.sort == "held" or now_us >= alert.opened_us + alert.pace.gather_us:
                notice(alert, name, "summary" if alert.sort == "held" else told.kind, now_us, alert.reason)
        elif alert.weight > told.weight:
            notice(alert, name, "update", now_us, "it has grown worse")
        elif alert.findings > told.upto and now_us >= told.last_us + _interval(alert, told):
            notice(alert, name, "update", now_us)


def _interval(alert: Alert, told: Told) -> int:
    """From one notice to the next: doubled with each, and the longest at once when somebody has taken note."""
    if alert.status == "acked":
        return alert.pace.longest_us
    return min(alert.pace.update_us << min(told.updates, _MOST_DOUBLINGS), alert.pace.longest_us)


def _escalate(alert: Alert, now_us: int) -> None:
    paged = [told.paged_us for told in alert.channels.values() if told.paged_us]
    if alert.status == "acked" or not paged:
        return
    while alert.escalated < len(alert.pace.escalate):
        after_us, names = alert.pace.escalate[alert.escalated]
        if now_us < min(paged) + after_us:
            return
        alert.escalated += 1
        for name in names:
            told = alert.channels.setdefault(name, Told("escalation"))
            if not told.paged_us and not _waits(alert, name):
                notice(alert, name, "escalation", now_us, f"nobody took note within {after_us // 1_000_000} s")


def _resolve(alert: Alert, now_us: int) -> None:
    alert.status, alert.ended_us = "resolved", now_us
    alert.reason = "every finding of it was taken back, or said to be wrong"
    # A channel that does not know of it need not hear that it is over.
    for name, told in alert.channels.items():
        if told.paged_us and not told.over:
            notice(alert, name, "resolved", now_us, alert.reason)


def resolve_pipeline(alert: Alert, now_us: int) -> None:
    """The pipeline is well again: whoever was told that it is not is told so."""
    alert.status, alert.ended_us, alert.reason = "resolved", now_us, "the pipeline is well again"
    for name, told in alert.channels.items():
        if told.paged_us:
            notice(alert, name, "resolved", now_us, alert.reason)


def _close(alert: Alert, now_us: int) -> None:
    """What is quiet for long, and all told, ends without a word."""
    if alert.sort == "pipeline" or alert.notices or any(told.upto < alert.findings for told in alert.channels.values()):
        return
    if alert.sort == "held" or now_us >= alert.updated_us + alert.pace.close_us:
        alert.status, alert.ended_us = "closed", now_us


def acknowledge(alert: Alert, who: str, why: str, now_us: int) -> bool:
    """Somebody has taken note: whoever was paged is told, and nobody is paged any more; False where it was so."""
    if alert.status != "open":
        return False
    alert.status, alert.acked_by, alert.acked_us = "acked", who, now_us
    for name, told in alert.channels.items():
        if told.paged_us:
            notice(alert, name, "acknowledged", now_us, f"{who}: {why}")
    return True


def notice(alert: Alert, channel: str, kind: NoticeKind, now_us: int, why: str = "") -> Notice:
    """Puts a notice on its way. Its id says which of the alert's notices to this channel it is."""
    told = alert.channels[channel]
    made = Notice(
        notice_id=derived_id("notice", alert.alert_id, channel, told.notices),
        channel=channel,
        kind=kind,
        after=told.upto,
        upto=alert.findings,
        made_us=now_us,
        next_us=now_us,
        severity=alert.severity,
        why=why,
    )
    alert.notices.append(made)
    told.over = kind == "resolved"
    told.updates += bool(told.paged_us) and kind == "update"
    told.paged_us = told.paged_us or now_us
    told.notices += 1
    told.upto, told.weight, told.last_us = alert.findings, alert.weight, now_us
    return made


def _waits(alert: Alert, channel: str) -> bool:
    return any(one.channel == channel for one in alert.notices)
