"""`watchkeeper incident`: what happened, as a document."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import click

from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import TaughtCommand
from watchkeeper.cli.incidents.gathering import evidence_of, gather
from watchkeeper.cli.incidents.markdown import markdown_of
from watchkeeper.cli.incidents.page import page_of
from watchkeeper.cli.incidents.report import Report, report_of
from watchkeeper.cli.options import clickhouse_option, home_option, json_option
from watchkeeper.cli.output import print_json
from watchkeeper.cli.store import open_store
from watchkeeper.schemas.errors import ConfigurationError

_EXAMPLES: Final = (
    (
        "a page to read and print",
        "watchkeeper incident report 0199c8f2-6a41-7c3e-9b55-2f8d3a1e6b70 --out incident.html",
    ),
    ("Markdown, to complete in a repository", "watchkeeper incident report 0199c8f2-6a41-7c3e-9b55-2f8d3a1e6b70"),
)
_MARKDOWN: Final = frozenset({".md", ".markdown", ".txt"})
_HTML: Final = frozenset({".html", ".htm"})


@click.group("incident")
def incident() -> None:
    """Write up what happened."""


@incident.command("report", cls=TaughtCommand, examples=_EXAMPLES)
@click.argument("finding_id", metavar="ID")
@click.option("--tenant", metavar="NAME", default="", help="Whose finding it is. Default: looked up.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it. Default: the terminal."
)
@click.option("--force", is_flag=True, help="Write over a file that is there, with what people added to it.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "html"]),
    help="Default: by the name of --out (.html or .htm), else Markdown.",
)
@json_option("One JSON document with every figure")
@clickhouse_option
@home_option
def report(
    *,
    finding_id: str,
    tenant: str,
    out: Path | None,
    force: bool,
    form: Literal["markdown", "html"] | None,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """Write the post-mortem of an incident, as far as it can be known.

    ID is that of an incident's finding, or of any finding: one that belongs to an incident leads to it, another stands
    alone. Filled in are the timeline over all its sessions, the first cause and what followed, times to detection and
    reaction, cost, customers, versions in force, and every call since the first failure that changed something: what
    may have to be made good. What only people know is left open.
    """
    as_page = _as_page(out, form)
    if out is not None and out.exists() and not force:
        raise ConfigurationError(f"{out} is there, and people may have completed it: give another --out, or --force")
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        made = report_of(gather(store, finding_id, tenant))
    if as_json:
        print_json(_document(made))
        return
    text = markdown_of(made)
    if as_page:
        text = page_of(text, f"Incident of {made.head['agent_id']}")
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text)
    except OSError as error:
        raise ConfigurationError(f"{out} cannot be written: {error.strerror}; give another --out") from error
    click.echo(f"{out} ({len(text.encode()):,} bytes)")


def _as_page(out: Path | None, form: Literal["markdown", "html"] | None) -> bool:
    """Whether it is to be HTML: as it was said, else by the name of the file."""
    ending = out.suffix.lower() if out is not None else ""
    if form is None and ending not in {"", *_MARKDOWN, *_HTML}:
        raise ConfigurationError(f"{out} is neither Markdown nor HTML by its name: end it with .md or .html")
    return form == "html" or (form is None and ending in _HTML)


def _document(report: Report) -> dict[str, Any]:
    told = asdict(report)
    for row in (told["head"], *told["findings"]):
        row["evidence"] = evidence_of(row)
    return {
        f"{name}_seconds" if name.endswith("_after") else name: (
            value.total_seconds() if isinstance(value, timedelta) else value
        )
        for name, value in told.items()
    }
