"""`watchkeeper findings`."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import command, complain
from watchkeeper.cli.findings import query_findings
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, limit_option, period_options
from watchkeeper.cli.output import SEVERITY_STYLES, Column, make_console, one_line, print_json_lines, print_table
from watchkeeper.cli.record.document import finding_document
from watchkeeper.cli.store import ReadStore, Row, open_store
from watchkeeper.schemas.errors import StoreUnavailableError
from watchkeeper.schemas.failure_modes import FAILURE_MODES, SEVERITIES
from watchkeeper.schemas.model import EARLIEST, LATEST

RECENT: Final = timedelta(days=1)
POLL_SECONDS: Final = 1.0
OVERLAP: Final = timedelta(seconds=15)
"""Rows are visible a moment after the time of storage that they carry."""

_MOST_AT_ONCE: Final = 10_000

_COLUMNS: Final = (
    Column("found (UTC)"),
    Column("severity"),
    Column("mode / kind"),
    Column("agent", place="below"),
    Column("session or subject", place="below"),
    Column("summary", place="text"),
)


@command(
    "findings",
    examples=(
        ("what was found today", "watchkeeper findings --since 24h"),
        ("what is bad, as it comes", "watchkeeper findings --follow --severity high"),
        ("one session's, for a script", "watchkeeper findings --session order-4711 --since 30d --json"),
    ),
)
@click.option("--mode", type=click.Choice(FAILURE_MODES), metavar="MODE", help="Only this failure mode.")
@click.option("--kind", metavar="KIND", help="Only this kind, a shape of a mode's evidence: unknown_tool, loop, …")
@click.option("--severity", type=click.Choice(SEVERITIES), help="Only those at least so bad.")
@click.option("--tenant", metavar="NAME", help="Only this tenant's. Default: all tenants.")
@click.option("--agent", metavar="NAME", help="Only this agent's.")
@click.option("--session", metavar="ID", help="Only this session's.")
@click.option("--origin", type=click.Choice(("live", "import", "simulated")), help="Only about such sessions.")
@click.option("--status", type=click.Choice(("open", "resolved")), help="Only those in this state.")
@click.option(
    "--verdict", type=click.Choice(("none", "ack", "wrong", "mute")), help="Only those of which people said so."
)
@click.option("--muted", is_flag=True, help="Those too that are muted now (watchkeeper finding mute).")
@period_options("found")
@limit_option(50)
@click.option("--follow", is_flag=True, help="Go on, and print new findings as they are stored; Ctrl-C ends it.")
@json_option("JSON lines, one finding on each")
@clickhouse_option
@home_option
def findings(
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    follow: bool,
    muted: bool,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
    **filters: str | None,
) -> None:
    """List what was found, newest first.

    --since and --until bound the time at which it was found, by the worker's clock: findings in a recording of last
    year, imported today, were found today. Default: the last 24 hours.
    """
    wanted = _parameters(filters)
    begin = since or (EARLIEST if until else datetime.now(UTC) - RECENT)
    bounds = {"since": begin, "until": until or LATEST, "limit": limit, "muted": int(muted)}
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        if follow:
            _follow(store, {**wanted, **bounds}, as_json=as_json)
            return
        found = query_findings(store, stored_since=begin, **wanted, **bounds)
    if as_json:
        print_json_lines(finding_document(row) for row in found)
    elif found:
        _print(make_console(), found, limit)
    else:
        click.echo(
            "no findings" + ("" if since or until else " in the last 24 hours; look further back with --since 7d")
        )


def _parameters(filters: dict[str, str | None]) -> dict[str, Any]:
    """The filters as parameters of the query: an empty one filters nothing."""
    least = filters.pop("severity")
    severities = SEVERITIES[SEVERITIES.index(least) :] if least else ()
    return {**{name: value or "" for name, value in filters.items()}, "severities": list(severities)}


def _print(console: Console, found: list[Row], limit: int) -> None:
    print_table(console, _COLUMNS, [_cells(row) for row in found])
    if len(found) == limit:
        console.print(Text(f"the newest {limit}; more with --limit", style="dim"))


def _cells(row: Row) -> list[Text | str]:
    severity = Text(row["severity"], style=SEVERITY_STYLES.get(row["severity"], ""))
    resolved = " (resolved)" if row["status"] == "resolved" else ""
    said = f" ({row['verdict']})" if row["verdict"] else ""
    agent = row["agent_id"] if row["origin"] == "live" else f"{row['agent_id']} ({row['origin']})"
    return [
        formats.at(row["detected_at"]),
        severity,
        f"{row['failure_mode']} / {row['kind']}{resolved}{said}",
        agent,
        row["session_id"] or row["subject"] or "-",
        row["summary"],
    ]


def _follow(store: ReadStore, parameters: dict[str, Any], *, as_json: bool) -> None:
    """Prints what is there, oldest first, and then each new revision of a finding once."""
    console = make_console()
    printed: dict[tuple[str, str, int], datetime] = {}
    stored_since: datetime = parameters["since"]
    while True:
        fresh: list[Row] = []
        try:
            fresh = _fresh(query_findings(store, stored_since=stored_since, **parameters), printed)
        except StoreUnavailableError as error:
            complain(f"{error}; trying again")
        if as_json:
            print_json_lines(finding_document(row) for row in fresh)
        else:
            for row in fresh:
                _print_followed(console, row)
        stored_since = max([stored_since, *(row["stored_at"] - OVERLAP for row in fresh)])
        for key in [key for key, stored_at in printed.items() if stored_at < stored_since]:
            del printed[key]
        parameters["limit"] = _MOST_AT_ONCE
        time.sleep(POLL_SECONDS)


def _fresh(found: list[Row], printed: dict[tuple[str, str, int], datetime]) -> list[Row]:
    """Those that were not printed yet, oldest first."""
    fresh: list[Row] = []
    for row in reversed(found):
        key = (row["tenant_id"], row["finding_id"], row["revision"])
        if key not in printed:
            printed[key] = row["stored_at"]
            fresh.append(row)
    return fresh


def _print_followed(console: Console, row: Row) -> None:
    """One finding; on a terminal its summary stands below it."""
    found, severity, *rest, summary = _cells(row)
    line = Text.assemble(found, "  ", severity)
    for cell in rest:
        line.append("  ").append(one_line(str(cell)))
    if console.is_terminal:
        console.print(line)
        console.print(Text(f"    {one_line(str(summary))}"))
    else:
        console.print(line.append("  ").append(one_line(str(summary))))
