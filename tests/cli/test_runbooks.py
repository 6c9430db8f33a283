"""What the runbooks name exists: commands with their options, queries, figures, variables, reasons, workers' words."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from clickhouse_connect.driver import Client

from watchkeeper.cli.alerts import telling
from watchkeeper.cli.alerts.watch import RouterWatch
from watchkeeper.cli.commands import status_look
from watchkeeper.cli.root import watchkeeper
from watchkeeper.cli.stack.settings import KNOWN_VARIABLES
from watchkeeper.dashboards.alerting.totals import Totals
from watchkeeper.schemas.failure_modes import FailureMode
from watchkeeper.schemas.losses import TOLD_LOSSES
from watchkeeper.stream_processors.watching import liveness
from watchkeeper.stream_processors.watching.names import METRICS, REASONS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(path.name for path in FOLDER.glob("*.md"))
ROUTER_FIGURES = {
    f"{family.name}_total" if family.type == "counter" else family.name for family in RouterWatch(Totals()).collect()
}
OURS = ("stalled-worker.md", "lost-events.md", "dead-letters.md", "store-away.md", "undelivered-alerts.md")


def text(page: str) -> str:
    return (FOLDER / page).read_text()


def command_lines() -> list[tuple[str, str]]:
    return [(page, line) for page in PAGES for line in re.findall(r"^ {4}(watchkeeper .*)$", text(page), re.MULTILINE)]


def understand(found: click.Command, words: list[str]) -> None:
    """Parses a command line as far as the command itself, without running it."""
    with found.make_context(found.name, words) as context:
        if isinstance(found, click.Group):
            _, below, rest = found.resolve_command(context, [*context._protected_args, *context.args])
            assert below is not None
            understand(below, rest)


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_a_command_is_understood(page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert page
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letter.json").touch()
    # `PLACE` stands for what `dead-letters list` prints.
    words = ["agent.events/3/17/0" if word == "PLACE" else word for word in shlex.split(line, comments=True)]
    understand(watchkeeper, words[1:])


def queries() -> list[tuple[str, str]]:
    """Each query of a page: indented lines, the first of which begins with SELECT or WITH."""
    block = re.compile(r"^ {4}(?:SELECT|WITH)\b.*(?:\n {4}.*)*", re.MULTILINE)
    return [(page, query.strip()) for page in PAGES for query in block.findall(text(page))]


def names_in(document: Any) -> set[str]:
    """All names of properties in a JSON Schema."""
    if isinstance(document, list):
        return set().union(*map(names_in, document))
    if not isinstance(document, dict):
        return set()
    own = set(document.get("properties", ()))
    return own.union(*(names_in(value) for value in document.values()))


def test_every_page_of_a_failure_mode_has_a_query_or_a_command() -> None:
    told = {page for page, _ in (*queries(), *command_lines())}
    assert {f"{mode}.md" for mode in get_args(FailureMode)} & set(PAGES) <= told


@pytest.mark.parametrize(("page", "query"), queries())
def test_a_query_runs_and_names_what_evidence_holds(page: str, query: str, client: Client) -> None:
    assert page
    client.query(query.removesuffix(";"))
    known = names_in(json.loads((ROOT / "schemas" / "json" / "finding.v1.json").read_text()))
    for path in re.findall(r"JSONExtract\w*\(evidence((?:, *'[^']+')+)", query):
        assert set(re.findall(r"'([^']+)'", path)) <= known, path


@pytest.mark.parametrize("page", PAGES)
def test_figures_variables_and_pages_that_are_named_exist(page: str) -> None:
    told = text(page)
    figures = set(re.findall(r"\b(watchkeeper_[a-z_]+)\b", told))
    assert figures <= set(METRICS) | ROUTER_FIGURES
    assert set(re.findall(r"WATCHKEEPER_[A-Z_]*[A-Z]", told)) <= set(KNOWN_VARIABLES)
    for path in re.findall(r"`(docs/[\w./-]+\.md)`", told):
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("page", OURS)
def test_a_page_says_what_one_sees_what_to_do_and_what_to_alert_on(page: str) -> None:
    told = text(page)
    for part in ("**What one sees.**", "**What to do.**", "**Alert on.**"):
        assert part in told
    assert page in text("README.md")


def table_of(page: str, column: str) -> set[str]:
    """What stands in backquotes in the first column of the table that begins with `column`."""
    table = text(page).partition(f"| {column} |")[2].partition("\n\n")[0]
    return {name for line in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", line.split("|")[1])}


def test_every_reason_has_its_line() -> None:
    assert table_of("lost-events.md", "reason") == set(TOLD_LOSSES)
    assert table_of("dead-letters.md", "reason") == set(REASONS["watchkeeper_dead_letters_total"])


def test_what_a_stalled_worker_says_is_what_it_says() -> None:
    source = Path(liveness.__file__).read_text()
    for said in table_of("stalled-worker.md", "it says"):
        for words in said.split(" … "):
            assert words in source, words


def test_the_pages_that_status_names_exist() -> None:
    sources = (Path(str(module.__file__)).read_text() for module in (status_look, telling))
    named = {page for source in sources for page in re.findall(r'"(docs/runbooks/[^"]+)"', source)}
    assert named == {f"docs/runbooks/{page}" for page in OURS}
