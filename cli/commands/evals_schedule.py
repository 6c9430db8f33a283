"""`watchkeeper evals schedule`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from watchkeeper.cli.addresses import clickhouse_dsn, data_directory
from watchkeeper.cli.command import command
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, limit_option
from watchkeeper.cli.output import Column, make_console, one_line, print_json, print_table
from watchkeeper.cli.scheduling import config_path, suite_mistakes, written_config
from watchkeeper.cli.store import open_store
from watchkeeper.evals.scheduling.budget import DAY, day_of
from watchkeeper.evals.scheduling.config_file import WrittenConfig
from watchkeeper.evals.scheduling.ledger import Ledger, Tally
from watchkeeper.evals.scheduling.scheduler import LIVE_JOB
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.evaluations import JobRow, SuiteRunRow

SILENT_SECONDS = 600
"""A job that told nothing for so long after it should have run has no scheduler."""

_STATES = ("passed_over", "drawn", "scored", "cut", "unreadable")
_JOBS = (
    Column("JOB"),
    Column("STATE"),
    Column("DONE", "right"),
    Column("NEXT", place="below"),
    Column("NOTE", place="text"),
)
_RUNS = (
    Column("RUN BEGAN"),
    Column("JOB"),
    Column("WHY", place="below"),
    Column("STATE"),
    Column("CASES", "right"),
    Column("FAILED", "right"),
    Column("MEAN", "right"),
    Column("NOTE", place="text"),
)


@command(
    "schedule",
    examples=(
        ("what was graded, and what comes next", "watchkeeper evals schedule"),
        ("check evals.yaml before it is used", "watchkeeper evals schedule --check --config evals.yaml"),
        ("for a script", "watchkeeper evals schedule --json | jq .today"),
    ),
)
@click.option("--check", is_flag=True, help="Read the file, say what is wrong with it, and end.")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Default: $WATCHKEEPER_EVALS, else evals.yaml in the stack's directory, else defaults.",
)
@limit_option(10)
@json_option("One JSON document")
@clickhouse_option
@home_option
def schedule(
    *, check: bool, config: Path | None, limit: int, as_json: bool, clickhouse: str | None, home: Path | None
) -> None:
    """Show what was graded, and what comes next.

    The first table tells of each job what it does and when it runs next; below it stands what became of the sessions
    that were decided today (UTC), and the latest runs of suites.
    """
    path = config_path(config, data_directory(home))
    written = written_config(path)
    if check:
        _say_checked(path, written)
        mistakes = suite_mistakes(written)
        if mistakes:
            raise ConfigurationError("\n".join(f"{path}: {mistake}" for mistake in mistakes))
        return
    now = datetime.now(UTC)
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        ledger = Ledger(store)
        jobs, runs = ledger.jobs(), ledger.recent_runs(limit)
        today = ledger.tally(day_of(now), day_of(now) + DAY)
        _, usd = ledger.cost(day_of(now), day_of(now) + DAY)
    if as_json:
        print_json(_document(jobs, today, usd, runs))
        return
    console = make_console()
    _print_jobs(console, jobs, written, now)
    _print_today(console, today, usd, written)
    if runs:
        console.print()
        print_table(console, _RUNS, [_run_cells(run) for run in runs])


def _say_checked(path: Path | None, written: WrittenConfig) -> None:
    config = written.config
    where = str(path) if path else "no file: the defaults"
    suites = f"{len(config.suites)} suite{'' if len(config.suites) == 1 else 's'}"
    live = f"live sessions at a rate of {config.live.rate:g}" if config.live.enabled else "no live sessions"
    click.echo(f"{where}: {live}, {suites}")


def _document(jobs: dict[str, JobRow], today: Tally, usd: float, runs: list[SuiteRunRow]) -> dict[str, Any]:
    by_stratum: dict[str, dict[str, int]] = {}
    for (state, stratum), count in sorted(today.by.items()):
        by_stratum.setdefault(stratum, {})[state] = count
    return {
        "jobs": [job.model_dump(mode="json") for job in jobs.values()],
        "today": {
            "considered": today.considered,
            **{state: today.of(state) for state in _STATES},
            "scores": today.scores,
            "usd": round(usd, 6),
            "by_stratum": by_stratum,
        },
        "runs": [run.model_dump(mode="json") for run in runs],
    }


def _print_jobs(console: Console, jobs: dict[str, JobRow], written: WrittenConfig, now: datetime) -> None:
    planned = ([LIVE_JOB] if written.config.live.enabled else []) + [f"suite:{name}" for name in written.config.suites]
    rows = []
    for name in dict.fromkeys([*planned, *jobs]):
        job = jobs.get(name)
        if job is None:
            rows.append(
                (name, "never ran", "", "", "start the scheduler: watchkeeper up, or watchkeeper evals scheduler")
            )
            continue
        done = f"{job.done} of {job.total}" if job.total else "-"
        rows.append((name, _state(job, now), done, _when(job.next_at), one_line(job.note)))
    print_table(console, _JOBS, rows)


def _state(job: JobRow, now: datetime) -> str:
    last_sign = max(job.updated_at, job.next_at or job.updated_at)
    return "silent" if (now - last_sign).total_seconds() > SILENT_SECONDS else job.state


def _print_today(console: Console, today: Tally, usd: float, written: WrittenConfig) -> None:
    budget = written.config.live.budget
    limit = "" if budget.usd_a_day is None else f" of {budget.usd_a_day:g}"
    console.print()
    console.print(
        f"today: {today.considered} sessions ended, {today.of('scored')} graded of {budget.sessions_a_day} at most,"
        f" {today.of('drawn')} wait, {usd:.2f}{limit} USD"
    )
    if today.of("cut"):
        console.print(
            f"the budget had no room for {today.of('cut')} drawn sessions: they were cut at random, and the"
            " others count for them",
            style="yellow",
        )
    if today.of("unreadable"):
        console.print(f"{today.of('unreadable')} sessions could not be graded", style="yellow")


def _run_cells(run: SuiteRunRow) -> tuple[str, ...]:
    why = run.trigger + (f" ({run.what})" if run.what else "") + (f", {run.missed} missed" if run.missed else "")
    return (
        _when(run.started_at),
        run.job,
        why,
        run.state,
        f"{run.done} of {run.total}",
        str(run.failures),
        "-" if run.mean is None else f"{run.mean:.3f}",
        one_line(run.note),
    )


def _when(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
