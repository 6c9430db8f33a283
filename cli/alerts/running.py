"""Puts the alert router together and keeps it running: configuration, store, broker, channels, heartbeat."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchkeeper.cli.alerts.bus import GROUP, FindingsReader
from watchkeeper.cli.alerts.people import People
from watchkeeper.cli.alerts.pipeline import PipelineRows
from watchkeeper.cli.store import open_store
from watchkeeper.dashboards.alerting.channels.http import Poster
from watchkeeper.dashboards.alerting.channels.making import address_of, make_channel
from watchkeeper.dashboards.alerting.config import AlertsConfig, LogChannel, Route
from watchkeeper.dashboards.alerting.config_file import WrittenAlerts, load_alerts
from watchkeeper.dashboards.alerting.delivery import Delivery
from watchkeeper.dashboards.alerting.heartbeat import Heartbeat
from watchkeeper.dashboards.alerting.ledger import Ledger
from watchkeeper.dashboards.alerting.outage import Outage
from watchkeeper.dashboards.alerting.router import Router, SystemClock, World
from watchkeeper.dashboards.alerting.secrets import Secrets
from watchkeeper.dashboards.alerting.totals import Totals
from watchkeeper.schemas.errors import TransientError
from watchkeeper.stream_processors.settings import SIMULATED_ACTS

AGAIN_SECONDS: Final = 2.0
"""After the store or the broker was away."""

LAST_SECONDS: Final = 8.0
"""What is under way when a signal comes may take so long."""

_LOG = logging.getLogger("watchkeeper.alerts")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the router works.

    Attributes:
        dsn: ClickHouse's address.
        bootstrap: Kafka's.
        group: the consumer group.
    """

    dsn: str = field(repr=False)
    bootstrap: str
    group: str = GROUP


def written_alerts(path: Path | None) -> WrittenAlerts:
    """The configuration. Without a file everything goes to the router's own log and to nobody.

    Raises:
        AlertsFileError: something in the file is wrong.
    """
    if path is not None:
        return load_alerts(path)
    origins = ("live", "simulated") if os.environ.get(SIMULATED_ACTS) == "1" else ("live",)
    route = Route.model_validate({"match": {"origins": origins}, "channels": ("log",)})
    config = AlertsConfig(channels={"log": LogChannel(kind="log")}, routes=(route,))
    return WrittenAlerts(config, Path())


@dataclass(slots=True)
class Engine:
    """What outlives a store that goes away and comes back.

    Attributes:
        beat: called whenever something was done.
    """

    written: WrittenAlerts
    place: Place
    totals: Totals
    beat: Callable[[], None]
    delivery: Delivery
    heartbeat: Heartbeat | None
    outage: Outage


def make_engine(written: WrittenAlerts, place: Place, totals: Totals, beat: Callable[[], None]) -> Engine:
    """The channels and what they need.

    Raises:
        ConfigurationError: a secret is missing, or a channel cannot be made.
    """
    config, secrets = written.config, Secrets(written.folder)
    channels = {name: make_channel(name, channel, secrets) for name, channel in config.channels.items()}
    delivery = Delivery(channels, secrets.hidden)
    heartbeat = None
    if config.heartbeat is not None:
        poster = Poster(address_of(config.heartbeat.url, secrets, "heartbeat"), config.heartbeat.timeout_seconds)
        heartbeat = Heartbeat(poster, config.heartbeat.every_seconds, totals)
    return Engine(written, place, totals, beat, delivery, heartbeat, Outage(config, delivery))


def keep_routing(stop: threading.Event, engine: Engine) -> None:
    """Runs the router until told to stop; a store or a broker that is away is waited for, and told when for long.

    Raises:
        ConfigurationError: an address is malformed, or the user is refused.
        PermanentError: the store will never do this.
    """
    trouble = ""
    if engine.heartbeat is not None:
        engine.heartbeat.start()
    while not stop.is_set():
        try:
            _route(stop, engine)
        except TransientError as error:
            engine.totals.interruptions += 1
            if engine.heartbeat is not None:
                engine.heartbeat.ill()
            if str(error) != trouble or not engine.outage.lasting:
                _LOG.warning("alerts wait: %s", error)
            trouble = str(error)
            engine.totals.trouble = trouble
            engine.outage.lasts(trouble, time.monotonic())
            engine.beat()
            stop.wait(AGAIN_SECONDS)
    if engine.heartbeat is not None:
        engine.heartbeat.stop()
    engine.delivery.close()


def _route(stop: threading.Event, engine: Engine) -> None:
    place = engine.place
    with open_store(place.dsn) as store:
        reader = FindingsReader(place.bootstrap, place.group)
        try:
            # A pass takes nothing from a broker that is away as from one that has nothing: that is not its end.
            reader.ask()
            world = World(
                ledger=Ledger(store),
                findings=reader,
                people=People(store),
                pipeline=PipelineRows(store),
                delivery=engine.delivery,
                clock=SystemClock(),
                totals=engine.totals,
            )
            router = Router(engine.written.config, world)
            while not stop.is_set():
                well = router.run_pass()
                engine.totals.listening = engine.totals.listening or reader.has_partitions
                engine.outage.over(time.monotonic())
                engine.beat()
                if engine.heartbeat is not None:
                    (engine.heartbeat.well if well else engine.heartbeat.ill)()
            router.finish(LAST_SECONDS)
        finally:
            reader.close()
