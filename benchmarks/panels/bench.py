"""`make panels-bench`: every panel of every dashboard over 30 days of 50 million events.

Fills the embedded engine, in a process of its own and with nothing else beside it, with a month of a plausible fleet,
a part of which is written twice; then asks what the dashboards ask, cold and warm, with everything chosen and with one
tenant's agent. Of each question the least of the warm runs counts. Before that, with parts of their own: how long a
drift alarm takes to be a delivered webhook.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clickhouse_connect.driver import Client
from harness import Figure, of_least, write
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from panels.alarms import alarms
from panels.ask import Question, questions
from panels.filling import fill
from panels.fleet import Fleet
from panels.measure import Timing, asked, forget, measured
from panels.plans import plans
from watchkeeper.cli.stack.testing import running_clickhouse
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.migrate import migrate

EVENTS = 50_000_000
ALARMS = 10
_ROOM_BYTES_AN_EVENT = 450
_FILLED = "filled.json"
_ANSWER_SECONDS = 1_800
BASELINES = {
    "spend_of_events_seconds": "SELECT sum(cost_usd) FROM events FINAL WHERE occurred_at BETWEEN {since} AND {until}",
    "cost_quantiles_of_states_seconds": (
        "SELECT quantiles(0.5, 0.99)(cost_usd) FROM sessions FINAL WHERE started_at BETWEEN {since} AND {until}"
    ),
}
"""The same answers without rollups and copies: what slow panels are held against."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fills, asks, and writes `results/panels-bench.json`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS, help="about how many; 2000000 for a quick look")
    parser.add_argument("--runs", type=int, default=5, help="warm runs of each question")
    parser.add_argument("--alarms", type=int, default=ALARMS, help="drift alarms to time; 0 for none")
    parser.add_argument("--keep", type=Path, help="a directory for the store, used again where it is filled")
    parser.add_argument("--only", default="", help="questions whose name begins so; writes nothing")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    console = Console()
    # First, as it is short: what fails here fails before the store is filled.
    told = alarms(0 if options.only else options.alarms, console)
    with _store(options.keep, options.events) as directory, running_clickhouse(directory) as dsn:
        made = run(dsn, directory, options.events, options.runs, only=options.only, console=console)
    figures = [*told, *made.figures]
    console.print(table(made.timings))
    if options.dry_run or options.only:
        console.print("\n".join(figure.line() for figure in figures if not figure.name.startswith("panel ")))
    else:
        write("panels-bench", figures, plans=made.plans)
    for name, why in made.refused.items():
        console.print(f"[red]{name} is refused:[/] {why[:400]}", highlight=False)
    return 1 if made.refused else 0


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured.

    Attributes:
        plans: of the slowest questions, see `panels.plans`.
        refused: what the engine says to questions that it does not answer.
    """

    figures: list[Figure]
    timings: list[Timing]
    plans: list[dict[str, Any]]
    refused: dict[str, str]


def run(dsn: str, directory: Path, events: int, runs: int, *, only: str = "", console: Console) -> Run:
    """Fills the store where it is not filled, and asks."""
    migrate(dsn)
    client = connect(dsn, send_receive_timeout=_ANSWER_SECONDS)
    fleet, seconds = filled(dsn, directory, events, console)
    asking = [one for one in questions(fleet.since, fleet.until, choice(client)) if one.name.startswith(only)]
    client.command("SYSTEM STOP MERGES")
    with bar(console) as progress:
        task = progress.add_task("asking", total=len(asking))

        def told(question: Question) -> None:
            progress.update(task, advance=1, description=f"{question.name} ({question.chosen})")

        timings, refused = measured(client, asking, runs, told)
    figures = [*_stored(client, seconds), *_baselines(client, fleet)]
    figures += [*_slowest(timings, figures), *_panels(timings)]
    return Run(figures, timings, plans(client, timings), refused)


def filled(dsn: str, directory: Path, events: int, console: Console) -> tuple[Fleet, float]:
    """The fleet of which the store is full, and how long filling took; fills it where it is not."""
    note = directory / _FILLED
    if note.exists():
        told = json.loads(note.read_text())
        return Fleet(told["events"], datetime.fromisoformat(told["until"])), told["seconds"]
    now = datetime.now(UTC)
    fleet = Fleet(events, now.replace(hour=0, minute=0, second=0, microsecond=0))
    began = time.monotonic()
    with bar(console) as progress:
        fill(dsn, fleet, progress)
    seconds = time.monotonic() - began
    note.write_text(json.dumps({"events": events, "until": fleet.until.isoformat(), "seconds": seconds}))
    return fleet, seconds


def choice(client: Client) -> dict[str, str | Sequence[str]]:
    """One tenant, the busiest, one of its agents, and a session of that agent with findings."""
    ((tenant, agent),) = client.query(
        "SELECT tenant_id, agent_id FROM activity_hours GROUP BY ALL ORDER BY sum(events) DESC LIMIT 1"
    ).result_rows
    ((session,),) = client.query(
        "SELECT session_id FROM findings WHERE tenant_id = {tenant:String} AND agent_id = {agent:String}"
        " AND session_id != '' ORDER BY first_event_at DESC LIMIT 1",
        parameters={"tenant": tenant, "agent": agent},
    ).result_rows
    return {"tenant": [tenant], "agent": [agent], "session": session}


def table(timings: Sequence[Timing]) -> Table:
    """The times for a person, the slowest first."""
    made = Table("question", "chosen", "least s", "cold s", "rows read", title="Panels over 30 days")
    for column in made.columns[2:]:
        column.justify = "right"
    for one in sorted(timings, key=lambda one: -one.least):
        made.add_row(
            one.question.name,
            one.question.chosen,
            f"[{'red' if one.least >= 1 else 'default'}]{one.least:.3f}",
            f"{one.cold:.3f}",
            f"{one.read_rows:,}",
        )
    return made


def bar(console: Console) -> Progress:
    """A progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)


@contextmanager
def _store(keep: Path | None, events: int) -> Iterator[Path]:
    """A directory for the store: one that stays, or one that is removed at the end."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="watchkeeper-panels-") as own:
        free, wanted = shutil.disk_usage(own).free, events * _ROOM_BYTES_AN_EVENT
        if free < wanted:
            message = f"{own} has {free >> 30} GiB free and {wanted >> 30} GiB are needed: set TMPDIR, or --events"
            raise SystemExit(message)
        yield Path(own)


def _stored(client: Client, seconds: float) -> list[Figure]:
    counted = {
        "events_stored": "SELECT count() FROM events",
        "sessions_stored": "SELECT uniqExact(tenant_id, session_id) FROM sessions_by_time",
        "findings_stored": "SELECT uniqExact(tenant_id, finding_id) FROM findings",
        "pipeline_metrics_stored": "SELECT count() FROM pipeline_metrics",
        "bytes_on_disk": "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()",
    }
    found = [(name, float(client.query(sql).result_rows[0][0])) for name, sql in counted.items()]
    units = {"bytes_on_disk": "bytes"}
    figures = [Figure(name, value, units.get(name, "rows"), 1, (value, value)) for name, value in found]
    return [*figures, Figure("filling_seconds", seconds, "s", 1, (seconds, seconds))]


def _baselines(client: Client, fleet: Fleet) -> list[Figure]:
    span = {
        "since": f"toDateTime({fleet.since.timestamp():.0f})",
        "until": f"toDateTime({fleet.until.timestamp():.0f})",
    }
    forget(client)
    return [
        of_least(name, "s", [asked(client, Question(name, "all", sql.format(**span)))[0] for _ in range(2)])
        for name, sql in BASELINES.items()
    ]


def _slowest(timings: Sequence[Timing], figures: Sequence[Figure]) -> list[Figure]:
    against = next(figure for figure in figures if figure.name == "spend_of_events_seconds")
    warm, cold = max(timings, key=lambda one: one.least), max(timings, key=lambda one: one.cold)
    slow = float(sum(one.least >= 1 for one in timings))
    return [
        of_least("slowest_panel_seconds", "s", warm.warm, against),
        of_least("slowest_panel_cold_seconds", "s", [cold.cold], against),
        Figure("questions", float(len(timings)), "statements", 1, (float(len(timings)),) * 2),
        Figure("questions_of_a_second_or_more", slow, "statements", 1, (slow, slow)),
    ]


def _panels(timings: Sequence[Timing]) -> list[Figure]:
    return [of_least(f"panel {one.question.name} ({one.question.chosen})", "s", one.warm) for one in timings]
