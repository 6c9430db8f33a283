"""Where a `Watchkeeper` sends its events, and what happens where nothing says so."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from watchkeeper.producers.settings import BOOTSTRAP_VARIABLE, DISABLED_VARIABLE, SPOOL_VARIABLE, Settings
from watchkeeper.schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from watchkeeper.producers.local import LocalTransport
    from watchkeeper.producers.recording.boundary import Boundary
    from watchkeeper.producers.recording.recorder import Listener
    from watchkeeper.producers.transport import Transport
    from watchkeeper.schemas.control import Control
    from watchkeeper.stream_processors.detection.pricing import PriceBook

Obey = Callable[["Control"], None]


def is_disabled() -> bool:
    """Whether the environment makes everything a no-op."""
    return os.environ.get(DISABLED_VARIABLE, "").strip().lower() in {"1", "true", "yes", "on"}


@dataclass(frozen=True, slots=True)
class Outlet:
    """What was asked for as the way out of the process: at most one of the three.

    Attributes:
        kafka: further settings of the broker's client.
    """

    local: bool = False
    transport: Transport | None = None
    bootstrap: str | None = None
    kafka: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Refuses to choose between two ways out.

        Raises:
            ConfigurationError: more than one is asked for, or none and the environment says none either.
        """
        ways = {"local": self.local, "transport": self.transport is not None, "bootstrap": bool(self.bootstrap)}
        asked = [name for name, on in ways.items() if on]
        if len(asked) > 1:
            raise ConfigurationError(f"{' and '.join(asked)} exclude each other: give one of them")
        if self.kafka and asked and asked != ["bootstrap"]:
            raise ConfigurationError(f"kafka= sets up a broker's client, and {asked[0]} uses none: leave one out")
        if not asked and not self.address:
            raise ConfigurationError(
                "Watchkeeper does not know where to send events. Either start the local stack with `watchkeeper up` "
                f"and use the address it prints, or set {BOOTSTRAP_VARIABLE}=host:port (or the argument bootstrap=), "
                "or ask for Watchkeeper(local=True), which judges in this process and needs no broker."
            )

    @property
    def address(self) -> str:
        """The broker's address: as given, or from the environment; empty where neither says one."""
        return self.bootstrap or os.environ.get(BOOTSTRAP_VARIABLE, "").strip()

    def producer(self, settings: Settings, boundary: Boundary, *, patient: bool) -> Transport:
        """The transport to the broker, behind a spool where one is asked for. Opens no connection and no file yet.

        A `patient` caller, an importer, has its recording and needs no spool.

        Raises:
            ConfigurationError: a spool is asked for where there can be none.
        """
        # Here and not above: whoever uses no broker does not load its client.
        from watchkeeper.producers.transport.kafka import KafkaTransport  # noqa: PLC0415 - it loads the broker's client

        spool = str(settings.spool_dir or os.environ.get(SPOOL_VARIABLE, "").strip())
        if not spool or patient:
            return KafkaTransport(self.address, settings, self.kafka, quiet=boundary.quiet, patient=patient)
        from watchkeeper.producers.transport.folders import can_lock, of_broker  # noqa: PLC0415 - the same
        from watchkeeper.producers.transport.spool import SpooledTransport  # noqa: PLC0415 - the same

        if not can_lock():
            raise ConfigurationError(f"this system has no flock, which a spool needs: leave {SPOOL_VARIABLE} unset")
        inner = KafkaTransport(self.address, settings, self.kafka, quiet=boundary.quiet, patient=True)
        return SpooledTransport(inner, of_broker(Path(spool).absolute(), self.address), settings, boundary)

    def listener(self, obey: Obey, boundary: Boundary) -> Listener:
        """The reader of commands. Opens no connection yet."""
        from watchkeeper.producers.obeying.reader import ControlReader  # noqa: PLC0415 - it loads the broker's client

        return ControlReader(self.address, obey, boundary, self.kafka)

    def judge(self, obey: Obey, prices: PriceBook | None) -> LocalTransport:
        """The transport that judges in this process."""
        from watchkeeper.producers.local import LocalTransport  # noqa: PLC0415 - it loads the detectors

        return LocalTransport(obey, prices=prices)
