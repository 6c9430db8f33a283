"""`watchkeeper evals agreement`: how many findings are true, in production, and which verdicts would tell more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import command
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, period_options
from watchkeeper.cli.output import SEVERITY_STYLES, Column, make_console, print_json, print_table
from watchkeeper.cli.store import Row, open_store
from watchkeeper.evals.agreement.precision import Precision, by_mode, overall, queue, verdicts_needed
from watchkeeper.evals.agreement.reading import WEAK, Period, details, read_found
from watchkeeper.schemas.failure_modes import FAILURE_MODES
from watchkeeper.schemas.model import LATEST

_RECENT: Final = timedelta(days=30)
_BASES: Final = {
    "sampled": "drawn",
    "sampled_and_graded": "drawn, and graders",
    "all": "all",
    "chosen": "chosen by people: not for the others",
    "none": "nobody judged",
}
_MODES: Final = (
    Column("mode"),
    Column("findings", "right"),
    Column("judged", "right"),
    Column("drawn", "right"),
    Column("precision", "right"),
    Column("95 % interval", "right"),
    Column("needed", "right", place="below"),
    Column("rests on", place="below"),
)
_QUEUE: Final = (
    Column("finding"),
    Column("mode"),
    Column("severity", place="below"),
    Column("agent", place="below"),
    Column("session", place="below"),
    Column("summary", place="text"),
)


@command(
    "agreement",
    examples=(
        ("how far each mode can be relied on, and what to judge next", "watchkeeper evals agreement --since 30d"),
        ("only the ids to judge, for a script", "watchkeeper evals agreement --queue 20 --json"),
    ),
)
@click.option("--tenant", metavar="NAME", default="", help="Only this tenant's. Default: all tenants.")
@click.option("--agent", metavar="NAME", default="", help="Only this agent's.")
@click.option("--mode", type=click.Choice(FAILURE_MODES), metavar="MODE", help="Only this failure mode.")
@click.option("--origin", metavar="NAME", default="live", show_default=True, help="`live`, `import` or `simulated`.")
@click.option(
    "--within",
    type=click.FloatRange(0, 50, min_open=True),
    default=10.0,
    show_default=True,
    metavar="POINTS",
    help="How near each precision should be known.",
)
@click.option(
    "--queue", "most", type=click.IntRange(0, 1000), default=10, show_default=True, help="So many findings to judge."
)
@click.option("--weak", multiple=True, metavar="MODE=GRADER", help="A grader whose low values speak for such findings.")
@period_options("found")
@json_option("One JSON document")
@clickhouse_option
@home_option
def agreement(
    *,
    within: float,
    most: int,
    weak: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
    **which: Any,
) -> None:
    """Estimate for each failure mode how many of its findings are true.

    It rests on `watchkeeper finding ack` and `finding wrong`. Each mode's findings are drawn in an order made of their
    ids; judge what is listed, from the top, and the precision holds for all of them. What people judge by themselves
    is counted and not mixed in. Default: the last 30 days.
    """
    period = Period(
        since=since or datetime.now(UTC) - _RECENT, until=until or LATEST, **{**which, "mode": which["mode"] or ""}
    )
    graders = {**WEAK, **_weak(weak)}
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        found = read_found(store, period, graders)
        next_ones = details(store, period, queue(found, size=most, within=within / 100))
    modes = by_mode(found)
    if as_json:
        print_json(_document(modes, next_ones, within / 100))
    elif modes:
        _show(modes, next_ones, within / 100)
    else:
        click.echo("nothing was found; look further back with --since 365d, or at another --origin")


def _weak(given: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in given:
        mode, equals, grader = pair.partition("=")
        if mode not in FAILURE_MODES or not equals or not grader:
            raise click.BadParameter(
                f"{pair!r} is not MODE=GRADER, as ungrounded_answer=groundedness", param_hint="--weak"
            )
        found[mode] = grader
    return found


def _document(modes: Sequence[Precision], next_ones: Sequence[Row], within: float) -> dict[str, Any]:
    together = overall(modes)
    return {
        "modes": [
            {
                "failure_mode": one.mode,
                "findings": one.findings,
                "judged": one.judged,
                "true": one.true,
                "false": one.judged - one.true,
                "sampled": one.sampled,
                "missing": one.missing,
                "graded": one.graded,
                "inclusion": one.inclusion,
                "basis": one.basis,
                "precision": one.value,
                "lower": one.low,
                "upper": one.high,
                "needed": verdicts_needed(one, within),
            }
            for one in modes
        ],
        "overall": dict(zip(("precision", "lower", "upper"), together, strict=True)) if together else None,
        "queue": list(next_ones),
    }


def _show(modes: Sequence[Precision], next_ones: Sequence[Row], within: float) -> None:
    console = make_console()
    print_table(console, _MODES, [_mode(one, within) for one in modes])
    together = overall(modes)
    click.echo()
    if together is None:
        click.echo("Over all modes: not known while a mode has no findings that were drawn and judged.")
    else:
        value, low, high = together
        click.echo(f"Over all modes, each by how often it is found: {value:.1%} ({low:.1%} to {high:.1%})")
    if next_ones:
        click.echo("\nTo be judged next, from the top (`watchkeeper finding ack` or `wrong`, ID, --reason TEXT):")
        print_table(console, _QUEUE, [_finding(row) for row in next_ones])


def _mode(one: Precision, within: float) -> list[Text | str]:
    known = one.value is not None and one.low is not None and one.high is not None
    needed = verdicts_needed(one, within)
    drawn = formats.count(one.sampled) + (f" ({one.missing} missing)" if one.missing else "")
    return [
        one.mode,
        formats.count(one.findings),
        formats.count(one.judged),
        drawn,
        Text(f"{one.value:.1%}" if known else "not known", style="" if one.is_estimate else "dim"),
        f"{one.low:.1%} to {one.high:.1%}" if known else "-",
        formats.count(needed) if needed else "-",
        _BASES[one.basis],
    ]


def _finding(row: Row) -> list[Text | str]:
    return [
        row["finding_id"],
        row["failure_mode"],
        Text(row["severity"], style=SEVERITY_STYLES.get(row["severity"], "")),
        row["agent_id"],
        # What is found of an agent or a tool is in no session.
        row["session_id"] or "-",
        row["summary"],
    ]
