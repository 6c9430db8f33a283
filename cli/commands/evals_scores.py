"""`watchkeeper evals scores`: how good sessions are, and how sure that is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import command
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, period_options
from watchkeeper.cli.output import Column, make_console, print_json_lines, print_table
from watchkeeper.cli.store import open_store
from watchkeeper.evals.estimation.estimate import Estimate
from watchkeeper.evals.estimation.summaries import TRAITS, Cell, Labels, Measure, Trait, summarise
from watchkeeper.evals.labelling.records import About, LabelRecords, together

_RECENT: Final = timedelta(days=30)
_COLUMNS: Final = (
    Column("grader"),
    Column("of"),
    Column("mean", "right"),
    Column("95 % interval", "right"),
    Column("grader alone", "right", "below"),
    Column("scored", "right", "below"),
    Column("labelled", "right", "below"),
    Column("failures", "right", "below"),
    Column("note", place="text"),
)


@command(
    "scores",
    examples=(
        ("one agent's last 30 days", "watchkeeper evals scores --agent support"),
        ("by version and week", "watchkeeper evals scores --agent support --by version --by week --since 60d"),
        ("one grader's, for a script", "watchkeeper evals scores --agent support --grader llm_judge --json"),
    ),
)
@click.option("--agent", metavar="NAME", default="", help="Only this agent's.")
@click.option("--tenant", metavar="NAME", default="", help="Only this tenant's. Default: all tenants.")
@click.option("--grader", metavar="NAME", default="", help="Only this grader's: NAME, or NAME@VERSION.")
@click.option(
    "--origin",
    type=click.Choice(("live", "import", "simulated")),
    default="live",
    show_default=True,
    help="Which sessions.",
)
@click.option("--by", type=click.Choice(TRAITS), multiple=True, help="Tell sessions apart by it; may be repeated.")
@click.option(
    "--measure",
    type=click.Choice(("passed", "value")),
    default=None,
    help="The share that is good enough, or the mean value. Default: the share, where graders say it.",
)
@period_options("that ended")
@json_option("JSON lines, one mean on each")
@clickhouse_option
@home_option
def scores(
    *,
    agent: str,
    tenant: str,
    grader: str,
    origin: str,
    by: tuple[Trait, ...],
    measure: Measure | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """Show means of live scores over all sessions, graded or not, each with its 95 % interval.

    Sessions that were drawn more often count less, so that the mean is that of all. Where people labelled ten of the
    scored sessions or more (`evals label`), the grader's error is measured by them and taken out, and the interval says
    how well that is known; elsewhere it holds only if the grader is right. Failures are in no mean.

    --since and --until: when sessions ended. Default: the last 30 days.
    """
    now = datetime.now(UTC)
    about = About(tenant, agent, since or now - _RECENT, until or now)
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        records = LabelRecords(store)
        found = records.scores(about, grader=grader, origin=origin)
        draws = records.draws(about)
        labels = Labels.of(together(records.labels(about), draws), draws)
    said: Measure = measure or ("passed" if any(score.passed is not None for score in found) else "value")
    cells = summarise(found, labels, by=by, measure=said)
    if as_json:
        print_json_lines(_document(cell) for cell in cells)
    elif cells:
        _print(cells, said)
    else:
        click.echo("no scores; look further back with --since 90d, or see `watchkeeper evals schedule`")


def _document(cell: Cell) -> dict[str, Any]:
    found = cell.estimate
    return {
        "grader": cell.grader,
        "traits": dict(cell.traits),
        "measure": cell.measure,
        "mean": found.value if found else None,
        "lower": found.low if found else None,
        "upper": found.high if found else None,
        "level": found.level if found else None,
        "method": found.method if found else None,
        "corrected": found.corrected if found else False,
        "grader_alone": found.raw if found else None,
        "trust": found.trust if found else None,
        "scored": found.scored if found else 0,
        "labelled": cell.labelled,
        "labels_not_drawn": cell.unweighted,
        "never_drawn_for_labels": cell.outside,
        "failures": cell.failures,
        "note": cell.advice,
    }


def _print(cells: list[Cell], measure: Measure) -> None:
    console = make_console()
    print_table(console, _COLUMNS, [_cells(cell) for cell in cells])
    what = "the share of sessions that are good enough" if measure == "passed" else "the mean value, 0 to 1"
    console.print(Text(f"mean: {what}, over all sessions of the period", style="dim"))


def _cells(cell: Cell) -> list[Text | str]:
    name = ", ".join(value or "(none)" for value in cell.traits.values()) or "all"
    found = cell.estimate
    return [
        cell.grader,
        name,
        *(_figures(found) if found else ("-", "-", "-", "0")),
        formats.count(cell.labelled),
        formats.count(cell.failures),
        Text(cell.advice, style="dim"),
    ]


def _figures(found: Estimate) -> tuple[str, str, str, str]:
    mark = "" if found.corrected else " if the grader is right"
    return (
        f"{found.value:.1%}",
        f"{found.low:.1%} to {found.high:.1%}{mark}",
        f"{found.raw:.1%}" if found.corrected else "-",
        formats.count(found.scored),
    )
