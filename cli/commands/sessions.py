"""`watchkeeper sessions`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, get_args

import click
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import command
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, limit_option, period_options
from watchkeeper.cli.output import (
    SEVERITY_STYLES,
    STATUS_STYLES,
    Column,
    make_console,
    print_json_lines,
    print_table,
)
from watchkeeper.cli.session_list import list_sessions
from watchkeeper.cli.store import Row, open_store
from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.model import EARLIEST, LATEST
from watchkeeper.schemas.rows import SessionRow

STATUSES: Final[tuple[str, ...]] = get_args(SessionRow.model_fields["status"].annotation)
ORIGINS: Final[tuple[str, ...]] = get_args(Origin)
RECENT: Final = timedelta(days=7)

_COLUMNS: Final = (
    Column("started (UTC)"),
    Column("session"),
    Column("status"),
    Column("agent", place="below"),
    Column("events", "right", "below"),
    Column("calls", "right", "below"),
    Column("tokens", "right", "below"),
    Column("cost", "right", "below"),
    Column("findings", place="below"),
)


@command(
    "sessions",
    examples=(
        ("what ran in the last hour", "watchkeeper sessions --since 1h"),
        ("what is running and has findings", "watchkeeper sessions --status open --with-findings"),
        ("one customer's sessions, for a script", "watchkeeper sessions --customer c-17 --since 30d --json"),
    ),
)
@click.option("--tenant", metavar="NAME", default="", help="Only this tenant's. Default: all tenants.")
@click.option("--agent", metavar="NAME", default="", help="Only this agent's.")
@click.option("--user", metavar="ID", default="", help="Only those that this user asked for.")
@click.option("--customer", metavar="ID", default="", help="Only those about this customer.")
@click.option("--status", type=click.Choice(STATUSES), default=None, help="Only those in this state.")
@click.option("--origin", type=click.Choice(ORIGINS), default=None, help="Only live, imported or simulated ones.")
@click.option("--with-findings", is_flag=True, help="Only those in which something was found.")
@period_options("that ran")
@limit_option(50)
@json_option("JSON lines, one session on each")
@clickhouse_option
@home_option
def sessions(
    *,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
    limit: int,
    **filters: Any,
) -> None:
    """List what agents did, newest first.

    Times are the sessions' own. Without --since and --until: the sessions of which something was stored in the last
    7 days, whenever they ran, so that recordings are listed too.
    """
    recent = datetime.now(UTC) - RECENT if since is None and until is None else EARLIEST
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        found = list_sessions(
            store,
            stored_since=recent,
            since=since or EARLIEST,
            until=until or LATEST,
            limit=limit,
            **{name: value or "" for name, value in filters.items() if name != "with_findings"},
            with_findings=int(filters["with_findings"]),
        )
    if as_json:
        print_json_lines(found)
    elif found:
        _print(found, limit)
    else:
        click.echo("no sessions" + (" in the last 7 days; look further back with --since 90d" if not since else ""))


def _print(found: list[Row], limit: int) -> None:
    console = make_console()
    print_table(console, _COLUMNS, [_cells(row) for row in found])
    if len(found) == limit:
        console.print(Text(f"the newest {limit}; more with --limit", style="dim"))


def _cells(row: Row) -> list[Text | str]:
    agent = f"{row['agent_id']} {row['agent_version']}".strip()
    return [
        formats.at(row["started_at"]),
        row["session_id"],
        Text(row["status"], style=STATUS_STYLES.get(row["status"], "")),
        agent if row["origin"] == "live" else f"{agent} ({row['origin']})",
        formats.count(row["events"]),
        formats.count(row["tool_calls"]),
        formats.count(row["tokens"]),
        formats.cost(row["cost_usd"], row["unpriced_requests"]),
        findings_cell(row["findings"], row["worst_severity"]),
    ]


def findings_cell(number: int, worst: str) -> Text:
    """How many findings, and how bad the worst is: `2 high`."""
    if not number:
        return Text("-", style="dim")
    return Text(f"{number} {worst}", style=SEVERITY_STYLES.get(worst, ""))
