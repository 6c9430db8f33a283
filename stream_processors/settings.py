"""What the worker is told by its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.grants import MIN_KEY_BYTES
from watchkeeper.stream_processors.detection.subject_keys import MIN_SECRET_BYTES, UNKEYED, SubjectKeys
from watchkeeper.stream_processors.watching.liveness import StallLimits

KAFKA = "WATCHKEEPER_KAFKA_BOOTSTRAP"
CLICKHOUSE = "WATCHKEEPER_CLICKHOUSE_DSN"
HOME = "WATCHKEEPER_HOME"
GROUP = "WATCHKEEPER_GROUP"
SIMULATED_ACTS = "WATCHKEEPER_SIMULATED_ACTS"
PRICES = "WATCHKEEPER_PRICES"
SUBJECT_KEY = "WATCHKEEPER_SUBJECT_KEY"
GRANT_KEY = "WATCHKEEPER_GRANT_KEY"
READY_FILE = "WATCHKEEPER_READY_FILE"
WATCH_PORT = "WATCHKEEPER_WATCH_PORT"
LOG_LEVEL = "WATCHKEEPER_LOG_LEVEL"
STALL_LOOP = "WATCHKEEPER_STALL_LOOP_SECONDS"
STALL_FETCH = "WATCHKEEPER_STALL_FETCH_SECONDS"
STALL_REBALANCE = "WATCHKEEPER_STALL_REBALANCE_SECONDS"
_MOST_PORT = 65_535
_LEAST_STALL, _MOST_STALL = 2.0, 3600.0
"""Beats come every second, and what is asked is asked every second."""


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
        subject_keys: name subjects that are personal.
        grant_key: what grants are signed with; empty where signatures are not looked at. Never part of `repr()`.
        ready_file: where the worker writes its process id once it has partitions of every topic; None for nowhere.
        watch_port: where the worker tells its figures on 127.0.0.1; 0 takes a free port.
        stall_limits: when it counts as stalled, and ends.
    """

    bootstrap: str
    clickhouse: str = field(repr=False)
    home: Path
    group: str = "watchkeeper"
    simulated_acts: bool = False
    prices: Path | None = None
    subject_keys: SubjectKeys = field(default=UNKEYED, repr=False)
    grant_key: bytes = field(default=b"", repr=False)
    ready_file: Path | None = None
    watch_port: int = 0
    stall_limits: StallLimits = field(default_factory=StallLimits)

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
        subject_keys=_subject_keys(environment),
        grant_key=_grant_key(environment),
        ready_file=Path(ready_file) if ready_file else None,
        watch_port=_port(environment, WATCH_PORT),
        stall_limits=StallLimits(
            loop=_seconds(environment, STALL_LOOP, StallLimits().loop),
            fetch=_seconds(environment, STALL_FETCH, StallLimits().fetch),
            rebalance=_seconds(environment, STALL_REBALANCE, StallLimits().rebalance),
        ),
    )


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    value = environment.get(name, "").strip()
    if not value:
        return default
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not _LEAST_STALL <= seconds <= _MOST_STALL:
        raise ConfigurationError(f"{name} is {value!r}: set it to {_LEAST_STALL:.0f} to {_MOST_STALL:.0f} seconds")
    return seconds


def _port(environment: Mapping[str, str], name: str) -> int:
    value = environment.get(name, "").strip() or "0"
    if not value.isdecimal() or int(value) > _MOST_PORT:
        raise ConfigurationError(f"{name} is {value!r}: set it to a port, or to 0 for a free one")
    return int(value)


def _subject_keys(environment: Mapping[str, str]) -> SubjectKeys:
    keys = SubjectKeys(environment.get(SUBJECT_KEY, "").encode())
    if environment.get(SUBJECT_KEY) and not keys.is_secret:
        raise ConfigurationError(f"{SUBJECT_KEY} must have at least {MIN_SECRET_BYTES} characters: make a longer one")
    return keys


def _grant_key(environment: Mapping[str, str]) -> bytes:
    key = environment.get(GRANT_KEY, "").encode()
    if key and len(key) < MIN_KEY_BYTES:
        raise ConfigurationError(f"{GRANT_KEY} must have at least {MIN_KEY_BYTES} characters: make a longer one")
    return key


def _flag(environment: Mapping[str, str], name: str) -> bool:
    value = environment.get(name, "").strip().lower()
    if value in {"", "0", "false", "no"}:
        return False
    if value in {"1", "true", "yes"}:
        return True
    raise ConfigurationError(f"{name} is {value!r}: set it to 1 or 0")
