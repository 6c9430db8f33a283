"""`watchkeeper console`: the web page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from watchkeeper.cli.addresses import clickhouse_dsn, data_directory, kafka_bootstrap
from watchkeeper.cli.command import command, complain
from watchkeeper.cli.console.filled import filled_sources
from watchkeeper.cli.console.place import BIND, HOSTS, LOOPBACK, PORT, console_keys, console_url, port_of
from watchkeeper.cli.console.server import listening, server_of
from watchkeeper.cli.options import clickhouse_option, home_option, kafka_option
from watchkeeper.dashboards.console.app import build_app

_PORT: Final = click.IntRange(0, 65_535)


@command(
    "console",
    examples=(
        ("for the local stack (`watchkeeper up` does so by itself)", "watchkeeper console"),
        ("on a port that stays", "watchkeeper console --port 8130"),
        ("under a name, behind a proxy that speaks TLS", "watchkeeper console --port 8130 --allow-host watch.internal"),
    ),
)
@click.option("--port", type=_PORT, metavar="PORT", help=f"Default: ${PORT}, else a free one.")
@click.option("--bind", metavar="ADDRESS", help=f"The address to listen on. Default: ${BIND}, else {LOOPBACK}.")
@click.option(
    "--allow-host",
    "hosts",
    metavar="NAME",
    multiple=True,
    help=f"A name it may be called by. Also: ${HOSTS}, by commas.",
)
@kafka_option
@clickhouse_option
@home_option
def console(
    *,
    port: int | None,
    bind: str | None,
    hosts: tuple[str, ...],
    kafka: str | None,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """Serve the console: a web page of what agents did, what was found, and what can be done about it.

    Whoever opens it needs the token, which stands in the printed address. It is kept in the stack's directory, so that
    the address stays the same where the port does; or set WATCHKEEPER_CONSOLE_TOKEN. What is done there (stops,
    verdicts) is recorded under the name that is given there.
    """
    sources = filled_sources(clickhouse_dsn(clickhouse, home), kafka_bootstrap(kafka, home))
    keys = console_keys(data_directory(home))
    address = bind or os.environ.get(BIND) or LOOPBACK
    opened = listening(address, port_of(os.environ) if port is None else port)
    chosen: int = opened.getsockname()[1]
    named = frozenset(name.strip() for name in (*hosts, *os.environ.get(HOSTS, "").split(",")) if name.strip())
    if address not in {LOOPBACK, "::1"}:
        complain(
            f"other machines can reach {address}:{chosen}: whoever reads the traffic reads the token; use TLS before it"
        )
    click.echo(console_url(chosen, keys))
    app = build_app(sources, keys, hosts=named, cookie=f"watchkeeper_console_{chosen}")
    with opened:
        server_of(app).run([opened])
