"""`watchkeeper finding repro`: the fewest events in which a stored finding is found, as a file that runs as a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn, kafka_bootstrap
from watchkeeper.cli.command import TaughtCommand, complain
from watchkeeper.cli.findings import find
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, kafka_option
from watchkeeper.cli.output import print_json
from watchkeeper.cli.repro.load import pieces_of, scopes_of
from watchkeeper.cli.repro.redact import Redacted, redact
from watchkeeper.cli.repro.search import OnProgress, Trial, first_trial, make_small
from watchkeeper.cli.repro.shrink import Budget
from watchkeeper.cli.repro.telling import Piece
from watchkeeper.cli.repro.writing import file_text
from watchkeeper.cli.store import ReadStore, Row, open_store
from watchkeeper.cli.times import Span
from watchkeeper.producers.granting import GrantIssuer
from watchkeeper.schemas.errors import BusUnavailableError, ConfigurationError
from watchkeeper.schemas.grants import Grant
from watchkeeper.stream_processors.detection.rehearsal import Case

_ID: Final = "0199c8f2-6a41-7c3e-9b55-2f8d3a1e6b70"


@dataclass(frozen=True, slots=True)
class _Small:
    """What came of it: the case, the events that it was made of, and what became of texts."""

    case: Case
    events: int
    trials: int
    is_minimal: bool
    redacted: Redacted | None


@click.command(
    "repro",
    cls=TaughtCommand,
    examples=(
        ("a test that fails once the rule is changed", f"watchkeeper finding repro {_ID} --output repro_refund.py"),
        ("to pass on: nothing said that is not needed", f"watchkeeper finding repro {_ID} --redact"),
        ("for a script", f"watchkeeper finding repro {_ID} --json"),
    ),
)
@click.argument("finding_id", metavar="ID")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the test there.")
@click.option("--force", is_flag=True, help="Replace the file.")
@click.option("--redact", "is_redacted", is_flag=True, help="Replace texts, arguments and names that are not needed.")
@click.option(
    "--for",
    "span",
    type=Span(),
    default="1m",
    show_default=True,
    help="How long to go on, each for leaving out and for replacing.",
)
@click.option(
    "--look-back",
    type=Span(),
    default="1d",
    show_default=True,
    help="Over many sessions: how long before the finding they may have run.",
)
@click.option("--tenant", metavar="NAME", default="", help="Whose finding it is. Default: looked up.")
@json_option("The case as one JSON document")
@clickhouse_option
@kafka_option
@home_option
def repro(
    *,
    finding_id: str,
    output: Path | None,
    force: bool,
    is_redacted: bool,
    span: timedelta,
    look_back: timedelta,
    tenant: str,
    as_json: bool,
    clickhouse: str | None,
    kafka: str | None,
    home: Path | None,
) -> None:
    """Make a stored finding small: the fewest events in which it is still found.

    The stored events are judged again in this process, by both stages, with one after another left out. What is left is
    written as a file that runs as a test, with the events in it: it holds what agents and people said, so look at it
    before you pass it on (--redact takes out what is not needed).
    """
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        finding = find(store, finding_id, tenant)
        path = output or Path(f"repro_{_name(finding['rule_id'])}_{_name(finding['finding_id'])[-8:]}.py")
        if path.exists() and not force and not as_json:
            raise click.UsageError(f"{path} exists: give --force, or another --output")
        grants = _grants(finding, kafka, home)
        with _progress() as show:
            trial, pieces = _trial(store, finding, grants, look_back)
            small = _made_small(trial, pieces, span, show, is_redacted=is_redacted)
    if not small.is_minimal:
        complain("the time was over before it was as small as it can be: give more with --for")
    if output is not None or not as_json:
        path.write_text(file_text(small.case, finding, small.events), encoding="utf-8")
    if as_json:
        print_json({**small.case.model_dump(mode="json"), "made_of": small.events, "trials": small.trials})
    else:
        _tell(small, path)


def _trial(store: ReadStore, finding: Row, grants: list[Grant], look_back: timedelta) -> tuple[Trial, list[Piece]]:
    """The narrowest choice of stored sessions in which the finding is found again."""
    looked: set[tuple[str, ...]] = set()
    most = 0
    for sessions in scopes_of(store, finding, look_back):
        if not sessions or tuple(sessions) in looked:
            continue
        looked.add(tuple(sessions))
        pieces = pieces_of(store, finding["tenant_id"], sessions)
        most = max(most, len(pieces))
        trial = first_trial(finding, pieces, grants)
        if trial is not None:
            return trial, pieces
    further = "" if not finding["subject"] else "; it may rest on older sessions (--look-back 7d)"
    raise click.ClickException(
        f"it is not found again in what is stored ({formats.plural(most, 'event')}): the rule may have changed "
        f"since, or events are past their retention{further}"
    )


def _made_small(trial: Trial, pieces: list[Piece], span: timedelta, show: OnProgress, *, is_redacted: bool) -> _Small:
    budget = Budget(span.total_seconds())
    trial, kept = make_small(trial, pieces, budget, show)
    redacted, trials = None, budget.trials
    if is_redacted:
        # With a time of its own: where that of shrinking is over, all that was said would stay.
        further = Budget(span.total_seconds())
        kept, redacted = redact(trial, kept, further, show)
        trials += further.trials
    return _Small(trial.case(kept), len(pieces), trials, not budget.is_spent, redacted)


def _grants(finding: Row, kafka: str | None, home: Path | None) -> list[Grant]:
    """What stands on `agent.grants` now, where the finding is about authority."""
    if finding["failure_mode"] != "cascading_approval":
        return []
    try:
        with GrantIssuer(kafka_bootstrap(kafka, home), tenant=finding["tenant_id"], key=b"", seconds=5.0) as issuer:
            return issuer.grants()
    except (BusUnavailableError, ConfigurationError) as error:
        complain(f"{error}; going on without published grants")
        return []


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """Bars on stderr, where that is a terminal: how much of what there was at first is left out."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[left]} left"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    totals: dict[str, int] = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def show(what: str, left: int) -> None:
            if what not in tasks:
                totals[what] = left + 1
                tasks[what] = progress.add_task(what, total=left + 1, left=left)
            progress.update(tasks[what], completed=totals[what] - left, left=left)

        yield show


def _tell(small: _Small, path: Path) -> None:
    case = small.case
    needed = f"{formats.count(len(case.events))} of {formats.plural(small.events, 'event')}"
    click.echo(f"needed: {needed}, as {formats.plural(small.trials, 'trial')} showed")
    if small.redacted is not None:
        done = small.redacted
        why = "are needed" if done.is_complete else "are left, of which not all were tried: give more time with --for"
        click.echo(f"{formats.count(done.replaced)} texts and values replaced; {formats.count(done.kept)} {why}")
    if case.expected.finding_id is None:
        complain("the finding is found again under another id: by another version of its rule, or without its secret")
    click.echo(f"wrote {path}; run it with: python -m pytest {path}")


def _name(text: str) -> str:
    return re.sub(r"\W", "", text)
