"""The recorders that sessions are told to: one for each tenant, agent, policy and version, a few at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from watchkeeper.producers import Delivery, Record, Watchkeeper
from watchkeeper.producers.transport import OnDelivery
from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.policy import AgentPolicy

MOST: Final = 48
"""Recorders open at once: each has a thread. The one used longest ago is closed for the next."""

FLUSH_SECONDS: Final = 60.0
ENVIRONMENT: Final = "production"


class Sink:
    """Where all recorders send: their records, in the order in which they came; see `Transport` for the methods."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[Record] = []

    def take(self) -> list[Record]:
        """What was sent since the last call."""
        with self._lock:
            taken, self._records = self._records, []
        return taken

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:  # noqa: ARG002 - never waits
        with self._lock:
            self._records.append(record)
        on_delivery(Delivery(record, "", 0, 0))
        return True

    def poll(self) -> None:
        """Nothing is under way."""

    def flush(self, seconds: float) -> int:  # noqa: ARG002 - the protocol's shape
        return 0

    def close(self, seconds: float) -> None:
        """Nothing is held."""

    def after_fork(self) -> None:
        """Nothing is held."""


class Recorders:
    """Recorders by tenant, agent, policy and version.

    Args:
        origin: of all sessions.
    """

    def __init__(self, origin: Origin = "simulated") -> None:
        self._origin = origin
        self._sink = Sink()
        self._open: OrderedDict[tuple[str, ...], Watchkeeper] = OrderedDict()
        self._told: dict[int, Watchkeeper] = {}

    def of(self, tenant: str, agent: str, policy: AgentPolicy | None, **named: Any) -> Watchkeeper:
        """The recorder of an agent.

        Args:
            tenant: whose sessions they are.
            agent: the agent's id.
            policy: what its sessions run under; the default one, if None.
            **named: further arguments of `Watchkeeper` that texts can be: `agent_version`, `workflow`, ….
        """
        address = "" if policy is None else policy.address
        key = (tenant, agent, address, *(f"{name}={value}" for name, value in sorted(named.items())))
        found = self._open.pop(key, None)
        if found is None:
            if len(self._open) >= MOST:
                self._close(self._open.popitem(last=False)[1])
            found = Watchkeeper(
                agent,
                policy,
                tenant=tenant,
                transport=self._sink,
                origin=self._origin,
                block=True,
                **{"environment": ENVIRONMENT, **named},
            )
        self._open[key] = found
        self._told[id(found)] = found
        return found

    def records(self) -> list[Record]:
        """All that was told since the last call.

        Raises:
            RuntimeError: a recorder lost something.
        """
        for watch in self._told.values():
            if not watch.flush(FLUSH_SECONDS):
                raise RuntimeError(f"a recorder did not send all in {FLUSH_SECONDS:.0f} s: {watch.losses()}")
            _check(watch)
        self._told.clear()
        return self._sink.take()

    def close(self) -> None:
        """Ends all recorders."""
        while self._open:
            self._close(self._open.popitem()[1])

    def _close(self, watch: Watchkeeper) -> None:
        watch.close(FLUSH_SECONDS)
        _check(watch)


def _check(watch: Watchkeeper) -> None:
    if losses := watch.losses():
        raise RuntimeError(f"a recorder lost events, so that the scorecard would be wrong: {losses}")
