"""What a local stack is told: by arguments, and by the environment."""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchkeeper.schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

KAFKA = "WATCHKEEPER_KAFKA_BOOTSTRAP"
CLICKHOUSE = "WATCHKEEPER_CLICKHOUSE_DSN"
BROKER_KIND = "WATCHKEEPER_BROKER"
HOME = "WATCHKEEPER_HOME"
READY_FILE = "WATCHKEEPER_READY_FILE"

KNOWN_VARIABLES: Mapping[str, str] = {
    KAFKA: "host:port of a Kafka that runs elsewhere; the stack then starts no broker",
    BROKER_KIND: "the broker that the stack starts: embedded (in memory, the default) or apache (on disk)",
    CLICKHOUSE: "http://user:password@host:port/database of a ClickHouse that runs elsewhere; none is then started",
    HOME: "the stack's directory; by default .watchkeeper in the working directory",
    READY_FILE: "where a worker writes its process id when it is ready; set by the stack",
    "WATCHKEEPER_CLICKHOUSE_USER": "the user of the ClickHouse endpoint that the stack starts",
    "WATCHKEEPER_CLICKHOUSE_PASSWORD": "its password; by default made at the first start",
    "WATCHKEEPER_GROUP": "the consumer group of the workers",
    "WATCHKEEPER_SIMULATED_ACTS": "1 lets simulated sessions be commanded, as the demo does",
    "WATCHKEEPER_ENVIRONMENT": "the environment that the recorder writes into events: production, staging, ...",
    "WATCHKEEPER_DISABLED": "1 switches the recorder off",
    "WATCHKEEPER_SPOOL_DIR": "where the recorder keeps records on disk until they have arrived; by default nowhere",
    "WATCHKEEPER_MASKING_KEY": "what masked values are hashed with, 32 characters or more; by default random",
    "WATCHKEEPER_RAISE": "1 lets the recorder's own errors reach the host, for tests",
    "WATCHKEEPER_WATCH_PORT": "where a worker tells its figures on 127.0.0.1; by default a free port",
    "WATCHKEEPER_STALL_LOOP_SECONDS": "a worker whose event loop stands still for so long ends; 20",
    "WATCHKEEPER_STALL_FETCH_SECONDS": "the same for one that takes no records though the broker has some; 60",
    "WATCHKEEPER_STALL_REBALANCE_SECONDS": "the same for a group that is shared out anew all that time; 120",
    "WATCHKEEPER_LOG_LEVEL": "what a worker logs: DEBUG, INFO (the default), WARNING or ERROR",
    "WATCHKEEPER_SCHEDULER_PORT": "where the scheduler tells its figures on 127.0.0.1; by default a free port",
    "WATCHKEEPER_CONSOLE_PORT": "where the console is served; by default a free port",
    "WATCHKEEPER_CONSOLE_BIND": "the address on which the console listens; by default 127.0.0.1",
    "WATCHKEEPER_CONSOLE_HOSTS": "names by which the console may be called besides 127.0.0.1, by commas",
    "WATCHKEEPER_CONSOLE_TOKEN": "what opens the console, 16 characters or more; by default made at the first start",
    "WATCHKEEPER_EVALS": "evals.yaml, which says what is graded when; by default that in the stack's directory",
    "WATCHKEEPER_ALERTS_PORT": "where the alert router tells its figures on 127.0.0.1; by default a free port",
    "WATCHKEEPER_ALERTS": "alerts.yaml, which says who is told what; by default that in the stack's directory",
    "WATCHKEEPER_PRICES": "a YAML file of prices that go before the bundled ones",
    "WATCHKEEPER_SUBJECT_KEY": "a secret that names customers, facts and calls in the worker's states",
    "WATCHKEEPER_GRANT_KEY": "what grants are signed with, 16 characters or more; without one none is verified",
    "WATCHKEEPER_GRAFANA_URL": "the Grafana that `watchkeeper dashboards` deploys to",
    "WATCHKEEPER_GRAFANA_TOKEN": "the token of a service account there, with the role Admin",
    "WATCHKEEPER_GRAFANA_CLICKHOUSE_DSN": "ClickHouse as that Grafana reaches it, with a user that may only read",
    "WATCHKEEPER_GRAFANA_NOTIFY": "the webhook that its alerts go to",
    "WATCHKEEPER_DEBUG": "1 shows where an error of a command comes from",
}
"""Every environment variable that Watchkeeper reads, with its meaning."""

EMBEDDED = "embedded"
APACHE = "apache"
BROKERS = (EMBEDDED, APACHE)

DEFAULT_HOME = ".watchkeeper"
WORKER_COMMAND = (sys.executable, "-m", "watchkeeper.stream_processors.worker")
ROLLUPS_COMMAND = (sys.executable, "-m", "watchkeeper.cli.main", "rollups", "run")
SCHEDULER_COMMAND = (sys.executable, "-m", "watchkeeper.cli.main", "evals", "scheduler")
ALERTS_COMMAND = (sys.executable, "-m", "watchkeeper.cli.main", "alerts", "run")
CONSOLE_COMMAND = (sys.executable, "-m", "watchkeeper.cli.main", "console")


@dataclass(frozen=True, slots=True)
class StackSettings:
    """A local stack.

    Attributes:
        data_dir: where everything is kept.
        broker: `embedded` keeps everything in memory; `apache` is Apache Kafka, which keeps its data in `data_dir`.
        broker_port: port of the broker on 127.0.0.1; 0 takes a free one.
        clickhouse_port: the same for ClickHouse.
        kafka_bootstrap: a Kafka that runs elsewhere, used instead of a broker; empty for none.
        clickhouse_dsn: a ClickHouse that runs elsewhere, used instead of the engine; empty for none.
        database: the database in the engine.
        worker_command: the worker; empty starts none, and nothing of what follows either.
        rollups_command: keeps the minute rollups up to date; empty starts none.
        scheduler_command: grades sessions as they end, and runs suites; empty starts none.
        alerts_command: tells people what was found; empty starts none.
        console_command: serves the web page; empty starts none.
        console_port: port of the console on 127.0.0.1; 0 takes a free one.
        environment: more variables for the worker, the scheduler and the alert router.
        migrate: `module:function` that brings the database of an address up to date.
        topics: `module:name` of the topics that must exist.
        elsewhere_seconds: how long to wait for what runs elsewhere.
        worker_settles_seconds: a worker is up when it says so, by `/readyz` or by writing its process id into the
            file that `WATCHKEEPER_READY_FILE` names. One that runs for so long without saying it counts as up all
            the same: it may wait for a store that is away.
    """

    data_dir: Path = Path(DEFAULT_HOME)
    broker: str = EMBEDDED
    broker_port: int = 0
    clickhouse_port: int = 0
    kafka_bootstrap: str = ""
    clickhouse_dsn: str = ""
    database: str = "watchkeeper"
    worker_command: tuple[str, ...] = WORKER_COMMAND
    rollups_command: tuple[str, ...] = ROLLUPS_COMMAND
    scheduler_command: tuple[str, ...] = SCHEDULER_COMMAND
    alerts_command: tuple[str, ...] = ALERTS_COMMAND
    console_command: tuple[str, ...] = CONSOLE_COMMAND
    console_port: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    migrate: str = "watchkeeper.stream_processors.migrate:migrate"
    topics: str = "watchkeeper.schemas.topics:TOPICS"
    elsewhere_seconds: float = 10.0
    worker_settles_seconds: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what names nothing."""
        if self.broker not in BROKERS:
            raise ConfigurationError(f"there is no broker {self.broker!r}: give one of {', '.join(BROKERS)}")

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ, **given: Any) -> StackSettings:
        """The settings that the environment gives, with those `given` before them (None counts as not given)."""
        found = cls(
            data_dir=Path(variables.get(HOME) or DEFAULT_HOME),
            broker=variables.get(BROKER_KIND) or EMBEDDED,
            kafka_bootstrap=variables.get(KAFKA, ""),
            clickhouse_dsn=variables.get(CLICKHOUSE, ""),
        )
        return replace(found, **{name: value for name, value in given.items() if value is not None})

    def to_json(self) -> str:
        """The settings as text, for the supervisor's process."""
        return json.dumps(asdict(replace(self, data_dir=self.data_dir.resolve())), default=str)

    @classmethod
    def from_json(cls, text: str) -> StackSettings:
        """The settings from `to_json`."""
        found = json.loads(text)
        found["data_dir"] = Path(found["data_dir"])
        found["worker_command"] = tuple(found["worker_command"])
        found["rollups_command"] = tuple(found.get("rollups_command", ROLLUPS_COMMAND))
        found["scheduler_command"] = tuple(found.get("scheduler_command", SCHEDULER_COMMAND))
        found["alerts_command"] = tuple(found.get("alerts_command", ALERTS_COMMAND))
        found["console_command"] = tuple(found.get("console_command", CONSOLE_COMMAND))
        return cls(**found)


def load_named(name: str) -> Any:
    """What stands under `module:name`.

    Raises:
        ConfigurationError: there is no such thing.
    """
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"{name} cannot be loaded: {error}") from error
