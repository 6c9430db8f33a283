"""`watchkeeper demo` as people and CI run it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psutil  # type: ignore[import-untyped] # ships no types
import pytest

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.producers.fleet.scenarios import REGISTRY

SECONDS = 420
CLI = [sys.executable, "-m", "watchkeeper.cli.main"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing that names a stack; temporary directories of the demo's go below `tmp_path`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WATCHKEEPER_")}
    return kept | {"TMPDIR": str(tmp_path)}


@pytest.fixture
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """Afterwards no process has anything to do with this test's directory."""
    yield
    deadline = time.monotonic() + 15
    while (left := _processes_of(tmp_path)) and time.monotonic() < deadline:
        psutil.wait_procs(left, timeout=0.2)
    assert left == []


def _processes_of(directory: Path) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if str(directory) in " ".join(one.info["cmdline"] or ())]


def _run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLI, *words], env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_an_unknown_scenario_is_refused_before_anything_starts(environment: dict[str, str], tmp_path: Path) -> None:
    ran = _run(environment, "demo", "--only", "nonsense")
    assert ran.returncode == ExitCode.CONFIGURATION
    assert "no scenario 'nonsense'; there are: everyday-refund" in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_directory_without_a_stack_is_refused_with_the_way_to_start_one(
    environment: dict[str, str], tmp_path: Path
) -> None:
    ran = _run(environment, "demo", "--home", str(tmp_path / "none"))
    assert ran.returncode == ExitCode.CONFIGURATION
    assert "watchkeeper up --simulated-acts --home" in ran.stderr


@pytest.mark.long
@pytest.mark.usefixtures("nothing_left", "interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_interrupted_leaves_nothing(
    number: signal.Signals, environment: dict[str, str], tmp_path: Path
) -> None:
    with subprocess.Popen(
        [*CLI, "demo", "--only", "everyday-refund"], env=environment, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        # The stack is up once this line is said.
        assert any("Waiting for the first session" in line for line in iter(demo.stdout.readline, ""))
        demo.send_signal(number)
        demo.stdout.read()
        assert demo.wait(30) == {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: 128 + 15}[number]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.usefixtures("nothing_left")
def test_the_whole_demo_finds_what_was_injected_and_can_be_looked_into(
    environment: dict[str, str], tmp_path: Path
) -> None:
    ran = _run(environment, "demo", "--json", "--keep")
    document: dict[str, Any] = orjson.loads(ran.stdout)
    try:
        assert document["unexpected"] == []
        assert [one for one in document["scenarios"] if not one["passed"]] == []
        assert (ran.returncode, document["passed"]) == (ExitCode.OK, True), ran.stderr[-3000:]
        assert {one["scenario"] for one in document["scenarios"]} == {scenario.name for scenario in REGISTRY}
        assert document["injected"] == document["found"] > 0
        assert document["stopped"] == document["must_stop"] == sum(scenario.stopped for scenario in REGISTRY)
        assert document["seconds_to_finding"]["median"] < 2
        assert document["unpriced_models"] == ["house-model-7b"]
        assert len(document["look_further"]) == 3
        for line in document["look_further"]:
            looked = _run(environment, *shlex.split(line)[1:])
            assert (looked.returncode, looked.stderr) == (ExitCode.OK, ""), line
            assert looked.stdout.strip()
        again = _run(environment, "demo", "--json", "--home", document["home"], "--only", "capped-share", "--seed", "1")
        assert orjson.loads(again.stdout)["passed"], again.stdout
    finally:
        _run(environment, "down", "--home", document["home"])
