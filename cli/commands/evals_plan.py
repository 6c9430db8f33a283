"""`watchkeeper evals plan`."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console

from watchkeeper.cli.command import command
from watchkeeper.cli.options import json_option
from watchkeeper.cli.output import Column, make_console, print_json, print_table
from watchkeeper.evals.scheduling.planning import Delays, Offer, PlanRequest, offers, simulate_delays
from watchkeeper.schemas.errors import ConfigurationError

RATES = (5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
_COLUMNS = (
    Column("GRADED A DAY", "right"),
    Column("NOTICED IN (MEDIAN)", "right"),
    Column("90 OF 100 WITHIN", "right"),
    Column("FALSE ALARM EVERY", "right"),
    Column("BASELINE TAKES", "right"),
)


@command(
    "plan",
    examples=(
        ("what twenty graded sessions a day buy", "watchkeeper evals plan --per-day 20 --from 0.95 --to 0.83"),
        ("with fewer false alarms", "watchkeeper evals plan --per-day 50 --from 0.9 --to 0.8 --false-alarms 5000"),
        ("several rates, for a script", "watchkeeper evals plan --per-day 20 --per-day 40 --json | jq .offers"),
    ),
)
@click.option(
    "--per-day",
    "rates",
    type=click.FloatRange(min=0, min_open=True),
    multiple=True,
    metavar="N",
    help="Graded sessions a day; may be repeated. Default: 20, among several others.",
)
@click.option("--from", "before", type=float, default=0.95, show_default=True, help="The share that is good, as it is.")
@click.option("--to", "after", type=float, default=0.83, show_default=True, help="The share after the change.")
@click.option(
    "--false-alarms",
    "promise",
    type=click.IntRange(min=10),
    default=1000,
    show_default=True,
    metavar="M",
    help="On average at most one false alarm in M scored sessions.",
)
@click.option(
    "--baseline", type=int, default=500, show_default=True, metavar="N", help="Scores that say what is usual."
)
@click.option(
    "--min-effect",
    "tolerance",
    type=click.FloatRange(0, 0.5),
    default=0.02,
    show_default=True,
    help="A change by less than this is none.",
)
@click.option(
    "--quiet",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Scores that are watched before the change; 0 is the hardest case.",
)
@click.option("--runs", type=int, default=400, show_default=True, metavar="N", help="So many streams are simulated.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed, the same answer.")
@json_option("One JSON document")
def plan(
    *,
    rates: tuple[float, ...],
    before: float,
    after: float,
    promise: int,
    baseline: int,
    tolerance: float,
    quiet: int,
    runs: int,
    seed: int,
    as_json: bool,
) -> None:
    """Say what a sampling rate buys: how soon a change is noticed, at which rate of false alarms.

    The detector that the worker runs is simulated on sessions that are good or not, independently of each other: as
    many streams as --runs, each with a baseline of its own and then the change. ClickHouse and Kafka are not asked.
    Where scores follow each other in bad days, or risky sessions are oversampled, it takes longer.
    """
    if not all(map(math.isfinite, (before, after, *rates))):
        raise ConfigurationError("a share or a rate is not finite: give plain numbers")
    request = PlanRequest(before, after, promise, baseline, quiet, tolerance, runs, seed)
    delays = simulate_delays(request)
    asked = sorted(set(rates)) or [20.0]
    if as_json:
        print_json(_document(request, delays, offers(delays, request, asked)))
        return
    console = make_console()
    for offer in offers(delays, request, asked):
        console.print(_sentence(request, offer))
    console.print()
    table = offers(delays, request, sorted({*RATES, *asked}))
    print_table(console, _COLUMNS, [_cells(offer) for offer in table])
    _print_limits(console, request, delays)


def _sentence(request: PlanRequest, offer: Offer) -> str:
    change = f"a {request.direction} from {_percent(request.before)} to {_percent(request.after)} %"
    if math.isinf(offer.median_days):
        noticed = "is not noticed in half of all cases"
    else:
        noticed = f"is noticed in about {_days(offer.median_days)} (median), in 90 of 100 cases within "
        noticed += _days(offer.ninety_days)
    seldom = f"at one false alarm in {request.promise:,} scored sessions ({_days(offer.false_alarm_days)})"
    return f"At {offer.per_day:g} graded sessions a day {change} {noticed}, {seldom}."


def _cells(offer: Offer) -> tuple[str, ...]:
    days = (offer.median_days, offer.ninety_days, offer.false_alarm_days, offer.baseline_days)
    return (f"{offer.per_day:g}", *map(_days, days))


def _print_limits(console: Console, request: PlanRequest, delays: Delays) -> None:
    median = "never" if math.isinf(delays.median) else f"{delays.median:.0f} scored sessions"
    console.print()
    console.print(
        f"It takes {median} (median of {request.runs} simulated streams; 95 % interval {_count(delays.low)} to"
        f" {_count(delays.high)}), after a baseline of {request.baseline}."
    )
    if delays.never:
        console.print(f"In {delays.never:.1%} of them it was not noticed at all.", style="yellow")


def _document(request: PlanRequest, delays: Delays, made: list[Offer]) -> dict[str, Any]:
    return {
        "request": {**asdict(request), "direction": request.direction},
        "scored_sessions": {name: _finite(value) for name, value in asdict(delays).items()},
        "offers": [{name: _finite(value) for name, value in asdict(offer).items()} for offer in made],
    }


def _finite(value: float) -> float | None:
    return None if math.isinf(value) else value


def _count(value: float) -> str:
    return "never" if math.isinf(value) else f"{value:.0f}"


def _days(value: float) -> str:
    if math.isinf(value):
        return "never"
    return f"{value:.0f} days" if value >= 10 else f"{value:.1f} days"


def _percent(share: float) -> str:
    return f"{100 * share:g}"
