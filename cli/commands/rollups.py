"""`watchkeeper rollups`."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import click

from watchkeeper.cli.addresses import clickhouse_dsn, data_directory
from watchkeeper.cli.command import Lazy, LazyGroup, command
from watchkeeper.cli.options import clickhouse_option, home_option, json_option
from watchkeeper.cli.output import print_json
from watchkeeper.cli.times import Moment
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.stream_processors.rollups import PassReport, Rollups, run_until
from watchkeeper.stream_processors.settings import LOG_LEVEL
from watchkeeper.stream_processors.watching.logs import set_up_logs

ALIVE = "rollups.alive"
"""Touched after each pass."""

rollups = LazyGroup(
    "rollups",
    table={
        "run": Lazy(__name__, "run", "Keep the minutes up to date, until a signal ends it.", "Commands"),
        "recompute": Lazy(__name__, "recompute", "Make the minutes of a period anew.", "Commands"),
    },
    help="Minute rollups: what dashboards read in place of single events.",
    examples=(
        ("keep them up to date (`watchkeeper up` does so by itself)", "watchkeeper rollups run"),
        ("make a day anew", "watchkeeper rollups recompute --from 2025-11-21 --to 2025-11-22"),
    ),
)


@command(
    "run",
    examples=(
        ("for the local stack", "watchkeeper rollups run"),
        ("one pass and no more, as from cron", "watchkeeper rollups run --once"),
    ),
)
@click.option("--once", is_flag=True, help="Make one pass and end.")
@click.option(
    "--every",
    type=click.FloatRange(0.1, 3600),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="From the beginning of one pass to that of the next.",
)
@clickhouse_option
@home_option
def run(*, once: bool, every: float, clickhouse: str | None, home: Path | None) -> None:
    """Keep the minutes up to date: make those anew whose rows were written since the last pass.

    Several at once do the work several times and harm nothing. After each pass the file rollups.alive in the stack's
    directory, where there is one, is touched: a health check looks at its age.
    """
    dsn = clickhouse_dsn(clickhouse, home)
    if once:
        job = Rollups(dsn)
        click.echo(_told(job.run_pass()))
        job.close()
        return
    set_up_logs(os.environ.get(LOG_LEVEL) or "INFO")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_until(stop, dsn, every_seconds=every, passed=lambda: _touch(data_directory(home)))


def _touch(directory: Path) -> None:
    # A directory that is gone, or a disk that is full, is no reason to stop: the file grows old, and that tells it.
    with contextlib.suppress(OSError):
        if directory.is_dir():
            (directory / ALIVE).touch()


@command(
    "recompute",
    examples=(
        ("the last two hours", "watchkeeper rollups recompute --from 2h"),
        ("a day", "watchkeeper rollups recompute --from 2025-11-21 --to 2025-11-22"),
    ),
)
@click.option("--from", "start", type=Moment(), required=True, metavar="TIME", help="The first minute: 2h, 2025-11-21.")
@click.option("--to", "end", type=Moment(), metavar="TIME", help="Until before this time. Default: now.")
@json_option("One JSON document")
@clickhouse_option
@home_option
def recompute(
    *, start: datetime, end: datetime | None, as_json: bool, clickhouse: str | None, home: Path | None
) -> None:
    """Make all minutes of a period anew, from what is stored now.

    A minute whose events have reached the end of their retention is made of those that are left: do not recompute
    what is older than the events are kept.
    """
    until = end or datetime.now(UTC)
    if start >= until:
        raise ConfigurationError(f"--from {start:%Y-%m-%dT%H:%M} is not before --to {until:%Y-%m-%dT%H:%M}: swap them")
    job = Rollups(clickhouse_dsn(clickhouse, home))
    report = job.recompute(start, until)
    job.close()
    if as_json:
        print_json({"minutes": report.minutes, "statements": report.statements, "seconds": round(report.seconds, 3)})
        return
    click.echo(_told(report))


def _told(report: PassReport) -> str:
    plural = "" if report.minutes == 1 else "s"
    return f"{report.minutes} minute{plural} made in {report.seconds:.1f} s"
