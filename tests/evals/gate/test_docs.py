"""docs/evals/gate.md: its workflow is one, and its commands exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.root import watchkeeper

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "evals" / "gate.md").read_text()


def workflow() -> dict[Any, Any]:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    found = yaml.safe_load(block)
    assert isinstance(found, dict)
    return found


def scripts() -> list[str]:
    (job,) = workflow()["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


def commands() -> list[list[str]]:
    # Expressions are put in before the shell sees the line.
    lines = [re.sub(r"\$\{\{.*?\}\}", "/place", line) for script in scripts() for line in script.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    indented = re.findall(r"^ {4}(watchkeeper .*)$", PAGE, flags=re.MULTILINE)
    return [shlex.split(line) for line in [*parts, *indented] if line.startswith("watchkeeper ")]


def test_the_workflow_is_one() -> None:
    found = workflow()
    # YAML 1.1 reads the key `on` as true.
    assert set(found) == {"name", True, "jobs"}
    assert set(found[True]) == {"pull_request"}
    (job,) = found["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert "@" in step.get("uses", "@")


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words[:8]))
def test_its_commands_are_understood(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found: click.Command = watchkeeper
    rest = words[1:]
    while isinstance(found, click.Group):
        _, below, rest = found.resolve_command(click.Context(found), rest)
        assert below is not None
        found = below
    with found.make_context(found.name, list(rest)) as context:
        assert context.params["candidate"]


def test_there_are_commands_and_what_a_run_keeps_is_what_the_next_reads() -> None:
    found = commands()
    assert len(found) == 3
    kept = found[0][found[0].index("--out") + 1]
    assert Path(kept).name == found[1][found[1].index("--baseline") + 1]
    assert "$GITHUB_STEP_SUMMARY" in found[1]


def test_the_extras_that_it_installs_exist() -> None:
    extras = re.search(r"watchkeeper\[(.*?)\]", "\n".join(scripts()))
    assert extras is not None
    table = (ROOT / "pyproject.toml").read_text()
    assert all(f"\n{name} = [" in table for name in extras[1].split(","))


def test_its_exit_codes_are_the_command_s() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d) \|", PAGE, flags=re.MULTILINE)}
    assert listed == {ExitCode.OK, ExitCode.WORSE, ExitCode.UNDECIDED}
