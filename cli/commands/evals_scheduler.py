"""`watchkeeper evals scheduler`."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import click

from watchkeeper.cli.addresses import clickhouse_dsn, data_directory, kafka_bootstrap
from watchkeeper.cli.command import command
from watchkeeper.cli.options import clickhouse_option, home_option, kafka_option
from watchkeeper.cli.scheduler_watch import SchedulerWatch
from watchkeeper.cli.scheduling import (
    ANSWER_SECONDS,
    Place,
    build_scheduler,
    config_path,
    keep_scoring,
    lease_at,
    written_config,
)
from watchkeeper.cli.store import open_store
from watchkeeper.evals.scheduling.config_file import WrittenConfig
from watchkeeper.evals.scheduling.totals import Totals
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.stream_processors.settings import LOG_LEVEL
from watchkeeper.stream_processors.watching.logs import set_up_logs
from watchkeeper.stream_processors.watching.server import serve

PORT = "WATCHKEEPER_SCHEDULER_PORT"
DIRECTORY = "scheduler"
"""Below the stack's directory: where the process tells its port."""


@command(
    "scheduler",
    examples=(
        ("for the local stack (`watchkeeper up` does so by itself)", "watchkeeper evals scheduler"),
        ("grade what waits and end, as from cron", "watchkeeper evals scheduler --once"),
        ("with a file of one's own", "watchkeeper evals scheduler --config evals.yaml"),
    ),
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What is graded when. Default: $WATCHKEEPER_EVALS, else evals.yaml in the stack's directory, else defaults.",
)
@click.option("--once", is_flag=True, help="Do all that is due and end.")
@kafka_option
@clickhouse_option
@home_option
def scheduler(*, config: Path | None, once: bool, kafka: str | None, clickhouse: str | None, home: Path | None) -> None:
    """Grade sessions as they end, and run suites when they are due, until a signal ends it.

    What is done is kept in ClickHouse: killed at any moment, it goes on where it was, and nothing is scored twice or
    forgotten. Of several that run at once one works, and the others stand by. A SIGTERM lets the few sessions be ended
    that are being graded.
    """
    directory = data_directory(home)
    written = written_config(config_path(config, directory))
    place = Place(clickhouse_dsn(clickhouse, home), kafka_bootstrap(kafka, home))
    if once:
        _run_once(written, place)
        return
    set_up_logs(os.environ.get(LOG_LEVEL) or "INFO")
    watch = SchedulerWatch(Totals())
    serve(watch, _port(), directory / DIRECTORY)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keep_scoring(stop, written, place, watch)


def _run_once(written: WrittenConfig, place: Place) -> None:
    totals = Totals()
    with open_store(place.dsn, seconds=ANSWER_SECONDS) as store:
        made = build_scheduler(written, store, place.bootstrap, totals, lambda: None)
        lease = lease_at(place)
        worker = lease.take(store)
        if worker:
            raise ConfigurationError(
                f"another scheduler works ({worker}) and grades what waits: leave it to that one, or stop it"
            )
        with lease.kept():
            due = made.run_pass(lambda: not lease.holds())
            # What is due at once is the rest of a suite's run.
            while lease.holds() and due <= made.clock.now():
                due = made.run_pass(lambda: not lease.holds())
    click.echo(
        f"{totals.considered} sessions decided, {totals.scored} graded ({totals.scores} scores), {totals.waiting} wait;"
        f" {totals.suite_runs} runs of suites ended"
    )


def _port() -> int:
    value = os.environ.get(PORT, "").strip() or "0"
    if not value.isdecimal() or int(value) > 65_535:
        raise ConfigurationError(f"{PORT} is {value!r}: set it to a port, or to 0 for a free one")
    return int(value)
