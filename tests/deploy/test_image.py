"""What the Dockerfile builds, built without Docker: by its own commands, fresh, of the files that it copies alone."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
COMMANDS = sorted(tuple(service["command"]) for service in COMPOSE["services"].values() if "build" in service)
IN_IMAGE = "/opt/watchkeeper"


def build_steps() -> list[list[str]]:
    """The words of RUN and COPY of the first stage, in order."""
    stage = DOCKERFILE.split("\nFROM ")[1]
    assert " AS build" in stage.splitlines()[0]
    return [shlex.split(line) for line in stage.splitlines() if re.match(r"(RUN|COPY) ", line)]


def copy_in(sources: list[str], target: str, context: Path) -> None:
    """Does what COPY does, without what .dockerignore keeps out."""
    for source in sources:
        place = context / (Path(target) / source if len(sources) > 1 else target)
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        else:
            shutil.copy(ROOT / source, place)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the image holds Python 3.11")
def test_it_builds_and_runs_what_compose_starts(tmp_path: Path) -> None:
    context, image = tmp_path / "src", tmp_path / "image"
    context.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "WATCHKEEPER"))}
    environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    for kind, *words in build_steps():
        if kind == "COPY":
            copy_in(words[:-1], words[-1], context)
            continue
        command = [word.replace(IN_IMAGE, str(image)) for word in words]
        if command[0] == "python":
            command[0] = sys.executable
        ended = subprocess.run(command, cwd=context, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{shlex.join(words)}\n{ended.stdout[-2000:]}\n{ended.stderr[-2000:]}"
    shutil.rmtree(context)
    entry = re.search(r'^ENTRYPOINT \["(\w+)"\]$', DOCKERFILE, re.MULTILINE)
    assert entry is not None
    home = tmp_path / "home"
    home.mkdir()
    for arguments in COMMANDS:
        ended = subprocess.run(
            [str(image / "bin" / entry[1]), *arguments, "--help"],
            cwd=home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"{shlex.join(arguments)}\n{ended.stderr[-2000:]}"
        assert f"watchkeeper {shlex.join(arguments)}" in ended.stdout
    # Where a command imports what it needs only when it runs, its help tells nothing.
    names = ("stream_processors.worker", "stream_processors.rollups", "cli.stack.broker")
    parts = "; ".join(f"import watchkeeper.{name}" for name in names)
    subprocess.run([str(image / "bin" / "python"), "-c", parts], cwd=home, env=environment, check=True)


def test_pip_takes_locked_wheels_alone() -> None:
    installs = [words for kind, *words in build_steps() if kind == "RUN" and "install" in words]
    assert [("--require-hashes" in words or "--no-deps" in words) for words in installs] == [True, True]
    assert installs[0][-2:] == ["-r", "requirements/local.txt"]
    assert installs[0][installs[0].index("--only-binary") + 1] == ":all:"
