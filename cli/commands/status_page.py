"""How `watchkeeper status` looks to people."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.commands.status_look import Look
from watchkeeper.cli.output import Column, make_console, print_table
from watchkeeper.cli.stack.console_part import console_address
from watchkeeper.cli.stack.status import StackStatus

_STYLES: Final = {
    "running": "green",
    "external": "green",
    "healthy": "green",
    "starting": "yellow",
    "restarting": "yellow",
    "degraded": "yellow",
    "waiting": "yellow",
    "warn": "yellow",
    "away": "red",
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
_WORKER_COLUMNS: Final = (Column("worker"), Column("state"), Column("memory", "right"), Column("why", place="text"))
_LAG_COLUMNS: Final = (Column("topic"), Column("lag", "right"), Column("behind (partition: records)", place="text"))
_LATENCY_COLUMNS: Final = (
    Column("latency"), Column("topic"), Column("count", "right"), Column("p50", "right"), Column("p95", "right"),
    Column("p99", "right"),
)  # fmt: skip
_COUNT_COLUMNS: Final = (Column("what"), Column("reason"), Column("count", "right"), Column("last hour", "right"))
_TROUBLE_COLUMNS: Final = (
    Column(""),
    Column("part"),
    Column("what", place="text"),
    Column("what to do", place="below"),
)


def print_look(look: Look) -> None:
    """Prints everything; what is wrong stands at the end, where it is seen."""
    console = make_console()
    print_stack(look.stack)
    for name, problem in (("broker", look.broker), ("store", look.store)):
        if problem is not None:
            console.print(Text(f"{name}: {problem or 'answers'}", style="red" if problem else ""))
    _print_workers(console, look)
    _print_flow(console, look)
    _print_counts(console, look)
    if look.troubles:
        rows: list[list[Text | str]] = [
            [Text(one.verdict, style=_STYLES[one.verdict]), one.part, one.what, one.page] for one in look.troubles
        ]
        console.print()
        print_table(console, _TROUBLE_COLUMNS, rows)
    else:
        console.print(Text("healthy", style="green"))


def print_console(told: StackStatus, directory: Path) -> None:
    """Prints the address that opens the console, token included, where it runs."""
    address = console_address(told, directory)
    if address:
        click.echo(f"Open in a browser:        {address}")


def print_stack(told: StackStatus) -> None:
    """Prints the parts of the local stack."""
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
                    f"{part.name} ({part.kind})" if part.kind else part.name,
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


def _print_workers(console: Console, look: Look) -> None:
    if not look.workers:
        return
    rows: list[list[Text | str]] = []
    for worker in look.workers:
        waiting = f"waits for {' and '.join(worker['waiting'])}" if worker["waiting"] else ""
        state = "failed" if worker["stalled"] else "running" if worker["ready"] else "starting"
        memory = worker.get("memory_bytes")
        shown = f"{memory / 1024**2:.0f} MiB" if memory else "-"
        rows.append([worker["worker"], Text(state, style=_STYLES[state]), shown, worker["stalled"] or waiting])
    console.print()
    print_table(console, _WORKER_COLUMNS, rows)


def _print_flow(console: Console, look: Look) -> None:
    if look.lag:
        console.print()
        rows = [
            [topic, str(sum(partitions.values())), _behind(partitions)]
            for topic, partitions in sorted(look.lag.items())
        ]
        print_table(console, _LAG_COLUMNS, rows)
    if look.workers or look.events:
        console.print(f"{look.events:.0f} events judged {look.window}")
    if look.latencies:
        names = ("p50_seconds", "p95_seconds", "p99_seconds")
        print_table(
            console,
            _LATENCY_COLUMNS,
            [
                [one["what"], one["topic"], str(one["count"]), *(formats.duration(one[name]) for name in names)]
                for one in look.latencies
            ],
        )


def _print_counts(console: Console, look: Look) -> None:
    rows = [
        ["dead letters", reason, str(counts["open"]), str(counts["last_hour"])]
        for reason, counts in look.letters.items()
    ]
    rows += [["lost events", reason, str(count), "-"] for reason, count in sorted(look.lost.items())]
    if rows:
        console.print()
        print_table(console, _COUNT_COLUMNS, rows)


def _behind(partitions: dict[int, int]) -> str:
    return ", ".join(f"{number}: {records}" for number, records in sorted(partitions.items()) if records)
