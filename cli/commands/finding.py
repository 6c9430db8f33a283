"""`watchkeeper finding`: one finding, and what people say of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import TaughtCommand
from watchkeeper.cli.commands.finding_repro import repro
from watchkeeper.cli.commands.finding_verdicts import ack, mute, precision, wrong
from watchkeeper.cli.findings import find, history
from watchkeeper.cli.options import clickhouse_option, home_option, json_option
from watchkeeper.cli.output import SEVERITY_STYLES, make_console, one_line, print_json
from watchkeeper.cli.pages.text import Page
from watchkeeper.cli.record.document import finding_document
from watchkeeper.cli.store import Row, open_store

_INDENT = " " * 12


@click.group("finding")
def finding() -> None:
    """Look at one finding, and say whether it is true."""


@finding.command(
    "show",
    cls=TaughtCommand,
    examples=(
        ("what was found, with its evidence", "watchkeeper finding show 0199c8f2-6a41-7c3e-9b55-2f8d3a1e6b70"),
        ("for a script", "watchkeeper finding show 0199c8f2-6a41-7c3e-9b55-2f8d3a1e6b70 --json"),
    ),
)
@click.argument("finding_id", metavar="ID")
@click.option("--tenant", metavar="NAME", default="", help="Whose finding it is. Default: looked up.")
@json_option("One JSON document")
@clickhouse_option
@home_option
def show(*, finding_id: str, tenant: str, as_json: bool, clickhouse: str | None, home: Path | None) -> None:
    """Show one finding: what was found and on which evidence, what people said of it, and what to do."""
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        row = find(store, finding_id, tenant)
        said = history(store, row)
    if as_json:
        print_json({**finding_document(row), "is_muted": bool(row["is_muted"]), "history": said})
        return
    console = make_console()
    for line in _lines(Page(console, full=True), row, said):
        console.print(line)


def _lines(page: Page, row: Row, said: list[Row]) -> Iterator[Text]:
    style = SEVERITY_STYLES.get(row["severity"], "")
    title = Text(row["severity"], style=style).append(f" {row['failure_mode']} / {row['kind']}")
    title.append(" [resolved]" if row["status"] == "resolved" else "", style="green")
    yield title.append(" [muted]" if row["is_muted"] else "", style="dim")
    yield Text(one_line(row["summary"]), style="bold")
    for label, value in _facts(row):
        if value:
            block = page.block(Text(one_line(value)), _INDENT)
            yield from (
                Text(f"{label:<{len(_INDENT)}}", style="dim").append(line.plain[len(_INDENT) :]) if not index else line
                for index, line in enumerate(block)
            )
    yield from page.value("evidence", row["evidence"])
    for verdict in said:
        until = f" until {formats.at(verdict['muted_until'])}" if verdict["muted_until"] else ""
        told = f"{formats.at(verdict['given_at'])}  {verdict['verdict']}{until} by {verdict['given_by']}"
        yield Text(one_line(f"{told}: {verdict['reason']}"), style="green")
    if not said:
        yield Text(f"nobody said yet whether it is true: watchkeeper finding ack|wrong {row['finding_id']}", "dim")


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    yield "finding", row["finding_id"]
    yield "session", row["session_id"] or ""
    yield "subject", row["subject"] or ""
    yield "agent", f"{row['agent_id']} {row['agent_version']}".strip()
    yield "tenant", f"{row['tenant_id']} ({row['origin']})"
    yield "about", row["about"]
    yield "began", formats.at(row["first_event_at"])
    yield "found", f"{formats.at(row['detected_at'])}, revision {row['revision']}"
    yield "rule", f"{row['rule_id']} {row['rule_version']} ({row['rule_stage']})"
    yield "what to do", row["runbook"]


for _command in (repro, ack, wrong, mute, precision):
    finding.add_command(_command)
