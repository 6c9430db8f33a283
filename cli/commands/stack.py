"""`watchkeeper up`, `down`, `status` and `doctor`: the local stack."""

from __future__ import annotations

import shlex
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
import orjson
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import data_directory
from watchkeeper.cli.command import command
from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.options import home_option, json_option
from watchkeeper.cli.output import Column, make_console, print_json, print_table
from watchkeeper.cli.stack.doctor import Check, run_doctor
from watchkeeper.cli.stack.lifecycle import stack_environment, stack_status, start_stack, stop_stack
from watchkeeper.cli.stack.settings import BROKERS, KAFKA, StackSettings
from watchkeeper.cli.stack.status import StackStatus
from watchkeeper.schemas.errors import StackError
from watchkeeper.stream_processors.settings import SIMULATED_ACTS

_STYLES: Final = {
    "running": "green",
    "external": "green",
    "ok": "green",
    "starting": "yellow",
    "restarting": "yellow",
    "degraded": "yellow",
    "waiting": "yellow",
    "warn": "yellow",
    "failed": "red",
    "fail": "red",
}
_PART_COLUMNS: Final = (
    Column("part"),
    Column("state"),
    Column("since (UTC)"),
    Column("address"),
    Column("process", "right", "below"),
    Column("restarts", "right", "below"),
    Column("log", place="below"),
    Column("detail", place="text"),
)
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
@click.option("--simulated-acts", is_flag=True, help="Let simulated sessions be commanded, as in the demo.")
@home_option
def up(
    *,
    foreground: bool,
    broker: str | None,
    kafka_port: int | None,
    clickhouse_port: int | None,
    simulated_acts: bool,
    home: Path | None,
) -> None:
    """Start broker, ClickHouse and worker on this machine, and keep them alive.

    Data, logs and passwords are kept in one directory. A part that runs elsewhere is used and not started: set
    WATCHKEEPER_KAFKA_BOOTSTRAP, WATCHKEEPER_CLICKHOUSE_DSN, or both.
    """
    settings = StackSettings.from_environment(
        data_dir=home,
        broker=broker,
        broker_port=kafka_port,
        clickhouse_port=clickhouse_port,
    )
    if simulated_acts:
        settings = replace(settings, environment={SIMULATED_ACTS: "1"})
    for option, port in (("--kafka-port", kafka_port), ("--clickhouse-port", clickhouse_port)):
        if port is not None and _in_use(port):
            raise StackError(f"another program listens on port {port}: give another {option}, or none for a free one")
    if foreground:
        click.echo(f"running in {settings.data_dir}; Ctrl-C stops it", err=True)
    told = start_stack(settings, foreground=foreground)
    _print_status(told)
    if not foreground:
        click.echo()
        click.echo("Let an agent send to it:  export " + f"{KAFKA}={stack_environment(settings)[KAFKA]}")
        click.echo("Then look:                watchkeeper sessions")


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
    "status",
    examples=(
        ("what runs, and where", "watchkeeper status"),
        ("addresses and password, for other programs", 'eval "$(watchkeeper status --env)"'),
        ("for a script", "watchkeeper status --json | jq -r .state"),
    ),
)
@click.option(
    "--env", "as_environment", is_flag=True, help="Print the addresses as shell variables, password included."
)
@json_option("One JSON document")
@home_option
@click.pass_context
def status(ctx: click.Context, *, as_environment: bool, as_json: bool, home: Path | None) -> None:
    """Say what runs, and where. Exits with 1 where not everything does."""
    directory = data_directory(home)
    if as_environment:
        for name, value in stack_environment(StackSettings(data_dir=directory)).items():
            click.echo(f"export {name}={shlex.quote(value)}")
        return
    told = stack_status(directory)
    if as_json:
        print_json(orjson.loads(told.to_json()))
    else:
        _print_status(told)
    ctx.exit(ExitCode.OK if told.state == "running" else ExitCode.FAILED)


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


def _print_status(told: StackStatus) -> None:
    console = make_console()
    title = Text(told.state, style=_STYLES.get(told.state, ""))
    console.print(title.append(f" in {told.data_dir}").append(f", process {told.pid}" if told.pid else ""))
    if told.error:
        console.print(Text(told.error, style="red"))
    if told.parts:
        print_table(
            console,
            _PART_COLUMNS,
            [
                [
                    part.name,
                    Text(part.state, style=_STYLES.get(part.state, "")),
                    formats.at(part.since),
                    part.url or "-",
                    str(part.pid or "-"),
                    str(part.restarts),
                    part.log or "-",
                    part.detail,
                ]
                for part in told.parts
            ],
        )
    for note in told.notes:
        console.print(Text(note, style="yellow"))


def _document(check: Check) -> dict[str, Any]:
    return {"name": check.name, "verdict": check.verdict, "found": check.found, "remedy": check.remedy}


def _check_cells(check: Check) -> list[Text | str]:
    return [check.name, Text(check.verdict, style=_STYLES[check.verdict]), check.found, check.remedy]
