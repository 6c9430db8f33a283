"""`watchkeeper worker`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from watchkeeper.cli.addresses import clickhouse_dsn, kafka_bootstrap
from watchkeeper.cli.command import command
from watchkeeper.cli.options import clickhouse_option, home_option, kafka_option
from watchkeeper.stream_processors import settings


@command(
    "worker",
    examples=(
        ("one more worker for the local stack", "watchkeeper worker"),
        (
            "a worker for servers elsewhere",
            "watchkeeper worker --kafka kafka:9092 --clickhouse http://watchkeeper:secret@clickhouse:8123/watchkeeper",
        ),
    ),
)
@kafka_option
@clickhouse_option
@home_option
@click.option("--simulated-acts", is_flag=True, help="Let simulated sessions be commanded, as in the demo.")
def worker(*, kafka: str | None, clickhouse: str | None, home: Path | None, simulated_acts: bool) -> None:
    """Run one stream worker in this process, until a signal ends it.

    Workers with the same $WATCHKEEPER_GROUP share the work. What a worker had not acknowledged when it ended is read
    again by the others.
    """
    os.environ[settings.KAFKA] = kafka_bootstrap(kafka, home)
    os.environ[settings.CLICKHOUSE] = clickhouse_dsn(clickhouse, home)
    if home is not None:
        os.environ[settings.HOME] = str(home)
    if simulated_acts:
        os.environ[settings.SIMULATED_ACTS] = "1"
    # Faust takes half a second to import and wants its settings in the environment first.
    from watchkeeper.stream_processors.worker import main  # noqa: PLC0415

    main()
