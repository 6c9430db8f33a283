"""`watchkeeper alerts list`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, get_args

import click
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import command
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, limit_option, period_options
from watchkeeper.cli.output import SEVERITY_STYLES, Column, make_console, one_line, print_json_lines, print_table
from watchkeeper.cli.store import Row, open_store
from watchkeeper.dashboards.alerting import statements
from watchkeeper.schemas.alerts import AlertStatus
from watchkeeper.schemas.model import LATEST

_RECENT: Final = timedelta(days=1)
_COLUMNS: Final = (
    Column("last news (UTC)"),
    Column("severity"),
    Column("status"),
    Column("alert"),
    Column("agent", place="below"),
    Column("findings", "right", "below"),
    Column("sent", "right", "below"),
    Column("what", place="text"),
)


@command(
    "list",
    examples=(
        ("what was told today, and what stands", "watchkeeper alerts list"),
        ("what nobody has taken note of", "watchkeeper alerts list --status open --since 7d"),
    ),
)
@click.option("--tenant", metavar="NAME", default="", help="Only this tenant's. Default: all tenants.")
@click.option("--agent", metavar="NAME", default="", help="Only this agent's.")
@click.option("--status", type=click.Choice(get_args(AlertStatus)), help="Only those in this state.")
@period_options("changed")
@limit_option(50)
@json_option("JSON lines, one alert on each")
@clickhouse_option
@home_option
def list_alerts(
    *,
    tenant: str,
    agent: str,
    status: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """List alerts, those with the latest news first, and what became of findings that are in none.

    Default: what had news in the last 24 hours.
    """
    bounds = {"since": since or datetime.now(UTC) - _RECENT, "until": until or LATEST}
    whose = {"tenant": tenant, "agent": agent}
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        found = store.rows(statements.LIST, **bounds, **whose, status=status or "", limit=limit)
        left_out = store.rows(statements.PLACES, **bounds, **whose)
    if as_json:
        print_json_lines(found)
        return
    if found:
        print_table(make_console(), _COLUMNS, [_cells(row) for row in found])
    else:
        click.echo("no alerts" + ("" if since or until else " in the last 24 hours; look further back with --since 7d"))
    if left_out:
        click.echo("\nfindings that paged nobody:")
        for row in left_out:
            click.echo(one_line(f"  {row['findings']:>7,}  {row['place']}: {row['why']}"))


def _cells(row: Row) -> list[str | Text]:
    sent = formats.count(row["delivered"]) + (f" ({row['dead']} given up)" if row["dead"] else "")
    return [
        formats.at(row["updated_at"]),
        Text(row["severity"], style=SEVERITY_STYLES.get(row["severity"], "")),
        row["status"] + (f" by {row['acked_by']}" if row["status"] == "acked" else ""),
        row["alert_id"],
        row["agent_id"] or "-",
        formats.count(row["findings"]),
        sent,
        f"{row['reason']}: {row['title']}" if row["sort"] == "held" else row["title"],
    ]
