"""docker-compose.yml is what the compose specification says, by its published schema and by `docker compose` itself."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PASSWORDS = (
    "WATCHKEEPER_CLICKHOUSE_PASSWORD",
    "GRAFANA_CLICKHOUSE_PASSWORD",
    "GRAFANA_ADMIN_PASSWORD",
    "WATCHKEEPER_CONSOLE_TOKEN",
)


@pytest.fixture(scope="module")
def schema() -> jsonschema_rs.Draft202012Validator:
    # The file alone is read: the package itself wants a newer click than Faust allows, and cannot be imported.
    held = distribution("check-jsonschema").locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json")
    return jsonschema_rs.Draft202012Validator(orjson.loads(Path(str(held)).read_bytes()), validate_formats=True)


def test_it_is_valid(schema: jsonschema_rs.Draft202012Validator) -> None:
    wrong = [f"{error.instance_path}: {error.message}" for error in schema.iter_errors(COMPOSE)]
    assert wrong == []


@pytest.mark.parametrize(
    ("service", "field", "value"),
    [
        ("worker", "restart", ["always"]),
        ("worker", "healthchek", {"test": ["CMD", "true"]}),
        ("kafka", "healthcheck", {"test": 1}),
        ("grafana", "depends_on", {"clickhouse": {"condition": "service_started_once"}}),
        ("clickhouse", "ports", "8123:8123"),
    ],
)
def test_the_schema_sees_mistakes(
    schema: jsonschema_rs.Draft202012Validator, service: str, field: str, value: object
) -> None:
    broken = copy.deepcopy(COMPOSE)
    broken["services"][service][field] = value
    assert not schema.is_valid(broken)


def _compose() -> list[str]:
    """The command of compose v2; skips where it is missing."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose: the plugin is not installed here")
    return [docker, "compose", "--project-directory", str(ROOT), "--file", str(ROOT / "docker-compose.yml")]


def _config(*arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    # No .env of a developer is read: what stands there would hide a password that is not required.
    command = [*_compose(), "--env-file", os.devnull, "config", *arguments]
    kept = {name: value for name, value in os.environ.items() if name not in PASSWORDS}
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**kept, **given})


def test_docker_compose_reads_it() -> None:
    ended = _config("--format", "json", **dict.fromkeys(PASSWORDS, "secret"))
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["services"].keys() == COMPOSE["services"].keys()


@pytest.mark.parametrize("missing", PASSWORDS)
def test_docker_compose_wants_each_password(missing: str) -> None:
    ended = _config("--quiet", **{name: "secret" for name in PASSWORDS if name != missing})
    assert ended.returncode != 0
    assert "deploy/make_env.py" in ended.stderr
