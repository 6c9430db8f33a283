"""`watchkeeper import`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn, kafka_bootstrap
from watchkeeper.cli.arrival import Arrival, FindingCount, await_arrival, count_findings
from watchkeeper.cli.command import command
from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, kafka_option
from watchkeeper.cli.output import SEVERITY_STYLES, Column, make_console, one_line, print_json, print_table
from watchkeeper.cli.store import open_store
from watchkeeper.cli.times import Span
from watchkeeper.producers.importers import Choices, DiscardTransport, Importer, Report
from watchkeeper.producers.importers.model import FORMS
from watchkeeper.producers.settings import Settings
from watchkeeper.producers.transport.kafka import KafkaTransport
from watchkeeper.schemas.errors import BusUnavailableError, ConfigurationError
from watchkeeper.schemas.events import EVENT_TYPES
from watchkeeper.schemas.topics import EVENTS

MOST_PROBLEMS: Final = 20
"""Unreadable lines that are told one by one; `--json` has all."""

ANSWER_SECONDS: Final = 5.0

_EVENTS: Final = (Column("event"), Column("produced", "right"), Column("stored", "right"))
_FINDINGS: Final = (Column("finding"), Column("severity"), Column("findings", "right"), Column("sessions", "right"))


@dataclass(slots=True)
class _Result:
    """What the command has to say.

    Attributes:
        arrival: None where nobody waited for it.
    """

    report: Report
    dry_run: bool
    files: int
    arrival: Arrival | None = None
    findings: list[FindingCount] = field(default_factory=list)
    sent_seconds: float = 0.0
    stored_seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether everything was read, produced without loss and, where that was waited for, stored."""
        lost = self.report.problems or self.report.losses
        return not lost and (self.arrival is None or not self.arrival.missing)


@command(
    "import",
    examples=(
        ("recorded sessions, compressed or not", "watchkeeper import sessions.jsonl.gz"),
        ("what would be produced, without a broker", "watchkeeper import --dry-run sessions.jsonl"),
        ("a file for fine-tuning, as an agent's sessions", "watchkeeper import --agent support conversations.jsonl"),
    ),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMS), help="How the lines are written. Default: told by each.")
@click.option("--tenant", metavar="NAME", help="Whose data it is. Default: default.")
@click.option("--agent", metavar="NAME", help="The agent of all sessions. Default: the recorded one, else imported.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Import the first N sessions only.")
@click.option("--dry-run", is_flag=True, help="Read and count; send nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait until ClickHouse holds everything.")
@click.option(
    "--patience",
    type=Span(),
    default="60s",
    show_default=True,
    metavar="SPAN",
    help="Give up waiting when so long nothing new was stored.",
)
@json_option("One JSON document")
@kafka_option
@clickhouse_option
@home_option
def import_(  # noqa: PLR0917 - click calls by name
    files: tuple[Path, ...],
    form: Any,
    tenant: str | None,
    agent: str | None,
    limit: int | None,
    dry_run: bool,
    no_wait: bool,
    patience: timedelta,
    as_json: bool,
    kafka: str | None,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """Bring recorded sessions in.

    Reads the neutral form (one session on each line), OpenAI's chat messages (one conversation on each line) and our
    own events (one on each line, sent again unchanged). Times stay as recorded. What was imported before is not
    counted twice. Exits with 1 where a line could not be read or an event did not arrive; everything else is imported
    all the same. docs/importing.md has the forms.
    """
    bootstrap = "" if dry_run else kafka_bootstrap(kafka, home)
    dsn = "" if dry_run or no_wait else clickhouse_dsn(clickhouse, home)
    if bootstrap:
        _check_broker(bootstrap)
    with _progress() as show:
        result = _send(files, Choices(tenant, agent, form, limit), bootstrap, show)
        if dsn:
            _wait(result, dsn, patience.total_seconds(), show)
    if as_json:
        print_json(_document(result))
    else:
        _print(result)
    if not result.is_whole:
        raise SystemExit(ExitCode.FAILED)


def _check_broker(bootstrap: str) -> None:
    """Says at once what would otherwise be waited for: the recorder is patient."""
    try:
        listed = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=ANSWER_SECONDS)
    except KafkaException as error:
        raise BusUnavailableError(f"no broker answers at {bootstrap}: start it, or correct the address") from error
    if EVENTS.name not in listed.topics:
        raise ConfigurationError(
            f"the broker at {bootstrap} has no topic {EVENTS.name}: `watchkeeper up` makes the topics of a local "
            f"stack; elsewhere create it with {EVENTS.partitions} partitions"
        )


_Show = Callable[[str, int, int], None]
"""Shows a stage: its name, how far it is, and how far it goes."""


@contextmanager
def _progress() -> Iterator[_Show]:
    """A progress display on stderr, where that is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    tasks: dict[str, TaskID] = {}
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done, total=total)

        yield show


def _send(files: Sequence[Path], choices: Choices, bootstrap: str, show: _Show) -> _Result:
    total = sum(path.stat().st_size for path in files)
    read: dict[Path, int] = {}

    def seen(path: Path, position: int) -> None:
        read[path] = position
        show("reading and sending", sum(read.values()), total)

    def transport() -> KafkaTransport | DiscardTransport:
        return KafkaTransport(bootstrap, Settings(), patient=True) if bootstrap else DiscardTransport()

    begun = time.monotonic()
    report = Importer(transport, choices).run(files, seen)
    return _Result(report, dry_run=not bootstrap, files=len(files), sent_seconds=time.monotonic() - begun)


def _wait(result: _Result, dsn: str, patience_seconds: float, show: _Show) -> None:
    begun = time.monotonic()
    ledger = result.report.ledger
    with open_store(dsn) as store:
        result.arrival = await_arrival(
            store,
            ledger.writers,
            patience_seconds=patience_seconds,
            on_progress=lambda stored: show("storing", stored, ledger.produced),
        )
        result.findings = count_findings(store, ledger.writers)
    result.stored_seconds = time.monotonic() - begun


def _document(result: _Result) -> dict[str, Any]:
    report, arrival = result.report, result.arrival
    return {
        "dry_run": result.dry_run,
        "files": result.files,
        "sessions": report.sessions,
        "repeated_lines": report.repeated,
        "produced": report.ledger.produced,
        "stored": None if arrival is None else arrival.stored.total(),
        "events": {
            kind: {"produced": produced, "stored": None if arrival is None else arrival.stored[kind]}
            for kind, produced in _by_type(report.ledger.events)
        },
        "missing": None if arrival is None else arrival.missing,
        "dead_letters": None if arrival is None else arrival.dead,
        "findings": [asdict(count) for count in result.findings],
        "problems": [{"file": str(one.path), "line": one.line, "reason": one.reason} for one in report.problems],
        "losses": report.losses,
        "sent_seconds": round(result.sent_seconds, 3),
        "stored_seconds": None if arrival is None else round(result.stored_seconds, 3),
    }


def _print(result: _Result) -> None:
    console = make_console()
    report, arrival = result.report, result.arrival
    rows = [_event_row(kind, count, arrival) for kind, count in _by_type(report.ledger.events)]
    total = "-" if arrival is None else formats.count(arrival.stored.total())
    print_table(console, _EVENTS, [*rows, ["total", formats.count(report.ledger.produced), total]])
    if result.findings:
        console.print()
        print_table(console, _FINDINGS, [_finding_row(count) for count in result.findings])
    console.print()
    console.print(Text(_summary(result)))
    for line in _faults(result):
        click.echo(f"watchkeeper: {one_line(line)}", err=True)


def _by_type(events: Counter[str]) -> list[tuple[str, int]]:
    return [(kind, events[kind]) for kind in EVENT_TYPES if events[kind]]


def _event_row(kind: str, produced: int, arrival: Arrival | None) -> list[Text | str]:
    return [kind, formats.count(produced), "-" if arrival is None else formats.count(arrival.stored[kind])]


def _finding_row(count: FindingCount) -> list[Text | str]:
    severity = Text(count.severity, style=SEVERITY_STYLES.get(count.severity, ""))
    return [count.kind, severity, formats.count(count.findings), formats.count(count.sessions)]


def _summary(result: _Result) -> str:
    report = result.report
    told = f"{formats.plural(report.sessions, 'session')} from {formats.plural(result.files, 'file')}"
    if report.repeated:
        told += f" ({formats.plural(report.repeated, 'repeated line')} left out)"
    if result.dry_run:
        return f"{told}, read in {formats.duration(result.sent_seconds)}; nothing was sent"
    told += f", sent in {formats.duration(result.sent_seconds)}"
    if result.arrival is None:
        return f"{told}; not waited for"
    return (
        f"{told}, "
        + ("stored" if not result.arrival.missing else "waited for")
        + (f" after another {formats.duration(result.stored_seconds)}")
    )


def _faults(result: _Result) -> list[str]:
    """What went wrong, a sentence each."""
    report, arrival = result.report, result.arrival
    told = [str(problem) for problem in report.problems[:MOST_PROBLEMS]]
    if len(report.problems) > MOST_PROBLEMS:
        told.append(f"and {len(report.problems) - MOST_PROBLEMS:,} more unreadable lines; --json names all")
    if report.losses:
        lost = ", ".join(f"{reason} {count}" for reason, count in sorted(report.losses.items()))
        told.append(f"the recorder lost something: {lost}")
    if arrival is not None and arrival.dead:
        dead = ", ".join(f"{reason} {count}" for reason, count in arrival.dead.items())
        told.append(f"among the dead letters: {dead}; see `watchkeeper dead-letters list`")
    if arrival is not None and arrival.missing > sum(arrival.dead.values()):
        told.append(
            f"{arrival.missing:,} of {report.ledger.produced:,} events did not reach ClickHouse, and nothing new was "
            "stored for a while: is a worker running (`watchkeeper status`)? They wait in Kafka: start one, and look "
            "with `watchkeeper sessions`"
        )
    return told
