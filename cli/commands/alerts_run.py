"""`watchkeeper alerts run`."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import click

from watchkeeper.cli.addresses import clickhouse_dsn, data_directory, kafka_bootstrap
from watchkeeper.cli.alerts.bus import GROUP
from watchkeeper.cli.alerts.place import DIRECTORY, alerts_path
from watchkeeper.cli.alerts.running import Place, keep_routing, make_engine, written_alerts
from watchkeeper.cli.alerts.watch import RouterWatch
from watchkeeper.cli.command import command
from watchkeeper.cli.options import clickhouse_option, home_option, kafka_option
from watchkeeper.dashboards.alerting.totals import Totals
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.stream_processors.settings import LOG_LEVEL
from watchkeeper.stream_processors.watching.logs import set_up_logs
from watchkeeper.stream_processors.watching.server import serve

PORT = "WATCHKEEPER_ALERTS_PORT"


@command(
    "run",
    examples=(
        ("for the local stack (`watchkeeper up` does so by itself)", "watchkeeper alerts run"),
        ("with a file of one's own", "watchkeeper alerts run --config alerts.yaml"),
    ),
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What is told to whom. Default: $WATCHKEEPER_ALERTS, else alerts.yaml in the stack's directory, else the log.",
)
@click.option("--group", metavar="NAME", default=GROUP, show_default=True, help="The consumer group in Kafka.")
@kafka_option
@clickhouse_option
@home_option
def run(*, config: Path | None, group: str, kafka: str | None, clickhouse: str | None, home: Path | None) -> None:
    """Route findings to people until a signal ends it.

    What was decided and sent is kept in ClickHouse: killed at any moment, it goes on where it was, loses nothing and
    pages nobody twice. Run one. Without a file it writes alerts into its log and sends nothing.
    """
    directory = data_directory(home)
    written = written_alerts(alerts_path(config, directory))
    set_up_logs(os.environ.get(LOG_LEVEL) or "INFO")
    totals = Totals()
    watch = RouterWatch(totals)
    place = Place(clickhouse_dsn(clickhouse, home), kafka_bootstrap(kafka, home), group)
    engine = make_engine(written, place, totals, watch.beat)
    serve(watch, _port(), directory / DIRECTORY)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keep_routing(stop, engine)


def _port() -> int:
    value = os.environ.get(PORT, "").strip() or "0"
    if not value.isdecimal() or int(value) > 65_535:
        raise ConfigurationError(f"{PORT} is {value!r}: set it to a port, or to 0 for a free one")
    return int(value)
