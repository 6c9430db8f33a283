"""`watchkeeper status`: whether the whole pipeline does its work."""

from __future__ import annotations

import os
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import orjson

from watchkeeper.cli.addresses import clickhouse_dsn, data_directory, kafka_bootstrap
from watchkeeper.cli.command import command
from watchkeeper.cli.commands.status_look import Look, look_at
from watchkeeper.cli.commands.status_page import print_console, print_look
from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, kafka_option
from watchkeeper.cli.output import print_json
from watchkeeper.cli.stack.lifecycle import stack_environment, stack_status
from watchkeeper.cli.stack.settings import StackSettings
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.stream_processors.settings import GROUP

_STACK_KEYS = ("state", "data_dir", "pid", "started_at", "parts", "error", "notes", "versions")


@command(
    "status",
    examples=(
        ("what runs, what waits, what is wrong", "watchkeeper status"),
        ("addresses and password, for other programs", 'eval "$(watchkeeper status --env)"'),
        ("for a script", "watchkeeper status --json | jq -r .health"),
        ("of servers elsewhere", "watchkeeper status --kafka kafka:9092 --clickhouse http://watchkeeper@clickhouse/wk"),
    ),
)
@click.option(
    "--env", "as_environment", is_flag=True, help="Print the addresses as shell variables, password included."
)
@json_option("One JSON document")
@kafka_option
@clickhouse_option
@home_option
@click.pass_context
def status(
    ctx: click.Context,
    *,
    as_environment: bool,
    as_json: bool,
    kafka: str | None,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """Say what runs, how far behind it is, and what is wrong.

    It also looks where a part is dead or away, and says which. Exits with 0 where events are judged and stored
    (warnings are for you to look at), with 69 where Kafka or ClickHouse does not answer, with 1 where anything else
    keeps events from being judged: no stack, no worker, one that is stalled, a part that is down.
    """
    directory = data_directory(home)
    if as_environment:
        for name, value in stack_environment(StackSettings(data_dir=directory)).items():
            click.echo(f"export {name}={shlex.quote(value)}")
        return
    stack = stack_status(directory)
    bootstrap, dsn = _address(kafka_bootstrap, kafka, home), _address(clickhouse_dsn, clickhouse, home)
    look = look_at(stack, directory, bootstrap, dsn, os.environ.get(GROUP) or "watchkeeper")
    if as_json:
        print_json(_document(look))
    else:
        print_look(look)
        print_console(look.stack, directory)
    ctx.exit(_code(look))


def _address(find: Any, given: str | None, home: Path | None) -> str | None:
    """Where it is; None where nothing says so."""
    try:
        found: str = find(given, home)
    except ConfigurationError:
        return None
    return found


def _code(look: Look) -> ExitCode:
    verdicts = {one.verdict for one in look.troubles}
    if "away" in verdicts:
        return ExitCode.UNAVAILABLE
    return ExitCode.FAILED if "fail" in verdicts else ExitCode.OK


def _document(look: Look) -> dict[str, Any]:
    verdicts = [one.verdict for one in look.troubles]
    health = next((verdict for verdict in ("away", "fail", "warn") if verdict in verdicts), "healthy")
    stack = orjson.loads(look.stack.to_json())
    return {
        "health": health,
        "troubles": [asdict(one) for one in look.troubles],
        **{name: stack[name] for name in _STACK_KEYS},
        "broker": look.broker,
        "store": look.store,
        "workers": look.workers,
        "lag": [
            {"topic": topic, "partition": partition, "records": records}
            for topic, partitions in sorted(look.lag.items())
            for partition, records in sorted(partitions.items())
        ],
        "lag_from": look.lag_from,
        "window": look.window,
        "events": int(look.events),
        "latencies": look.latencies,
        "dead_letters": [{"reason": reason, **counts} for reason, counts in look.letters.items()],
        "lost_events": [{"reason": reason, "count": count} for reason, count in sorted(look.lost.items())],
        "alerts": None if look.telling is None else asdict(look.telling),
        "store_disk": look.disk,
        "store_parts": look.parts,
    }
