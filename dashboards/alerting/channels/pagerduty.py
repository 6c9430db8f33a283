"""PagerDuty's Events API v2: one incident there for one alert here, by its `dedup_key`."""

from __future__ import annotations

from typing import Any, Final

import orjson

from watchkeeper.dashboards.alerting.channels.http import Poster
from watchkeeper.dashboards.alerting.message import Message
from watchkeeper.dashboards.alerting.ports import Answer
from watchkeeper.dashboards.alerting.text import finding_lines, group_lines, headline

_SEVERITIES: Final = {"critical": "critical", "high": "error", "medium": "warning", "low": "info", "info": "info"}
_SUMMARY: Final = 1024


class PagerDuty:
    """See the module.

    Args:
        poster: the API's address.
        routing_key: the integration's.
    """

    def __init__(self, poster: Poster, routing_key: str) -> None:
        self._poster, self._routing_key = poster, routing_key

    def send(self, message: Message) -> Answer:
        """Sends it; see `Answer`. A message that only adds findings refreshes the incident and pages nobody anew."""
        return self._poster.post(orjson.dumps(event_of(message, self._routing_key)), {})


def event_of(message: Message, routing_key: str) -> dict[str, Any]:
    """The request's body."""
    action = {"resolved": "resolve", "acknowledged": "acknowledge"}.get(message.kind, "trigger")
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": f"watchkeeper/{message.alert_id}",
    }
    if action != "trigger":
        return event
    event["payload"] = {
        "summary": headline(message)[:_SUMMARY],
        "source": message.agent_id or "watchkeeper",
        "severity": _SEVERITIES[message.severity],
        "timestamp": message.since,
        "component": message.agent_id,
        "group": message.tenant_id,
        "class": message.failure_mode,
        "custom_details": {
            "why": message.why,
            "findings": message.findings,
            "standing": message.standing,
            "new": message.new,
            "groups": group_lines(message),
            "listed": finding_lines(message),
            "evidence": dict(message.evidence),
            "runbook": message.runbook,
            "commands": dict(message.commands),
        },
    }
    event["client"] = "Watchkeeper"
    if message.link:
        event["client_url"] = message.link
    if message.runbook.startswith(("http://", "https://")):
        event["links"] = [{"href": message.runbook, "text": "Runbook"}]
    return event
