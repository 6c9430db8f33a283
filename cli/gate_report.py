"""What `watchkeeper evals run` says to people."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.command import complain
from watchkeeper.cli.output import Column, make_console, one_line, print_table
from watchkeeper.evals.gate.comparison import Comparison, Regression
from watchkeeper.evals.gate.decision import Judged, points
from watchkeeper.evals.gate.markdown import TITLES
from watchkeeper.evals.gate.power import USUAL_DISAGREEMENT, cases_needed, visible_fall
from watchkeeper.evals.gate.whole_run import Made, Request

_STYLES: Final = {"pass": "bold green", "fall": "bold red", "undecided": "bold yellow"}
_MOST: Final = 10
_MEASURES: Final = (
    Column("what"),
    Column("cases", "right"),
    Column("baseline", "right"),
    Column("candidate", "right"),
    Column("difference", "right"),
    Column("95 %", "right", place="below"),
    Column("worse", "right", place="below"),
    Column("better", "right", place="below"),
    Column("p", "right", place="below"),
    Column("sees a fall of", "right", place="below"),
)
_REGRESSIONS: Final = (
    Column("case"),
    Column("intent", place="below"),
    Column("grader", place="below"),
    Column("before", "right"),
    Column("now", "right"),
    Column("session", place="below"),
    Column("why", place="text"),
)
_CHANGES: Final = (
    Column("an answer's"),
    Column("cases", "right"),
    Column("baseline", "right"),
    Column("candidate", "right"),
    Column("change", "right"),
)


def warn_of_size(request: Request) -> None:
    """Says, before anybody is asked, that a suite will hardly see the margin."""
    if not request.baseline:
        return
    settings, cases = request.settings, len(request.suite.cases)
    spread = USUAL_DISAGREEMENT**0.5
    level = settings.level * settings.whole_share
    seen = visible_fall(cases, spread, level=level, power=settings.power)
    if seen > settings.margin:
        needed = cases_needed(settings.margin, spread, level=level, power=settings.power)
        complain(
            f"the suite has {cases} cases: where versions differ on {USUAL_DISAGREEMENT:.0%} of them, a fall is seen "
            f"from {points(seen)} points on, and the margin is {points(settings.margin)}; some {needed} cases would do"
        )


def show(made: Made, folder: Path) -> None:
    """The result on stdout."""
    if made.comparison is None:
        attempts = made.attempts["candidate"]
        failed = sum(attempt.trouble is not None for attempt in attempts)
        click.echo(f"{formats.plural(len(attempts), 'attempt')}, {formats.plural(failed, 'failure')}; nothing compared")
        click.echo(f"kept in {folder}: name it as --baseline of a later run")
        return
    _show(made.comparison)
    click.echo(f"kept in {folder}")


def _show(found: Comparison) -> None:
    console, decision = make_console(), found.decision
    console.print(Text(TITLES[decision.outcome], style=_STYLES[decision.outcome]))
    for reason in decision.reasons:
        click.echo(f"  {one_line(reason)}")
    for warning in decision.warnings:
        click.echo(f"  warning: {one_line(warning)}")
    for side, troubles in found.troubles.items():
        if troubles:
            told = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(troubles.items()))
            click.echo(f"  the {side} gave no answer in {sum(troubles.values())} of {found.attempts[side]}: {told}")
    click.echo()
    print_table(console, _MEASURES, [_measure(one) for one in decision.judged])
    click.echo()
    if found.regressions:
        print_table(console, _REGRESSIONS, [_regression(one) for one in found.regressions[:_MOST]])
        left = len(found.regressions) - _MOST
        if left > 0:
            click.echo(f"{formats.plural(left, 'more case')} that got worse: see summary.json")
        click.echo()
    if found.changes:
        print_table(console, _CHANGES, [_change(found, at) for at in range(len(found.changes))])
        click.echo()


def _measure(one: Judged) -> list[Text | str]:
    effect = one.effect
    name = f"must pass: {one.measure.name}" if one.measure.scope == "must_pass" else one.measure.title
    indented = f"  {one.measure.intent or 'no intent'}" if one.measure.scope == "intent" else name
    return [
        Text(one_line(indented), style="red" if one.fell else ""),
        formats.count(effect.cases),
        f"{effect.baseline:.1%}",
        f"{effect.candidate:.1%}",
        Text(points(effect.difference), style="red" if one.fell else ""),
        f"{points(effect.lower)} to {points(effect.upper)}",
        formats.count(effect.worse),
        formats.count(effect.better),
        f"{one.p:.2g}",
        points(one.visible) if one.visible < 1 else "none",
    ]


def _regression(one: Regression) -> list[Text | str]:
    now = "no answer" if one.candidate is None else f"{one.candidate:.2f}"
    return [one.case_id, one.intent, one.grader, f"{one.baseline:.2f}", now, one.session_id or "-", one.reason]


def _change(found: Comparison, at: int) -> list[Text | str]:
    one = found.changes[at]
    change = "-" if one.ratio is None else f"{one.ratio - 1:+.1%}"
    if one.low is not None and one.high is not None:
        change += f" ({one.low - 1:+.1%} to {one.high - 1:+.1%})"
    return [f"{one.name}, {one.unit}", formats.count(one.cases), f"{one.baseline:.4g}", f"{one.candidate:.4g}", change]
