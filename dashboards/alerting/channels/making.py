"""Channels, made of what `alerts.yaml` says of them."""

from __future__ import annotations

import logging
from typing import Protocol

from watchkeeper.dashboards.alerting.channels.alertmanager import Alertmanager
from watchkeeper.dashboards.alerting.channels.http import Poster
from watchkeeper.dashboards.alerting.channels.mail import Mail
from watchkeeper.dashboards.alerting.channels.pagerduty import PagerDuty
from watchkeeper.dashboards.alerting.channels.slack import Slack
from watchkeeper.dashboards.alerting.channels.webhook import Webhook
from watchkeeper.dashboards.alerting.config import (
    AlertmanagerChannel,
    AnyChannel,
    AppriseChannel,
    EmailChannel,
    LogChannel,
    PagerDutyChannel,
    Secret,
    SlackChannel,
    WebhookChannel,
)
from watchkeeper.dashboards.alerting.message import Message
from watchkeeper.dashboards.alerting.ports import Answer
from watchkeeper.dashboards.alerting.secrets import Secrets
from watchkeeper.dashboards.alerting.text import headline
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.yaml_document import spell

_LOG = logging.getLogger("watchkeeper.alerts")


class Sending(Protocol):
    """A channel that can be sent through. A thread of its own does, one message at a time."""

    def send(self, message: Message) -> Answer:
        """Sends a message; a failure is an answer, no error."""


class Log:
    """The router's own log."""

    def send(self, message: Message) -> Answer:
        """Writes one line."""
        _LOG.warning("%s", headline(message), extra={"alert": message.alert_id, "notice": message.notice_id})
        return Answer(ok=True, text="written to the log")


def make_channel(name: str, config: AnyChannel, secrets: Secrets) -> Sending:  # noqa: PLR0911 - one for each kind
    """The channel.

    Raises:
        ConfigurationError: a secret is missing, or an address is none.
        ModuleNotFoundError: apprise is not installed.
    """
    seconds, where = config.timeout_seconds, spell(("channels", name))
    match config:
        case LogChannel():
            return Log()
        case WebhookChannel():
            key = secrets.of(config.signing_key, f"{where}.signing_key") if config.signing_key else ""
            headers = {title: secrets.of(value, f"{where}.headers.{title}") for title, value in config.headers.items()}
            return Webhook(Poster(address_of(config.url, secrets, where), seconds), key, headers)
        case SlackChannel():
            return Slack(Poster(address_of(config.url, secrets, where), seconds))
        case PagerDutyChannel():
            return PagerDuty(Poster(config.url, seconds), secrets.of(config.routing_key, f"{where}.routing_key"))
        case EmailChannel():
            password = secrets.of(config.password, f"{where}.password") if config.password else ""
            return Mail(config, password)
        case AlertmanagerChannel():
            token = secrets.of(config.token, f"{where}.token") if config.token else ""
            return Alertmanager(Poster(f"{config.url.rstrip('/')}/api/v2/alerts", seconds), token, config.labels)
        case AppriseChannel():
            return _long_tail(name, secrets.of(config.url, f"{where}.url"))


def address_of(given: str | Secret, secrets: Secrets, where: str) -> str:
    """An address for HTTP.

    Raises:
        ConfigurationError: it is a secret that is missing, or no such address.
    """
    url = secrets.of(given, f"{where}.url")
    if not url.startswith(("http://", "https://")):
        raise ConfigurationError(f"{where}.url: the secret is no address; it begins with https:// or http://")
    return url


def _long_tail(name: str, url: str) -> Sending:
    # Imported where it is wanted: apprise takes a while, and comes with an extra.
    from watchkeeper.dashboards.alerting.channels.long_tail import LongTail  # noqa: PLC0415

    return LongTail(url, name)
