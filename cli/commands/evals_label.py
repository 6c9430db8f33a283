"""`watchkeeper evals label`: people's labels, of the sessions most worth their time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import command
from watchkeeper.cli.exit_codes import NotFoundError
from watchkeeper.cli.labels.asking import Asking, Given, SkippedError, StoppedError
from watchkeeper.cli.labels.queue import Queue, Wish, drawn_anew, known_sessions, session_fields, under_way
from watchkeeper.cli.operator_name import operator_name
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, period_options
from watchkeeper.cli.output import make_console, print_json_lines
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.labelling.drawing import inclusion_of
from watchkeeper.evals.labelling.importing import label_row, read_text
from watchkeeper.evals.labelling.records import About, LabelRecords
from watchkeeper.evals.labelling.rubrics import GENERAL, load_rubrics, reference_of, rubric_for
from watchkeeper.evals.reading.reader import InteractionReader
from watchkeeper.evals.rubric import Rubric
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.labels import DrawRow, LabelRow

_RECENT: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What labelling needs."""

    records: LabelRecords
    reader: InteractionReader
    rubrics: tuple[Rubric, ...]
    tenant: str
    who: str


@command(
    "label",
    examples=(
        ("label what is most worth it, twenty sessions", "watchkeeper evals label --agent support"),
        ("by the rubrics of a suite, from a new draw", "watchkeeper evals label --rubric suites/refunds --new"),
        ("the queue, for another tool", "watchkeeper evals label --agent support --json"),
        ("and its labels back", "watchkeeper evals label --from labels.jsonl --as ada"),
    ),
)
@click.option("--tenant", metavar="NAME", default="default", show_default=True, help="Whose sessions.")
@click.option("--agent", metavar="NAME", default="", help="Only this agent's.")
@click.option(
    "--origin",
    type=click.Choice(("live", "import", "simulated")),
    default="live",
    show_default=True,
    help="Which sessions a new draw is from.",
)
@period_options("that ended")
@click.option(
    "--limit", "wanted", type=click.IntRange(1, 5000), default=20, show_default=True, help="Sessions to draw."
)
@click.option(
    "--random-share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.3,
    show_default=True,
    help="The part that is drawn evenly from all; the rest by worth.",
)
@click.option("--new", is_flag=True, help="Draw anew, even if a draw is not finished.")
@click.option(
    "--rubric",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rubrics, or a suite's folder. Default: a general one.",
)
@click.option("--as", "given_by", metavar="NAME", help="Who labels. Default: the system's user.")
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="FILE", help="Import labels, JSON lines; - is stdin."
)
@json_option("JSON lines: the queue, or what was imported; nothing is asked")
@clickhouse_option
@home_option
def label(
    *,
    tenant: str,
    agent: str,
    rubric: Path | None,
    given_by: str | None,
    source: Path | None,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
    **wish: Any,
) -> None:
    """Label sessions, in the terminal, one key for each answer.

    Sessions come in an order in which those from which a label teaches most come first, graders' disagreements and
    grave findings among them, and all others have a chance too. Stop whenever you like: what was labelled until then is
    a fair sample, each with the probability with which it was drawn, and `evals scores` corrects its means by it. The
    next run goes on where this one stopped.

    --since and --until bound a new draw. Default: the last 7 days.
    """
    who = given_by or operator_name()
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        desk = _Desk(
            LabelRecords(store), InteractionReader(store), load_rubrics(rubric) if rubric else (GENERAL,), tenant, who
        )
        if source is not None:
            _import(desk, store, source, as_json=as_json)
            return
        queue = _queue(desk, agent, **wish)
        if as_json:
            print_json_lines(_documents(queue))
        else:
            _label(desk, queue)


def _queue(
    desk: _Desk,
    agent: str,
    *,
    origin: str,
    since: datetime | None,
    until: datetime | None,
    wanted: int,
    random_share: float,
    new: bool,
) -> Queue:
    now = datetime.now(UTC)
    about = About(desk.tenant, agent, since or now - _RECENT, until or now)
    found = None if new else under_way(desk.records, about, now)
    if found is not None:
        return found
    return drawn_anew(desk.records, desk.reader, about, Wish(origin, wanted, random_share, desk.who), now)


def _documents(queue: Queue) -> Iterator[dict[str, Any]]:
    for row in queue.rows:
        yield {
            **row.model_dump(mode="json", exclude={"priority", "next_priority", "drawn_by"}),
            "inclusion": inclusion_of(row.size, queue.rows[-1].next_priority),
            "labelled": row.session_id in queue.handled,
        }


def _label(desk: _Desk, queue: Queue) -> None:
    console = make_console()
    left = queue.left
    done = len(queue.rows) - len(left)
    for index, row in enumerate(left):
        # Across a pipe a rule has no end.
        show = console.rule if console.is_terminal else console.print
        show(f"{done + index + 1} of {len(queue.rows)}")
        try:
            kept = _one(desk, row, console)
        except StoppedError:
            click.echo(
                f"\nstopped: {formats.plural(len(left) - index, 'session')} of this draw left; run again to go on"
            )
            return
        desk.records.keep_labels([kept])
        click.echo("skipped" if kept.skipped else f"kept: {'good enough' if kept.passed else 'not good enough'}")
    click.echo("this draw is done; `watchkeeper evals scores` counts its labels")


def _one(desk: _Desk, row: DrawRow, console: Any) -> LabelRow:
    found = desk.reader.by_ids(desk.tenant, [row.session_id])
    if not found:
        click.echo(f"session {row.session_id} is stored no longer: skipped")
        return _row(desk, row, None, None, None)
    interaction = found[0]
    rubric = rubric_for(desk.rubrics, interaction.intent)
    if rubric is None:
        raise ConfigurationError(f"no rubric is for the intent {interaction.intent!r}: add one for it, or one for `*`")
    try:
        given = Asking(console, interaction, rubric).ask()
    except SkippedError:
        given = None
    return _row(desk, row, interaction, rubric, given)


def _row(
    desk: _Desk, row: DrawRow, interaction: Interaction | None, rubric: Rubric | None, given: Given | None
) -> LabelRow:
    known = session_fields(interaction) if interaction else {"agent_id": row.agent_id, "occurred_at": row.since}
    said: dict[str, Any] = {"skipped": True}
    if given is not None:
        said = {
            "passed": given.passed,
            "value": given.tally.value,
            "criteria": given.tally.criteria,
            "note": given.note,
        }
    return LabelRow(
        tenant_id=desk.tenant,
        label_id=uuid7(),
        session_id=row.session_id,
        way="terminal",
        rubric=reference_of(rubric) if rubric else "",
        given_by=desk.who,
        given_at=datetime.now(UTC),
        draw_id=row.draw_id,
        **known,
        **said,
    )


def _import(desk: _Desk, store: ReadStore, source: Path, *, as_json: bool) -> None:
    """All lines are read, and all sessions looked up, before the first label is kept."""
    text = sys.stdin.read() if str(source) == "-" else _text(source)
    found = read_text(text, str(source))
    if not found:
        raise ConfigurationError(f"{source}: holds no label: write one JSON object a line")
    known = known_sessions(store, [(one.tenant_id or desk.tenant, one.session_id) for _, one in found])
    now, rows = datetime.now(UTC), []
    for number, one in found:
        fields = known.get((one.tenant_id or desk.tenant, one.session_id))
        if fields is None:
            raise NotFoundError(
                f"{source}:{number}: no session {one.session_id} of that tenant is stored: give --tenant"
            )
        rows.append(label_row(one, tenant=desk.tenant, given_by=desk.who, now=now, session=fields))
    desk.records.keep_labels(rows)
    if as_json:
        print_json_lines(row.model_dump(mode="json") for row in rows)
        return
    blind = sum(row.inclusion is None for row in rows)
    click.echo(f"{formats.plural(len(rows), 'label')} imported")
    if blind:
        click.echo(
            f"{blind} without `inclusion`: unless `evals label` drew their sessions, they count for agreement, and not "
            "for estimates"
        )


def _text(source: Path) -> str:
    try:
        return source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{source}: cannot be read ({error})") from error
