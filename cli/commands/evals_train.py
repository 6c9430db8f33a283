"""`watchkeeper evals train`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from watchkeeper.cli.addresses import clickhouse_dsn
from watchkeeper.cli.command import command, complain
from watchkeeper.cli.exit_codes import NotFoundError
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, period_options
from watchkeeper.cli.output import print_json
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.evals.grading.statistical.labelled import (
    DEFAULT_GOOD_FROM,
    Label,
    Matched,
    by_labels,
    by_outcome,
    read_labels,
    read_recordings,
)
from watchkeeper.evals.grading.statistical.model_card import is_no_better_than_chance, model_card
from watchkeeper.evals.grading.statistical.model_file import write_model
from watchkeeper.evals.grading.statistical.training import Progress as Told
from watchkeeper.evals.grading.statistical.training import Trained
from watchkeeper.evals.grading.statistical.training import train as train_model
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.labelling.records import About, LabelRecords, together
from watchkeeper.evals.reading.reader import InteractionReader
from watchkeeper.schemas.errors import ConfigurationError

PERIOD: Final = timedelta(days=30)
HALF: Final = 0.5
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@command(
    "train",
    examples=(
        (
            "on what people labelled by `evals label`",
            "watchkeeper evals train --agent support --out support.model.json",
        ),
        ("on labels of a file", "watchkeeper evals train --labels labels.jsonl --out support.model.json"),
        (
            "on what became of stored sessions",
            "watchkeeper evals train --agent support --outcome csat --good-from 4 --out support.model.json",
        ),
        (
            "on recorded sessions with labels",
            "watchkeeper evals train --recording runs.jsonl --outcome reward --group-by task_id --out runs.model.json",
        ),
    ),
)
@click.option(
    "--labels",
    type=_FILE,
    metavar="FILE",
    help='Labels, one a line: {"session_id": "…", "passed": true, "group": "customer-7"}.',
)
@click.option("--outcome", metavar="NAME", help="Labels are this outcome of the sessions.")
@click.option(
    "--good-from",
    type=float,
    default=DEFAULT_GOOD_FROM,
    show_default=True,
    metavar="X",
    help="From which number on a value or an outcome is good.",
)
@click.option(
    "--group-by",
    metavar="NAMES",
    default="",
    help="Outcomes that tell the task or customer, which no fold divides. Default: what was asked first.",
)
@click.option(
    "--recording", "recordings", type=_FILE, multiple=True, metavar="FILE", help="Sessions are those of FILE."
)
@click.option("--agent", metavar="NAME", default="", help="Of stored sessions, only this agent's.")
@click.option("--tenant", metavar="NAME", default="default", show_default=True, help="Whose stored sessions.")
@period_options("that ended")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="The model."
)
@json_option("What was trained")
@clickhouse_option
@home_option
def train(
    *,
    labels: Path | None,
    outcome: str | None,
    good_from: float,
    group_by: str,
    recordings: Sequence[Path],
    agent: str,
    tenant: str,
    since: datetime | None,
    until: datetime | None,
    out: Path,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
) -> None:
    """Train the statistical grader on labelled sessions: how likely is a session good?

    Labels are those that people gave by `evals label` to sessions of --agent that ended since --since (default: the
    last 30 days), unless --labels or --outcome name others. Writes the model, and beside it a card (FILE.md): how good
    it is on sessions it has not seen, with intervals. Grade with it as `statistical:model=FILE`.
    """
    _refuse_unclear(labels, outcome, recordings, agent)
    said = None if labels is None else read_labels(labels)
    if recordings:
        sessions: Sequence[Interaction] = read_recordings(recordings, tenant)
    else:
        with open_store(clickhouse_dsn(clickhouse, home)) as store:
            end = until or datetime.now(UTC)
            about = About(tenant, agent, since or end - PERIOD, end)
            if said is None and outcome is None:
                said = _given(store, about)
            sessions = _stored(InteractionReader(store), said, about)
    matched = _matched(said, sessions, outcome or "", good_from, group_by)
    _tell_gaps(matched)
    target = f"{outcome} from {good_from:g}" if outcome else f"labels of {labels.name if labels else 'people'}"
    with _progress() as told:
        trained = train_model(matched.sessions, target=target, trained_at=datetime.now(UTC), progress=told)
    _write(trained, out, as_json=as_json)


def _refuse_unclear(labels: Path | None, outcome: str | None, recordings: Sequence[Path], agent: str) -> None:
    if labels is not None and outcome is not None:
        raise click.UsageError("give --labels FILE or --outcome NAME, one of them")
    if labels is None and recordings and outcome is None:
        raise click.UsageError("--recording needs labels: give --labels FILE or --outcome NAME")
    if labels is None and not recordings and not agent:
        raise click.UsageError("whose sessions? Give --agent NAME, or --labels FILE, or --recording FILE")


def _given(store: ReadStore, about: About) -> list[Label]:
    """What people said of stored sessions: each person's latest label, of several people what at least half say."""
    together_said = together(LabelRecords(store).labels(about))
    if not together_said:
        raise NotFoundError(
            f"nobody has labelled a session of {about.agent} of tenant {about.tenant} in that time: watchkeeper evals "
            "label, or look further back with --since, or give --labels FILE or --outcome NAME"
        )
    return [
        Label(
            session_id=one.session_id,
            tenant_id=one.tenant_id,
            passed=None if one.passed is None else one.passed >= HALF,
            value=one.value,
        )
        for one in together_said
    ]


def _stored(reader: InteractionReader, said: list[Label] | None, about: About) -> list[Interaction]:
    tenant, agent = about.tenant, about.agent
    if said is None:
        refs = reader.ended_between(tenant, about.since, about.until, agent=agent)
        return reader.by_ids(tenant, [ref.session_id for ref in refs])
    wanted: dict[str, list[str]] = {}
    for label in said:
        wanted.setdefault(label.tenant_id or tenant, []).append(label.session_id)
    found = [one for whose, ids in wanted.items() for one in reader.by_ids(whose, ids)]
    return [one for one in found if not agent or one.agent_id == agent]


def _matched(
    said: list[Label] | None, sessions: Sequence[Interaction], outcome: str, good_from: float, group_by: str
) -> Matched:
    if not sessions:
        raise ConfigurationError("no session was found: name others by --labels, --recording, --agent or --since")
    if said is None:
        return by_outcome(sessions, outcome, good_from, group_by)
    return by_labels(said, sessions, good_from)


def _tell_gaps(matched: Matched) -> None:
    if matched.missing:
        complain(f"{matched.missing} labelled sessions were not found: they are left out")
    if matched.silent:
        complain(f"{matched.silent} sessions have no label of this kind: they are left out")


def _write(trained: Trained, out: Path, *, as_json: bool) -> None:
    digest = write_model(trained.model, out)
    card = out.with_name(f"{out.name}.md")
    card.write_text(model_card(trained, out.name, digest), encoding="utf-8", newline="\n")
    chance = is_no_better_than_chance(trained.model)
    if as_json:
        print_json(_document(trained, out, card, digest, better=not chance))
    else:
        model = trained.model
        click.echo(f"{model.sessions} sessions ({model.good} good) of {model.groups} groups: {model.chosen}")
        for one in model.measures:
            if one.value is not None:
                click.echo(f"  {one.name:<18} {one.value:6.3f}  [{one.low:.3f} to {one.high:.3f}]  {one.says}")
        click.echo(f"wrote {out} and {card}; grade with it: --grader statistical:model={out}")
    if chance:
        complain("the model is not better than chance on sessions it has not seen: do not use it; label more")


def _document(trained: Trained, out: Path, card: Path, digest: str, *, better: bool) -> dict[str, Any]:
    kept = {"features", "target", "trained_at", "agents", "sessions", "good", "groups", "chosen", "measures"}
    return {
        **trained.model.model_dump(mode="json", include=kept),
        "model": str(out),
        "card": str(card),
        "sha256": digest,
        "better_than_chance": better,
        "candidates": trained.candidates,
    }


@contextmanager
def _progress() -> Iterator[Told]:
    """Progress on stderr, where that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("training", total=None)

        def told(done: int, steps: int, what: str) -> None:
            shown.update(task, completed=done, total=steps, description=what)

        yield told
