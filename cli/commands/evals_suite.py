"""`watchkeeper evals suite`: draw suites from real sessions, look at them, compare and refresh them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from watchkeeper.cli import suite_pages
from watchkeeper.cli.command import TaughtCommand
from watchkeeper.cli.options import clickhouse_option, home_option, json_option
from watchkeeper.cli.output import print_json
from watchkeeper.cli.suite_drawing import as_drawn, casting_of, check_name, folder_of, reading, wanted_of
from watchkeeper.cli.times import Moment
from watchkeeper.evals.suites.candidates import gather
from watchkeeper.evals.suites.case import ConsentClass
from watchkeeper.evals.suites.comparing import compare, live_mix, mix_of, shifts
from watchkeeper.evals.suites.creating import create as create_suite
from watchkeeper.evals.suites.files import HEADER, ROOT, open_suite, read_suite, versions_in, write_suite
from watchkeeper.evals.suites.refreshing import freeze_edits
from watchkeeper.evals.suites.refreshing import refresh as refresh_suite
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.errors import ConfigurationError

F = TypeVar("F", bound=Callable[..., Any])

_CONSENTS: Final[tuple[str, ...]] = get_args(ConsentClass)
_ORIGINS: Final[tuple[str, ...]] = get_args(Origin)
_PER_REFRESH: Final = 5
"""A refresh adds at most a fifth of the suite, unless it is told how many."""


@click.group("suite")
def suite() -> None:
    """Draw, look at, compare and refresh suites."""


def _out_option(function: F) -> F:
    return click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=ROOT,
        show_default=True,
        metavar="DIR",
        help="Where suites stand.",
    )(function)


def _drawing_options(function: F) -> F:
    for option in (
        click.option(
            "--unmasked",
            is_flag=True,
            help="Keep texts as they were recorded. Default: mask secrets, addresses, numbers of phones and cards, …",
        ),
        click.option(
            "--trust-quiet",
            is_flag=True,
            help="Take references from sessions of which nothing says that they ended well or badly, too.",
        ),
        click.option(
            "--consent",
            type=click.Choice(_CONSENTS),
            default="legitimate_interest",
            show_default=True,
            help="On what ground texts are kept. Under legitimate_interest none of long retention are.",
        ),
        click.option(
            "--minimum",
            type=click.IntRange(0, 100),
            default=3,
            show_default=True,
            help="Cases that each stratum gets at least.",
        ),
        click.option("--seed", type=int, default=0, show_default=True, help="Of what is left to chance."),
        click.option("--until", type=Moment(), metavar="TIME", help="Sessions that ended before then. Default: now."),
    ):
        function = option(function)
    return function


@suite.command(
    "create",
    cls=TaughtCommand,
    examples=(
        ("300 cases from the last 30 days of an agent", "watchkeeper evals suite create refunds --agent refund-desk"),
        (
            "more, further back, on the ground of consent",
            "watchkeeper evals suite create refunds --agent refund-desk --since 90d --size 500 --consent consented",
        ),
        (
            "from recordings that were imported",
            "watchkeeper evals suite create airline --agent llm_agent --origin import --since 2025-01-01",
        ),
    ),
)
@click.argument("name", metavar="NAME")
@click.option("--agent", required=True, metavar="NAME", help="Whose sessions.")
@click.option("--tenant", metavar="NAME", default="default", show_default=True, help="Of which tenant.")
@click.option("--since", type=Moment(), metavar="TIME", default="30d", show_default=True, help="That ended since then.")
@click.option(
    "--size", type=click.IntRange(1, 5000), default=300, show_default=True, help="Cases; 200 to 500 are usual."
)
@click.option("--origin", type=click.Choice(_ORIGINS), default="live", show_default=True, help="Which sessions.")
@click.option("--description", default="", metavar="TEXT", help="What the suite is for.")
@_drawing_options
@_out_option
@json_option("One JSON document")
@clickhouse_option
@home_option
def create(*, name: str, out: Path, description: str, as_json: bool, **given: Any) -> None:
    """Draw a suite from real sessions, and freeze it as version 1.

    Sessions are stratified by intent, outcome and difficulty; requests that are alike count once; within each stratum
    different requests are taken, one of each cluster. The folder OUT/NAME is for you to read and edit: suite.yaml has
    the rubrics, cases.jsonl a case on each line. docs/evals/suites.md tells how all of it is done.
    """
    check_name(name)
    folder = out / name
    if (folder / HEADER).exists():
        raise ConfigurationError(
            f"{folder} is there already: bring it up to date with `watchkeeper evals suite refresh`, or name another"
        )
    wanted, casting = wanted_of(given, size=given["size"], agent=given["agent"]), casting_of(given)
    with reading(given) as (reader, told):
        made = create_suite(name, reader, wanted, casting, description=description, minimum=given["minimum"], told=told)
    frozen = write_suite(made, folder)
    if as_json:
        print_json(suite_pages.document_of(frozen, folder))
    else:
        suite_pages.print_suite(frozen, folder)


@suite.command(
    "show",
    cls=TaughtCommand,
    examples=(
        ("a suite's strata, rubrics and warnings", "watchkeeper evals suite show refunds"),
        ("an earlier version, for a script", "watchkeeper evals suite show refunds@2 --json"),
    ),
)
@click.argument("reference", metavar="SUITE")
@_out_option
@json_option("One JSON document")
def show(*, reference: str, out: Path, as_json: bool) -> None:
    """Show what is in a suite: a name, name@version, or a folder."""
    found = open_suite(reference, out)
    if as_json:
        print_json(suite_pages.document_of(found, None))
    else:
        suite_pages.print_suite(found, None)


@suite.command(
    "diff",
    cls=TaughtCommand,
    examples=(
        ("what version 3 has that version 1 had not", "watchkeeper evals suite diff refunds@1 refunds@3"),
        ("what was edited since it was frozen", "watchkeeper evals suite diff refunds"),
        ("and whether live traffic has moved away", "watchkeeper evals suite diff refunds --live"),
    ),
)
@click.argument("one", metavar="A")
@click.argument("other", metavar="[B]", required=False)
@click.option("--live", is_flag=True, help="Compare with what the agent is asked now, too.")
@click.option("--since", type=Moment(), metavar="TIME", help="Of live traffic: since then. Default: since the draw.")
@_out_option
@json_option("One JSON document")
@clickhouse_option
@home_option
def diff(*, one: str, other: str | None, live: bool, out: Path, as_json: bool, **given: Any) -> None:
    """Show what differs between two suites: cases, rubrics, and the mix of strata.

    With one suite alone: what was edited in it since its version was frozen.
    """
    old, new = _pair(one, other, out)
    found = compare(old, new)
    moved = _live_shifts(new, given) if live else None
    if as_json:
        print_json(suite_pages.difference_document(old, new, found, moved))
    else:
        suite_pages.print_difference(old, new, found, moved)


@suite.command(
    "refresh",
    cls=TaughtCommand,
    examples=(
        ("add what is asked now and no case asks", "watchkeeper evals suite refresh refunds"),
        ("at most 25 cases, from the last week", "watchkeeper evals suite refresh refunds --since 7d --add 25"),
        ("only freeze what was edited", "watchkeeper evals suite refresh refunds --add 0"),
    ),
)
@click.argument("reference", metavar="SUITE")
@click.option("--since", type=Moment(), metavar="TIME", help="Sessions that ended since then. Default: since the draw.")
@click.option(
    "--add", type=click.IntRange(0, 5000), metavar="N", help="At most so many. Default: a fifth of the suite."
)
@click.option("--tenant", metavar="NAME", help="Of which tenant. Default: as it was drawn.")
@click.option("--agent", metavar="NAME", help="Whose sessions. Default: as it was drawn.")
@click.option("--origin", type=click.Choice(_ORIGINS), help="Which sessions. Default: as it was drawn.")
@_drawing_options
@_out_option
@json_option("One JSON document")
@clickhouse_option
@home_option
def refresh(*, reference: str, add: int | None, out: Path, as_json: bool, **given: Any) -> None:
    """Add what live traffic has and the suite lacks, as the next version.

    The cases that are there stay as they are, edited ones as they were edited. Without anything new and without edits
    there is no new version.
    """
    found = open_suite(reference, out)
    if "@" in reference:
        raise ConfigurationError(f"{reference} is frozen: refresh {found.name}, whose next version comes of it")
    folder = folder_of(reference, out)
    kept = versions_in(folder)
    version = max(found.version, *kept) + 1 if kept else found.version
    most = max(1, len(found.cases) // _PER_REFRESH) if add is None else add
    if most:
        wanted, casting = as_drawn(found, given), casting_of(given)
        options = {"next_version": version, "most": most, "minimum": given["minimum"]}
        with reading(given) as (reader, told):
            made = refresh_suite(found, reader, wanted, casting, told=told, **options)
    else:
        made = freeze_edits(found, next_version=version, at=datetime.now(UTC))
    frozen = write_suite(made.suite, folder) if made.is_changed else found
    if as_json:
        print_json(suite_pages.refresh_document(made, frozen, folder))
    else:
        suite_pages.print_refresh(made, found, frozen, folder)


def _pair(one: str, other: str | None, out: Path) -> tuple[Suite, Suite]:
    new = open_suite(other or one, out)
    if other is not None:
        return open_suite(one, out), new
    if "@" in one:
        raise ConfigurationError(f"{one} is frozen, and nothing was edited in it: name a second suite to compare with")
    folder = folder_of(one, out)
    kept = versions_in(folder)
    if not kept:
        raise ConfigurationError(f"{folder} has no frozen version to compare with: freeze it by `refresh --add 0`")
    return read_suite(folder, max(kept)), new


def _live_shifts(found: Suite, given: dict[str, Any]) -> Any:
    if found.drawn is None:
        raise ConfigurationError(f"{found.reference} was not drawn from sessions: there is no mix to compare with")
    wanted = as_drawn(found, given)
    with reading(given) as (reader, told):
        pool = gather(reader, wanted, told)
    if not pool.candidates:
        raise ConfigurationError(
            f"no session of {wanted.agent} ended since {wanted.since:%Y-%m-%d %H:%M}: look further back with --since"
        )
    live = live_mix(pool.candidates, found.drawn.bands)
    return shifts(found.drawn.shares or mix_of(found.cases), live, read=len(pool.candidates))
