"""Prometheus' Alertmanager by its API v2: it groups, silences and sends on by its own configuration."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from watchkeeper.dashboards.alerting.channels.http import Poster
from watchkeeper.dashboards.alerting.message import Message
from watchkeeper.dashboards.alerting.ports import Answer
from watchkeeper.dashboards.alerting.text import headline, plain
from watchkeeper.schemas.model import format_utc

_STANDS: Final = timedelta(days=7)
"""Alertmanager would end by itself, after five minutes, what it is not told again."""


class Alertmanager:
    """See the module.

    Args:
        poster: the address of `/api/v2/alerts`.
        token: sent as a bearer token; empty for none.
        labels: further labels of each alert.
    """

    def __init__(self, poster: Poster, token: str, labels: Mapping[str, str]) -> None:
        self._poster, self._labels = poster, dict(labels)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def send(self, message: Message) -> Answer:
        """Sends it; see `Answer`."""
        return self._poster.post(orjson.dumps([alert_of(message, self._labels)]), self._headers)


def alert_of(message: Message, labels: Mapping[str, str]) -> dict[str, Any]:
    """The alert: its labels are its identity, so that they hold nothing that changes while it lasts."""
    made = datetime.fromisoformat(message.made_at)
    return {
        "labels": {
            "alertname": "WatchkeeperAlert",
            "alert_id": message.alert_id,
            "service": "watchkeeper",
            **({"tenant": message.tenant_id} if message.tenant_id else {}),
            **({"agent": message.agent_id} if message.agent_id else {}),
            **labels,
        },
        "annotations": {
            "summary": headline(message),
            "description": plain(message),
            "severity": message.severity,
            "failure_mode": message.failure_mode,
            "runbook_url": message.runbook,
        },
        "startsAt": message.since,
        "endsAt": message.made_at if message.is_over else format_utc(made + _STANDS),
        "generatorURL": message.link,
    }
