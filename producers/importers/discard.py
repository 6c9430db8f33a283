"""A transport that goes nowhere: for seeing what an import would produce."""

from __future__ import annotations

from collections.abc import Callable

from watchkeeper.producers.transport import Delivery, OnDelivery, Record


class DiscardTransport:
    """Acknowledges every record and keeps none. See `watchkeeper.producers.transport.Transport`."""

    def __init__(self) -> None:
        self._taken = 0

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:  # noqa: ARG002 - the protocol's shape
        """Acknowledges it."""
        on_delivery(Delivery(record, "", 0, self._taken))
        self._taken += 1
        return True

    def poll(self) -> None:
        """Nothing is under way."""

    def flush(self, seconds: float) -> int:  # noqa: ARG002 - the protocol's shape
        """Nothing is left."""
        return 0

    def close(self, seconds: float) -> None:
        """Nothing is held."""

    def after_fork(self) -> None:
        """Nothing is held."""
