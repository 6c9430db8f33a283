"""`watchkeeper session show`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from rich.text import Text

from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import TaughtCommand
from watchkeeper.cli.options import clickhouse_option, home_option, json_option
from watchkeeper.cli.output import make_console, print_json
from watchkeeper.cli.pages.header import header
from watchkeeper.cli.pages.story import story
from watchkeeper.cli.pages.text import Page
from watchkeeper.cli.record.document import document_of
from watchkeeper.cli.record.model import Record
from watchkeeper.cli.record.reading import read_record
from watchkeeper.cli.store import open_store

_EXAMPLES: Final = (
    ("what a session did, and what was found", "watchkeeper session show 0199c8f2-6a41-7c3e-9b55-2f8d3a1e6b70"),
    ("every text in full, in a pager", "watchkeeper session show 0199c8f2-6a41-7c3e-9b55-2f8d3a1e6b70 --full | less"),
    ("for a script", "watchkeeper session show order-4711 --tenant acme --json"),
)


@click.group("session")
def session() -> None:
    """Look at one session."""


@session.command("show", cls=TaughtCommand, examples=_EXAMPLES)
@click.argument("session_id", metavar="ID")
@click.option("--tenant", metavar="NAME", default="", help="Whose session it is. Default: looked up.")
@click.option("--full", is_flag=True, help="Shorten no text; show evidence, all documents, and parts of long texts.")
@json_option("One JSON document with all texts in full")
@clickhouse_option
@home_option
def show(*, session_id: str, tenant: str, full: bool, as_json: bool, clickhouse: str | None, home: Path | None) -> None:
    """Show the whole record of a session.

    The head says who ran under which policy, and what was used of what was allowed. Then comes the story in order of
    time: prompts (what is new in each), reasoning, calls and results, responses, retrievals, decisions, delegations;
    with findings at the event where they were found, commands, gaps, and events that came late. Every text is checked
    against its hash, and marked where it is missing or does not match.
    """
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        record = read_record(store, session_id, tenant)
    if as_json:
        print_json(document_of(record))
        return
    console = make_console()
    for line in lines_of(Page(console, full), record):
        console.print(line)


def lines_of(page: Page, record: Record) -> Iterator[Text]:
    """The whole page."""
    yield from header(page, record)
    yield Text()
    yield from story(page, record)
