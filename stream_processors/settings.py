"""What the worker is told by its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.errors import ConfigurationError

KAFKA = "WATCHKEEPER_KAFKA_BOOTSTRAP"
CLICKHOUSE = "WATCHKEEPER_CLICKHOUSE_DSN"
HOME = "WATCHKEEPER_HOME"
GROUP = "WATCHKEEPER_GROUP"
SIMULATED_ACTS = "WATCHKEEPER_SIMULATED_ACTS"
PRICES = "WATCHKEEPER_PRICES"
READY_FILE = "WATCHKEEPER_READY_FILE"
WATCH_PORT = "WATCHKEEPER_WATCH_PORT"
LOG_LEVEL = "WATCHKEEPER_LOG_LEVEL"
_MOST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The worker's settings.

    Attributes:
        bootstrap: Kafka's address, `host:port[,host:port…]`.
        clickhouse: ClickHouse's address, `http://user:password@host:port/database`; never part of `repr()`.
        home: where the worker may write files.
        group: the consumer group; workers that share the work share it.
        simulated_acts: whether simulated sessions may be commanded and ticked, as in the demo.
        prices: a YAML file of prices that go before the bundled ones; None without.
        ready_file: where the worker writes its process id once it has partitions of every topic; None for nowhere.
        watch_port: where the worker tells its figures on 127.0.0.1; 0 takes a free port.
    """

    bootstrap: str
    clickhouse: str = field(repr=False)
    home: Path
    group: str = "watchkeeper"
    simulated_acts: bool = False
    prices: Path | None = None
    ready_file: Path | None = None
    watch_port: int = 0

    @property
    def acting(self) -> frozenset[Origin]:
        """The origins whose sessions may be commanded and ticked."""
        return frozenset({"live", "simulated"}) if self.simulated_acts else frozenset({"live"})


def from_environment(environment: Mapping[str, str] = os.environ) -> WorkerSettings:
    """Reads the settings.

    Raises:
        ConfigurationError: a setting is missing or cannot be read; the message names it.
    """
    missing = [name for name in (KAFKA, CLICKHOUSE) if not environment.get(name)]
    if missing:
        raise ConfigurationError(
            f"{' and '.join(missing)} must be set, for example {KAFKA}=127.0.0.1:9092 and "
            f"{CLICKHOUSE}=http://user:password@127.0.0.1:8123/watchkeeper; or run `watchkeeper up`, which sets them"
        )
    prices, ready_file = environment.get(PRICES), environment.get(READY_FILE)
    return WorkerSettings(
        bootstrap=environment[KAFKA],
        clickhouse=environment[CLICKHOUSE],
        home=Path(environment.get(HOME) or ".watchkeeper"),
        group=environment.get(GROUP) or "watchkeeper",
        simulated_acts=_flag(environment, SIMULATED_ACTS),
        prices=Path(prices) if prices else None,
        ready_file=Path(ready_file) if ready_file else None,
        watch_port=_port(environment, WATCH_PORT),
    )


def _port(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name, "").strip() or "0"
    if not value.isdecimal() or int(value) > _MOST_PORT:
        raise ConfigurationError(f"{name} is {value!r}: set it to a port, or to 0 for a free one")
    return int(value)


def _flag(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name, "").strip().lower()
    if value in {"", "0", "false", "no"}:
        return False
    if value in {"1", "true", "yes"}:
        return True
    raise ConfigurationError(f"{name} is {value!r}: set it to 1 or 0")
