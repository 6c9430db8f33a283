"""The recorders of an import: one for each agent, a few at a time."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

from watchkeeper.producers.importers.ledger import Ledger
from watchkeeper.producers.outlets import is_disabled
from watchkeeper.producers.settings import DISABLED_VARIABLE
from watchkeeper.producers.transport import Transport
from watchkeeper.producers.watch import Watchkeeper
from watchkeeper.schemas.errors import ConfigurationError

MOST: Final = 8
"""Recorders open at once: each has a thread and a connection. The one used longest ago is closed for the next."""

CLOSE_SECONDS: Final = 120.0
ENVIRONMENT: Final = "recorded"
"""Recordings do not say where they were made, and the importing machine's own environment says nothing about it."""


class Watches:
    """Recorders by agent.

    Args:
        transports: makes a way to the broker.
        tenant: whose data it is.
        ledger: told of every delivery.

    Raises:
        ConfigurationError: recording is switched off by the environment.
    """

    def __init__(self, transports: Callable[[], Transport], tenant: str, ledger: Ledger) -> None:
        if is_disabled():
            raise ConfigurationError(f"{DISABLED_VARIABLE} is set, so that nothing is recorded: unset it to import")
        self._transports = transports
        self._tenant = tenant
        self._ledger = ledger
        self._open: OrderedDict[str, Watchkeeper] = OrderedDict()
        self._losses: Counter[str] = Counter()

    @property
    def losses(self) -> dict[str, int]:
        """What closed recorders lost, by reason."""
        return dict(self._losses)

    def of(self, agent: str) -> Watchkeeper:
        """The recorder of an agent.

        Raises:
            ConfigurationError: tenant or agent cannot be used.
        """
        found = self._open.pop(agent, None)
        if found is None:
            if len(self._open) >= MOST:
                self._end(self._open.popitem(last=False)[1])
            found = Watchkeeper(
                agent,
                transport=self._transports(),
                tenant=self._tenant,
                environment=ENVIRONMENT,
                origin="import",
                block=True,
                on_delivery=self._ledger.told,
            )
        self._open[agent] = found
        return found

    def close(self, seconds: float) -> None:
        """Ends all, each when everything is acknowledged or so many seconds are over."""
        while self._open:
            self._end(self._open.popitem()[1], seconds)

    def _end(self, watch: Watchkeeper, seconds: float = CLOSE_SECONDS) -> None:
        watch.close(seconds)
        self._losses.update({str(reason): count for reason, count in watch.losses().items()})
