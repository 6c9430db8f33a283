"""`watchkeeper policy infer`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, get_args

import click
import orjson

from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import command
from watchkeeper.cli.options import clickhouse_option, home_option, period_options
from watchkeeper.cli.policies.observing import observe
from watchkeeper.cli.policies.proposing import proposal
from watchkeeper.cli.store import open_store
from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.policy_file import read_policy

ORIGINS: Final[tuple[str, ...]] = get_args(Origin)
PERIOD: Final = timedelta(days=7)


@command(
    "infer",
    examples=(
        ("from the last week", "watchkeeper policy infer --agent support --since 7d --output support.yaml"),
        ("with its tools as they are registered", "watchkeeper policy infer --agent support --tools-output tools.json"),
    ),
)
@click.option("--agent", required=True, metavar="NAME", help="Whose sessions to learn from.")
@click.option("--tenant", metavar="NAME", default="", help="Only this tenant's. Default: all tenants.")
@click.option("--origin", type=click.Choice(ORIGINS), default="live", show_default=True, help="Only such sessions.")
@period_options("that began")
@click.option(
    "--min-sessions",
    type=click.IntRange(10),
    default=100,
    show_default=True,
    metavar="N",
    help="Refuse to learn from fewer.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the policy there."
)
@click.option(
    "--tools-output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the registered tools there, for policy check --tools.",
)
@clickhouse_option
@home_option
def infer(
    *,
    agent: str,
    tenant: str,
    origin: str,
    since: datetime | None,
    until: datetime | None,
    min_sessions: int,
    output: Path | None,
    tools_output: Path | None,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """Propose a policy from what an agent did: caps, budgets, tools and their rates, with the quantiles behind them.

    Sessions that are still open, and those in which something of severity high or critical was found, are left out.
    Default: the last 7 days. Traffic shows what an agent did, not what it may do: read what is proposed.
    """
    end = until or datetime.now(UTC)
    begin = since or end - PERIOD
    if begin >= end:
        raise ConfigurationError(
            f"--since {begin:%Y-%m-%dT%H:%M} is not before --until {end:%Y-%m-%dT%H:%M}: swap them"
        )
    for path in (output, tools_output):
        if path is not None and path.exists():
            raise ConfigurationError(f"{path} exists: name another file")
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        observed = observe(
            store, agent, since=begin, until=end, tenant=tenant, origin=origin, min_sessions=min_sessions
        )
    text = proposal(observed)
    # What is proposed can be used, whatever the traffic held.
    read_policy(text.encode(), "the proposal")
    if tools_output is not None:
        if observed.registered is None:
            raise ConfigurationError(f"no session of {agent} told its tools: leave --tools-output out")
        _write(tools_output, orjson.dumps(observed.registered_list, option=orjson.OPT_INDENT_2).decode() + "\n")
    if output is None:
        click.echo(text, nl=False)
        return
    _write(output, text)
    click.echo(f"wrote {output}; next: watchkeeper policy check {output}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written ({error.strerror}): check folder and rights") from error
