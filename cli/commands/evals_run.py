"""`watchkeeper evals run`: the gate of pull requests."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from watchkeeper.cli import gate_report
from watchkeeper.cli.addresses import data_directory, kafka_bootstrap
from watchkeeper.cli.command import command, complain
from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.options import home_option, json_option, kafka_option
from watchkeeper.cli.output import print_json
from watchkeeper.cli.score_sending import ScorePublisher
from watchkeeper.evals.gate.answers import Identity
from watchkeeper.evals.gate.attempts import Attempt
from watchkeeper.evals.gate.candidates import EndpointOptions
from watchkeeper.evals.gate.decision import Settings
from watchkeeper.evals.gate.folder import JUNIT, MARKDOWN, PRINTED, RunFolder
from watchkeeper.evals.gate.graders import gate_graders
from watchkeeper.evals.gate.running import Done, Plan
from watchkeeper.evals.gate.whole_run import Made, Request, make_run
from watchkeeper.evals.suites.files import open_suite
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.schemas.ids import uuid7

F = TypeVar("F", bound=Callable[..., Any])

CODES: Final = {"pass": ExitCode.OK, "fall": ExitCode.WORSE, "undecided": ExitCode.UNDECIDED}


def _running(function: F) -> F:
    for option in (
        click.option("--seed", type=int, default=0, show_default=True, help="Of the order and of what is drawn."),
        click.option(
            "--retries",
            type=click.IntRange(0, 20),
            default=2,
            show_default=True,
            help="Further tries after refused connections, time-outs of endpoints, 429 and 5xx.",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(0, 3600, min_open=True),
            default=120.0,
            show_default=True,
            metavar="SECONDS",
            help="For one answer.",
        ),
        click.option(
            "--concurrency", type=click.IntRange(1, 256), default=4, show_default=True, help="Questions out at once."
        ),
        click.option(
            "--repeats", type=click.IntRange(1, 50), default=1, show_default=True, help="How often each case is done."
        ),
        click.option("--body", metavar="JSON", default="{}", help="Further fields of requests to endpoints."),
        click.option(
            "--key-variable", metavar="NAME", default="OPENAI_API_KEY", help="The variable that holds endpoints' key."
        ),
    ):
        function = option(function)
    return function


def _deciding(function: F) -> F:
    for option in (
        click.option(
            "--max-broken",
            type=click.IntRange(0),
            metavar="N",
            help="Block where more cases newly fail one must-pass criterion. Default: what is significant.",
        ),
        click.option(
            "--max-failures",
            type=click.FloatRange(0, 100, max_open=True),
            default=5.0,
            show_default=True,
            metavar="PERCENT",
            help="Of more cases without a comparison nothing is decided.",
        ),
        click.option(
            "--margin",
            type=click.FloatRange(0, 100, min_open=True, max_open=True),
            default=10.0,
            show_default=True,
            metavar="POINTS",
            help="The fall that a pass excludes.",
        ),
    ):
        function = option(function)
    return function


def _keeping(function: F) -> F:
    for option in (
        json_option("One JSON document"),
        home_option,
        kafka_option,
        click.option("--publish", is_flag=True, help="Publish the scores on `agent.scores` too."),
        click.option("--agent-version", metavar="NAME", default="", help="The candidate's, where answers do not say."),
        click.option("--agent", metavar="NAME", default="", help="Whose answers they are. Default: the suite's agent."),
        click.option("--tenant", metavar="NAME", default="default", show_default=True, help="Whose scores they are."),
        click.option("--markdown", type=_file(), metavar="FILE", help="Append the summary for a pull request to it."),
        click.option("--junit", "junit_file", type=_file(), metavar="FILE", help="Write JUnit XML to it as well."),
        click.option("--resume", is_flag=True, help="Go on with the run in --out, which was broken off."),
        click.option(
            "--out",
            type=click.Path(file_okay=False, path_type=Path),
            metavar="DIR",
            help="Where the run is kept. Default: evals/runs/ID in the data directory.",
        ),
    ):
        function = option(function)
    return function


def _file() -> click.Path:
    return click.Path(dir_okay=False, writable=True, path_type=Path)


@command(
    "run",
    examples=(
        (
            "a changed agent against production, as it was recorded",
            "watchkeeper evals run --suite refunds --candidate shop.agent:answer --baseline recorded",
        ),
        (
            "keep a run of the main branch, and compare a pull request with it",
            "watchkeeper evals run --suite refunds --candidate shop.agent:answer --out main-run",
        ),
        (
            "a model behind an endpoint, each case three times",
            "watchkeeper evals run --suite refunds@3 --candidate https://a.example/v1#new --baseline main --repeats 3",
        ),
    ),
)
@click.option(
    "--suite", "suite_name", required=True, metavar="NAME", help="The suite: NAME, NAME@VERSION, or its folder."
)
@click.option(
    "--suites",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("suites"),
    show_default=True,
    metavar="DIR",
    help="Where named suites stand.",
)
@click.option(
    "--candidate", required=True, metavar="WHAT", help="module:function, URL#model, .jsonl, recorded, or a run."
)
@click.option("--baseline", default="", metavar="WHAT", help="The same. Without it the run is only kept.")
@click.option(
    "--grader", "graders", multiple=True, metavar="NAME", help="May be repeated. Default: the suite's rubrics."
)
@click.option("--judge", type=_file(), metavar="FILE", help="The judge of criteria that name no grader.")
@_running
@_deciding
@_keeping
def run(
    *,
    suite_name: str,
    suites: Path,
    candidate: str,
    baseline: str,
    graders: tuple[str, ...],
    judge: Path | None,
    as_json: bool,
    out: Path | None,
    resume: bool,
    home: Path | None,
    junit_file: Path | None,
    markdown: Path | None,
    publish: bool,
    kafka: str | None,
    **given: Any,
) -> int:
    """Compare a candidate with a baseline on a suite, and fail where it is worse.

    Exits with 0 where the candidate passes, with 4 where it is significantly worse, and with 5 where that cannot be
    said: too few cases, too many failures. What a pass excludes, and the smallest fall that the suite can see, is
    always told. docs/evals/gate.md says how it is decided.
    """
    if resume and out is None:
        raise click.UsageError("--resume goes on with a run that was kept: name it by --out")
    suite = open_suite(suite_name, suites)
    if suite.state != "frozen":
        complain(f"{suite.name}@{suite.version} is not as it was frozen: the run is of {suite.reference}")
    # Before hundreds of questions are paid for, not after.
    publisher = ScorePublisher(kafka_bootstrap(kafka, home)) if publish else None
    request = _request(suite, candidate, baseline, given)
    wanted = gate_graders(suite, graders, judge, home=data_directory(home))
    gate_report.warn_of_size(request)
    folder = RunFolder(out or data_directory(home) / "evals" / "runs" / request.plan.run_id)
    if resume:
        request = replace(request, plan=replace(request.plan, run_id=folder.resume(request.identity())))
    else:
        folder.begin(request.identity())
    # Agents print; what this command says must stay readable by a script.
    with (
        _progress(request) as done,
        (folder.path / PRINTED).open("a", encoding="utf-8") as printed,
        contextlib.redirect_stdout(printed),
    ):
        made = make_run(request, wanted, folder, done=done)
    _write(made, junit_file, markdown)
    if as_json:
        print_json(made.summary | {"kept_in": str(folder.path)})
    else:
        gate_report.show(made, folder.path)
    if publisher is not None:
        publisher.publish([score for side in made.asked for one in made.attempts[side] for score in one.scores])
    return int(CODES[made.comparison.decision.outcome] if made.comparison else ExitCode.OK)


def _request(suite: Suite, candidate: str, baseline: str, given: dict[str, Any]) -> Request:
    agent = given["agent"] or suite.agent
    ours = Identity(tenant_id=given["tenant"], agent_id=agent, agent_version=given["agent_version"])
    return Request(
        suite=suite,
        candidate=candidate,
        baseline=baseline,
        plan=Plan(
            run_id=uuid7(),
            suite=suite.reference,
            repeats=given["repeats"],
            concurrency=given["concurrency"],
            timeout_s=given["timeout"],
            retries=given["retries"],
            seed=given["seed"],
        ),
        settings=Settings(
            margin=given["margin"] / 100,
            max_failures=given["max_failures"] / 100,
            max_broken=given["max_broken"],
            seed=given["seed"],
        ),
        endpoint=EndpointOptions(key=os.environ.get(given["key_variable"], ""), body=_body(given["body"])),
        whose={"candidate": ours, "baseline": Identity(tenant_id=given["tenant"], agent_id=agent)},
    )


def _body(text: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"{error}", param_hint="--body") from error
    if not isinstance(found, dict):
        raise click.BadParameter('give a JSON object: {"temperature": 0}', param_hint="--body")
    return found


@contextmanager
def _progress(request: Request) -> Iterator[Done]:
    """Progress on stderr, where that is a terminal; a candidate that fails is told at once, the first time."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    each = len(request.suite.cases) * request.plan.repeats
    told: set[str] = set()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, Any] = {}

        def done(side: str, attempt: Attempt) -> None:
            if side not in tasks:
                tasks[side] = progress.add_task(side, total=each)
            progress.advance(tasks[side])
            if attempt.trouble is not None and side not in told:
                told.add(side)
                complain(f"the {side} gave no answer to case {attempt.case_id}: {attempt.trouble.text}")

        yield done


def _write(made: Made, junit_file: Path | None, markdown_file: Path | None) -> None:
    if made.comparison is None:
        asked: Sequence[Path] = [path for path in (junit_file, markdown_file) if path is not None]
        if asked:
            complain(f"{asked[0]} is not written: without --baseline there is no comparison to tell")
        return
    if junit_file is not None:
        junit_file.write_text(made.texts[JUNIT], encoding="utf-8")
    if markdown_file is not None:
        with markdown_file.open("a", encoding="utf-8") as file:
            file.write(made.texts[MARKDOWN])
