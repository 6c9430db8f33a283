"""`watchkeeper up`, `down` and `doctor`: the local stack."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
from rich.text import Text

from watchkeeper.cli.addresses import data_directory
from watchkeeper.cli.command import command
from watchkeeper.cli.commands.status_page import print_console, print_stack
from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.options import home_option, json_option
from watchkeeper.cli.output import Column, make_console, print_json, print_table
from watchkeeper.cli.stack.checks import Check
from watchkeeper.cli.stack.doctor import run_doctor
from watchkeeper.cli.stack.lifecycle import stack_environment, stack_status, start_stack, stop_stack
from watchkeeper.cli.stack.settings import BROKERS, KAFKA, StackSettings
from watchkeeper.schemas.errors import StackError
from watchkeeper.stream_processors.settings import SIMULATED_ACTS

_VERDICT_STYLES: Final = {"ok": "green", "warn": "yellow", "fail": "red"}
_CHECK_COLUMNS: Final = (Column("check"), Column(""), Column("found", place="text"), Column("remedy", place="text"))
_port = click.IntRange(1, 65_535)


@command(
    "up",
    examples=(
        ("start, with data in .watchkeeper and free ports", "watchkeeper up"),
        ("elsewhere, with ports that stay", "watchkeeper up --home ~/watch --kafka-port 9092 --clickhouse-port 8123"),
        ("with Apache Kafka, which keeps its records on disk", "watchkeeper up --broker apache"),
        ("in this terminal, until Ctrl-C", "watchkeeper up --foreground"),
    ),
)
@click.option("--foreground", is_flag=True, help="Stay in the foreground; Ctrl-C stops everything.")
@click.option(
    "--broker",
    type=click.Choice(BROKERS),
    help="The broker: in memory, or Apache Kafka, whose records stay (needs Java 17, and Maven once).",
)
@click.option("--kafka-port", type=_port, metavar="PORT", help="The broker's port. Default: a free one.")
@click.option("--clickhouse-port", type=_port, metavar="PORT", help="ClickHouse's port. Default: a free one.")
@click.option("--console-port", type=_port, metavar="PORT", help="The console's port. Default: a free one.")
@click.option("--simulated-acts", is_flag=True, help="Let simulated sessions be commanded, as in the demo.")
@home_option
def up(
    *,
    foreground: bool,
    broker: str | None,
    kafka_port: int | None,
    clickhouse_port: int | None,
    console_port: int | None,
    simulated_acts: bool,
    home: Path | None,
) -> None:
    """Start broker, ClickHouse, worker and console on this machine, and keep them alive.

    Data, logs and passwords are kept in one directory. A part that runs elsewhere is used and not started: set
    WATCHKEEPER_KAFKA_BOOTSTRAP, WATCHKEEPER_CLICKHOUSE_DSN, or both.
    """
    settings = StackSettings.from_environment(
        data_dir=home,
        broker=broker,
        broker_port=kafka_port,
        clickhouse_port=clickhouse_port,
        console_port=console_port,
    )
    if simulated_acts:
        settings = replace(settings, environment={SIMULATED_ACTS: "1"})
    given = (("--kafka-port", kafka_port), ("--clickhouse-port", clickhouse_port), ("--console-port", console_port))
    for option, port in given:
        if port is not None and _in_use(port):
            raise StackError(f"another program listens on port {port}: give another {option}, or none for a free one")
    if foreground:
        click.echo(f"running in {settings.data_dir}; Ctrl-C stops it", err=True)
    told = start_stack(settings, foreground=foreground)
    print_stack(told)
    if not foreground:
        click.echo()
        click.echo("Let an agent send to it:  export " + f"{KAFKA}={stack_environment(settings)[KAFKA]}")
        click.echo("Then look:                watchkeeper sessions")
        print_console(told, settings.data_dir)


@command(
    "down",
    examples=(
        ("stop what `watchkeeper up` started", "watchkeeper down"),
        ("the stack of another directory", "watchkeeper down --home ~/watch"),
    ),
)
@home_option
def down(*, home: Path | None) -> None:
    """Stop the local stack. What is stored stays; what waits in a broker in memory is lost."""
    directory = data_directory(home)
    if not stack_status(directory).is_alive:
        click.echo(f"no stack runs in {directory}")
        return
    status = stop_stack(directory)
    click.echo(f"stopped; the data stay in {status.data_dir}")
    if status.error:
        click.echo(f"watchkeeper: {status.error}", err=True)


@command(
    "doctor",
    examples=(
        ("what stands between this machine and a stack that works", "watchkeeper doctor"),
        ("only what fails, for a script", "watchkeeper doctor --json | jq '.checks[] | select(.verdict == \"fail\")'"),
    ),
)
@json_option("One JSON document")
@home_option
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool, home: Path | None) -> None:
    """Check the installation, the directory, the environment, and what runs. Exits with 1 where a check fails."""
    checks = run_doctor(StackSettings.from_environment(data_dir=home))
    failed = [check for check in checks if check.verdict == "fail"]
    if as_json:
        print_json({"failed": len(failed), "checks": [_document(check) for check in checks]})
    else:
        print_table(make_console(), _CHECK_COLUMNS, [_check_cells(check) for check in checks])
    ctx.exit(ExitCode.FAILED if failed else ExitCode.OK)


def _in_use(port: int) -> bool:
    # Whether it can be bound says less: a port that was let go a moment ago refuses that too.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _document(check: Check) -> dict[str, Any]:
    return {"name": check.name, "verdict": check.verdict, "found": check.found, "remedy": check.remedy}


def _check_cells(check: Check) -> list[Text | str]:
    return [check.name, Text(check.verdict, style=_VERDICT_STYLES[check.verdict]), check.found, check.remedy]
