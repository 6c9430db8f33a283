"""`watchkeeper alerts show`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from rich.console import Console

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import command
from watchkeeper.cli.exit_codes import AmbiguousError, NotFoundError
from watchkeeper.cli.options import clickhouse_option, home_option, json_option
from watchkeeper.cli.output import Column, make_console, one_line, print_json, print_table
from watchkeeper.cli.store import ReadStore, Row, open_store
from watchkeeper.dashboards.alerting import statements
from watchkeeper.dashboards.alerting.alert import ALERT_ADAPTER
from watchkeeper.dashboards.alerting.message import evidence_lines

_LISTED: Final = 20
_ALL: Final = 1_000_000
_NOTICES: Final = (
    Column("made (UTC)"),
    Column("channel"),
    Column("kind"),
    Column("state"),
    Column("tries", "right"),
    Column("findings", "right"),
    Column("answer", place="text"),
)
_FINDINGS: Final = (
    Column("no.", "right"),
    Column("severity"),
    Column("status"),
    Column("finding"),
    Column("agent", place="below"),
    Column("session or subject", place="below"),
    Column("summary", place="text"),
)


@command(
    "show",
    examples=(
        ("who was told what, and of which findings", "watchkeeper alerts show 0a1b2c3d"),
        ("every finding, for a script", "watchkeeper alerts show 0a1b2c3d --all --json"),
    ),
)
@click.argument("alert_id", metavar="ALERT")
@click.option("--all", "everything", is_flag=True, help=f"Every finding, not the first {_LISTED} alone.")
@json_option("One JSON document")
@clickhouse_option
@home_option
def show(*, alert_id: str, everything: bool, as_json: bool, clickhouse: str | None, home: Path | None) -> None:
    """Show one alert: what it is about, who was told what and when, and the findings that it is made of.

    The beginning of its id is enough.
    """
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        alert = _one(store, alert_id)
        notices = store.rows(statements.NOTICES, alert=alert["alert_id"])
        span = {"after": 0, "upto": _ALL, "limit": _ALL if everything else _LISTED}
        findings = store.rows(statements.SPAN, alert=alert["alert_id"], **span)
        leads = store.rows(statements.ONE, alert=alert["alert_id"], finding=alert["lead"]) if alert["lead"] else []
    waiting = ALERT_ADAPTER.validate_json(alert.pop("state")).notices
    if as_json:
        on_their_way = [{"channel": one.channel, "kind": one.kind, "attempts": one.attempts} for one in waiting]
        print_json({**alert, "notices": notices, "on_their_way": on_their_way, "findings_listed": findings})
        return
    console = make_console()
    _head(console, alert)
    for lead in leads:
        _evidence(console, lead)
    if notices:
        console.print("\nwho was told")
        print_table(console, _NOTICES, [_notice(row) for row in notices])
    known = {row["notice_id"] for row in notices}
    for one in waiting:
        if one.notice_id not in known:
            console.print(f"on its way: {one.kind} to {one.channel}, {one.attempts} attempts so far")
    console.print("\nfindings")
    print_table(console, _FINDINGS, [_finding(row) for row in findings])
    if alert["findings"] > len(findings):
        console.print(f"and {alert['findings'] - len(findings):,} more: --all lists them")


def _one(store: ReadStore, alert_id: str) -> Row:
    found = store.rows(statements.SHOW, alert=alert_id)
    if not found:
        raise NotFoundError(f"no alert {alert_id}: `watchkeeper alerts list --since 30d` lists them")
    if len(found) > 1 and found[0]["alert_id"] != alert_id:
        raise AmbiguousError(f"several alerts begin with {alert_id}: give more of the id")
    return found[0]


def _head(console: Console, alert: Row) -> None:
    facts = [
        ("alert", alert["alert_id"]),
        ("what", alert["title"]),
        ("severity", alert["severity"]),
        ("status", alert["status"] + (f", by {alert['acked_by']}" if alert["acked_by"] else "")),
        ("why", alert["reason"]),
        ("agent", alert["agent_id"]),
        ("tenant", alert["tenant_id"]),
        ("since", f"{formats.at(alert['since'])} UTC"),
        ("opened", f"{formats.at(alert['opened_at'])} UTC"),
        ("ended", f"{formats.at(alert['ended_at'])} UTC" if alert["ended_at"] else ""),
        ("findings", f"{alert['findings']:,}, {alert['open_findings']:,} of them stand"),
        ("look further", f"watchkeeper finding show {alert['lead']}" if alert["lead"] else "watchkeeper status"),
    ]
    for name, value in facts:
        if value:
            console.print(f"{name:<13}{one_line(str(value))}")


def _evidence(console: Console, lead: Row) -> None:
    for name, value in [("runbook", lead["runbook"]), *evidence_lines(lead["evidence"])]:
        if value:
            console.print(f"{name.replace('_', ' '):<13}{one_line(value)}")


def _notice(row: Row) -> list[str]:
    state = "tried, will be again" if row["state"] == "pending" else row["state"]
    told = formats.count(max(0, row["upto"] - row["after"]))
    return [formats.at(row["made_at"]), row["channel"], row["kind"], state, str(row["attempts"]), told, row["answer"]]


def _finding(row: Row) -> list[str]:
    return [
        str(row["ordinal"]),
        row["severity"],
        row["status"],
        row["finding_id"],
        row["agent_id"],
        row["session_id"] or row["subject"] or "-",
        row["summary"],
    ]
