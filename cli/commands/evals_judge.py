"""`watchkeeper evals judge`: how far a judge can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.addresses import clickhouse_dsn, data_directory
from watchkeeper.cli.command import command
from watchkeeper.cli.exit_codes import ExitCode, NotFoundError
from watchkeeper.cli.labels.judged import Judging, labels_from, length_of
from watchkeeper.cli.options import clickhouse_option, home_option, json_option, period_options
from watchkeeper.cli.output import Column, make_console, print_json, print_table
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.evals.judging.agreement import Agreement
from watchkeeper.evals.judging.bias import Bias
from watchkeeper.evals.judging.pairwise import Comparison
from watchkeeper.evals.judging.report import WHOLE, Report, judge_report
from watchkeeper.evals.judging.settings import load_judge
from watchkeeper.evals.labelling.records import About, Labelled, LabelRecords, together
from watchkeeper.evals.labelling.rubrics import GENERAL, load_rubrics
from watchkeeper.evals.reading.reader import InteractionReader
from watchkeeper.schemas.scores import Score

_RECENT: Final = timedelta(days=90)
_COLUMNS: Final = (
    Column("about"),
    Column("intent", place="below"),
    Column("labels", "right"),
    Column("agree", "right"),
    Column("kappa", "right"),
    Column("95 % interval", "right"),
    Column("reads", place="text"),
)
_BIASES: Final = (
    Column("bias"),
    Column("value", "right"),
    Column("95 % interval", "right"),
    Column("sessions", "right"),
    Column("reads", place="text"),
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line asks."""

    judge: str
    labels: Path | None
    rubric: Path | None
    tenant: str
    agent: str
    family: str
    pairs: int
    cap: float | None
    since: datetime
    until: datetime
    home: Path | None


@command(
    "judge",
    examples=(
        ("the judge whose scores are stored, by the labels that are", "watchkeeper evals judge --judge llm_judge"),
        (
            "a judge that has scored nothing yet, on a file of labels",
            "watchkeeper evals judge --judge judge.yaml --labels labels.jsonl --rubric suites/refunds",
        ),
        (
            "with pairs for its bias of place, failing below a kappa",
            "watchkeeper evals judge --judge judge.yaml --pairs 50 --min-kappa 0.4",
        ),
    ),
)
@click.option(
    "--judge", required=True, metavar="NAME|FILE", help="A grader whose scores are stored, or a judge's file."
)
@click.option("--labels", type=click.Path(path_type=Path), metavar="FILE", help="Labels. Default: those in the store.")
@click.option(
    "--rubric", type=click.Path(path_type=Path), metavar="FILE", help="By which a judge's file judges, or a suite."
)
@click.option("--tenant", metavar="NAME", default="default", show_default=True, help="Whose sessions.")
@click.option("--agent", metavar="NAME", default="", help="Only this agent's.")
@click.option("--family", metavar="NAME", default="", help="Who made the judge's model. Default: as its file says.")
@click.option("--pairs", type=click.IntRange(0, 10_000), default=0, show_default=True, help="Pairs to compare.")
@click.option(
    "--cap", type=click.FloatRange(0), metavar="USD", help="What judging may cost. Default: as the file says."
)
@click.option(
    "--half-width",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.05,
    show_default=True,
    help="Say how many labels an interval of that half width needs.",
)
@click.option("--min-kappa", type=click.FloatRange(-1, 1), help="Exit with 1 where kappa may be lower.")
@period_options("that ended")
@json_option("One JSON document")
@clickhouse_option
@home_option
def judge(
    *,
    since: datetime | None,
    until: datetime | None,
    half_width: float,
    min_kappa: float | None,
    as_json: bool,
    clickhouse: str | None,
    home: Path | None,
    **asked: Any,
) -> int:
    """Judge a judge by people's labels: agreement beyond chance, biases, and how many labels more would tell.

    A judge's file is asked about the labelled sessions; its answers are kept, and not asked for twice. For a grader by
    name the scores in the store are taken. --since and --until: when sessions ended. Default: the last 90 days.
    """
    now = datetime.now(UTC)
    wish = _Asked(since=since or now - _RECENT, until=until or now, home=home, **asked)
    with open_store(clickhouse_dsn(clickhouse, home)) as store:
        report, spent = _report(wish, store, half_width)
    enough = min_kappa is None or (report.whole is not None and report.whole.low >= min_kappa)
    if as_json:
        print_json({**report.document(), "cost_usd": spent, "min_kappa": min_kappa, "enough": enough})
    else:
        _print(make_console(), report, spent)
        if not enough:
            click.echo(f"kappa may be below {min_kappa:g}: label more sessions, mend the rubric, or take another judge")
    return ExitCode.OK if enough else ExitCode.FAILED


def _report(wish: _Asked, store: ReadStore, half_width: float) -> tuple[Report, float | None]:
    records, about = LabelRecords(store), About(wish.tenant, wish.agent, wish.since, wish.until)
    labelled = _labelled(wish, records, about)
    interactions = InteractionReader(store).by_ids(wish.tenant, [one.session_id for one in labelled])
    path = Path(wish.judge)
    family, compared, spent = wish.family, list[Comparison](), None
    if path.suffix in {".yaml", ".yml"} or path.is_file():
        settings = load_judge(path)
        if wish.cap is not None:
            settings = type(settings).model_validate(settings.model_dump() | {"cap_usd": wish.cap})
        rubrics = load_rubrics(wish.rubric) if wish.rubric else (GENERAL,)
        judging = Judging(settings, rubrics, data_directory(wish.home) / "judging")
        family = family or settings.made_by
        scores, compared, spent = judging.run(interactions, wish.pairs)
    else:
        scores = _stored(records, about, wish.judge)
    lengths = {(one.tenant_id, one.interaction_id): length_of(one) for one in interactions}
    return judge_report(
        scores, labelled, lengths=lengths, family=family or "unknown", compared=compared, half_width=half_width
    ), spent


def _labelled(wish: _Asked, records: LabelRecords, about: About) -> list[Labelled]:
    if wish.labels is not None:
        return labels_from(wish.labels, wish.tenant)
    found = together(records.labels(about), records.draws(about))
    if not found:
        raise NotFoundError(
            "nobody has labelled a session of that tenant and time: watchkeeper evals label, or give --labels FILE"
        )
    return found


def _stored(records: LabelRecords, about: About, name: str) -> list[Score]:
    scores = records.scores(about, grader=name)
    if not scores:
        known = sorted({score.grader.partition("@")[0] for score in records.scores(about)})
        raise NotFoundError(f"no scores of a grader {name} in that time: there are {', '.join(known) or 'none at all'}")
    return scores


def _print(console: Console, report: Report, spent: float | None) -> None:
    told = f"{report.grader}: {formats.plural(report.labels, 'labelled session')}"
    console.print(Text(told, "bold"))
    if report.failures or report.unjudged:
        console.print(
            Text(f"left out: {report.failures} that it failed to judge, {report.unjudged} without a score", "dim")
        )
    console.print()
    rows = [_row(one.about, one.intent, one.agreement) for one in report.agreed]
    print_table(console, _COLUMNS, rows)
    whole = report.whole
    if whole is not None:
        console.print()
        for line in _table(whole):
            console.print(line)
    console.print()
    print_table(console, _BIASES, [_bias(one) for one in report.biases])
    console.print()
    for line in _closing(report, spent):
        console.print(Text(line, "dim"))


def _row(about: str, intent: str, found: Agreement) -> list[str]:
    return [
        "whole session" if about == WHOLE else about,
        intent or "all",
        formats.count(found.labels),
        f"{found.observed:.1%}",
        "-" if found.kappa is None else f"{found.kappa:.2f}",
        f"{found.low:.2f} to {found.high:.2f}",
        found.words,
    ]


def _table(found: Agreement) -> Iterator[str]:
    """The verdicts of both, in words."""
    # Rows are the judge's, columns people's.
    (both_fail, people_alone), (judge_alone, both_pass) = found.table
    alone = f"the judge alone passes {judge_alone}, people alone {people_alone}"
    yield f"both pass {both_pass}, both fail {both_fail}; {alone}"


def _bias(one: Bias) -> list[str]:
    known = one.value is not None and one.low is not None and one.high is not None
    return [
        one.kind.replace("_", " "),
        f"{one.value:+.3f}" if known else "-",
        f"{one.low:+.3f} to {one.high:+.3f}" if known else "-",
        formats.count(one.sessions),
        f"{one.told} ({one.meaning})",
    ]


def _closing(report: Report, spent: float | None) -> Iterator[str]:
    if report.labels_for_kappa is not None:
        yield f"kappa to ± {report.half_width:g} needs about {formats.count(report.labels_for_kappa)} labels"
    if report.labels_for_mean is not None:
        yield f"a corrected mean to ± {report.half_width:g} needs about {formats.count(report.labels_for_mean)} labels"
    if report.corrected is not None:
        found = report.corrected
        yield f"good enough by judge and labels together: {found.value:.1%} ({found.low:.1%} to {found.high:.1%})"
    if spent is not None:
        yield f"judging cost {formats.money(spent)}"
