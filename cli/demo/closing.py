"""How a demo ends for people: the table, what failed, and where to look next."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.demo.report import ModeTally, Report, spread
from watchkeeper.cli.demo.stack_in_use import StackInUse, advice
from watchkeeper.cli.output import SEVERITY_STYLES, Column, one_line, print_table
from watchkeeper.producers.fleet.matching import Tally

_COLUMNS: Final = (
    Column("scenario"),
    Column("sessions", "right"),
    Column("injected", "right"),
    Column("found", "right"),
    Column("to finding", "right"),
    Column("to visible", "right", "below"),
    Column("stopped", "right", "below"),
    Column("to stop", "right", "below"),
    Column("cost", "right", "below"),
    Column("verdict"),
)


_MODE_COLUMNS: Final = (
    Column("failure mode"),
    Column("scenarios", "right"),
    Column("injected", "right"),
    Column("found", "right"),
    Column("unexpected", "right"),
    Column("to finding", "right"),
    Column("verdict"),
)


def print_report(console: Console, report: Report) -> None:
    """The tables by scenario and by failure mode, the totals, and every failure in full."""
    console.print()
    print_table(console, _COLUMNS, [_cells(report, tally) for tally in report.tallies.values()] + [_totals(report)])
    if report.modes:
        console.print()
        print_table(console, _MODE_COLUMNS, [_mode_cells(mode) for mode in report.modes])
    console.print()
    for line in _facts(report):
        console.print(line)
    for line in _failures(report):
        console.print(line)


def print_next(console: Console, report: Report, stack: StackInUse) -> None:
    """What to look at next, where there is something left to look at."""
    console.print()
    if not stack.stays:
        console.print(Text("Nothing is left running. To look further: watchkeeper demo --keep"))
        return
    console.print(Text("Look further:"))
    for line in look_further(report, stack):
        console.print(Text(f"  {line}"))
    if stack.own:
        console.print(Text(f"Stop it: watchkeeper down --home {stack.home}  (and remove {stack.home})"))


def look_further(report: Report, stack: StackInUse) -> list[str]:
    """Three commands that show more of this run."""
    where = f"--home {stack.home}"
    found = "--with-findings " if report.matched else ""
    commands = [f"watchkeeper sessions {found}--tenant {report.tenant} {where}"]
    if report.most_telling is not None:
        commands.append(f"watchkeeper session show {report.most_telling} {where}")
    if report.most_telling_mode is not None:
        commands.append(f"watchkeeper findings --mode {report.most_telling_mode} --tenant {report.tenant} {where}")
    return commands


def _mode_cells(mode: ModeTally) -> list[Text | str]:
    verdict = Text("found", style="green") if mode.passed else Text("FAILED", style="bold red")
    return [
        mode.mode,
        formats.count(mode.scenarios),
        formats.count(mode.injected),
        formats.count(mode.found),
        formats.count(mode.unexpected) if mode.unexpected else "-",
        _median([seen.seconds_to_finding for seen in mode.timed]),
        verdict,
    ]


def _cells(report: Report, tally: Tally) -> list[Text | str]:
    usd, unpriced = report.cost_of(tally.scenario)
    return [
        tally.scenario,
        formats.count(tally.sessions),
        formats.count(tally.injected) if tally.injected else "-",
        formats.count(tally.found) if tally.injected else "-",
        _median([seen.seconds_to_finding for seen in tally.timed]),
        _median([seen.seconds_to_visible for seen in tally.timed if seen.seconds_to_visible is not None]),
        f"{tally.stopped} of {tally.must_stop}" if tally.must_stop else "-",
        _median(tally.seconds_to_stop),
        formats.cost(usd, unpriced),
        verdict(tally),
    ]


def verdict(tally: Tally) -> Text:
    """One word, or what is wrong."""
    if tally.passed:
        return Text("found" if tally.injected else "clean", style="green")
    wrong = []
    if tally.missing:
        wrong.append(f"{sum(one.times for one in tally.missing)} unseen")
    if tally.unexpected:
        wrong.append(f"{len(tally.unexpected)} unexpected")
    if tally.stopped != tally.must_stop:
        wrong.append("not stopped")
    if tally.trouble:
        wrong.append("trouble")
    return Text(", ".join(wrong).upper(), style="bold red")


def _totals(report: Report) -> list[Text | str]:
    tallies = report.tallies.values()
    cost = report.cost
    due = sum(tally.must_stop for tally in tallies)
    return [
        Text("all", style="bold"),
        formats.count(len(report.entries)),
        formats.count(sum(tally.injected for tally in tallies)),
        formats.count(sum(tally.found for tally in tallies)),
        _median([seen.seconds_to_finding for seen in report.timed]),
        _median([seen.seconds_to_visible for seen in report.timed if seen.seconds_to_visible is not None]),
        f"{sum(tally.stopped for tally in tallies)} of {due}" if due else "-",
        _median([one for tally in tallies for one in tally.seconds_to_stop]),
        formats.cost(cost.usd, cost.unpriced_requests),
        Text("passed", style="bold green") if report.passed else Text("FAILED", style="bold red"),
    ]


def _facts(report: Report) -> list[Text]:
    events = sum(row.events for row in report.sessions.values())
    cost = report.cost
    slowest = spread([seen.seconds_to_finding for seen in report.timed])
    tallies = report.tallies.values()
    injected, found = sum(tally.injected for tally in tallies), sum(tally.found for tally in tallies)
    clean = [tally for tally in tallies if not tally.injected]
    silent = sum(not tally.unexpected for tally in clean)
    lines = [
        f"Found {found} of {injected}; {silent} of {formats.plural(len(clean), 'clean scenario')} ended silently.",
        f"{formats.plural(len(report.entries), 'session')} told {formats.plural(events, 'event')}.",
        "Times are medians, counted from the event, or from the limit that silence passed.",
    ]
    if slowest is not None:
        lines.append(f"The slowest finding took {slowest['max']:.2f} s.")
    lines.append(f"Cost, simulated: {formats.money(cost.usd)} for the requests that have a price.")
    if cost.unpriced_requests:
        models = ", ".join(cost.unpriced_models)
        lines.append(f"{formats.plural(cost.unpriced_requests, 'request')} unpriced (no price is known for {models}).")
    return [Text(line) for line in lines]


def _failures(report: Report) -> list[Text]:
    lines: list[Text] = []
    for tally in report.tallies.values():
        for one in tally.missing:
            what = f"{one.expectation.failure_mode}/{one.expectation.kind}"
            about = one.session_id or f"the agent {one.agent}"
            lines.append(_failure(f"UNSEEN {tally.scenario}: {what}, {one.times} of them, about {about}"))
        if tally.stopped != tally.must_stop:
            lines.append(
                _failure(f"NOT STOPPED {tally.scenario}: {tally.must_stop - tally.stopped} of {tally.must_stop}")
            )
        lines += [_failure(f"TROUBLE {tally.scenario}: {one_line(sentence)}") for sentence in tally.trouble]
    for scenario, seen in report.unexpected:
        text = f"UNEXPECTED {scenario}: {seen.failure_mode}/{seen.kind} about {seen.session_id or seen.agent_id}: "
        lines.append(_failure(text) + Text(one_line(seen.summary), style=SEVERITY_STYLES.get(seen.severity, "")))
    lines += [_failure(f"NEVER CAME OUT: {session_id}") for session_id in report.unsettled]
    lines += [_failure(f"LOST before the broker: {count} events ({reason})") for reason, count in report.losses.items()]
    return lines


def hint(report: Report, stack: StackInUse) -> Text | None:
    """What is probably wrong where a stack of somebody else's stopped nothing."""
    due = sum(tally.must_stop for tally in report.tallies.values())
    if stack.own or not due or any(tally.stopped for tally in report.tallies.values()):
        return None
    return Text(
        f"Nothing was stopped: does the stack's worker act on simulated sessions? Start it with `{advice(stack.home)}`."
    )


def _failure(text: str) -> Text:
    return Text(text, style="red")


def _median(values: list[float]) -> str:
    found = spread(values)
    return "-" if found is None else f"{found['median']:.2f} s"
