"""`watchkeeper evals suite`: on sessions of the simulated fleet, through broker, worker and store."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.root import watchkeeper
from watchkeeper.cli.stack.testing import running_stack
from watchkeeper.cli.store import open_store
from watchkeeper.evals.suites.files import open_suite, read_suite

AGENT = "librarian"
PLAY = Path(__file__).parents[1] / "evals" / "reading" / "fleet_play.py"
SCENARIOS = ("everyday-question", "unknown-tool-misspelt", "pagination", "loop-near-identical", "everyday-refund")


@pytest.fixture(scope="module")
def fleet() -> Iterator[dict[str, str]]:
    """The variables of a stack that holds sessions of the fleet, with its tenant as `TENANT`."""
    name = "watchkeeper_evals_fleet_play"
    spec = importlib.util.spec_from_file_location(name, PLAY)
    assert spec is not None
    assert spec.loader is not None
    fleet_play = sys.modules.setdefault(name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(fleet_play)
    with running_stack() as environment, open_store(environment["WATCHKEEPER_CLICKHOUSE_DSN"]) as store:
        played = fleet_play.play(
            environment["WATCHKEEPER_KAFKA_BOOTSTRAP"], store, SCENARIOS, sessions=40, outcome=lambda _: 5.0
        )
        yield {**environment, "TENANT": played.tenant}


@pytest.fixture
def run(fleet: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs `watchkeeper evals suite` in a directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATCHKEEPER_DEBUG", raising=False)
    return lambda *words: CliRunner().invoke(watchkeeper, ("evals", "suite", *words), env=fleet)


def drawn(run: Callable[..., Result], fleet: dict[str, str], *words: str) -> Any:
    ended = run(
        *("create", "books", "--agent", AGENT, "--tenant", fleet["TENANT"], "--origin", "simulated"),
        *("--since", "1d", "--json", *words),
    )
    assert ended.exit_code == 0, ended.output
    return orjson.loads(ended.stdout)


def test_a_suite_is_drawn_shown_and_read(run: Callable[..., Result], fleet: dict[str, str]) -> None:
    told = drawn(run, fleet, "--size", "10", "--seed", "3")
    suite = open_suite("books")
    assert (told["reference"], told["state"], told["cases"]) == ("books@1", "frozen", len(suite.cases))
    assert suite.agent == AGENT
    assert suite.drawn is not None
    assert told["drawn"]["sessions"] == suite.drawn.sessions > 10
    assert told["consent"] == {"synthetic": len(suite.cases)}
    assert told["with_reference"] > 0
    assert sum(row["cases"] for row in told["strata"]) == len(suite.cases)
    assert sum(row["share_of_sessions"] or 0 for row in told["strata"]) == pytest.approx(1, abs=1e-4)
    assert {case.provenance.agent_id for case in suite.cases} == {AGENT}
    assert all(case.messages[-1].speaker == "user" and case.recorded for case in suite.cases)
    assert "customer" not in Path("suites/books/cases.jsonl").read_text()
    page = run("show", "books")
    assert page.exit_code == 0
    assert "books@1" in page.stdout
    assert f"{len(suite.cases)} cases of {AGENT}, frozen; consent: {len(suite.cases)} synthetic" in page.stdout
    assert "correctness 3 (judge)" in page.stdout
    assert "! " in page.stdout
    again = orjson.loads(run("show", "suites/books", "--json").stdout)
    assert again == told | {"folder": None}


def test_the_same_seed_draws_the_same(run: Callable[..., Result], fleet: dict[str, str]) -> None:
    hashes = [
        drawn(run, fleet, "--size", "8", "--seed", seed, "--out", out)["strata"]
        for seed, out in (("3", "one"), ("3", "two"))
    ]
    assert hashes[0] == hashes[1]
    first, second = (open_suite("books", Path(out)) for out in ("one", "two"))
    assert [case.case_id for case in first.cases] == [case.case_id for case in second.cases]
    assert [one.provenance.inclusion for one in first.cases] == [one.provenance.inclusion for one in second.cases]


def test_what_was_edited_is_told_and_frozen(run: Callable[..., Result], fleet: dict[str, str]) -> None:
    drawn(run, fleet, "--size", "6")
    header = Path("suites/books/suite.yaml")
    header.write_text(header.read_text().replace("bar: 0.7", "bar: 0.8"))
    assert "edited since version 1 was frozen" in run("show", "books").stdout
    told = orjson.loads(run("diff", "books", "--json").stdout)
    assert told["from"] == "books@1"
    assert {one["change"] for one in told["rubrics"]} == {"bar: 0.7 -> 0.8"}
    assert "~ rubric *: bar: 0.7 -> 0.8" in run("diff", "books").stdout
    page = run("refresh", "books", "--add", "0")
    assert page.exit_code == 0, page.output
    assert "-> books@2" in page.stdout
    assert "what was edited is frozen in it" in page.stdout
    assert open_suite("books").state == "frozen"
    assert read_suite(Path("suites/books"), 1).rubrics[0].bar == 0.7
    both = run("diff", "books@1", "books@2")
    assert "books@1 -> books@2" in both.stdout
    nothing = run("refresh", "books", "--add", "0")
    assert "no new version" in nothing.stdout


def test_a_refresh_adds_what_no_case_asks(run: Callable[..., Result], fleet: dict[str, str]) -> None:
    told = drawn(run, fleet, "--size", "4", "--minimum", "1")
    moved = run("diff", "books", "--live", "--since", "1d", "--json")
    assert moved.exit_code == 0, moved.output
    assert orjson.loads(moved.stdout)["live"]["distance"] == pytest.approx(0, abs=1e-4)
    ended = run("refresh", "books", "--since", "1d", "--add", "3", "--json")
    assert ended.exit_code == 0, ended.output
    refreshed = orjson.loads(ended.stdout)
    suite = open_suite("books@2" if refreshed["changed"] else "books@1")
    assert len(suite.cases) == told["cases"] + len(refreshed["added"])
    assert refreshed["changed"] == bool(refreshed["added"])
    assert 0 < refreshed["covered"] <= 1
    first = read_suite(Path("suites/books"), 1)
    assert suite.cases[: len(first.cases)] == first.cases


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("create", "a b", "--agent", "x"), ExitCode.CONFIGURATION, "'a b' is no name of a suite"),
        (("create", "x", "--agent", "nobody"), ExitCode.CONFIGURATION, "no live session of agent nobody of tenant"),
        (
            ("create", "x", "--agent", "y", "--since", "2026-01-02", "--until", "2026-01-01"),
            ExitCode.CONFIGURATION,
            "is not before --until",
        ),
        (("show", "nothing"), ExitCode.CONFIGURATION, "there is no suite of this name"),
        (("diff", "nothing"), ExitCode.CONFIGURATION, "there is no suite of this name"),
        (("refresh", "nothing"), ExitCode.CONFIGURATION, "there is no suite of this name"),
        (("create", "x"), ExitCode.USAGE, "--agent"),
    ],
)
def test_mistakes(run: Callable[..., Result], words: tuple[str, ...], code: ExitCode, told: str) -> None:
    ended = run(*words)
    assert ended.exit_code == code
    assert told in ended.stderr


def test_what_is_there_is_not_drawn_over(run: Callable[..., Result], fleet: dict[str, str]) -> None:
    drawn(run, fleet, "--size", "4")
    ended = run("create", "books", "--agent", AGENT)
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "is there already: bring it up to date with" in ended.stderr
    ended = run("refresh", "books@1")
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "books@1 is frozen: refresh books" in ended.stderr
