"""`watchkeeper policy new` and `schema`: what they write can be used, and an editor finds help for every field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from click.testing import CliRunner, Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.policies.kinds import KINDS, SCHEMA_NAME, example, schema_text
from watchkeeper.cli.root import watchkeeper
from watchkeeper.schemas.policy_file import load_policy, read_policy


def policy(*args: str) -> Result:
    return CliRunner().invoke(watchkeeper, ["policy", *args], catch_exceptions=False)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_passes_the_check_without_a_warning(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    written = policy("new", "--kind", kind, "--agent", "my-agent", str(path))
    assert written.exit_code == ExitCode.OK, written.output
    assert load_policy(path).agent == "my-agent"
    ended = policy("check", "--strict", str(path))
    assert ended.exit_code == ExitCode.OK, ended.stdout
    assert path.read_text().splitlines()[0] == f"# yaml-language-server: $schema={SCHEMA_NAME}"
    assert (tmp_path / SCHEMA_NAME).read_text() == schema_text()


def test_every_example_has_its_kind() -> None:
    folder = Path(__file__).parents[3] / "cli" / "policies" / "examples"
    assert {path.stem for path in folder.glob("*.yaml")} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_takes_the_example_and_not_a_misspelt_one(kind: str) -> None:
    validator = jsonschema_rs.validator_for(json.loads(schema_text()))
    document = yaml.safe_load(example(kind))
    assert validator.is_valid(document)
    assert not validator.is_valid(document | {"cap": {}})
    assert not validator.is_valid(document | {"mode": "enforced"})


@pytest.mark.parametrize(
    "agent",
    ["support", "no", "12", "a: b", 'say "hi"', "-", "café", "on-call", "a\tb", "~", "\x7f", "\u2028", "😀", "\\"],
)
def test_any_name_is_the_agents(agent: str) -> None:
    assert read_policy(example("support", agent).encode(), "x").policy.agent == agent


def test_a_name_that_is_none_is_refused() -> None:
    ended = policy("new", "--kind", "support", "--agent", "")
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "1 to 256 characters" in ended.stderr


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("agent: mine\n")
    refused = policy("new", "--kind", "coding", str(path))
    assert refused.exit_code == ExitCode.CONFIGURATION
    assert "--force" in refused.stderr
    assert path.read_text() == "agent: mine\n"
    assert policy("new", "--kind", "coding", "--force", str(path)).exit_code == ExitCode.OK
    assert load_policy(path).agent == "coder"


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    ended = policy("new", "--kind", "coding", str(tmp_path / "none" / "mine.yaml"))
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "cannot be written (No such file or directory)" in ended.stderr


def test_the_schema_is_printed_or_written(tmp_path: Path) -> None:
    shown = policy("schema")
    assert shown.stdout == schema_text()
    assert policy("schema", "--output", str(tmp_path / "s.json")).exit_code == ExitCode.OK
    assert (tmp_path / "s.json").read_text() == shown.stdout


def test_every_field_has_help_for_editors() -> None:
    schema = json.loads(schema_text())
    models: dict[str, Any] = {"AgentPolicy": schema, **schema["$defs"]}
    silent = [
        f"{model}.{name}"
        for model, body in models.items()
        for name, field in body.get("properties", {}).items()
        if not field.get("description")
    ]
    assert silent == []
