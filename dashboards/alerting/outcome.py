"""What becomes of a notice when a channel has answered: delivered, tried again, or given up and told elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from watchkeeper.dashboards.alerting.alert import Alert, Notice, Told
from watchkeeper.dashboards.alerting.due import notice
from watchkeeper.dashboards.alerting.ports import Answer
from watchkeeper.schemas.alerts import NoticeState

FIRST_WAIT_US: Final = 2_000_000
LONGEST_WAIT_US: Final = 600_000_000
HOPELESS: Final = 3
"""A channel that says that it never will is asked so often: somebody may be putting it right."""


def settle(alert: Alert, one: Notice, answer: Answer, attempts: int, now_us: int) -> NoticeState:
    """Takes an answer in.

    Args:
        alert: whose notice it is.
        one: the notice; it leaves the alert when it is delivered or given up.
        answer: the channel's.
        attempts: how often the channel is tried at most.
        now_us: microseconds since 1970.
    """
    if answer.ok:
        alert.notices.remove(one)
        alert.delivered += 1
        return "delivered"
    if one.attempts >= (min(attempts, HOPELESS) if answer.permanent else attempts):
        alert.notices.remove(one)
        alert.dead += 1
        return "dead"
    one.state = "pending"
    one.next_us = now_us + _wait_us(one, answer)
    return "pending"


def tell_elsewhere(alert: Alert, dead: Notice, answer: Answer, fallback: Sequence[str], now_us: int) -> list[Notice]:
    """A notice that was given up is told to other channels; one that told of another's is not told on."""
    if dead.kind == "undelivered":
        return []
    made = []
    for name in fallback:
        if name == dead.channel:
            continue
        alert.channels.setdefault(name, Told("undelivered"))
        why = f"channel {dead.channel} did not take the {dead.kind} in {dead.attempts} attempts ({answer.text})"
        other = notice(alert, name, "undelivered", now_us, why)
        other.after, other.upto = dead.after, dead.upto
        made.append(other)
    return made


def _wait_us(one: Notice, answer: Answer) -> int:
    """Doubled with each attempt, a little different for each notice; longer where the channel asks for it."""
    wait = min(FIRST_WAIT_US << min(one.attempts - 1, 20), LONGEST_WAIT_US)
    spread = int(one.notice_id[:4], 16) % 1000
    return max(wait + wait * spread // 4000, round(answer.retry_seconds * 1_000_000))
