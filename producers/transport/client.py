"""Clients of a broker, of whatever kind. Their own log goes to the logger `watchkeeper` at DEBUG.

That the broker is away is said once a minute.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from watchkeeper.producers.recording.boundary import LOG, Quiet

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

CLUSTER_CHANGED: Final = "CLUSTERID"
"""The name of the client's log line that says so: there is no other way to hear of it."""


class _Hushed(logging.Logger):
    """The client tells its log here; it is passed on at DEBUG, whatever its level was."""

    def __init__(self, on_other_cluster: Callable[[], None] | None = None) -> None:
        super().__init__("watchkeeper.kafka")
        self._on_other_cluster = on_other_cluster

    def log(self, level: int, msg: object, *args: object, **_: Any) -> None:  # noqa: ARG002 - the client's level
        if self._on_other_cluster is not None and args and args[0] == CLUSTER_CHANGED:
            self._on_other_cluster()
        LOG.debug(msg, *args)


def client_settings(
    bootstrap: str, quiet: Quiet, further: Mapping[str, str], on_other_cluster: Callable[[], None] | None = None
) -> dict[str, Any]:
    """What every client of ours has in common: the address, little noise, and the host's own settings.

    Args:
        bootstrap: the broker's address.
        quiet: keeps complaints rare.
        further: settings of librdkafka's that the host adds.
        on_other_cluster: told that another cluster answers than did before.
    """

    def heard(error: KafkaError) -> None:
        if (held := quiet.passes("broker")) is not None:
            LOG.warning(
                "The broker at %s cannot be used (%s; %d more complaints in the last minute). Trying on.",
                bootstrap,
                error.name(),
                held,
            )

    return {
        "bootstrap.servers": bootstrap,
        "client.id": "watchkeeper",
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 1000,
        "error_cb": heard,
        "logger": _Hushed(on_other_cluster),
        **further,
    }
