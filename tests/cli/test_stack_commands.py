"""`watchkeeper up`, `status`, `doctor`, `worker`, `migrate` and `down`, as processes, on a stack of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.root import watchkeeper
from watchkeeper.cli.stack.child import free_port
from watchkeeper.schemas import migrations

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home") / "watch"


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WATCHKEEPER_")}
    return {**kept, "WATCHKEEPER_HOME": str(home)}


@pytest.fixture(scope="module")
def cli(environment: dict[str, str]) -> Iterator[Cli]:
    """Runs a command as a process; whatever it started is stopped at the end."""

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "watchkeeper.cli.main", *args],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
            timeout=120,
        )

    yield run
    run("down")


@pytest.fixture
def here(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in this process: that saves its start."""
    for name in ("WATCHKEEPER_CLICKHOUSE_DSN", "WATCHKEEPER_KAFKA_BOOTSTRAP"):
        monkeypatch.delenv(name, raising=False)

    def run(*args: str) -> Result:
        return CliRunner().invoke(watchkeeper, args, env=environment, catch_exceptions=False)

    return run


def test_before_a_start_nothing_runs(here: Callable[..., Result], home: Path) -> None:
    told = here("status")
    assert told.exit_code == ExitCode.FAILED
    assert told.stdout.startswith("stopped")
    assert here("down").stdout == f"no stack runs in {home}\n"
    assert here("down").exit_code == ExitCode.OK


def test_a_stack_goes_up_and_down_and_every_command_finds_it(cli: Cli, here: Callable[..., Result], home: Path) -> None:
    port = free_port()
    up = cli("up", "--kafka-port", str(port))
    assert up.returncode == ExitCode.OK, up.stderr
    assert f"export WATCHKEEPER_KAFKA_BOOTSTRAP=127.0.0.1:{port}" in up.stdout
    second = here("up")
    assert second.exit_code == ExitCode.FAILED
    assert "`watchkeeper down` stops it" in second.stderr
    _check_that_commands_find_it(here, home, port)
    down = cli("down")
    assert down.returncode == ExitCode.OK
    assert f"the data stay in {home}" in down.stdout
    assert orjson.loads(here("status", "--json").stdout)["state"] == "stopped"
    assert here("sessions").exit_code == ExitCode.CONFIGURATION


def _check_that_commands_find_it(here: Callable[..., Result], home: Path, port: int) -> None:
    told = orjson.loads(here("status", "--json").stdout)
    assert told["state"] == "running"
    parts = {part["name"]: part["state"] for part in told["parts"]}
    assert parts == dict.fromkeys(
        ("broker", "clickhouse", "worker", "rollups", "scheduler", "alerts", "console"), "running"
    )
    shown = here("status")
    assert shown.exit_code == ExitCode.OK
    assert f"127.0.0.1:{port}" in shown.stdout
    checked = here("doctor", "--json")
    checks = orjson.loads(checked.stdout)
    assert checked.exit_code == (ExitCode.FAILED if checks["failed"] else ExitCode.OK)
    verdicts = {check["name"]: check["verdict"] for check in checks["checks"]}
    assert (verdicts["broker"], verdicts["clickhouse"], verdicts["worker"]) == ("ok", "ok", "ok")
    assert here("migrate").stdout == "up to date\n"
    assert here("sessions").stdout.startswith("no sessions")
    stopped = here("stop", "--agent", "support", "--reason", "try it", "--json")
    assert orjson.loads(stopped.stdout)["target"] == {"kind": "agent", "id": "support"}
    shell = here("status", "--env").stdout
    assert f"export WATCHKEEPER_HOME={home}" in shell
    assert "export WATCHKEEPER_CLICKHOUSE_DSN=http://watchkeeper:" in shell


def test_a_check_that_fails_is_1(here: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = here("doctor", "--home", str(tmp_path / "file" / "below"))
    assert told.exit_code == ExitCode.FAILED
    assert "fail" in told.stdout


def test_a_port_that_is_taken_is_an_error_with_the_remedy(here: Callable[..., Result], broker: str) -> None:
    port = broker.rpartition(":")[2]
    taken = here("up", "--kafka-port", port)
    assert taken.exit_code == ExitCode.FAILED
    assert f"another program listens on port {port}: give another --kafka-port" in taken.stderr


def test_migrate_names_what_it_would_apply_and_applies_it(run: Callable[..., Result], clickhouse: str) -> None:
    names = [migration.name for migration in migrations.load()]
    fresh = f"{clickhouse.rpartition('/')[0]}/cli_{os.getpid()}"
    dry = run("migrate", "--dry-run", "--clickhouse", fresh)
    assert dry.stdout.splitlines() == [f"would apply {name}" for name in names]
    done = run("migrate", "--json", "--clickhouse", fresh)
    document = orjson.loads(done.stdout)
    assert document["applied"] == names
    assert document["dry_run"] is False
    assert ":" not in document["database"].removeprefix("http://127.0.0.1:")
    assert run("migrate", "--clickhouse", fresh).stdout == "up to date\n"
    refused = run("migrate", "--cluster", "a b", "--clickhouse", fresh)
    assert refused.exit_code == ExitCode.CONFIGURATION


def test_a_worker_that_is_told_nothing_useful_says_so(cli: Cli) -> None:
    ended = cli("worker", "--kafka", "127.0.0.1:1", "--clickhouse", "nonsense")
    assert ended.returncode == ExitCode.CONFIGURATION
    assert "ClickHouse address" in ended.stderr
    assert "Traceback" not in ended.stderr
