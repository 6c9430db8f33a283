"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from watchkeeper.cli.times import Moment

F = TypeVar("F", bound=Callable[..., Any])


def home_option(function: F) -> F:
    """`--home`: the data directory of the local stack."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Data directory of the local stack. Default: $WATCHKEEPER_HOME, else .watchkeeper.",
    )(function)


def clickhouse_option(function: F) -> F:
    """`--clickhouse`: where ClickHouse answers."""
    return click.option(
        "--clickhouse",
        metavar="DSN",
        help="ClickHouse: http://user:password@host:port/database. "
        "Default: $WATCHKEEPER_CLICKHOUSE_DSN, else the local stack's.",
    )(function)


def kafka_option(function: F) -> F:
    """`--kafka`: where Kafka answers."""
    return click.option(
        "--kafka",
        metavar="BOOTSTRAP",
        help="Kafka: host:port[,host:port]. Default: $WATCHKEEPER_KAFKA_BOOTSTRAP, else the local stack's.",
    )(function)


def json_option(what: str) -> Callable[[F], F]:
    """`--json`: the same for machines; `what` says in which shape."""

    def decorate(function: F) -> F:
        return click.option("--json", "as_json", is_flag=True, help=f"{what}, for machines.")(function)

    return decorate


def period_options(of: str) -> Callable[[F], F]:
    """`--since` and `--until`; `of` says which time they bound."""

    def decorate(function: F) -> F:
        function = click.option(
            "--until", type=Moment(), metavar="TIME", help=f"Only those {of} before then. Default: now."
        )(function)
        return click.option(
            "--since", type=Moment(), metavar="TIME", help=f"Only those {of} since: 30m, 7d, 2025-11-21T10:00 (UTC)."
        )(function)

    return decorate


def limit_option(default: int) -> Callable[[F], F]:
    """`--limit`: how many at most."""
    return click.option(
        "--limit", type=click.IntRange(1, 10_000), default=default, show_default=True, help="At most so many."
    )
