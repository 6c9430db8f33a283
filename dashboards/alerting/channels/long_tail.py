"""The long tail: any service that apprise knows, by its address. It comes with the extra `alerts`."""

from __future__ import annotations

import logging

import apprise

from watchkeeper.dashboards.alerting.message import Message
from watchkeeper.dashboards.alerting.ports import Answer
from watchkeeper.dashboards.alerting.text import headline, plain
from watchkeeper.schemas.errors import ConfigurationError

# apprise logs addresses, in which secrets are; what matters is in the answer.
logging.getLogger("apprise").addHandler(logging.NullHandler())
logging.getLogger("apprise").propagate = False

_TYPES = {"critical": "failure", "high": "failure", "medium": "warning"}


class LongTail:
    """See the module.

    Args:
        url: apprise's address of the service.
        name: the channel's, for errors.

    Raises:
        ConfigurationError: apprise knows no such service.
    """

    def __init__(self, url: str, name: str) -> None:
        self._apprise = apprise.Apprise()
        if not self._apprise.add(url):
            raise ConfigurationError(
                f"channels.{name}.url: apprise does not know this address; its documentation lists the services, and"
                " how the address of each is written"
            )
        self._service = url.partition("://")[0]

    def send(self, message: Message) -> Answer:
        """Sends it; see `Answer`. apprise says whether it went out, and no more."""
        kind = "success" if message.is_over else _TYPES.get(message.severity, "info")
        try:
            sent = self._apprise.notify(body=plain(message), title=headline(message), notify_type=kind)
        except Exception as error:  # noqa: BLE001 - a hundred services, each with errors of its own
            return Answer(ok=False, text=f"apprise ({self._service}): {type(error).__name__}")
        return Answer(ok=bool(sent), text=f"apprise ({self._service}) says that it was {'' if sent else 'not '}sent")
